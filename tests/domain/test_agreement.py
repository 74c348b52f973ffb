"""Agreement and calibration against worked values from the literature."""

from __future__ import annotations

import pytest

from studio.domain.agreement import auc, krippendorff_alpha

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
