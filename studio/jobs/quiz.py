"""A quiz in the midst of training: a few questions that are not learned from, asked greedily and graded.

Answering draws no random number, so a run with a quiz has the losses of one without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from studio.domain.grading import grade_answer
from studio.domain.records import Question, Verdict
from studio.domain.specs import GenerateSpec, TrainSpec
from studio.jobs.decode import decode
from studio.jobs.generate import Asked, batches
from studio.jobs.rows import read_rows

if TYPE_CHECKING:
    from studio.jobs.passes import Passes
    from studio.jobs.student import Student

FILE = "quiz.jsonl"


class Tally(NamedTuple):
    """How a quiz went; one that was broken off has fewer answers than questions."""

    asked: int
    answered: int
    correct: int


class Quiz:
    """The questions of ``data/quiz.jsonl``, as far as the student can take them in.

    Args:
        path: rows of ``{"key", "messages", "question"}``; a missing file is no question.
    """

    def __init__(self, path: Path, student: Student, spec: TrainSpec) -> None:
        rows = list(read_rows(path, needs=("key", "messages", "question"))) if path.exists() else []
        asked = [Asked(str(row["key"]), student.prompt_ids(row["messages"])) for row in rows]
        self._student = student
        self._how = GenerateSpec(
            student=spec.student, temperature=0, max_new_tokens=spec.quiz_tokens,
            batch_tokens=spec.batch_tokens,
        )  # fmt: skip
        self._gold = {str(row["key"]): Question.model_validate(row["question"]) for row in rows}
        self._asked = [one for one in asked if len(one.ids) < student.context]

    def __len__(self) -> int:
        return len(self._asked)

    def held(self, passes: Passes, *, stopped: Callable[[], bool]) -> dict[str, float]:
        """Ask all, over all processes; returns the share answered right, or nothing if broken off."""
        if not self._asked:
            return {}
        if passes.in_step:  # a model of which each holds a part answers only if all ask the same
            found = self.ask(process=0, of=1, stopped=lambda: False)._asdict()
        else:
            own = self.ask(process=passes.process, of=passes.processes, stopped=stopped)
            found = passes.summed(
                {name: torch.tensor(float(n)) for name, n in own._asdict().items()}
            )
        if found["answered"] < found["asked"]:
            return {}
        return {"val_accuracy": found["correct"] / found["asked"], "val_questions": found["asked"]}

    def ask(self, *, process: int, of: int, stopped: Callable[[], bool]) -> Tally:
        """Ask this process's share of the questions; the model is in evaluation mode already."""
        own = self._asked[process::of]
        answered = correct = 0
        for batch in batches(own, self._student, self._how):
            texts = self._answers(batch, stopped)
            if texts is None:
                break
            answered += len(texts)
            correct += sum(map(self._is_right, batch, texts))
        return Tally(len(own), answered, correct)

    def _answers(self, batch: Sequence[Asked], stopped: Callable[[], bool]) -> list[str] | None:
        room = self._student.context - max(len(one.ids) for one in batch)
        replies = decode(
            self._student, [one.ids for one in batch],
            max_new_tokens=min(self._how.max_new_tokens, room), stopped=stopped,
        )  # fmt: skip
        if replies is None:
            return None
        tokenizer = self._student.tokenizer
        return [str(tokenizer.decode(reply.ids, skip_special_tokens=True)) for reply in replies]

    def _is_right(self, one: Asked, text: str) -> bool:
        return grade_answer(text, question=self._gold[one.key]).verdict is Verdict.CORRECT
