"""What paid work left undone and why: what came back instead, and whether its budget is spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from studio.flow.budget import spent_of_budget
from studio.flow.quality import quality_of
from studio.store.committee_views import SHORT_OF_TARGET
from studio.store.ledger_views import LEDGER_END, LEFT_UNDONE

if TYPE_CHECKING:
    from studio.store.tables import Store


class Undone(NamedTuple):
    """So many records of one teacher and stage that were asked for and did not come."""

    teacher: str
    stage: str
    outcome: str
    records: int
    detail: str  #: of one of them, as the endpoint said it


class Leftovers(NamedTuple):
    """What a run left undone."""

    undone: tuple[Undone, ...]
    budget_usd: float | None  #: None: none was set
    spent_usd: float | None  #: since the work was begun; None: it came to its end
    unpriced: tuple[str, ...]  #: asked, but their calls count against no budget
    target: int  #: accepted rationales that are wanted of each question; 0: none is
    short: int  #: questions with a mistake that have fewer


def ledger_end(store: Store) -> int:
    """Return the place in the ledger after which new calls come."""
    return int(store.value(LEDGER_END))


def left_undone(store: Store, *, since: int, budget_usd: float | None) -> Leftovers:
    """Return what the calls since a place in the ledger left undone."""
    rows, target = store.rows(LEFT_UNDONE, since), quality_of(store).target
    return Leftovers(
        tuple(Undone(*row) for row in rows), budget_usd,
        None if budget_usd is None else spent_of_budget(store),
        () if budget_usd is None else unpriced(store),
        target, int(store.value(SHORT_OF_TARGET, target)) if target else 0,
    )  # fmt: skip


def unpriced(store: Store) -> tuple[str, ...]:
    """Return the teachers who are asked although nobody knows what they cost."""
    asked = (one for one in store.teachers() if not one.scripted)
    return tuple(one.name for one in asked if one.price_in is None or one.price_out is None)


_ADVICE = {
    "empty": "a model that thinks first may need a larger --max-tokens",
    "refused": "the model does not want to answer; another teacher may",
    "timed out": "a larger --timeout or a smaller --concurrency may help",
    "rate-limited": "a smaller --concurrency or --requests-per-minute may help",
}  #: outcome: what can be done about it with 'teacher add'


def advice(undone: Sequence[Undone]) -> str:
    """Return what can be done about the most frequent outcome besides asking once more."""
    return next((_ADVICE[one.outcome] for one in undone if one.outcome in _ADVICE), "")
