"""Where a project stands: the counts of the overview and of ``mapd-studio status``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from studio.domain.visible import in_markdown
from studio.flow.checks import flag_counts, other_models
from studio.flow.cost import ledger
from studio.flow.grades import graded_by_older_rules
from studio.flow.quality import quality_of
from studio.store import views

if TYPE_CHECKING:
    from studio.store.tables import Store


def status(store: Store) -> dict[str, Any]:
    """Return the counts of ``status --json`` (the shape is a contract, see README)."""
    return {
        "questions": _counts(store, views.QUESTION_COUNTS, "train", "test"),
        "attempts": store.value("SELECT count(*) FROM attempts"),
        "grades": _grades(store),
        "graded_by_older_rules": graded_by_older_rules(store),
        "students": _students(store),
        "explanations": store.value("SELECT count(*) FROM explanations"),
        "rationales": store.value("SELECT count(*) FROM current_rationales"),
        "reviews": _counts(store, views.REVIEW_COUNTS, "valid", "missing"),
        "decisions": _decisions(store),
        "accepted_by_teacher": {row[0]: row[1] for row in store.rows(views.ACCEPTED_BY_TEACHER)},
        "questions_covered": store.value(views.QUESTIONS_COVERED),
        "calls": _calls(store),
        "quality": quality_of(store).model_dump(),
        "flags": flag_counts(store),
        "other_models": [one._asdict() for one in other_models(store)],
        "ledger": [line._asdict() for line in ledger(store)],
        "runs": _runs(store),
        "rounds": _rounds(store),
    }


def _counts(store: Store, query: str, *names: str) -> dict[str, int]:
    found = {row[0]: row[1] for row in store.rows(query)}
    return {name: found.get(name, 0) for name in names}


def _grades(store: Store) -> dict[str, int]:
    rows = {row["verdict"]: row for row in store.rows(views.GRADE_COUNTS)}
    counts = {
        name: rows[name]["n"] if name in rows else 0 for name in ("correct", "wrong", "unreadable")
    }
    return {**counts, "doubtful": sum(row["doubtful"] for row in rows.values())}


def _students(store: Store) -> dict[str, dict[str, Any]]:
    return {
        row["student"]: {
            "attempts": row["attempts"],
            "correct": row["correct"],
            "accuracy": row["correct"] / row["attempts"] if row["graded"] else None,
        }
        for row in store.rows(views.STUDENT_COUNTS)
    }


def _decisions(store: Store) -> dict[str, int]:
    row = store.one(views.DECISION_COUNTS)
    assert row is not None  # an aggregate always has one row
    return {name: row[name] or 0 for name in ("accepted", "rejected", "overridden")}


def _calls(store: Store) -> dict[str, Any]:
    row = store.one(views.CALL_COUNTS)
    assert row is not None  # an aggregate always has one row
    return dict(row)


def _rounds(store: Store) -> list[dict[str, Any]]:
    from studio.flow.casebook import Casebook  # brings numpy: not for every verb
    from studio.flow.round_funnel import rounds
    from studio.flow.scorebook import Scorebook

    return [one.as_json() for one in rounds(store, Casebook(store), Scorebook(store))]


def _runs(store: Store) -> list[dict[str, Any]]:
    runs = []
    for row in store.rows(views.RUNS):
        result = json.loads(row["result"])
        runs.append({
            **{name: row[name] for name in ("id", "method", "student", "state", "step", "steps")},
            "loss": row["loss"], "accuracy": result.get("accuracy"), "message": row["message"],
        })  # fmt: skip
    return runs


def status_in_markdown(store: Store) -> str:
    """Return where the project stands, as a Markdown table."""
    rows = []
    for name, value in status(store).items():
        cells = value.items() if isinstance(value, dict) else [("", value)]
        for part, number in cells:
            if not isinstance(number, dict | list):
                rows.append((in_markdown(f"{name} {part}".strip().replace("_", " ")), number))
    shown = [f"| {name} | {'–' if n is None else n} |" for name, n in rows]
    return "\n".join(("| what | n |", "|---|---|", *shown))
