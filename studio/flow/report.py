"""A round as one HTML file: what was curated, what was learned, what it fixed and what it broke.

Opens offline in any browser, in light or dark as the reader's system is; needs no script and fetches
nothing. Texts of models are escaped like all others.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import __version__
from studio.domain.agreement import Auc
from studio.domain.errors import StorageError, StudioError
from studio.domain.percent import percent, signed
from studio.domain.records import StudentRecord
from studio.flow.comparison import (
    RunLine,
    by_dataset,
    interval_in_words,
    round_lines,
    run_lines,
    settings_of_run,
)
from studio.flow.evaluation import Evaluation, evaluate
from studio.flow.job_folder import write_file
from studio.flow.reports.html import Markup, join, page, section, table, tag, tile
from studio.flow.reports.svg import Drawn, curves, intervals
from studio.flow.reviewers import calibrate
from studio.flow.run_curves import RunCurves, read_curves
from studio.flow.status import status
from studio.flow.students import base_of
from studio.store import comparison_views, window_views

if TYPE_CHECKING:
    from studio.store.tables import Store

EXAMPLES = 10  #: fixed and broken questions that are shown in full, of each
_DASH = "–"


def write_report(
    store: Store, project: Path, out: Path, *, round: int | None = None, student: str = ""
) -> Path:
    """Write the report of a round; returns where it is.

    Args:
        round: 0 for the first; None for that of ``student``, or else the newest.

    Raises:
        StudioError: there is no such round.
        StorageError: it cannot be written there.
    """
    text = report(store, project, round=round, student=student)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_file(out, [text])
    except OSError as error:
        raise StorageError(
            f"cannot write {out}: {error.strerror or error}; name another file"
        ) from None
    return out


def report(store: Store, project: Path, *, round: int | None = None, student: str = "") -> str:
    """Return the report as HTML."""
    runs = run_lines(store)
    run = _chosen(runs, round=round, student=student)
    number = 0 if run is None else run.round
    title = f"{project.name}, round {number}"
    found = None if run is None or not run.student else _evaluation(store, run.student)
    made = time.strftime("%d %B %Y, %H:%M", time.localtime())
    parts: list[object] = [
        tag("h1", title),
        tag("p", f"Written {made} by MAPD Studio {__version__}", css="dim"),
        *([] if found is None else [_lead(found)]),
        _counts(store),
        *([] if found is None else _gains(store, found)),
        *([] if run is None else _training(project, run)),
        _policy(store),
        _reviewers(store),
        *([] if found is None else _examples(store, found)),
        *_ledger(store, runs),
        *([] if run is None else [_settings(store, run)]),
        _versions(project, run),
    ]
    return page(title, join(parts))


def _chosen(runs: Sequence[RunLine], *, round: int | None, student: str) -> RunLine | None:
    fitting = [run for run in runs if round is None or run.round == round]
    if not fitting and round is not None:
        known = ", ".join(str(n) for n in sorted({run.round for run in runs})) or "none yet"
        raise StudioError(f"there is no run of round {round}: rounds with runs are {known}")
    named = [run for run in fitting if student and run.student == student]
    measured = [run for run in fitting if run.after is not None]
    return next(iter(named or measured or fitting), None)


def _evaluation(store: Store, name: str) -> Evaluation | None:
    student = next(store.all(StudentRecord, "name = ?", name))
    try:
        return evaluate(store, student=name, base=base_of(store, student))
    except StudioError:  # it has not sat the exam: the report says nothing of it
        return None


def _lead(found: Evaluation) -> Markup:
    """Return what came of it all, as the first thing to be read."""
    after = f"{percent(found.tuned.accuracy)} of {found.tuned.n:,} held-out questions right"
    if found.base is None:
        return tag("p", tag("b", after), css="lead")
    before = f"{percent(found.base.accuracy)} → "
    turned = f"{len(found.fixed):,} fixed, {len(found.broken):,} broken"
    gained = signed((found.tuned.accuracy - found.base.accuracy) * 100, 1)
    return tag(
        "p", tag("b", f"{before}{after}"), f", {gained} percentage points: {turned}.", css="lead"
    )


def _counts(store: Store) -> Markup:
    now = status(store)
    funnel = dict(store.one(window_views.FUNNEL) or {})
    graded = not 0 < funnel["ungraded"] == funnel["attempts"]
    mistakes = (f"{funnel['mistakes']:,}", "mistakes at train questions") if graded else (_DASH, "mistakes: nothing is graded yet")  # fmt: skip
    reviews, decided, calls = now["reviews"], now["decisions"], now["calls"]
    cost = calls["cost_usd"]
    price = "" if not calls["done"] else ", price unknown" if cost is None else f", ${cost:,.2f}"
    tiles = (
        (f"{now['questions']['train']:,}", "train questions"),
        (f"{now['questions']['test']:,}", "held-out questions"),
        mistakes,
        (f"{now['explanations']:,}", "explanations"),
        (f"{now['rationales']:,}", "rationales"),
        (f"{reviews['valid']:,}", f"reviews, {reviews['missing']:,} missing"),
        (f"{decided['accepted']:,}", f"accepted, {decided['overridden']:,} by hand"),
        (f"{calls['done']:,}", f"calls{price}"),
    )
    return tag("div", *(tile(*one) for one in tiles), css="tiles")


def _gains(store: Store, found: Evaluation) -> list[Markup]:
    parts = by_dataset(store, found)
    chance = "" if found.p_value is None else f", exact McNemar p = {found.p_value:.2g}"
    base = f"{found.base_student}: {interval_in_words(found.base)}. " if found.base else ""
    said = (f"{base}{found.student}: {interval_in_words(found.tuned)}. "
            f"{len(found.fixed):,} fixed, {len(found.broken):,} broken{chance}.")  # fmt: skip
    picture = intervals((*parts, *found.parts, found.whole._replace(kind="all questions")))
    note = [tag("p", f"⚠ {found.note}", css="bad")] if found.note else []
    return [section("What was learned", tag("p", said), *note, tag("div", picture, css="card"))]


def _training(project: Path, run: RunLine) -> list[Markup]:
    told = read_curves(project / "runs" / run.run)
    pictures = [
        curves("Loss", [Drawn("training", told.of["loss"]), Drawn("held out", told.of["val_loss"], dots=True)]),
        curves("Loss per role", [Drawn(n.removeprefix("loss_"), told.of[n]) for n in told.names("loss_*")]),
        curves("Learning rate", [Drawn("rate", told.of["lr"])]),
        curves("Supervised tokens/s", [Drawn("tokens/s", told.of["tokens_per_s"])]),
    ]  # fmt: skip
    drawn = [tag("div", picture, css="card") for picture in pictures if picture]
    lasted = "" if run.seconds is None else f", {run.seconds / 60:,.1f} minutes"
    said = (f"Run {run.run[:8]} on {run.base}: {run.state} after {run.steps:,} steps{lasted}; "
            f"{run.examples:,} examples from {run.questions:,} questions.")  # fmt: skip
    return [section("Training", tag("p", said), tag("div", *drawn, css="two"))]


def _policy(store: Store) -> Markup:
    number, policy = store.policy()
    told = f"Version {number}" if number else "No version applied yet"
    by_teacher = status(store)["accepted_by_teacher"]
    scripted = {teacher.name for teacher in store.teachers(active=False) if teacher.scripted}
    rows = [
        (f"{name}{' (scripted)' if name in scripted else ''}", f"{n:,}")
        for name, n in by_teacher.items()
    ]
    return section(
        "Which rationales were accepted",
        tag("p", f"{told}: {policy.describe()}. A person's decision outranks it."),
        tag("div", table(("Teacher", "Accepted"), rows, numbers=(1,)), css="card") if rows else "",
    )  # fmt: skip


def _reviewers(store: Store) -> Markup:
    found = calibrate(store)
    rows = [
        (card.reviewer, f"{card.n_valid:,}", f"{card.n_missing:,}", _number(card.mean),
         _DASH if card.severity is None else signed(card.severity),
         f"{_share(card.high_on_wrong)} of {card.n_wrong:,}" if card.n_wrong else _DASH,
         _auc(card.auc), f"{card.flips_without:,}")
        for card in found.cards
    ]  # fmt: skip
    if not rows:
        return Markup("")
    head = ("Reviewer", "Reviews", "Missing", "Mean", "Severity", "4 or 5 to wrong ones",
            "AUC against gold", "Flips without it")  # fmt: skip
    said = (f"Agreement (Krippendorff's alpha): {_number(found.alpha)} over {found.n_alpha:,} rationales"
            " with two scores or more.")  # fmt: skip
    shown = tag("div", table(head, rows, numbers=(1, 2, 3, 4, 5, 6, 7)), css="card")
    return section("Reviewers", tag("p", said), shown)


def _examples(store: Store, found: Evaluation) -> Iterator[Markup]:
    for title, ids in (
        ("Fixed: wrong before, right now", found.fixed),
        ("Broken: right before, wrong now", found.broken),
    ):
        if not ids:
            continue
        some = ids[:EXAMPLES]
        rows = store.rows(
            comparison_views.ANSWERS, json.dumps(some), found.base_student, found.student
        )
        cases: dict[str, dict[str, Any]] = {}
        for row in rows:
            cases.setdefault(row["id"], {})[row["student"]] = row
        shown = [_case(case, found) for case in cases.values()]
        said = (
            f"The first {len(some):,} of {len(ids):,}."
            if len(ids) > len(some)
            else f"All {len(ids):,}."
        )
        yield section(title, tag("p", said, css="dim"), tag("div", *shown, css="card"))


def _case(case: dict[str, Any], found: Evaluation) -> Markup:
    one = next(iter(case.values()))
    sides = []
    for name, student in (("Before", found.base_student), ("After", found.student)):
        if student in case:
            row = case[student]
            css = "good" if row["verdict"] == "correct" else "bad"
            head = tag(
                "b", f"{name}: {row['extracted'] or _DASH} ", tag("span", row["verdict"], css=css)
            )
            sides.append(tag("div", head, tag("pre", row["text"])))
    summary = tag("summary", one["question"], tag("span", f"  gold {one['gold']}", css="dim"))
    return tag("details", summary, tag("div", *sides, css="two"))


def _ledger(store: Store, runs: Sequence[RunLine]) -> Iterator[Markup]:
    rounds = round_lines(store, runs)
    if not rounds:
        return
    rows = [
        (line.round, interval_in_words(line.before), interval_in_words(line.after), f"{line.calls:,}",
         _DASH if line.tokens_in is None else f"{line.tokens_in + (line.tokens_out or 0):,}",
         "price unknown" if line.cost_usd is None else f"${line.cost_usd:,.4f}",
         _DASH if line.training_s is None else f"{line.training_s / 60:,.1f} min")
        for line in rounds
    ]  # fmt: skip
    head = ("Round", "Before", "Best after", "Calls", "Tokens", "Cost", "Training")
    yield section(
        "What each round took", tag("div", table(head, rows, numbers=(3, 4, 5, 6)), css="card")
    )


def _settings(store: Store, run: RunLine) -> Markup:
    told = json.dumps(settings_of_run(store, run.run), indent=2, ensure_ascii=False)
    return section(
        "Settings", tag("details", tag("summary", "All settings of the run"), tag("pre", told))
    )


def _versions(project: Path, run: RunLine | None) -> Markup:
    told = {"mapd-studio": __version__, "Python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}"}  # fmt: skip
    started = {} if run is None else _started(read_curves(project / "runs" / run.run))
    started |= started.get("machine", {})  # what the run was made on, which may be elsewhere
    for name in ("device", "precision", "processor", "GPU", "torch", "transformers", "seed"):
        if name in started:
            told[name] = str(started[name])
    return section(
        "Made with", tag("p", " · ".join(f"{k} {v}" for k, v in told.items()), css="dim")
    )


def _started(found: RunCurves) -> dict[str, Any]:
    return {} if found.started is None else found.started.model_dump()


def _auc(found: Auc) -> str:
    if found.value is None:
        return _DASH
    n = found.n_right + found.n_wrong
    return f"{_number(found.value)} ({_number(found.low)} to {_number(found.high)}, n {n:,})"


def _number(value: float | None) -> str:
    return _DASH if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return _DASH if value is None else percent(value, 0)
