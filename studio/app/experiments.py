"""Long work that says what training was worth, for the window: exams, whole rounds, ablations, checks.

Each method starts a task on the background thread and returns its id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.flow import ablation, pipeline
from studio.flow.forgetting import check_forgetting
from studio.flow.rounds import run_rounds
from studio.flow.run_queue import run_all, run_queued
from studio.flow.stage import Bench, Progress


class Experiments:
    """Starts experiments.

    Args:
        submit: starts a task with a title on the background thread.
    """

    def __init__(
        self,
        bench: Callable[[], Bench],
        submit: Callable[[str, Callable[[], AsyncIterator[Progress]]], str],
    ) -> None:
        self._bench, self._submit = bench, submit

    def evaluate(self, student: str, *, split: str = "test", samples: int = 0) -> str:
        """Let base and tuned student sit the held-out exam, with so many tries besides."""
        return self._submit(
            "Evaluate",
            lambda: pipeline.evaluate_students(
                self._bench(), student, split=split, samples=samples
            ),
        )

    def whole_round(self, *, budget_usd: float | None = None) -> str:
        """Do a whole round, exam to evaluation, from the project's student."""
        return self._submit(
            "A whole round", lambda: run_rounds(self._bench(), {}, budget_usd=budget_usd)
        )

    def forgetting(self, student: str, texts: Path) -> str:
        """Measure how well general text is foretold, before training and after."""
        return self._submit(
            "Check forgetting", lambda: check_forgetting(self._bench(), student, texts)
        )

    def ablate(self, variants: Sequence[str], *, steps: int = 0) -> str:
        """Train and examine the student without each of these parts of the method."""

        def work() -> AsyncIterator[Progress]:
            bench = self._bench()
            entries = ablation.plan(bench, {}, steps=steps, only=variants)
            ablation.remember(bench.store, entries)
            return run_all(bench, entries, evaluated=True)

        return self._submit("Ablation", work)

    def queue(self, student: str, settings: Mapping[str, Any]) -> str:
        """Put a run behind those that wait; it begins when they have ended, well or not."""
        return self._submit(
            "Runs in the queue", lambda: run_queued(self._bench(), student, settings)
        )
