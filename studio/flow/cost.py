"""What a stage would cost, from what its calls took so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from studio.store import views

if TYPE_CHECKING:
    from studio.store.tables import Store


class Estimate(NamedTuple):
    """What a stage would do at most. Tokens and cost are None until a call has been made."""

    stage: str
    records: int
    calls: int
    tokens: int | None
    cost_usd: float | None


def estimate_of(store: Store, stage: str, records: int, *, paid: bool) -> Estimate:
    """Return the estimate of one stage; ``paid``: it asks an endpoint."""
    if not paid:
        return Estimate(stage, records, 0, 0, 0.0)
    row = store.one(views.CALL_AVERAGES, stage)
    if row is None or row["tokens"] is None:
        return Estimate(stage, records, records, None, None)
    cost = None if row["cost_usd"] is None else records * row["cost_usd"]
    return Estimate(stage, records, records, round(records * row["tokens"]), cost)
