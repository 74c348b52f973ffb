"""What calls took so far, and what a stage would cost from that; what is unknown stays unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from studio.store import ledger_views, views

if TYPE_CHECKING:
    from studio.store.tables import Store


class Estimate(NamedTuple):
    """What a stage would do at most. Tokens and cost are None until a call has been made."""

    stage: str
    records: int
    calls: int
    tokens: int | None
    cost_usd: float | None
    older: int = 0  #: records made with a former version of the prompt, which stay as they are


def estimate_of(store: Store, stage: str, records: int, *, paid: bool) -> Estimate:
    """Return the estimate of one stage; ``paid``: it asks an endpoint."""
    if not paid:
        return Estimate(stage, records, 0, 0, 0.0)
    row = store.one(views.CALL_AVERAGES, stage)
    if row is None or row["tokens"] is None:
        return Estimate(stage, records, records, None, None)
    cost = None if row["cost_usd"] is None else records * row["cost_usd"]
    return Estimate(stage, records, records, round(records * row["tokens"]), cost)


class Spent(NamedTuple):
    """What one teacher's calls in one stage took, for the mistakes of one round.

    ``cost_usd`` is the sum of the known costs and None where none is known; ``unpriced`` counts the
    calls that it leaves out.
    """

    stage: str
    teacher: str
    round: int | None
    calls: int
    failed: int
    unknown: int  #: sent, and nobody was left to read the reply; may have been billed
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    unpriced: int


def ledger(store: Store) -> list[Spent]:
    """Return what the calls took, by round, stage and teacher."""
    rows = store.rows(ledger_views.LEDGER)
    scripted = {teacher.name for teacher in store.teachers(active=False) if teacher.scripted}
    spent = [Spent(*(row[name] for name in Spent._fields)) for row in rows]
    return [
        one._replace(cost_usd=one.cost_usd or 0.0, unpriced=0) if one.teacher in scripted else one
        for one in spent
    ]


def total(spent: list[Spent]) -> Spent:
    """Return the sum of all lines."""
    known = [one.cost_usd for one in spent if one.cost_usd is not None]
    return Spent(
        "all", "", None, sum(one.calls for one in spent), sum(one.failed for one in spent),
        sum(one.unknown for one in spent), sum(one.tokens_in or 0 for one in spent),
        sum(one.tokens_out or 0 for one in spent), sum(known) if known else None,
        sum(one.unpriced for one in spent),
    )  # fmt: skip
