"""One round as a single HTML file that opens anywhere, offline: counts, charts, policy, examples.

Nothing in it is loaded or run: styles and charts stand in the file, scripts are forbidden to it, and
whatever a model wrote is escaped text with nothing hidden.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from studio import __version__
from studio.domain.errors import ExportError, StudioError
from studio.domain.records import Dataset, Question, Run
from studio.domain.visible import visible
from studio.flow.evaluation import Evaluation, evaluate
from studio.flow.report_charts import accuracy_chart, curve_chart
from studio.flow.reviewers import calibrate
from studio.flow.run_curves import RunCurves, read_curves
from studio.flow.scorebook import Scorebook
from studio.prompts import question_text, resources
from studio.store import report_views
from studio.store.tables import Store

EXAMPLES = 8  #: of fixed and of broken questions each
_LONGEST = 3_000  #: characters of one text
_MADE = "by MAPD Studio"  #: stands in every report, and tells one from any other file


class Round(NamedTuple):
    """What a report is about."""

    number: int
    student: str  #: who sat the exam; empty when nobody did
    run: Run | None
    state: str
    tuned: str  #: the student that the run made; empty without one


def round_of(store: Store, number: int | None = None) -> Round:
    """Return a round with its newest run; without a number the newest round.

    Raises:
        StudioError: there is no such round.
    """
    newest = store.value(report_views.NEWEST_ROUND)
    wanted = newest if number is None else number
    if wanted is None or not store.value(report_views.HAS_ROUND, wanted):
        raise StudioError(
            "nothing to report yet: let a student sit the exam with 'mapd-studio run PROJECT attempt'"
            if number is None else f"there is no round {number}: the newest is {newest}"
        )  # fmt: skip
    row = store.one(report_views.RUN_OF_ROUND, wanted)
    run = None if row is None else store.get(Run, row["id"])
    student = run.student if run is not None else store.value(report_views.STUDENT_OF_ROUND, wanted)
    tuned = store.value(report_views.STUDENT_OF_RUN, run.id) if run is not None else None
    return Round(wanted, student or "", run, row["state"] if row else "", tuned or "")


def report(store: Store, number: int | None = None) -> str:
    """Return the report of a round as one HTML document (see ``round_of``)."""
    about = round_of(store, number)
    name = _text(store.path.name)
    parts = [
        f"<h1>{name}: round {about.number}</h1>",
        f"<p class=dim>Made {time.strftime('%Y-%m-%d %H:%M')} {_MADE} {escape(__version__)}"
        f"{_scripted(store)}</p>",
        *_measured(store, about), *_funnel(store, about), *_policy(store), *_reviewers(store),
        *_training(store, about), *_cost(store),
    ]  # fmt: skip
    style = (resources() / "report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width">'
        f"<title>{name}: round {about.number}</title><style>{style}</style></head><body><main>\n"
        + "\n".join(parts) + "\n</main></body></html>\n"
    )  # fmt: skip


def _scripted(store: Store) -> str:
    names = [teacher.name for teacher in store.teachers(active=False) if teacher.scripted]
    return f". Scripted, no model answered: {_text(', '.join(names))}" if names else ""


def _measured(store: Store, about: Round) -> list[str]:
    if not about.tuned:
        return ["<h2>What it brought</h2>", "<p>Nothing was trained in this round.</p>"]
    try:
        found = evaluate(store, student=about.tuned, base=about.student)
    except StudioError as error:
        return ["<h2>What it brought</h2>", f"<p>{_text(str(error))}</p>"]
    before = f"{found.base.accuracy:.1%} → " if found.base else ""
    low, high = found.tuned.interval
    p_value = "" if found.p_value is None else f", exact McNemar p = {found.p_value:.2g}"
    rows = [
        ("all", found.tuned, found.base),
        *((p.kind or "–", p.tuned, p.base) for p in found.parts),
    ]
    return [
        "<h2>What it brought</h2>",
        f"<p class=big>{before}{found.tuned.accuracy:.1%} of {found.tuned.n:,} held-out questions right</p>",
        f"<p>95 % interval {low:.1%} to {high:.1%}; {len(found.fixed):,} fixed, {len(found.broken):,} "
        f"broken{p_value}. Before: {_text(found.base_student or '–')}, after: {_text(found.student)}.</p>",
        f"<p class=warn>{_text(found.note)}</p>" if found.note else "",
        accuracy_chart([(kind, tuned, base) for kind, tuned, base in rows]),
        *_examples(store, found),
    ]  # fmt: skip


def _examples(store: Store, found: Evaluation) -> list[str]:
    parts: list[str] = []
    for title, ids in (("Fixed: wrong before, right now", found.fixed),
                       ("Broken: right before, wrong now", found.broken)):  # fmt: skip
        if not ids:
            continue
        shown = f" (the first {EXAMPLES})" if len(ids) > EXAMPLES else ""
        parts.append(f"<h3>{title}: {len(ids):,}{shown}</h3>")
        for question in store.get_many(Question, ids[:EXAMPLES]):
            said = {row["student"]: row["text"] for row in store.rows(
                report_views.TWO_ANSWERS, question.id, found.base_student, found.student)}  # fmt: skip
            parts.append(
                f"<details><summary>{_text(' '.join(question.text.split())[:160])}</summary>"
                f"<pre>{_text(question_text(question))}</pre><p>Gold: <b>{_text(question.gold)}</b></p>"
                f"<div class=two><div><b>Before</b><pre>{_text(said.get(found.base_student, '–'))}</pre></div>"
                f"<div><b>After</b><pre>{_text(said.get(found.student, '–'))}</pre></div></div></details>"
            )  # fmt: skip
    return parts


def _funnel(store: Store, about: Round) -> list[str]:
    row = store.one(report_views.FUNNEL, about.student, about.number)
    assert row is not None  # counts always come
    return ["<h2>How much came through</h2>",
            _table(("", "n"), [(name.replace("_", " "), row[name]) for name in row.keys()])]  # fmt: skip # noqa: SIM118


def _policy(store: Store) -> list[str]:
    version, policy = store.policy()
    tally = Scorebook(store).tally(policy)
    rows = [
        ("accepted rationales", tally.accepted), ("rejected", tally.rejected),
        ("questions covered", tally.questions_covered), ("decided by hand", tally.overridden),
        ("accepted but wrong", tally.accepted_but_wrong), ("rejected but right", tally.rejected_but_right),
        *((f"accepted of {name}", n) for name, n in tally.accepted_by_teacher.items()),
    ]  # fmt: skip
    rule = (
        f"version {version}: {policy.describe()}"
        if version
        else f"not applied yet: {policy.describe()}"
    )
    return ["<h2>The rule</h2>", f"<p>{_text(rule)}</p>", _table(("", "n"), rows)]


def _reviewers(store: Store) -> list[str]:
    found = calibrate(store)
    if not found.cards:
        return []
    rows = [
        (card.reviewer, card.n_valid, card.n_missing, card.mean, card.severity, card.high_on_wrong,
         card.n_wrong, card.auc.value, card.flips_without)
        for card in found.cards
    ]  # fmt: skip
    head = (
        "reviewer",
        "reviews",
        "missing",
        "mean",
        "severity",
        "4–5 on wrong",
        "n wrong",
        "AUC",
        "flips without",
    )
    alpha = "–" if found.alpha is None else f"{found.alpha:.2f}"
    return ["<h2>How far each reviewer can be trusted</h2>", _table(head, rows),
            f"<p class=dim>Krippendorff's alpha {alpha} over {found.n_alpha:,} rationales. Severity: mean "
            "difference to peers on the same rationales. AUC: chance that a right rationale gets the higher "
            "score. Flips: decisions that change without this reviewer.</p>"]  # fmt: skip


def _training(store: Store, about: Round) -> list[str]:
    if about.run is None:
        return []
    curves = read_curves(store.path / "runs" / about.run.id)
    dataset = store.get(Dataset, about.run.dataset_id)
    manifest: dict[str, Any] = dict(dataset.manifest) if dataset is not None else {}
    examples = manifest.get("examples", {})
    rows = [
        (f"{split}: {role}", n) for split, roles in examples.items() for role, n in roles.items()
    ]
    spec = [(name, json.dumps(value) if isinstance(value, dict | list) else value)
            for name, value in about.run.spec.items() if name not in ("job", "student")]  # fmt: skip
    return [
        "<h2>Training</h2>", f"<p>Run {_text(about.run.id)}, {_text(about.state)}.</p>",
        *_curves(curves),
        "<h3>What it learned from</h3>", _table(("examples", "n"), rows),
        "<details><summary>Settings</summary>", _table(("", ""), spec), "</details>",
        *(f"<p class=warn>{_text(warning)}</p>" for warning in curves.warnings[:10]),
    ]  # fmt: skip


def _curves(curves: RunCurves) -> Iterable[str]:
    named = {"training": curves.curve("loss"), "held out": curves.curve("val_loss")}
    if any(steps for steps, _ in named.values()):
        yield "<h3>Loss</h3>"
        yield curve_chart({name: pair for name, pair in named.items() if pair[0]})


def _cost(store: Store) -> list[str]:
    rows = [tuple(row) for row in store.rows(report_views.COST)]
    if not rows:
        return []
    shown = [(*row[:-1], "unknown" if row[-1] is None else f"${row[-1]:,.4f}") for row in rows]
    return ["<h2>What the teachers took (all rounds)</h2>",
            _table(("teacher", "stage", "calls", "tokens in", "tokens out", "cost"), shown)]  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    top = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if value is None:
        return "<td class=n>–</td>"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{_text(str(value))}</td>"
    return (
        f"<td class=n>{value:,}</td>"
        if isinstance(value, int)
        else f"<td class=n>{value:,.4g}</td>"
    )


def _text(text: str) -> str:
    """Return a text as it may stand in HTML: escaped, capped, nothing hidden."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return escape(visible(cut))


def write_report(store: Store, out: Path, number: int | None = None) -> Path:
    """Write the report to a file (or into a folder), whole or not at all; returns the file.

    Raises:
        ExportError: something else stands there, or it cannot be written.
        StudioError: there is no such round.
    """
    text = report(store, number)
    file = out if out.suffix else out / f"round-{round_of(store, number).number}.html"
    part = file.with_name(f".{file.name}.part")
    try:
        if (
            file.exists()
            and _MADE not in file.read_text(encoding="utf-8", errors="replace")[:20_000]
        ):
            raise ExportError(
                f"{file} is there already and is no report of ours: name another file"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8") as made:
            made.write(text)
            made.flush()
            os.fsync(made.fileno())
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ExportError(f"{file} cannot be written: {error.strerror or error}") from None
    return file
