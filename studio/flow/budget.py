"""A budget for a piece of work, also when the work is broken off and begun again.

The ledger's total at the beginning is kept in the project until the work is done. So who says
``--budget 5`` again after a crash, or after the budget was reached, does not spend another five.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.domain.errors import StudioError
from studio.flow.committee import BUDGET_REACHED
from studio.flow.purse import maybe_billed
from studio.flow.stage import Bench, Progress

if TYPE_CHECKING:
    from studio.store.tables import Store

_SETTING = "budget_begun"
EXAMS = "exam_budget_begun"  #: where an evaluation keeps its own


async def within(
    bench: Bench,
    budget_usd: float,
    *,
    of: str,
    run: Callable[[Bench], AsyncIterator[Progress]],
    setting: str = _SETTING,
) -> AsyncIterator[Progress]:
    """Run work that may cost so much in all; calls without a known price are not counted.

    Args:
        of: whose work it is; another student's begins with a budget of its own.
        run: starts the work on a bench that stops buying at its cap.
        setting: where the project keeps what was spent before; each kind of work has its own.

    Raises:
        StudioError: the budget is no amount of money; nothing would ever be more than a nan.
    """
    if not 0 <= budget_usd < math.inf:
        raise StudioError(f"{budget_usd} is no budget: name an amount in USD")
    cap = _begun_at(bench.store, of, setting) + budget_usd
    is_reached = False
    async with aclosing(run(replace(bench, spend_cap_usd=cap))) as steps:  # type: ignore[type-var]
        async for progress in steps:
            is_reached |= progress.note == BUDGET_REACHED
            yield progress
    if not is_reached:  # it came to its end: what comes next is other work
        bench.store.set_setting(setting, None)


def spent_of_budget(store: Store, *, setting: str = _SETTING) -> float | None:
    """Return in USD what the work under a budget has cost so far; None when it came to its end."""
    begun = store.setting(setting)
    if begun is None:
        return None
    return (store.spent_usd() or 0.0) + maybe_billed(store) - float(begun["spent_usd"])


def _begun_at(store: Store, of: str, setting: str) -> float:
    """Return what the ledger knew of when this work was begun."""
    begun = store.setting(setting)
    if begun is None or begun["of"] != of:
        spent = (store.spent_usd() or 0.0) + maybe_billed(store)
        begun = {"of": of, "spent_usd": spent}
        store.set_setting(setting, begun)
    return float(begun["spent_usd"])
