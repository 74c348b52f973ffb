"""Numbers of a scorebook that no policy changes: the desk filters rationales and sorts questions by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studio.flow.score_columns import MISSING
from studio.flow.severity import fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.flow.scorebook import Scorebook


def means(book: Scorebook) -> NDArray[np.float64]:
    """Return the mean of the valid scores of each rationale, NaN where there are none; shape (n,)."""
    return _mean(*_valid(book))


def gaps(book: Scorebook) -> NDArray[np.int8]:
    """Return highest less lowest valid score, -1 where there are none; shape (n,)."""
    lowest, highest = _ends(book)
    return np.where(highest > MISSING, highest - lowest, np.int8(-1))


def question_means(book: Scorebook) -> NDArray[np.float64]:
    """Return the mean of all valid scores at each question, NaN without; shape (questions,)."""
    return _mean(*(_at_questions(book, one) for one in _valid(book)))


class Scores(NamedTuple):
    """A rationale's mean score, as it was given and corrected for who gave it."""

    rationale: str
    author: str
    mean: float
    corrected: float
    given: dict[str, int]  #: by reviewer; the valid ones


def rationale_scores(book: Scorebook) -> list[Scores]:
    """Return every rationale with a valid score, in order of making."""
    raw, corrected = means(book), fit(book.given).corrected
    by_name = sorted(zip(book.reviewers, book.given, strict=True), key=lambda one: one[0])
    return [
        Scores(book.ids[n], book.teachers[int(book.teacher[n])], float(raw[n]), float(corrected[n]),
               {name: int(own[n]) for name, own in by_name if own[n] > MISSING})
        for n in np.flatnonzero(~np.isnan(corrected)).tolist()
    ]  # fmt: skip


def question_corrected(book: Scorebook) -> NDArray[np.float64]:
    """Return the mean score of each question's rationales, corrected for severity; NaN without."""
    corrected = fit(book.given).corrected
    there = ~np.isnan(corrected)
    return _mean(_at_questions(book, there), _at_questions(book, np.where(there, corrected, 0.0)))


def question_gaps(book: Scorebook) -> NDArray[np.float64]:
    """Return highest less lowest score at each question, NaN without; shape (questions,)."""
    lowest, highest = _ends(book)
    low = np.full(len(book.question_ids), 9, dtype=np.int8)
    high = np.zeros(len(book.question_ids), dtype=np.int8)
    np.minimum.at(low, book.question, lowest)
    np.maximum.at(high, book.question, highest)
    return np.where(high > MISSING, high - low.astype(np.float64), np.nan)


def question_chars(book: Scorebook) -> NDArray[np.float64]:
    """Return the characters of all rationales at each question; shape (questions,)."""
    return _at_questions(book, book.chars)


def question_newest(book: Scorebook) -> NDArray[np.float64]:
    """Return the place of the newest rationale of each question; shape (questions,)."""
    newest = np.zeros(len(book.question_ids), dtype=np.float64)
    newest[book.question] = book.row  # rows rise: the last one stays
    return newest


def _at_questions(book: Scorebook, values: NDArray[Any]) -> NDArray[np.float64]:
    return np.bincount(book.question, values, minlength=len(book.question_ids)).astype(float)


def _mean(valid: NDArray[Any], total: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(valid > 0, total / np.maximum(valid, 1), np.nan)


def _valid(book: Scorebook) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return how many valid scores each rationale has, and their sum."""
    valid = np.zeros(len(book), dtype=np.int16)
    total = np.zeros(len(book), dtype=np.int16)
    for scores in book.given:
        valid += scores > MISSING
        total += np.maximum(scores, MISSING)
    return valid, total


def _ends(book: Scorebook) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return the lowest valid score of each rationale (9: none) and the highest (0: none)."""
    lowest = np.full(len(book), 9, dtype=np.int8)
    highest = np.zeros(len(book), dtype=np.int8)
    for scores in book.given:
        np.minimum(lowest, np.where(scores > MISSING, scores, np.int8(9)), out=lowest)
        np.maximum(highest, scores, out=highest)
    return lowest, highest
