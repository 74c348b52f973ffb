"""Questions become attempts: a student sits the exam of a split.

How one exam is sat, by a local model or at an endpoint, is ``exam.py``; here is decided which
questions are asked, and how.

Source: arXiv 2410.03663, released code, for the exam on train questions (T 0.3, top-p 0.9, 512 new
tokens). Held-out questions are asked greedily (ours), so that scores can be compared.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from studio.domain.records import Split, StudentRecord
from studio.flow.exam import Exam, ExamSettings
from studio.flow.prompt_versions import keep_texts
from studio.flow.stage import Bench, Progress, Scope
from studio.flow.students import register
from studio.store import views

if TYPE_CHECKING:
    from studio.flow.calls import Ask
    from studio.store.tables import Store

TEMPERATURE: dict[Split, float] = {"train": 0.3, "test": 0.0}
MAX_NEW_TOKENS = 512


class AttemptStage:
    """Let a student answer every question of a split that it has not answered in this round.

    Args:
        split: None for both.
        temperature: None for 0.3 on train and greedy on test questions.
        sample: the number of the try; the exam's own answer is 0.
    """

    name = "attempt"

    def __init__(
        self,
        scope: Scope = Scope(),
        *,
        student: StudentRecord,
        split: Split | None = "train",
        temperature: float | None = None,
        top_p: float = 0.9,
        max_new_tokens: int = MAX_NEW_TOKENS,
        seed: int = 731,
        sample: int = 0,
    ) -> None:
        self._student = student
        self._round = student.round if scope.round is None else scope.round
        self._limit = scope.limit
        self._splits: tuple[Split, ...] = ("train", "test") if split is None else (split,)
        self._temperature = temperature
        self._top_p = top_p
        self._max_new_tokens = max_new_tokens
        self._seed = seed + sample  # else each try would be drawn as the one before
        self._sample = sample

    def todo(self, store: Store) -> int:
        """Return how many questions are without an attempt."""
        query = f"SELECT count(*) {views.UNATTEMPTED}"
        name = self._student.name
        missing: int = sum(
            store.value(query, split, name, self._round, self._sample) for split in self._splits
        )
        return missing if self._limit is None else min(missing, self._limit)

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Ask what is missing, adding each attempt as it is made."""
        self._student = register(bench.store, self._student)
        bench.changed({"students"})
        keep_texts(bench)
        total, done, failed = self.todo(bench.store), 0, 0
        yield Progress(self.name, 0, total)
        for split in self._splits:
            missing = self._missing(bench.store, split, most=total - done)
            if not missing:
                continue
            async with aclosing(self._exam(bench, split).sit(bench, missing)) as steps:
                async for step in steps:
                    done, failed = done + step.made, failed + step.failed
                    yield Progress(self.name, done, total, failed, step.cost_usd, step.note)

    def asks(self, bench: Bench, most: int) -> list[Ask]:
        """Return what a student behind an endpoint would be asked, at most so many; asks nothing."""
        return [
            ask
            for split in self._splits
            for ask in self._exam(bench, split).asks(
                bench, self._missing(bench.store, split, most=most)
            )
        ]

    def _exam(self, bench: Bench, split: Split) -> Exam:
        settings = self._settings(bench, split)
        return Exam(self._student, self._round, split=split, settings=settings, sample=self._sample)

    def _missing(self, store: Store, split: Split, *, most: int) -> list[str]:
        query = f"SELECT q.id {views.UNATTEMPTED} ORDER BY q.rowid LIMIT ?"
        key = (split, self._student.name, self._round, self._sample)
        return [row[0] for row in store.rows(query, *key, most)]

    def _settings(self, bench: Bench, split: Split) -> ExamSettings:
        return ExamSettings(
            TEMPERATURE[split] if self._temperature is None else self._temperature,
            self._top_p,
            self._max_new_tokens,
            self._seed,
            bench.templates.get(self._student.prompts, "exam").hash,
        )
