"""Back in the form of the MAPD paper's repository: three files a student, dataset and round.

``correct_rationale`` is made anew from the decisions in force; all else goes back as it came.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from studio.domain.errors import ExportError
from studio.domain.records import Attempt, Question
from studio.flow.exports.cases import Filter
from studio.flow.formats.committee import (
    ACCEPTED,
    PARTS,
    Origin,
    file_name,
    in_order,
    score_back,
    written,
)
from studio.store import views
from studio.store.tables import Store

Record = dict[str, Any]


class Told(NamedTuple):
    """What teachers said about one attempt."""

    explanations: Mapping[str, str]
    rationales: Mapping[str, Any]  #: rows: id, text, accepted
    carried: Mapping[str, Mapping[str, Any]]  #: by part of the source


def write_committee(store: Store, folder: Path, wanted: Filter) -> list[tuple[str, int]]:
    """Write the files; returns each with its number of records.

    Raises ExportError when there is no mistake to write.
    """
    groups: defaultdict[Origin, list[str]] = defaultdict(list)
    for row in store.rows(views.COMMITTEE_ATTEMPTS, wanted.student, wanted.round):
        groups[Origin(row["student"], row["dataset"], row["round"])].append(row["id"])
    if not groups:
        raise ExportError("there is no mistake to export: run 'mapd-studio run … grade' first")
    files = []
    used: set[str] = set()
    for origin, attempt_ids in groups.items():
        called = _apart(origin, used)
        for part in PARTS:
            name = _safe(file_name(called, part))
            n = _write_list(folder / name, _records(store, attempt_ids, part))
            if n:
                files.append((name, n))
            else:
                (folder / name).unlink()
    return files


def _records(store: Store, attempt_ids: list[str], part: str) -> Iterator[Record]:
    teachers = in_order(_teachers(store, attempt_ids))
    for attempt_id in attempt_ids:
        attempt = store.get(Attempt, attempt_id)
        question = None if attempt is None else store.get(Question, attempt.question_id)
        if attempt is None or question is None:
            continue
        told = _told(store, attempt)
        record = written(question, attempt)
        if part == "feedback":
            said = _feedback(told, teachers)
        elif part == "rationale":
            said = _rationales(store, told, teachers)
        else:
            said = dict(told.carried.get("false", {}))
        if said or part == "false":
            yield {**record, **said}


def _told(store: Store, attempt: Attempt) -> Told:
    said = store.rows(views.COMMITTEE_EXPLANATIONS, attempt.id)
    made = store.rows(views.COMMITTEE_RATIONALES, attempt.question_id, attempt.sample)
    carried = {k: v for k, v in store.carried(attempt.id).items() if k in PARTS}
    return Told(
        {row["teacher"]: row["text"] for row in said},
        {row["teacher"]: row for row in made},
        carried,
    )


def _feedback(told: Told, teachers: Iterable[str]) -> Record:
    left = told.carried.get("feedback", {})
    if not told.explanations and not left:
        return {}
    said: Record = {
        f"{name}_feedback": told.explanations.get(name, left.get(f"{name}_feedback"))
        for name in teachers
    }
    return said | {field: left[field] for field in left if field not in said}


def _rationales(store: Store, told: Told, teachers: list[str]) -> Record:
    left = told.carried.get("rationale", {})
    if not told.rationales and not left:
        return {}
    said: Record = {}
    for name in teachers:
        others = [other for other in teachers if other != name]
        row = told.rationales.get(name)
        field = f"{name}_rationale"
        if row is None:
            said[field] = left.get(field, [None] * (1 + len(others)))
        else:
            scores = {v["reviewer"]: v for v in store.rows(views.COMMITTEE_SCORES, row["id"])}
            said[field] = [row["text"], *(_score(scores.get(other)) for other in others)]
    made = (told.rationales.get(name) for name in teachers)
    said[ACCEPTED] = [row["text"] for row in made if row is not None and row["accepted"]]
    return said | {field: left[field] for field in left if field not in said}


def _score(review: Any) -> Any:
    return None if review is None else score_back(review["score"], review["source_score"])


def _teachers(store: Store, attempt_ids: list[str]) -> list[str]:
    rows = store.rows(views.COMMITTEE_TEACHERS, json.dumps(attempt_ids))
    return [row["teacher"] for row in rows]


def _write_list(path: Path, records: Iterable[Record]) -> int:
    """Write a JSON list the way the authors do: an indent of one, no escapes."""
    n = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for n, record in enumerate(records, start=1):
            text = json.dumps(record, ensure_ascii=False, indent=1).replace("\n", "\n ")
            file.write(f"{',' if n > 1 else '['}\n {text}")
        file.write("\n]" if n else "")
        file.flush()
        os.fsync(file.fileno())
    return n


def _apart(origin: Origin, used: set[str]) -> Origin:
    """Return it as its files are called: by no name of another's, whatever the case of its letters."""
    called, n = origin, 1
    while (name := _safe(file_name(called, PARTS[0])).casefold()) in used:
        n += 1
        called = origin._replace(student=f"{origin.student}-{n}")
    used.add(name)
    return called


def _safe(name: str) -> str:
    """Return a file name without separators: a student may be named by its path."""
    return "".join("-" if char in '/\\:*?"<>|' or ord(char) < 32 else char for char in name)
