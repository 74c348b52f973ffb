"""How far scores can be trusted: agreement between reviewers, and calibration against gold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

Z95 = 1.959963984540054  #: standard normal quantile of 97.5 %


class Auc(NamedTuple):
    """Area under the ROC curve with a 95 % interval; None where one class is empty."""

    value: float | None
    low: float | None
    high: float | None
    n_right: int
    n_wrong: int


def krippendorff_alpha(
    units: Iterable[Sequence[float]], times: Iterable[int] = repeat(1)
) -> float | None:
    """Return Krippendorff's alpha for interval data, or None when nothing can be compared.

    Args:
        units: for each rated item the valid scores it got, in any order; items with fewer than two
            scores carry no information and are passed over.
        times: how often each of them occurs.

    Source: Krippendorff, Content Analysis (2004), chapter 11, interval metric.
    """
    n, total, squares, within = 0, 0.0, 0.0, 0.0
    for scores, often in zip(units, times, strict=False):
        if len(scores) > 1:
            n += often * len(scores)
            total += often * sum(scores)
            squares += often * sum(score * score for score in scores)
            within += often * _square_gaps(scores) / (len(scores) - 1)
    expected = 2 * (n * squares - total * total)
    return None if n < 2 or expected <= 0 else 1 - (n - 1) * within / expected


def _square_gaps(values: Sequence[float]) -> float:
    """Return the sum of squared differences over all ordered pairs, in linear time."""
    total, squares = sum(values), sum(value * value for value in values)
    return 2 * (len(values) * squares - total * total)


def auc(right: Iterable[int] | Mapping[int, int], wrong: Iterable[int] | Mapping[int, int]) -> Auc:
    """Return the chance that a right item is scored above a wrong one (ties count half).

    Args:
        right: the scores of right items, or how often each score occurs.
        wrong: the same of wrong ones.

    Source: DeLong, DeLong and Clarke-Pearson (1988), equations 3 to 5 with one reader. Where their
    variance cannot be had or is 0 (all pairs agree, say), which is no certainty, the interval is
    Wilson's (1927) over as many independent pairs as can be made.
    """
    good, bad = Counter(right), Counter(wrong)
    m, n = good.total(), bad.total()
    if not m or not n:
        return Auc(None, None, None, m, n)
    above = {score: sum(k * _above(score, other) for other, k in bad.items()) / n for score in good}
    below = {score: sum(k * _above(other, score) for other, k in good.items()) / m for score in bad}
    value = sum(k * above[score] for score, k in good.items()) / m
    variance = _variance_of_mean(above, good, value) + _variance_of_mean(below, bad, value)
    if min(m, n) < 2 or variance < 1e-12:
        return Auc(value, *wilson(value, min(m, n)), m, n)
    spread = Z95 * math.sqrt(variance)
    return Auc(value, max(0.0, value - spread), min(1.0, value + spread), m, n)


def _above(score: float, other: float) -> float:
    return 1.0 if score > other else 0.5 if score == other else 0.0


def _variance_of_mean(values: Mapping[int, float], times: Mapping[int, int], mean: float) -> float:
    n = sum(times.values())
    return sum(k * (values[score] - mean) ** 2 for score, k in times.items()) / max(n - 1, 1) / n


def wilson(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share of ``n``; (0, 1) when nothing was counted.

    Source: Wilson 1927, doi 10.1080/01621459.1927.10502953.
    """
    if n == 0:
        return 0.0, 1.0
    square = Z95**2
    middle = share + square / (2 * n)
    spread = Z95 * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    scale = 1 + square / n
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
