"""What a plan would do at most, stage by stage, and what that would take, also before the first call.

Every attempt without a grade is taken for a mistake, and every rationale not yet decided for one
that is sent back and asked for again as often as the plan allows. A second request for a reply that
could not be used comes on top.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from studio.flow.asking import Plan, asked_parts, missing
from studio.flow.attempts import MAX_NEW_TOKENS, AttemptStage
from studio.flow.cost import Estimate, Lot, estimate_of, taken_so_far
from studio.flow.lengths import SAMPLE, Lengths, mean_length, schema_length
from studio.flow.prompt_rules import PURPOSES
from studio.flow.prompt_versions import made_before
from studio.flow.reviews import ReviewExplanationsStage, ReviewStage
from studio.flow.stage import Bench
from studio.flow.students import is_endpoint
from studio.store import forecast_views as views

if TYPE_CHECKING:
    from studio.domain.records import StudentRecord, TeacherRecord

EXPLAIN, SOLVE, REVIEW = "explain", "solve", ReviewStage.name
REVIEW_EXPLANATIONS = ReviewExplanationsStage.name
_PAID = (EXPLAIN, SOLVE, REVIEW, REVIEW_EXPLANATIONS)
EXAM_OF = "exam of "  #: and whose: what the estimate of an exam is called
Key = TypeVar("Key", bound=Hashable)
Counts = dict[str, int]  #: by teacher


def estimate(bench: Bench, plan: Plan) -> list[Estimate]:
    """Return what a plan would do at most; asks nobody and, on a store that is read, writes nothing."""
    return [line._replace(older=_made_before(bench, plan, line.stage))
            for line in _Forecast(bench, plan).lines()]  # fmt: skip


def estimate_exam(bench: Bench, student: StudentRecord, exam: AttemptStage) -> Estimate:
    """Return what an exam would take; one that is sat on this machine takes no call."""
    name, records = f"{EXAM_OF}{student.name}", exam.todo(bench.store)
    if not is_endpoint(student):
        return Estimate(name, records, 0, 0, 0.0)
    asks, taken = exam.asks(bench, SAMPLE), taken_so_far(bench.store)
    lots = []
    for ask in asks[:1]:
        known = taken.get(("attempt", ask.teacher.name))
        lots.append(
            Lot(ask.teacher, records, *known, "averages")
            if known
            else Lot(ask.teacher, records, mean_length(asks), ask.max_tokens, "lengths")
        )
    return estimate_of(name, lots)


class _Forecast:
    def __init__(self, bench: Bench, plan: Plan) -> None:
        self._bench, self._plan = bench, plan
        self._teachers = {one.name: one for one in bench.store.teachers()}
        self._taken = taken_so_far(bench.store)
        self._now = {part.name: part.by_teacher(bench.store) for part in asked_parts(plan)}
        self._lengths = Lengths(
            bench, [part for part in asked_parts(_sampled(plan)) if self._now[part.name]]
        )
        self._may_come = False  # mistakes that are not there yet
        exam = bench.store.setting("exam", {})
        self._longest_answer = float(exam.get("max_new_tokens", MAX_NEW_TOKENS))

    def lines(self) -> Iterator[Estimate]:
        """Yield the stages in their order, then what only decisions can make necessary."""
        counted = {name: sum(now.values()) for name, now in self._now.items()}
        now, student = missing(self._bench, self._plan, counted), self._plan.student
        new = now.get("attempt", 0) if "grade" in self._plan.stages else 0
        made = {name: self._made(name, new) for name in (EXPLAIN, SOLVE) if name in now}
        for name, records in now.items():
            if name in made:
                yield estimate_of(name, self._lots(name, made[name]))
            elif name in (REVIEW, REVIEW_EXPLANATIONS):
                yield estimate_of(name, self._reviews(name, made))
            elif name == "attempt" and student is not None and is_endpoint(student):
                yield estimate_of(name, self._exam(student, records))
            else:
                yield Estimate(name, records, 0, 0, 0.0)
        if self._plan.quality.is_looping and {SOLVE, REVIEW, "decide"} <= set(self._plan.stages):
            yield from self._loops(made[SOLVE], new)

    # -- how many --------------------------------------------------------------------------

    def _made(self, stage: str, new: int) -> Counts:
        """Return how many explanations or rationales each teacher would make."""
        store, (student, round_, _) = self._bench.store, self._plan.scope
        made = Counter(self._now[stage])
        if "grade" not in self._plan.stages:
            return self._limited(made)
        if stage == EXPLAIN:
            rows = store.rows(views.UNGRADED_UNEXPLAINED, student, round_)
        else:
            rows = store.rows(views.UNGRADED_UNSOLVED, student, round_, self._plan.quality.samples)
        made.update({row["name"]: row["n"] for row in rows})
        made.update({one.name: new * (1 if stage == EXPLAIN else self._samples(one))
                     for one in self._teachers.values()})  # fmt: skip
        return self._limited(made)

    def _samples(self, teacher: TeacherRecord) -> int:
        return self._plan.quality.samples or teacher.samples

    def _limited(self, counts: Mapping[Key, int], used: int = 0) -> dict[Key, int]:
        """Return counts cut to what the scope's limit leaves, evenly as the stages ask."""
        limit, total = self._plan.scope.limit, sum(counts.values())
        if limit is None or total <= limit - used:
            return dict(counts)
        left = max(0, limit - used)
        cut = {key: n * left // total for key, n in counts.items()}
        for key in counts:
            if sum(cut.values()) < left and cut[key] < counts[key]:
                cut[key] += 1
        return cut

    # -- what each takes -------------------------------------------------------------------

    def _lot(
        self, stage: str, teacher: TeacherRecord, calls: int, *, length: Callable[[], float]
    ) -> Lot:
        known = self._taken.get((stage, teacher.name))
        if known is not None or not calls:
            return Lot(teacher, calls, *(known or (0.0, 0.0)), "averages")
        return Lot(teacher, calls, length(), teacher.max_tokens, "lengths")

    def _exam(self, student: StudentRecord, records: int) -> Iterator[Lot]:
        how = self._bench.store.setting("exam", {})
        asks = AttemptStage(self._plan.scope, student=student, **how).asks(self._bench, SAMPLE)
        for ask in asks[:1]:
            yield self._lot("attempt", ask.teacher, records, length=partial(mean_length, asks))

    def _lots(self, stage: str, made: Counts) -> Iterator[Lot]:
        """Yield the calls for explanations or rationales; what is longer counts for all."""
        may_come = sum(made.values()) > sum(self._now[stage].values())
        self._may_come |= may_come
        wrong = self._longest_answer if stage == EXPLAIN else 0.0

        def length() -> float:
            coming = self._lengths.coming(stage) + wrong if may_come else 0.0
            return max(self._lengths.missing(stage), coming)

        for name, calls in made.items():
            yield self._lot(stage, self._teachers[name], calls, length=length)

    def _reviews(self, stage: str, made: Mapping[str, Counts]) -> Iterator[Lot]:
        of = SOLVE if stage == REVIEW else EXPLAIN
        now = self._now[stage]
        for name, calls in now.items():
            length = partial(self._lengths.missing, stage)
            yield self._lot(stage, self._teachers[name], calls, length=length)
        yield from self._reviews_of(made.get(of, {}), stage=stage, used=sum(now.values()))

    def _reviews_of(self, made: Counts, *, stage: str, used: int = 0) -> Iterator[Lot]:
        """Yield the reviews of texts that are yet to be written."""
        pairs = {(author, reviewer): n for author, n in made.items()
                 for reviewer in self._teachers if reviewer != author}  # fmt: skip
        for (author, reviewer), calls in self._limited(pairs, used).items():
            length = partial(
                self._review_length, stage, self._teachers[author], self._teachers[reviewer]
            )
            yield self._lot(stage, self._teachers[reviewer], calls, length=length)

    def _review_length(self, stage: str, author: TeacherRecord, reviewer: TeacherRecord) -> float:
        wrong = self._wrong() if stage == REVIEW_EXPLANATIONS else 0.0
        prompt = self._lengths.coming(_purpose(stage, self._plan)) + schema_length(reviewer)
        return prompt + author.max_tokens + wrong

    def _wrong(self) -> float:
        """Return how long a mistake is: those that are there, or as long as new ones may be."""
        if self._may_come or not self._now.get(EXPLAIN):
            return self._longest_answer
        return max(0.0, self._lengths.missing(EXPLAIN) - self._lengths.coming(EXPLAIN))

    # -- loops -----------------------------------------------------------------------------

    def _loops(self, solved: Counts, new: int) -> Iterator[Estimate]:
        """Yield what decisions may lead to, if they reject everything."""
        more = self._limited(self._more(new))
        again = self._limited(self._again(solved, more))
        written = {name: more[name] + again[name] for name in self._teachers}
        length = partial(self._lengths.coming, SOLVE)
        lots = {
            "solve more": [self._lot(SOLVE, self._teachers[name], n, length=length)
                           for name, n in more.items()],
            "revise": [self._lot("revise", one, again[name],
                                 length=partial(self._revision_length, one))
                       for name, one in self._teachers.items()],
            "review more": list(self._reviews_of(written, stage=REVIEW)),
        }  # fmt: skip
        for name, calls in lots.items():
            if any(lot.calls for lot in calls):
                yield estimate_of(name, calls, if_needed=True)

    def _more(self, new: int) -> Counts:
        """Return how many samples each may be asked for on the way to the target."""
        quality, (student, round_, _) = self._plan.quality, self._plan.scope
        if not quality.target:
            return dict.fromkeys(self._teachers, 0)
        rows = self._bench.store.rows(views.MORE_SAMPLES, student, round_, quality.target,
                                      quality.most_samples, quality.samples)  # fmt: skip
        known = {row["name"]: row["n"] for row in rows}
        return {
            name: known.get(name, 0) + new * max(0, quality.most_samples - self._samples(one))
            for name, one in self._teachers.items()
        }

    def _again(self, solved: Counts, more: Counts) -> Counts:
        """Return how often rationales may go back to each."""
        tries, (student, round_, _) = self._plan.quality.revise, self._plan.scope
        if not tries or len(self._teachers) < 2:  # nobody has said what is wrong with them
            return dict.fromkeys(self._teachers, 0)
        rows = self._bench.store.rows(views.REVISIONS, student, round_, tries)
        known = {row["teacher"]: row["n"] for row in rows}
        return {name: known.get(name, 0) + tries * (solved.get(name, 0) + more[name])
                for name in self._teachers}  # fmt: skip

    def _revision_length(self, author: TeacherRecord) -> float:
        said = sum(one.max_tokens for one in self._teachers.values() if one is not author)
        return self._lengths.coming("revise") + author.max_tokens + said


def _sampled(plan: Plan) -> Plan:
    limit = SAMPLE if plan.scope.limit is None else min(SAMPLE, plan.scope.limit)
    return plan._replace(scope=plan.scope._replace(limit=limit))


def _purpose(stage: str, plan: Plan) -> str:
    if stage == REVIEW and plan.quality.blind:
        return "review_blind"
    return next(name for name, one in PURPOSES.items() if one.stage == stage)


def _made_before(bench: Bench, plan: Plan, stage: str) -> int:
    if stage not in _PAID:
        return 0
    return made_before(bench.store, bench.templates, _purpose(stage, plan))
