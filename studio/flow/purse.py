"""What the teachers have cost, and whether the next call still fits into the budget."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from studio.domain.records import TeacherRecord
from studio.store.committee_views import KNOWN_COSTS, MAYBE_BILLED
from studio.teachers.base import Reply

if TYPE_CHECKING:
    from studio.store.tables import Store

_CHARACTERS_A_TOKEN = 4


def cost_of(teacher: TeacherRecord, reply: Reply) -> float | None:
    """Return the cost of a reply in USD, or None where a price or a token count is not known.

    A scripted teacher, behind which there is no model, costs nothing unless it is given prices.
    """
    if teacher.price_in is None or teacher.price_out is None:
        return 0.0 if teacher.scripted else None
    if reply.tokens_in is None or reply.tokens_out is None:
        return None
    price = reply.tokens_in * teacher.price_in + reply.tokens_out * teacher.price_out
    return price * teacher.price_factor / 1e6


def maybe_billed(store: Store) -> float:
    """Return in USD what calls without a known cost may have cost, at their teacher's average."""
    return float(store.value(MAYBE_BILLED) or 0.0)


def known_costs(store: Store) -> dict[str, tuple[float, int]]:
    """Return what each teacher's calls cost together, and how many calls that were."""
    return {row[0]: (float(row[1]), int(row[2])) for row in store.rows(KNOWN_COSTS)}


class Purse:
    """Keeps spending, with what is under way, below a cap.

    A call is expected to cost what this teacher's calls cost so far; before there is one, what it
    can cost at most, and then a single call may go ahead to find out. A call that may have been
    billed, nobody knows for how much, counts against the cap as expected, and is not told as spent.
    Calls of teachers without a price are not counted.

    Args:
        spent: what the ledger knew before.
        cap: all that may be spent, in USD; None for no limit.
        maybe: what earlier calls without a known cost may have cost.
        known: what each teacher's earlier calls cost together, and their number; without it every
            stage and every restart would send one call to find out.
    """

    def __init__(
        self,
        spent: float | None,
        cap: float | None,
        *,
        maybe: float = 0.0,
        known: Mapping[str, tuple[float, int]] | None = None,
    ) -> None:
        self._before = (spent or 0.0) + maybe
        self._cap = cap
        self._is_known = spent is not None
        self._new = self._maybe = self._reserved = 0.0
        self._calls_out = 0
        self._is_closed = False
        self._means: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
        self._means.update(known or {})
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def spent_here(self) -> float | None:
        """The cost of this stage's calls so far; None while no price is known."""
        return self._new if self._is_known else None

    async def reserve(
        self, teacher: TeacherRecord, *, prompt: int, max_tokens: int
    ) -> float | None:
        """Set aside what a call may cost; None when the budget does not hold another.

        Args:
            prompt: length of the messages in characters.
        """
        while not self._is_closed:
            reserved = self.try_reserve(teacher, prompt=prompt, max_tokens=max_tokens)
            if reserved is not None:
                return reserved
            if not self._calls_out:
                return None
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn  # what is under way may turn out cheaper
        return None

    def try_reserve(self, teacher: TeacherRecord, *, prompt: int, max_tokens: int) -> float | None:
        """Set aside what a call may cost; None when the budget does not hold it now."""
        if self._is_closed:
            return None
        total, calls = self._means[teacher.name]
        at_most = _at_most(teacher, prompt, max_tokens)
        expected = total / calls if calls else at_most
        spent = self._before + self._new + self._maybe
        fits = self._cap is None or spent + self._reserved + expected <= self._cap
        is_first = not calls and not self._calls_out and spent < (self._cap or 0.0)
        if not (fits or is_first or not at_most):
            return None
        self._reserved += expected
        self._calls_out += 1
        return expected

    def settle(
        self, teacher: TeacherRecord, reserved: float, cost: float | None, *, maybe: bool = False
    ) -> None:
        """Take what a call did cost for what was set aside for it.

        Args:
            maybe: it may have been billed although its cost is not known.
        """
        self._reserved -= reserved
        self._calls_out -= 1
        if maybe and cost is None:
            self._maybe += reserved
        self.add(teacher, cost)
        self._tell()

    def hold(self, amount: float, calls: int) -> None:
        """Set aside what calls under way since an earlier run may cost; negative: they are settled."""
        self._reserved += amount
        self._calls_out += calls
        self._tell()

    def close(self) -> None:
        """Give nothing more out; who waits is told."""
        self._is_closed = True
        self._tell()

    def add(self, teacher: TeacherRecord, cost: float | None) -> None:
        """Count a cost, if it is known."""
        if cost is not None:
            self._is_known = True
            self._new += cost
            total, calls = self._means[teacher.name]
            self._means[teacher.name] = (total + cost, calls + 1)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)


def _at_most(teacher: TeacherRecord, prompt: int, max_tokens: int) -> float:
    price_in, price_out = teacher.price_in, teacher.price_out
    if price_in is None or price_out is None:
        return 0.0
    price = prompt / _CHARACTERS_A_TOKEN * price_in + max_tokens * price_out
    return price * teacher.price_factor / 1e6
