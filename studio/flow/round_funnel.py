"""The funnel of each round: from its attempts to what the run that learned from them measured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.store import round_views as views

if TYPE_CHECKING:
    from studio.store.tables import Store


class Round(NamedTuple):
    """One round: its number, a count for each station, and the accuracy its newest run reached."""

    number: int
    counts: dict[str, int]
    accuracy: float | None

    def as_json(self) -> dict[str, Any]:
        """Return it as ``status --json`` shows it."""
        return {"round": self.number, **self.counts, "accuracy": self.accuracy}


def numbers(store: Store) -> list[int]:
    """Return the rounds there are, the first first."""
    return [row[0] for row in store.rows(views.ROUNDS)]


def round_of(store: Store, number: int) -> Round:
    """Return what became of the mistakes of one round."""
    counts = dict(store.one(views.STATIONS, number) or {})
    results = [
        json.loads(row["result"]).get("accuracy") for row in store.rows(views.RESULTS, number)
    ]
    measured = [one for one in results if one is not None]
    return Round(number, counts, measured[-1] if measured else None)


def rounds(store: Store) -> list[Round]:
    """Return all rounds, the first first."""
    return [round_of(store, number) for number in numbers(store)]
