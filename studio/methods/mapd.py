"""MAPD (called FAIR since v4): learn the teachers' explanations of the student's own mistakes, and
the rationales that their peers accepted.

Source: arXiv 2410.03663, its released code. The paper draws one explanation and one accepted
rationale a question (seed 731); we use all by default and keep the draw as an option. Replay of
the student's own correct attempts is ours: it holds down what a student forgets while it learns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import ClassVar, TypeVar

from studio.domain.records import Attempt, Explanation, Rationale
from studio.domain.specs import DatasetSpec
from studio.methods.base import Case, Example, Mistake, Role, Wording
from studio.prompts import question_text

T = TypeVar("T")
Learned = Attempt | Explanation | Rationale  #: records whose text may be learned


class Mapd:
    """Explanation, rationale and replay examples of each case."""

    name: ClassVar[str] = "mapd"
    source: ClassVar[str] = "arXiv 2410.03663 (MAPD, called FAIR since v4), released code"
    stages: ClassVar[tuple[str, ...]] = (
        "attempt", "grade", "explain", "solve", "review", "decide",
    )  # fmt: skip

    def __init__(self, wording: Wording, options: DatasetSpec) -> None:
        self._wording = wording
        self._options = options

    def examples(self, cases: Iterable[Case]) -> Iterator[Example]:
        """Yield the examples of every case.

        A question without an accepted rationale teaches nothing but replay.

        Source: arXiv 2410.03663, released code (questions with no accepted rationale are dropped).
        """
        for case in cases:
            if case.rationales:
                yield from self._explanations(case)
                yield from self._rationales(case)
            yield from self._replay(case)

    def _explanations(self, case: Case) -> Iterator[Example]:
        if not self._options.explanations:
            return
        pairs = [(mistake, text) for mistake in case.mistakes for text in mistake.explanations]
        for mistake, explanation in self._drawn(pairs, case, "explanation"):
            messages = self._wording.learn_explanation.messages(_mistake_fields(case, mistake))
            why = f"what {explanation.teacher} said about attempt {mistake.attempt.id}"
            yield _example("explanation", messages, case, explanation, why=why)

    def _rationales(self, case: Case) -> Iterator[Example]:
        prose = [accepted for accepted in case.rationales if accepted.rationale.form == "prose"]
        for rationale, why in self._drawn(prose, case, "rationale"):
            yield _example("rationale", self._exam(case), case, rationale, why=why)

    def _replay(self, case: Case) -> Iterator[Example]:
        for attempt in case.replay:
            why = "the student's own correct answer, against forgetting"
            yield _example("replay", self._exam(case), case, attempt, why=why)

    def _exam(self, case: Case) -> list[dict[str, str]]:
        return self._wording.exam.messages({"question": question_text(case.question)})

    def _drawn(self, items: Sequence[T], case: Case, role: Role) -> Sequence[T]:
        """Return all items, or one by lot: the same one whatever else the project holds."""
        if self._options.draw == "all" or len(items) < 2:
            return items
        lot = Random(f"{self._options.seed} {role} {case.question.id}")
        return [lot.choice(items)]


def _mistake_fields(case: Case, mistake: Mistake) -> dict[str, str]:
    return {
        "question": question_text(case.question),
        "wrong": mistake.attempt.text,
        "wrong_final": mistake.extracted,
        "gold": case.question.gold,
    }


def _example(
    role: Role, prompt: list[dict[str, str]], case: Case, learned: Learned, *, why: str
) -> Example:
    messages = [*prompt, {"role": "assistant", "content": learned.text.strip()}]
    return Example(role, messages, case.question.id, learned.id, why)
