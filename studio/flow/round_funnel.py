"""The funnel of each round: from its attempts to what the run that learned from them measured.

Rationales of a round are those at train questions with a mistake of that round, so one at a question
that was missed twice counts in both.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studio.store import round_views as views

if TYPE_CHECKING:
    from studio.flow.casebook import Casebook
    from studio.flow.scorebook import Scorebook
    from studio.store.tables import Store


class Round(NamedTuple):
    """One round: its number, a count for each station, and the accuracy its newest run reached."""

    number: int
    counts: dict[str, int]
    accuracy: float | None

    def as_json(self) -> dict[str, Any]:
        """Return it as ``status --json`` shows it."""
        return {"round": self.number, **self.counts, "accuracy": self.accuracy}


def are_several(store: Store) -> bool:
    """Return whether there may be more than one round; told at once."""
    first, last = tuple(store.one(views.ENDS) or (None, None))
    return bool(first != last)


def rounds(store: Store, cases: Casebook, book: Scorebook) -> list[Round]:
    """Return what became of the mistakes of each round, the first first.

    Exams on held-out questions alone begin no round.
    """
    train = cases.split == (cases.splits.index("train") if "train" in cases.splits else -1)
    asked = train[cases.attempts.question]
    explained = dict(map(tuple, store.rows(views.EXPLAINED)))
    runs = {row["round"]: row for row in store.rows(views.RUNS)}
    whole = {"questions": int(train.sum()), "held_out": int((~train).sum())}
    found = []
    for number in sorted({*np.unique(cases.attempts.round[asked]).tolist(), *runs}):
        mine = asked & (cases.attempts.round == number)
        wrong = mine & cases.wrong
        missed = np.append(cases.with_attempt(wrong), False)
        solved = missed[cases.places_of(book)][book.question]
        run = runs.get(number)
        counts = {
            **whole, "attempts": int(mine.sum()), "mistakes": int(wrong.sum()),
            "explained": explained.get(number, 0), "rationales": int(solved.sum()),
            "reviewed": int((solved & book.where(lambda seen: bool(seen.scores))).sum()),
            "accepted": int((solved & book.is_in_force(1)).sum()),
            "by_hand": int((solved & (book.human >= 0)).sum()),
            "runs": run["runs"] if run else 0, "trained": run["trained"] if run else 0,
        }  # fmt: skip
        found.append(Round(number, counts, _accuracy(store, number)))
    return found


def _accuracy(store: Store, number: int) -> float | None:
    results = [
        json.loads(row["result"]).get("accuracy") for row in store.rows(views.RESULTS, number)
    ]
    measured = [one for one in results if one is not None]
    return measured[-1] if measured else None
