"""Layers compiled by ``torch.compile``, where that pays: the same steps are gone over both ways
before the run, and compiled layers are kept only if they were faster.

One layer is compiled for all, and only for learning: validation and quiz go on with the plain ones.
What was chosen belongs to the run and stays when it is resumed, for the last bits of its losses
depend on it. Nothing of this changes a weight.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch._inductor.config as _inductor

from studio.jobs.blocks import blocks_of
from studio.jobs.rehearsal import is_out_of_memory

STEPS = 3  #: of the run, gone over each way
ROUNDS = 2  #: in turns; the best of each way counts
GAIN = 0.97  #: of the plain time; what is not quicker than that is not worth it
LEAST_S = 60.0  #: what a run must take in all for compiling to be tried

Steps = Sequence[Callable[[], object]]
"""The first steps of a run, each to be gone over without changing anything; waits for its end."""


class Choice(NamedTuple):
    """Whether a run is compiled, and why."""

    compiled: bool
    words: str = ""


class Compiled:
    """Turns compiled layers on and off.

    Args:
        agreed: says whether any process wishes something, the same in all of them.
        backend: that of ``torch.compile``.
        clock: tells seconds.
    """

    def __init__(
        self,
        model: Any,
        *,
        agreed: Callable[[bool], bool],
        backend: Any = "inductor",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._backend, self._clock = backend, clock
        self._blocks: list[Any] = blocks_of(model)
        self._made: list[Any] = []  #: what stands in for each of them
        self._agreed = agreed
        self.on = False

    def chosen(self, steps: Steps, *, left: int, always: bool) -> Choice:
        """Try both ways, or only whether it works at all; leaves the better one on.

        Args:
            left: steps that the run has before it.
        """
        if not self._blocks:
            return Choice(False, "not compiled: the layers of this model cannot be told apart")
        if always:
            problem, seconds = self._begun(steps)
            return Choice(not problem, problem or f"compiled, as told to, in {seconds:,.0f} s")
        plain = self._timed(steps, rounds=2)
        if self._agreed(plain / len(steps) * left < LEAST_S):
            return Choice(False, "not compiled: the run is too short for that to pay")
        problem, seconds = self._begun(steps)
        if problem:
            return Choice(False, problem)
        best = {True: float("inf"), False: plain}
        for on in (True, False) * ROUNDS:
            self._turn(on)
            best[on] = min(best[on], self._timed(steps, rounds=1))
        kept = not self._agreed(best[True] > GAIN * best[False])
        self._turn(kept)
        each = f"{best[True] / len(steps):,.3f} s a step against {best[False] / len(steps):,.3f} s"
        made = f"(compiling took {seconds:,.0f} s)"
        words = "compiled" if kept else "not compiled, it would not be worth it"
        return Choice(kept, f"{words}: {each} {made}")

    def again(self, steps: Steps) -> Choice:
        """Compile as an earlier life of the run did: for the same steps, in the same order."""
        problem, _ = self._begun(steps)
        return Choice(not problem, problem)

    @contextmanager
    def plain(self) -> Iterator[None]:
        """Leave compiled layers alone for a while."""
        was_on = self.on
        self._turn(False)
        try:
            yield
        finally:
            self._turn(was_on)

    def _begun(self, steps: Steps) -> tuple[str, float]:
        """Compile; returns what went wrong, in words, and how long it took."""
        began, problem = self._clock(), ""
        self._turn(True)
        try:
            for step in (*steps, *steps):  # what differs in shape only is made out by now
                step()
        except Exception as error:  # a compiler may fail in any way; the run goes on without
            if is_out_of_memory(error):
                raise
            logging.getLogger(__name__).info("not compiled", exc_info=error)
            problem = f"not compiled: {_first(error)} ({type(error).__name__})"
        if self._agreed(bool(problem)):
            self._turn(False)
            problem = problem or "not compiled: another process could not"
        return problem, self._clock() - began

    def _timed(self, steps: Steps, *, rounds: int) -> float:
        """Return the best time of so many rounds."""
        return min(self._took(steps) for _ in range(rounds))

    def _took(self, steps: Steps) -> float:
        began = self._clock()
        for step in steps:
            step()
        return self._clock() - began

    def _turn(self, on: bool) -> None:
        if on and not self._made:
            _inductor.fallback_random = True  # dropout as the plain layers draw it
            for block in self._blocks:
                block.compile(dynamic=True, backend=self._backend)
            self._made = [block._compiled_call_impl for block in self._blocks]
        for block, made in zip(self._blocks, self._made, strict=False):
            block._compiled_call_impl = made if on else None
        self.on = on


def _first(error: Exception) -> str:
    """Return the first line that says something; what only leads up to it ends with a colon."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith(":")] or lines or ["no reason given"]
    return told[0][:200]
