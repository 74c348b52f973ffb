"""How far scores can be trusted: agreement between reviewers, and calibration against gold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Auc(NamedTuple):
    """Area under the ROC curve with a 95 % interval; None where one class is empty."""

    value: float | None
    low: float | None
    high: float | None
    n_right: int
    n_wrong: int


def krippendorff_alpha(units: Iterable[Sequence[float]]) -> float | None:
    """Return Krippendorff's alpha for interval data, or None when nothing can be compared.

    Args:
        units: for each rated item the valid scores it got, in any order; items with fewer than two
            scores carry no information and are passed over.

    Source: Krippendorff, Content Analysis (2004), chapter 11, interval metric.
    """
    rated = [list(scores) for scores in units if len(scores) > 1]
    values = [score for scores in rated for score in scores]
    n = len(values)
    if n < 2:
        return None
    observed = sum(_square_gaps(scores) / (len(scores) - 1) for scores in rated) / n
    expected = _square_gaps(values) / (n * (n - 1))
    return None if expected == 0 else 1 - observed / expected


def _square_gaps(values: Sequence[float]) -> float:
    """Return the sum of squared differences over all ordered pairs, in linear time."""
    total, squares = sum(values), sum(value * value for value in values)
    return 2 * (len(values) * squares - total * total)


def auc(right: Sequence[int], wrong: Sequence[int]) -> Auc:
    """Return the chance that a right item is scored above a wrong one (ties count half).

    Source: Mann-Whitney U; interval by Hanley and McNeil (1982), equation 1.
    """
    if not right or not wrong:
        return Auc(None, None, None, len(right), len(wrong))
    above = 0.0
    wrongs = Counter(wrong)
    for score, n in Counter(right).items():
        above += n * sum(m * (1.0 if score > w else 0.5 if score == w else 0.0)
                         for w, m in wrongs.items())  # fmt: skip
    value = above / (len(right) * len(wrong))
    q1, q2 = value / (2 - value), 2 * value * value / (1 + value)
    variance = (
        value * (1 - value)
        + (len(right) - 1) * (q1 - value * value)
        + (len(wrong) - 1) * (q2 - value * value)
    ) / (len(right) * len(wrong))
    spread = 1.96 * math.sqrt(max(variance, 0.0))
    return Auc(value, max(0.0, value - spread), min(1.0, value + spread), len(right), len(wrong))
