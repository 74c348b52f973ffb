"""The curves of a run: what its events measured, by name and step, ready to be drawn at any width.

Nothing here draws. A curve of any length is thinned to the lowest and highest value of each column
of pixels, so no spike is lost; smoothing is an average over the steps so far, the newest weighing most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.domain.events import Event, Metric, Started, Warned
from studio.flow.job_folder import EventTail

Numbers = NDArray[np.float64]
_FIRST = 1_024  #: points a curve has room for at first; doubled when it is full


class Curve:
    """Values by step, in order of steps; a step told again after a resume replaces the old one."""

    def __init__(self) -> None:
        self._steps = np.empty(_FIRST)
        self._values = np.empty(_FIRST)
        self._n = 0
        self._smooth = np.empty(0)
        self._smooth_n, self._weight, self._sum = 0, 0.0, 0.0

    def __len__(self) -> int:
        return self._n

    @property
    def steps(self) -> Numbers:
        """The steps."""
        return self._steps[: self._n]

    @property
    def values(self) -> Numbers:
        """The value at each step."""
        return self._values[: self._n]

    def add(self, step: int, value: float) -> None:
        """Add the value of a step; what was known of later steps is void."""
        while self._n and self._steps[self._n - 1] >= step:  # a run was resumed further back
            self._n -= 1
        if self._n == len(self._steps):
            self._steps = np.concatenate([self._steps, np.empty(self._n)])
            self._values = np.concatenate([self._values, np.empty(self._n)])
        self._steps[self._n], self._values[self._n] = step, value
        self._n += 1
        if self._n <= self._smooth_n:
            self._smooth_n = 0

    def smooth(self, weight: float) -> Numbers:
        """Return the exponential mean of the values so far, corrected for its start.

        Only what came since the last time is computed.

        Args:
            weight: of the past, 0 (none) to below 1.
        """
        if weight <= 0:
            return self.values
        if weight != self._weight or len(self._smooth) != len(self._steps):
            self._weight, self._smooth_n = weight, 0
            self._smooth = np.empty(len(self._steps))
        first, last = self._smooth_n, self._n
        if first < last:
            past = self._sum if first else 0.0
            sums = accumulate(
                np.nan_to_num(self._values[first:last]).tolist(),
                lambda mean, new: mean * weight + new * (1 - weight), initial=past,
            )  # fmt: skip
            made = np.fromiter(sums, float, last - first + 1)[1:]
            self._smooth[first:last] = made / (1 - weight ** np.arange(first + 1, last + 1))
            self._sum, self._smooth_n = float(made[-1]), last
        return self._smooth[: self._n]


class RunCurves:
    """The curves of one run by name, and what else its events tell.

    Attributes:
        of: curve by name, as in the metric events.
        changes: how many events were taken that change a curve.
    """

    def __init__(self) -> None:
        self.of: dict[str, Curve] = defaultdict(Curve)
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.latest: Metric | None = None
        self.started: Started | None = None
        self.changes = 0

    def take(self, events: Iterable[Event]) -> int:
        """Take events in; returns how many there were."""
        n = 0
        for event in events:
            n += 1
            if isinstance(event, Metric):
                self._take_metric(event)
            elif isinstance(event, Warned):
                (self.notes if event.note else self.warnings).append(event.message)
                self.changes += 1
            elif isinstance(event, Started):
                self.started = event
        return n

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        """Return steps and values of a curve as plain numbers; none for one that is not known."""
        found = self.of.get(name)
        if found is None:
            return [], []
        return [int(step) for step in found.steps], [float(value) for value in found.values]

    def last(self, name: str) -> float | None:
        """Return the newest value of a curve."""
        found = self.of.get(name)
        return float(found.values[-1]) if found else None

    def names(self, pattern: str) -> list[str]:
        """Return the known curves that a name stands for; a name ending in ``*`` is a beginning."""
        if not pattern.endswith("*"):
            return [pattern] if pattern in self.of else []
        return sorted(name for name in self.of if name.startswith(pattern[:-1]))

    def _take_metric(self, metric: Metric) -> None:
        self.latest = metric
        self.changes += 1
        for name, value in (*metric.__dict__.items(), *(metric.model_extra or {}).items()):
            if name not in _NO_CURVE and isinstance(value, int | float):
                self.of[name].add(metric.step, float(value))


_NO_CURVE = frozenset({"kind", "t", "step", "steps"})


def read_curves(folder: Path) -> RunCurves:
    """Return the curves of a job folder as far as they are written."""
    found = RunCurves()
    found.take(EventTail(folder).events())
    return found


class Thinned(NamedTuple):
    """A curve as it is drawn: at most two points a column of pixels."""

    steps: Numbers
    values: Numbers


def thinned(steps: Numbers, values: Numbers, *, columns: int) -> Thinned:
    """Return the curve with the lowest and the highest value of each column, in their order.

    Values that are no number are left out.
    """
    if not np.isfinite(values).all():
        sound = np.isfinite(values)
        steps, values = steps[sound], values[sound]
    if len(steps) <= 2 * columns:
        return Thinned(steps, values)
    width = (steps[-1] - steps[0]) / columns or 1.0
    column = np.minimum(((steps - steps[0]) / width).astype(np.int64), columns - 1)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    rises = values[starts] <= values[np.append(starts[1:], len(values)) - 1]
    at = np.repeat(steps[starts], 2)
    first, second = np.where(rises, low, high), np.where(rises, high, low)
    return Thinned(at, np.stack([first, second], axis=1).reshape(-1))


def at_step(steps: Numbers, values: Numbers, step: float) -> tuple[int, float] | None:
    """Return the point of a curve that is nearest to a step; None for an empty one."""
    if not len(steps):
        return None
    place = int(np.searchsorted(steps, step))
    if place == len(steps) or (place and step - steps[place - 1] <= steps[place] - step):
        place -= 1
    return int(steps[place]), float(values[place])


def ticks(low: float, high: float, *, most: int = 5) -> list[float]:
    """Return round numbers within a range, for an axis."""
    if not high > low:
        return [low]
    raw = (high - low) / max(1, most)
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= raw * 0.999)
    first = np.ceil(low / step - 1e-9)
    count = int(np.floor(high / step + 1e-9) - first) + 1
    return [float((first + n) * step) for n in range(count)]


def log_ticks(low: float, high: float, *, most: int = 5) -> list[float]:
    """Return powers of ten, or round numbers between them, for an axis of base-10 logarithms."""
    if high - low > most:
        return ticks(low, high, most=most)
    wide = high - low
    digits: tuple[float, ...] = (
        (1,) if wide > 2.5 else (1, 2, 5) if wide > 0.5 else (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
    )
    powers = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    found = [power + float(np.log10(n)) for power in powers for n in digits]
    inside = [value for value in found if low <= value <= high]
    every = max(1, -(-len(inside) // (2 * most)))
    return inside[::every]
