"""What each part of the method is worth: the same student, trained without it, under one budget.

Every variant takes the same number of optimiser steps, so that none learns longer for having more
data; all sit the same held-out exam. Source of the comparisons: arXiv 2410.03663.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.errors import StudioError
from studio.domain.percent import percent, percents
from studio.domain.specs import merged
from studio.domain.teacher_values import listed
from studio.flow import pipeline
from studio.flow.evaluation import Evaluation, evaluate
from studio.flow.outlook import training_outlook
from studio.flow.run_queue import Entry, Outcome, outcomes
from studio.flow.stage import Bench

if TYPE_CHECKING:
    from studio.store.tables import Store

WHOLE = "whole method"
_SETTING = "ablation"  #: in the project: the entries of the newest comparison
_LONGEST = 60  #: letters of a message in the table
_ENDLESS = 10_000.0  #: epochs; the steps decide


class Line(NamedTuple):
    """One variant in the table; without an evaluation, ``message`` says why."""

    variant: str
    run: str
    evaluation: Evaluation | None
    message: str
    p_whole: float | None = None  #: exact McNemar against the whole method; None: not both measured

    def as_json(self) -> dict[str, Any]:
        """Return a row of ``ablate --json``."""
        found = None if self.evaluation is None else self.evaluation.as_json()
        return {"variant": self.variant, "run": self.run, "evaluation": found,
                "message": self.message, "p_whole": self.p_whole}  # fmt: skip


def variants(teachers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what each variant changes of the dataset's settings, by its name."""
    alone = {f"only {name}": {"teachers": listed([name])} for name in teachers}
    single = alone if len(teachers) > 1 else {}
    return {
        WHOLE: {},
        "no explanations": {"explanations": False},
        **single,
        "no peer review": {"choice": "all"},
        "answer gate only": {"choice": "answer"},
        "human only": {"choice": "human"},
    }


def plan(
    bench: Bench, settings: Mapping[str, Any], *, steps: int = 0, only: Sequence[str] = ()
) -> list[Entry]:
    """Return the runs of the comparison.

    Args:
        steps: optimiser steps of each; 0 for as many as the whole method takes.
        only: names of variants; empty for all.

    Raises:
        StudioError: an unknown variant, or nothing to learn from.
    """
    known = variants([teacher.name for teacher in bench.store.teachers()])
    if strange := [name for name in only if name not in known]:
        raise StudioError(f"there is no variant {strange[0]!r}: choose of {', '.join(known)}")
    budget = steps or int(training_outlook(bench, "", settings)["steps"])
    # Checkpoints at each pass over the data: the project's own rhythm may be longer than the budget.
    same = {"epochs": _ENDLESS, "max_steps": budget, "save_steps": 0}
    return [
        Entry(f"ablation: {name}", merged(settings, {**same, "data": change}))
        for name, change in known.items() if not only or name in only
    ]  # fmt: skip


def lines(bench: Bench, entries: Sequence[Entry]) -> list[Line]:
    """Return the table, as far as it is made."""
    made = [_line(bench, outcome) for outcome in outcomes(bench, entries)]
    whole = next((one.evaluation for one in made if one.variant == WHOLE), None)
    if whole is None:
        return made
    return [one._replace(p_whole=_to_whole(bench.store, one, whole)) for one in made]


def _to_whole(store: Store, line: Line, whole: Evaluation) -> float | None:
    """Return the chance of a variant's difference to the whole method by luck alone."""
    if line.evaluation is None or line.variant == WHOLE:
        return None
    return evaluate(store, student=line.evaluation.student, base=whole.student).p_value


def _line(bench: Bench, found: Outcome) -> Line:
    """Return a variant's line; of a run that has not done all its steps nothing is compared."""
    variant = found.name.removeprefix("ablation: ")
    if not found.student or found.state != "finished":
        return Line(variant, found.run, None, found.message or found.state or "not made yet")
    try:
        return Line(variant, found.run, pipeline.evaluation_of(bench, found.student), "")
    except StudioError as error:
        return Line(variant, found.run, None, found.message or str(error))


def known_lines(bench: Bench) -> list[Line]:
    """Return the table of the newest comparison, as far as it is made; empty where there was none."""
    kept = bench.store.setting(_SETTING, [])
    return lines(bench, [Entry(**one) for one in kept])


def remember(store: Store, entries: Sequence[Entry]) -> None:
    """Keep which comparison is the newest."""
    store.set_setting(_SETTING, [entry._asdict() for entry in entries])


def describe(found: Sequence[Line], table: Callable[..., str]) -> str:
    """Return the table as text; ``table`` lays out rows under a head."""
    head = (
        "variant",
        "n",
        "before",
        "after",
        "95 % interval",
        "fixed",
        "broken",
        "p",
        "p to the whole",
    )
    return table([_cells(line) for line in found], head=head)


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST].rstrip()}…"


def _cells(line: Line) -> tuple[Any, ...]:
    found = line.evaluation
    if found is None:
        return line.variant, None, None, None, _short(line.message), None, None, None, None
    before = None if found.base is None else percent(found.base.accuracy)
    p, to_whole = (None if p is None else f"{p:.3g}" for p in (found.p_value, line.p_whole))
    return (
        line.variant, found.tuned.n, before, percent(found.tuned.accuracy),
        percents(found.tuned.interval), len(found.fixed), len(found.broken), p, to_whole,
    )  # fmt: skip
