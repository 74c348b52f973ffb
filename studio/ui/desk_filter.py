"""Which questions the desk shows; no Qt in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from studio.flow.queues import DOUBTFUL, QUEUES
from studio.store import window_views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.flow.scorebook import Scorebook
    from studio.store.tables import Store

STATES = {"accepted": "Accepted", "rejected": "Rejected", "undecided": "Not decided",
          "by-hand": "Decided by hand", "would-change": "Would change"}  # fmt: skip


class Filter(NamedTuple):
    """What to show; empty fields let everything through."""

    state: str = ""
    queue: str = ""
    teacher: str = ""
    dataset: str = ""
    text: str = ""

    @property
    def needs_scores(self) -> bool:
        """Whether it can't be answered without a scorebook."""
        return bool(self.state or self.teacher or (self.queue and self.queue != DOUBTFUL))


class Found(NamedTuple):
    """The questions that passed, and which rationales of theirs did (None: all)."""

    question_ids: list[str]
    rationales: NDArray[np.bool_] | None = None


def find(
    store: Store, wanted: Filter, book: Scorebook | None, final: NDArray[np.int8] | None = None
) -> Found:
    """Return the questions that pass ``wanted``, in order of import.

    Args:
        book: needed where ``wanted.needs_scores``.
        final: what the rule under trial would decide, for the state "would-change".
    """
    ids = [row[0] for row in store.rows(window_views.ON_DESK, wanted.dataset or None)]
    if wanted.text:
        ids = _kept(ids, {row[0] for row in store.rows(window_views.FOUND, _like(wanted.text))})
    if wanted.queue == DOUBTFUL:
        ids = _kept(ids, {row[0] for row in store.rows(window_views.DOUBTFUL_QUESTIONS)})
    if not wanted.needs_scores or book is None:
        return Found(ids)
    members = _members(wanted, book, final)
    questions = {book.question_ids[n] for n in np.unique(book.question[members])}
    return Found(_kept(ids, questions), members)


def _members(wanted: Filter, book: Scorebook, final: NDArray[np.int8] | None) -> NDArray[np.bool_]:
    members = np.ones(len(book), dtype=bool)
    if wanted.state == "would-change":
        members &= np.zeros(len(book), dtype=bool) if final is None else final != book.current
    elif wanted.state == "by-hand":
        members &= book.human >= 0
    elif wanted.state:
        members &= book.current == {"accepted": 1, "rejected": 0, "undecided": -1}[wanted.state]
    if wanted.queue in QUEUES:
        members &= QUEUES[wanted.queue].members(book)
    if wanted.teacher:
        known = wanted.teacher in book.teachers
        members &= book.teacher == (book.teachers.index(wanted.teacher) if known else -1)
    return members


def _kept(ids: list[str], allowed: set[str]) -> list[str]:
    return [one for one in ids if one in allowed]


def _like(text: str) -> str:
    escaped = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"
