"""Agreement and calibration against worked values from the literature."""

from __future__ import annotations

import random
from itertools import product
from math import sqrt
from statistics import fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.agreement import Z95, auc, krippendorff_alpha

# Four observers, twelve units: the worked example of Krippendorff (2011), "Computing
# Krippendorff's alpha-reliability", interval metric 0.849.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def test_alpha_equals_the_worked_example() -> None:
    units = [[row[i] for row in OBSERVERS if row[i] is not None] for i in range(12)]
    assert krippendorff_alpha(units) == pytest.approx(0.849, abs=5e-4)


def test_alpha_is_unknown_where_nothing_can_be_compared() -> None:
    assert krippendorff_alpha([[3], []]) is None
    assert krippendorff_alpha([[3, 3], [3, 3]]) is None


def test_auc_counts_ties_half() -> None:
    assert auc([5, 5], [1, 1]).value == 1.0
    assert auc([3], [3]).value == 0.5
    assert auc([5, 3], [3, 1]).value == pytest.approx(3.5 / 4)


def test_auc_of_one_class_is_unknown_not_a_number() -> None:
    empty = auc([5, 4], [])
    assert (empty.value, empty.n_right, empty.n_wrong) == (None, 2, 0)


def test_alpha_counts_what_occurs_often_as_often() -> None:
    units = [[1, 2], [4, 4], [5, 3, 4], [2]]
    spelled_out = [unit for unit, n in zip(units, (3, 1, 2, 5), strict=True) for _ in range(n)]
    assert krippendorff_alpha(units, (3, 1, 2, 5)) == pytest.approx(krippendorff_alpha(spelled_out))


scores = st.lists(st.integers(1, 5), min_size=2, max_size=25)


@given(right=scores, wrong=scores)
def test_the_interval_is_delongs_written_out_pair_by_pair(
    right: list[int], wrong: list[int]
) -> None:
    found = auc(right, wrong)
    kernel = {(r, w): (r > w) + (r == w) / 2 for r, w in product(set(right), set(wrong))}
    over = [fmean(kernel[r, w] for w in wrong) for r in right]
    under = [fmean(kernel[r, w] for r in right) for w in wrong]
    spread = Z95 * sqrt(variance(over) / len(right) + variance(under) / len(wrong))
    assert found.value == pytest.approx(fmean(over))
    assert found.low is not None
    assert found.high is not None
    if spread > 1e-5:
        assert found.low == pytest.approx(max(0, fmean(over) - spread))
        assert found.high == pytest.approx(min(1, fmean(over) + spread))
    assert found.high > found.low


def test_perfect_separation_of_a_few_is_no_certainty() -> None:
    few, many = auc([5, 5, 5], [1, 1, 1]), auc([5] * 500, [1] * 500)
    assert few.low == pytest.approx(0.438, abs=0.001)
    assert many.low is not None
    assert many.low > 0.99


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(11)
    good, bad = [1, 2, 3, 4, 5, 5, 5], [1, 1, 2, 3, 4, 5]
    truth = fmean((r > w) + (r == w) / 2 for r, w in product(good, bad))
    held = 0
    for _ in range(1000):
        found = auc(chance.choices(good, k=60), chance.choices(bad, k=40))
        held += found.low <= truth <= found.high  # type: ignore[operator]
    assert 920 <= held <= 980
