"""Questions become rationales: each teacher solves each question the student got wrong.

A teacher may be asked for several samples; where a question has fewer accepted rationales than are
wanted, one more sample is asked of those who were asked least.

Source: arXiv 2410.03663, released code: the teacher sees the bare question, one sample.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from studio.domain.records import Question, Rationale
from studio.flow.committee import Ask, Kept
from studio.flow.quality import Quality
from studio.flow.stage import Bench, Progress, Scope
from studio.flow.together import ask_together
from studio.prompts import question_text
from studio.store import committee_views as views
from studio.teachers.base import Outcome, Reply

if TYPE_CHECKING:
    from studio.store.tables import Store


class Wanted(NamedTuple):
    """One rationale that is missing."""

    question_id: str
    teacher: str
    sample: int


class SolveStage:
    """Ask every active teacher to solve every train question that holds a mistake.

    Args:
        samples: rationales of each teacher; 0: as many as the teacher's own setting says.
    """

    name = "solve"
    table = Rationale.table

    def __init__(self, scope: Scope = Scope(), *, samples: int = 0) -> None:
        self._scope = scope
        self._samples = samples

    def todo(self, store: Store) -> int:
        """Return how many rationales are missing."""
        return int(store.value(f"SELECT count(*) FROM ({views.UNSOLVED})", *self._parameters))

    def by_teacher(self, store: Store) -> dict[str, int]:
        """Return how many are missing of each teacher."""
        query = f"SELECT teacher, count(*) FROM ({views.UNSOLVED}) GROUP BY 1"
        return dict(map(tuple, store.rows(query, *self._parameters)))

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Ask for what is missing, adding each rationale as it arrives."""
        async for progress in ask_together(bench, [self]):
            yield progress

    def missing(self, store: Store) -> Sequence[Wanted]:
        """Return what is missing, question by question, first samples first."""
        return [Wanted(*row) for row in store.rows(views.UNSOLVED, *self._parameters)]

    def asks(self, bench: Bench, missing: Sequence[Wanted]) -> Iterator[tuple[str, Ask]]:
        """Yield one ask for each, with its question's id."""
        template = bench.templates.get("mapd", "solve")
        teachers = {teacher.name: teacher for teacher in bench.store.teachers()}
        for wanted in missing:
            question = bench.store.get(Question, wanted.question_id)
            if question is None:
                continue
            messages = template.messages({"question": question_text(question)})
            teacher = teachers[wanted.teacher]
            ask = Ask(_subject(wanted), teacher, self.name, messages, template.hash,
                      teacher.max_tokens)  # fmt: skip
            yield question.id, ask

    def keep(self, bench: Bench, ask: Ask, reply: Reply) -> Kept:
        """Add the rationale."""
        wanted = wanted_of(ask)
        made = Rationale(
            question_id=wanted.question_id, teacher=wanted.teacher, sample=wanted.sample,
            text=reply.text, call_id=reply.call_id, prompt_hash=ask.prompt_hash,
            truncated=reply.outcome is Outcome.TRUNCATED,
        )  # fmt: skip
        bench.store.add([made])
        return Kept(made=made.id)

    @property
    def _parameters(self) -> tuple[object, ...]:
        student, round_, limit = self._scope
        at_most = -1 if limit is None else limit
        return self._samples, student, student, round_, round_, at_most


class MoreStage(SolveStage):
    """Ask for more samples where too few rationales of a question were accepted.

    One round of it asks as many teachers as rationales are lacking, those with the fewest samples
    first; whether it was enough is seen when these are reviewed and decided.
    """

    def __init__(self, scope: Scope, quality: Quality) -> None:
        super().__init__(scope)
        self._quality = quality

    def todo(self, store: Store) -> int:
        """Return how many further samples are to be asked for now."""
        return len(self.missing(store))

    def missing(self, store: Store) -> Sequence[Wanted]:
        """Return the samples to ask for next."""
        if not self._quality.target:
            return []
        student, round_, limit = self._scope
        rows = store.rows(views.TOO_FEW, student, student, round_, round_, self._quality.target)
        wanted: list[Wanted] = []
        for _, group in groupby(rows, key=lambda row: row["question_id"]):
            asked = [row for row in group if row["samples"] < self._quality.most_samples]
            asked.sort(key=lambda row: (row["samples"], -row["accepted_here"], row["teacher"]))
            lacking = self._quality.target - asked[0]["accepted"] if asked else 0
            wanted += [Wanted(row["question_id"], row["teacher"], row["next_sample"])
                       for row in asked[:lacking]]  # fmt: skip
        return wanted if limit is None else wanted[:limit]


def wanted_of(ask: Ask) -> Wanted:
    """Return which rationale an ask of these stages is for."""
    stage, question_id, teacher = ask.subject.split("/", 2)  # a name may hold a stroke
    _, _, sample = stage.partition("-")
    return Wanted(question_id, teacher, int(sample or 0))


def _subject(wanted: Wanted) -> str:
    stage = f"solve-{wanted.sample}" if wanted.sample else "solve"
    return f"{stage}/{wanted.question_id}/{wanted.teacher}"
