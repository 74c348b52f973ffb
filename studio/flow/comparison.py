"""All runs side by side: what each was given, what it cost, what it gained, and where settings differ.

Every accuracy comes with its n; what was not measured stays empty and is never taken for zero.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.errors import StudioError
from studio.domain.percent import percent, percents
from studio.domain.records import Dataset, StudentRecord
from studio.flow.evaluation import Evaluation, Part, Score, evaluate
from studio.flow.students import base_of
from studio.store import comparison_views, views

if TYPE_CHECKING:
    from studio.store.tables import Store

_ROUNDS = ("round", "before", "best after", "points", "calls", "tokens in", "tokens out", "USD",
           "min asking", "min training")  # fmt: skip
_ACCOUNT = ("threads", "student", "job")  #: of a spec: where it ran, not how


class RunLine(NamedTuple):
    """One run in the comparison."""

    run: str
    begun: float
    round: int
    base: str  #: the student it started from
    student: str  #: the one it made; empty as long as there is none
    state: str
    steps: int
    loss: float | None
    val_loss: float | None
    examples: int
    questions: int
    rule: str  #: the policy its data was chosen by
    seconds: float | None
    before: Score | None
    after: Score | None
    fixed: int | None  #: None: not both were measured
    broken: int | None
    p_value: float | None

    @property
    def gained(self) -> float | None:
        """Change of accuracy, from the one to the other."""
        if self.before is None or self.after is None:
            return None
        return self.after.accuracy - self.before.accuracy

    def as_json(self) -> dict[str, Any]:
        """Return a row of ``compare --json``."""
        told = self._asdict()
        for name in ("before", "after"):
            score: Score | None = told[name]
            told[name] = None if score is None else {
                "n": score.n, "correct": score.correct, "accuracy": score.accuracy,
                "interval": list(score.interval),
            }  # fmt: skip
        return {**told, "gained": self.gained}


class RoundLine(NamedTuple):
    """What one round took, and what it gained."""

    round: int
    runs: int
    calls: int
    failed: int
    tokens_in: int | None  #: None: no call told
    tokens_out: int | None
    cost_usd: float | None  #: None: no price is known
    training_s: float | None
    before: Score | None  #: of the student the round began with
    after: Score | None  #: of the best student it made
    student: str
    asking_s: float | None = None  #: from the first call to the end of the last

    @property
    def gained(self) -> float | None:
        """Change of accuracy from the student it began with to the best that it made."""
        if self.before is None or self.after is None:
            return None
        return self.after.accuracy - self.before.accuracy

    def as_json(self) -> dict[str, Any]:
        """Return a row of ``compare --json``."""
        sides = {
            name: None
            if score is None
            else {"n": score.n, "accuracy": score.accuracy, "interval": list(score.interval)}
            for name, score in (("before", self.before), ("after", self.after))
        }
        return {**self._asdict(), **sides, "gained": self.gained}


def run_lines(store: Store) -> list[RunLine]:
    """Return every run, the newest first, with what its student answered on held-out questions."""
    known = {s.name: s for s in store.all(StudentRecord, "run_id <> ''")}
    made = {s.run_id: s for s in known.values()}
    datasets = {d.id: dict(d.manifest) for d in store.all(Dataset)}
    lines = [
        _line(
            store,
            row,
            known.get(json.loads(row["result"]).get("student", "")) or made.get(row["id"]),
            datasets.get(row["dataset_id"], {}),
        )
        for row in store.rows(views.RUNS)
    ]
    return lines[::-1]


def round_lines(store: Store, runs: Sequence[RunLine]) -> list[RoundLine]:
    """Return what each round took: the calls since the last run of the round before, and its runs."""
    found: list[RoundLine] = []
    begun = 0.0
    for number in sorted({run.round for run in runs}):
        own = [run for run in runs if run.round == number]
        until = max(run.begun for run in own)
        spent = store.rows(comparison_views.CALLS_BETWEEN, begun, until)[0]
        best = max(own, key=lambda run: run.after.accuracy if run.after else -1.0)
        found.append(RoundLine(
            number, len(own), spent["calls"] or 0, spent["failed"] or 0,
            spent["tokens_in"] if spent["calls"] else 0,
            spent["tokens_out"] if spent["calls"] else 0, spent["cost_usd"],
            sum(times) if (times := [r.seconds for r in own if r.seconds]) else None, best.before, best.after, best.student, spent["asking_s"],
        ))  # fmt: skip
        begun = until
    return found


def describe_rounds(lines: Sequence[RoundLine], table: Callable[..., str]) -> str:
    """Return what each round gained and took, and say so where one gained nothing."""
    told = table([_round_cells(line) for line in lines], head=_ROUNDS)
    none = [line for line in lines if line.gained is not None and line.gained <= 0]
    words = [
        f"round {line.round} gained nothing: {line.student} is no better on held-out questions"
        " than the student it was made from"
        for line in none
    ]
    return "\n".join([told, *words])


def _round_cells(line: RoundLine) -> tuple[Any, ...]:
    gained = None if line.gained is None else f"{line.gained * 100:+.1f}"
    minutes = [None if s is None else f"{s / 60:.1f}" for s in (line.asking_s, line.training_s)]
    return (
        line.round, interval_in_words(line.before), interval_in_words(line.after), gained,
        line.calls, line.tokens_in, line.tokens_out, line.cost_usd, *minutes,
    )  # fmt: skip


def by_dataset(store: Store, found: Evaluation) -> list[Part]:
    """Return the scores on each dataset of an evaluation; none where there is but one."""
    scores: dict[str, dict[str, Score]] = {}
    for role, name in (("tuned", found.student), ("base", found.base_student)):
        if name:
            for row in store.rows(comparison_views.SCORES_BY_DATASET, name, found.split):
                scores.setdefault(row["dataset"], {})[role] = Score(row["n"], row["correct"])
    if len(scores) < 2:
        return []
    none = Score(0, 0)
    return [
        Part(f"dataset {name}", of.get("tuned", none), of.get("base"))
        for name, of in scores.items()
    ]


def differences(specs: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the settings that are not the same in all of these runs, with their values."""
    flat = [
        dict(_flat({k: v for k, v in spec.items() if k not in _ACCOUNT})) for spec in specs.values()
    ]
    names = dict.fromkeys(name for one in flat for name in one)
    rows = ((name, tuple(_told(one.get(name)) for one in flat)) for name in names)
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def settings_of_run(store: Store, run_id: str) -> dict[str, Any]:
    """Return what a run was given: its spec, its student, and how its dataset was chosen."""
    row = store.one("SELECT spec, student, dataset_id FROM runs WHERE id = ?", run_id)
    if row is None:
        return {}
    dataset = store.get(Dataset, row["dataset_id"])
    manifest: dict[str, Any] = {} if dataset is None else dict(dataset.manifest)
    told = {**json.loads(row["spec"]), "taught": row["student"], "dataset": row["dataset_id"][:8]}
    told.pop("val_share", None)  # the dataset's decides
    if manifest:
        told |= {
            "data": manifest.get("spec", {}), "policy": manifest.get("policy", {}).get("rule", ""),
            "examples": sum(manifest["examples"]["train"].values()),
            "overrides": manifest.get("overrides", 0),
        }  # fmt: skip
    return told


def _line(
    store: Store, row: Any, student: StudentRecord | None, manifest: Mapping[str, Any]
) -> RunLine:
    result = json.loads(row["result"])
    found = None if student is None else _measured(store, student)
    both = found if found is not None and found.base is not None and found.base.n else None
    examples = manifest.get("examples", {}).get("train", {})
    return RunLine(
        run=row["id"], begun=row["created_at"], round=row["round"], base=row["student"],
        student="" if student is None else student.name, state=row["state"], steps=row["step"],
        loss=row["loss"], val_loss=result.get("val_loss"), examples=sum(examples.values()),
        questions=manifest.get("questions", 0),
        rule=manifest.get("policy", {}).get("rule", ""), seconds=sum(result["lives"].values()) if "lives" in result else None,
        before=None if found is None else found.base, after=None if found is None else found.tuned,
        fixed=None if both is None else len(both.fixed),
        broken=None if both is None else len(both.broken),
        p_value=None if both is None else both.p_value,
    )  # fmt: skip


def _measured(store: Store, student: StudentRecord) -> Evaluation | None:
    try:
        return evaluate(store, student=student.name, base=base_of(store, student))
    except StudioError:  # it has not sat the exam
        return None


def _flat(spec: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in spec.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _told(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def interval_in_words(score: Score | None) -> str:
    """Return ``86.2 % (82 to 89 %, n 420)``; a dash for what was not measured."""
    if score is None or not score.n:
        return "–"
    return f"{percent(score.accuracy)} ({percents(score.interval, 0)}, n {score.n:,})"
