"""What the scorebook is made of, read column by column: rationales, reviews, grades, decisions.

The same as the views ``current_rationales``, ``current_reviews`` and ``current_grades`` say, in one
pass over an index each instead of a search for each row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studio.domain.records import Verdict
from studio.flow.columns import Ids, Names, chunks, numbers
from studio.store import check_views, scorebook_views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.store.tables import Store

VERDICTS = (Verdict.CORRECT, Verdict.WRONG, Verdict.UNREADABLE)
UNGRADED = len(VERDICTS)  #: the code of no verdict
NOT_ASKED, MISSING = -1, 0  #: in place of a score of 1 to 5
UNCHECKED = -1  #: in place of the bits of flags
_FOLDED = 7  #: kinds of scores: five, missing, not asked


class Rationales(NamedTuple):
    """Every current rationale in order of making, one array element each."""

    ids: Ids
    row: NDArray[np.int64]
    question: NDArray[np.int32]  #: index into ``question_ids``
    question_ids: Ids
    teacher: NDArray[np.int16]  #: index into ``teachers``
    teachers: list[str]
    revision: NDArray[np.int16]
    chars: NDArray[np.int32]


def read_rationales(store: Store) -> Rationales:
    """Read the newest revision of each rationale."""
    teachers, parts = Names(), []
    withdrawn = numbers(store.value(scorebook_views.WITHDRAWN))
    for chunk in chunks(store, scorebook_views.RATIONALES):
        teacher = teachers.codes(chunk.names(1))
        sample, revision = chunk.numbers(2), chunk.numbers(3)
        columns: list[NDArray[Any]] = [
            chunk.ids, teacher, sample, revision, chunk.numbers(0), chunk.numbers(4)
        ]  # fmt: skip
        if len(withdrawn):
            there = ~np.isin(columns[4], withdrawn)
            columns = [column[there] for column in columns]
        keep = _newest(*columns[:4])
        columns = [columns[n] for n in (0, 4, 1, 3, 5)]
        kinds = (np.uint64, np.int64, np.int16, np.int16, np.int32)
        parts.append([c[keep].astype(k) for c, k in zip(columns, kinds, strict=True)])
    if not parts:
        none = np.empty(0, dtype=np.int64)
        return Rationales(Ids(none.astype(np.uint64)), none, none.astype(np.int32),
                          Ids(none.astype(np.uint64)), none.astype(np.int16), [],
                          none.astype(np.int16), none.astype(np.int32))  # fmt: skip
    joined: list[NDArray[Any]] = [np.concatenate(c) for c in zip(*parts, strict=True)]
    question_id, row, author, edits, chars = joined
    order = np.argsort(row)
    question_ids, question = np.unique(question_id[order], return_inverse=True)
    row = row[order]
    return Rationales(
        ids_at(store, scorebook_views.RATIONALE_IDS, row), row, question.astype(np.int32),
        Ids(question_ids, rising=True), author[order], teachers.names, edits[order], chars[order],
    )  # fmt: skip


def ids_at(store: Store, query: str, rows: NDArray[np.int64]) -> Ids:
    """Return the ids of the records at these places, which are in rising order."""
    ids = np.zeros(len(rows), dtype=np.uint64)
    for chunk in chunks(store, query):
        row = chunk.numbers(0)
        place = np.minimum(np.searchsorted(rows, row), len(rows) - 1)
        mine = rows[place] == row
        ids[place[mine]] = chunk.ids[mine]
    return Ids(ids)


def _newest(
    question: NDArray[np.uint64], teacher: NDArray[np.int16],
    sample: NDArray[np.int64], revision: NDArray[np.int64],
) -> NDArray[np.bool_]:  # fmt: skip
    """Return which rows no later revision outranks; rows are in order of all four."""
    keep = np.ones(len(question), dtype=bool)
    if revision.any():
        names = np.array(teacher)
        keep[:-1] = (
            (question[1:] != question[:-1])
            | (names[1:] != names[:-1])
            | (sample[1:] != sample[:-1])
        )
    return keep


def read_scores(store: Store, ids: Ids) -> tuple[list[str], NDArray[np.int8]]:
    """Return who reviews, and a row of scores for each of them: shape (reviewers, n).

    The newest valid score of a reviewer counts, however often it was asked.
    """
    reviewers, scores = Names(), np.empty((0, len(ids)), dtype=np.int8)
    for chunk in chunks(store, scorebook_views.REVIEWS):
        place = ids.places(chunk.ids)
        reviewer = reviewers.codes(chunk.names(1))
        score, row = chunk.numbers(2).astype(np.int8), chunk.numbers(0)
        if len(reviewers.names) > len(scores):
            more = np.full((len(reviewers.names) - len(scores), len(ids)), NOT_ASKED, dtype=np.int8)
            scores = np.concatenate([scores, more])
        order = np.lexsort((row, score != MISSING))  # what comes later is written over the earlier
        order = order[place[order] >= 0]
        scores[reviewer[order], place[order]] = score[order]
    return reviewers.names, scores


def read_verdicts(store: Store, ids: Ids) -> NDArray[np.int8]:
    """Return the current verdict of each as an index into ``VERDICTS``; shape (n,)."""
    return read_grades(store, ids)[0]


def read_grades(store: Store, ids: Ids) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Return each one's verdict and the place of the grade that says so (0: none); both (n,)."""
    verdicts = np.full(len(ids), UNGRADED, dtype=np.int8)
    rows = np.zeros(len(ids), dtype=np.int64)
    codes = {str(verdict): code for code, verdict in enumerate(VERDICTS)}
    for chunk in chunks(store, scorebook_views.GRADES):
        place, row, by_person = ids.places(chunk.ids), chunk.numbers(0), chunk.numbers(2)
        verdict = np.array([codes[name] for name in chunk.names(1)], dtype=np.int8)
        order = np.lexsort((row, by_person))  # a person outranks the rules, the newest the older
        order = order[place[order] >= 0]
        verdicts[place[order]] = verdict[order]
        rows[place[order]] = row[order]
    return verdicts, rows


def read_said(store: Store, query: str, ids: Ids) -> NDArray[np.int8]:
    """Return what decisions or overrides say of each: -1 nothing, 0 rejected, 1 accepted; (n,)."""
    said = np.full(len(ids), -1, dtype=np.int8)
    for chunk in chunks(store, query):
        place = ids.places(chunk.ids)
        said[place[place >= 0]] = chunk.numbers(0)[place >= 0]
    return said


def read_flags(store: Store, ids: Ids) -> NDArray[np.int16]:
    """Return what each is marked with, as bits, or UNCHECKED; shape (n,)."""
    flags = np.full(len(ids), UNCHECKED, dtype=np.int16)
    for chunk in chunks(store, check_views.BITS):
        place = ids.places(chunk.ids)
        flags[place[place >= 0]] = chunk.numbers(0)[place >= 0]
    return flags


def fold(columns: list[NDArray[np.int8]], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number per element that tells apart what differs in ``first`` or any column."""
    key = first
    for column in columns:
        if len(key) and key.max() > 1 << 55:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
        key = key * _FOLDED + (column + 1)
    return key
