"""What is known of every question beside its texts, as arrays: the desk filters and sorts by it.

The scorebook holds rationales, this one questions and the student's attempts at them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from studio.domain.records import Verdict
from studio.flow.columns import Ids, Names, chunks, numbers
from studio.flow.score_columns import VERDICTS, ids_at, read_grades
from studio.store import scorebook_views, window_views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.flow.scorebook import Scorebook
    from studio.store.tables import Store


class Attempts(NamedTuple):
    """Every attempt in order of making, one array element each."""

    question: NDArray[np.int32]  #: index into the questions
    student: NDArray[np.int16]  #: index into ``students``
    students: list[str]
    round: NDArray[np.int16]
    verdict: NDArray[np.int8]  #: index into ``VERDICTS``, or UNGRADED
    doubts: NDArray[np.int32]  #: one bit for each of ``doubt_names``
    doubt_names: list[str]


class Casebook:
    """All questions in order of import, one array element each.

    Attributes:
        ids: question ids, length q.
        row: their places in the table, rising, shape (q,).
        dataset, split, kind: indexes into the names beside them, shape (q,).
        attempts: what students answered.
        on_desk: which questions have a rationale, or a mistake in the train split; shape (q,).
    """

    def __init__(self, store: Store) -> None:
        parts = [(c.ids, c.numbers(0)) for c in chunks(store, scorebook_views.QUESTION_IDS)]
        ids = _joined([ids for ids, _ in parts], np.uint64)
        row = _joined([row for _, row in parts], np.int64)
        order = np.argsort(row)
        self.ids, self.row = Ids(ids[order]), row[order]
        self._places: tuple[Ids, NDArray[np.intp]] | None = None
        self._read_names(store)
        self.attempts = self._read_attempts(store)
        self.on_desk = np.zeros(len(self.ids), dtype=bool)
        for chunk in chunks(store, scorebook_views.SOLVED):
            self.on_desk[self.ids.places(chunk.ids)] = True
        mistakes = np.zeros(len(self.ids), dtype=bool)
        mistakes[self.attempts.question[self.wrong]] = True
        train = self.splits.index("train") if "train" in self.splits else -1
        self.on_desk |= mistakes & (self.split == train)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Which attempts are mistakes; one element per attempt."""
        mine: NDArray[np.bool_] = self.attempts.verdict == VERDICTS.index(Verdict.WRONG)
        return mine

    def at_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which questions stand at these places of the table; shape (q,)."""
        found = np.zeros(len(self), dtype=bool)
        if len(self) and len(rows):
            place = np.minimum(np.searchsorted(self.row, rows), len(self) - 1)
            found[place[self.row[place] == rows]] = True
        return found

    def with_attempt(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which questions have a chosen attempt; shape (q,)."""
        found = np.zeros(len(self), dtype=bool)
        found[self.attempts.question[chosen]] = True
        return found

    def places_of(self, book: Scorebook) -> NDArray[np.intp]:
        """Return where the questions of a scorebook stand here, -1 where they don't."""
        if self._places is None or self._places[0] is not book.question_ids:
            self._places = (book.question_ids, self.ids.places(book.question_ids.values))
        return self._places[1]

    def _read_names(self, store: Store) -> None:
        splits, kinds = Names(), Names()
        self.datasets = [str(row[0]) for row in store.rows(scorebook_views.DATASETS)]
        self.dataset, self.split, self.kind = (
            np.zeros(len(self), dtype=np.int16) for _ in range(3)
        )
        for code, name in enumerate(self.datasets):
            rows, split, kind = store.rows(scorebook_views.QUESTIONS, name)[0]
            place = np.searchsorted(self.row, numbers(rows))
            self.dataset[place] = code
            self.split[place] = splits.codes_of_json(split)
            self.kind[place] = kinds.codes_of_json(kind)
        self.splits, self.kinds = splits.names, kinds.names

    def _read_attempts(self, store: Store) -> Attempts:
        students, parts = Names(), []
        for chunk in chunks(store, scorebook_views.ATTEMPTS):
            parts.append((chunk.numbers(0), self.ids.places(chunk.ids).astype(np.int32),
                          students.codes(chunk.names(1)), chunk.numbers(2).astype(np.int16)))  # fmt: skip
        kinds: tuple[type[np.generic], ...] = (np.int64, np.int32, np.int16, np.int16)
        row, question, student, round_ = (
            _joined([part[n] for part in parts], kind) for n, kind in enumerate(kinds)
        )
        order = np.argsort(row)
        row = row[order]
        verdict, grade = read_grades(store, ids_at(store, scorebook_views.ATTEMPT_IDS, row))
        names, bits = _doubts(store, grade)
        return Attempts(
            question[order], student[order], students.names, round_[order], verdict, bits, names
        )


def first_on_desk(store: Store) -> Ids:
    """Return some of the first questions of the desk, at once however many there are."""
    return Ids.of([row[0] for row in store.rows(window_views.FIRST_ON_DESK)])


def _doubts(store: Store, grade: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int32]]:
    """Return the names of all doubts, and the bits of each attempt's; ``grade`` holds places."""
    names = Names()
    found = store.rows(scorebook_views.DOUBTS)
    code = np.minimum(names.codes([str(name) for _, name in found]), 30)
    place = np.array([row for row, _ in found], dtype=np.int64)
    bits = np.zeros(len(grade), dtype=np.int32)
    order = np.argsort(grade)
    for number in range(len(names.names)):
        wanted = np.unique(place[code == number])
        near = np.minimum(np.searchsorted(grade[order], wanted), max(0, len(grade) - 1))
        hit = order[near[grade[order][near] == wanted]] if len(grade) else order
        bits[hit] |= 1 << number
    return names.names, bits


def _joined(parts: list[NDArray[np.generic]], kind: type[np.generic]) -> NDArray:  # type: ignore[type-arg]
    return np.concatenate(parts).astype(kind) if parts else np.empty(0, dtype=kind)
