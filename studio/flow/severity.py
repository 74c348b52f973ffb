"""Scores corrected for severity: what each reviewer adds or takes away, whatever it is shown.

A score is taken for the sum of what the rationale deserves and a constant of the reviewer. Corrected
scores stand beside the raw ones and never in their place: no policy reads them.

Source: the two-way layout without interaction, by least squares, with the items eliminated from the
normal equations (Searle, Linear Models, 1971, chapter 7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from studio.flow.score_columns import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Additive(NamedTuple):
    """The fitted model.

    Attributes:
        severity: of each reviewer, in points of score; below 0 is stricter, and the mean over
            reviewers who share items is 0; NaN for one who shares none. Shape (reviewers,).
        corrected: mean of (score - severity) of each item, NaN without a valid score; shape (n,).
    """

    severity: NDArray[np.float64]
    corrected: NDArray[np.float64]


def fit(given: NDArray[np.int8]) -> Additive:
    """Fit reviewer and item effects to scores.

    Args:
        given: one row a reviewer, one column an item; what is not above 0 is no score.
    """
    reviewers, n = given.shape
    valid = given > MISSING
    times = valid.sum(axis=0)
    shared = valid & (times > 1)
    share = np.where(times > 0, 1 / np.maximum(times, 1), 0.0)
    totals = np.zeros(n)
    for scores in given:
        totals += np.maximum(scores, MISSING)
    left = np.zeros((reviewers, reviewers))
    right = np.zeros(reviewers)
    for j in range(reviewers):
        mine = shared[j]
        right[j] = (given[j][mine] - totals[mine] * share[mine]).sum()
        left[j, j] = mine.sum()
        for other in range(reviewers):
            left[j, other] -= share[mine & shared[other]].sum()
    # the shortest solution: the mean of each group of reviewers is 0
    severity = np.asarray(np.linalg.lstsq(left, right, rcond=None)[0], dtype=np.float64)
    severity[~shared.any(axis=1)] = np.nan
    taken = np.zeros(n)
    for j in range(reviewers):
        taken += valid[j] * np.nan_to_num(severity[j])
    corrected = np.where(times > 0, (totals - taken) * share, np.nan)
    return Additive(severity, corrected)
