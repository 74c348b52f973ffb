"""What the teachers have cost, and whether the next call still fits into the budget."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from studio.domain.records import TeacherRecord
from studio.flow.cost import price_of
from studio.store.committee_views import KNOWN_COSTS, MAYBE_BILLED
from studio.teachers.base import Reply

if TYPE_CHECKING:
    from studio.store.tables import Store

_BYTES_A_TOKEN = 3  #: as in ``flow/lengths.py``, rather short
_DEVIATIONS = 2.0  #: above the mean, when others are under way


def cost_of(teacher: TeacherRecord, reply: Reply) -> float | None:
    """Return the cost of a reply in USD, or None where a price or a token count is not known.

    A scripted teacher, behind which there is no model, costs nothing unless it is given prices.
    """
    if reply.tokens_in is None or reply.tokens_out is None:
        return 0.0 if price_of(teacher, 1, 1) == 0.0 else None
    return price_of(teacher, reply.tokens_in, reply.tokens_out)


class Seen(NamedTuple):
    """What one teacher's calls cost so far."""

    total: float = 0.0
    squares: float = 0.0
    calls: int = 0

    @property
    def mean(self) -> float:
        """What a call costs on average."""
        return self.total / self.calls

    @property
    def high(self) -> float:
        """What hardly a call goes beyond."""
        variance = max(0.0, self.squares / self.calls - self.mean**2)
        return self.mean + _DEVIATIONS * math.sqrt(variance)

    def with_one(self, cost: float) -> Seen:
        """Return it with one call more."""
        return Seen(self.total + cost, self.squares + cost * cost, self.calls + 1)


class Unknown(NamedTuple):
    """Calls of one teacher that may have been billed, and what was set aside for them."""

    calls: int = 0
    reserved: float = 0.0

    def cost(self, seen: Seen) -> float:
        """Return what they may have cost: as its calls do on average, where that is known."""
        return self.calls * seen.mean if seen.calls else self.reserved


def maybe_billed(store: Store) -> float:
    """Return in USD what calls without a known cost may have cost."""
    known = known_costs(store)
    return sum(one.cost(known.get(name, Seen())) for name, one in unknown_costs(store).items())


def unknown_costs(store: Store) -> dict[str, Unknown]:
    """Return each teacher's calls that may have been billed, nobody knows for how much."""
    return {row[0]: Unknown(*row[1:]) for row in store.rows(MAYBE_BILLED)}


def known_costs(store: Store) -> dict[str, Seen]:
    """Return what each teacher's calls cost so far."""
    return {row[0]: Seen(*row[1:]) for row in store.rows(KNOWN_COSTS)}


class Purse:
    """Keeps spending, with what is under way, below a cap.

    While others are under way a call is expected to cost what hardly one of this teacher's calls
    went beyond, whatever its ``max_tokens`` promises; alone, what they cost on average. Before one
    is known, it is what a call can cost at most, and then a single call may go ahead to find out.
    So a cap is exceeded by no more than what is under way costs beyond what such calls cost before.

    A call that may have been billed, nobody knows for how much, counts against the cap as the
    average, also once that gets known, and is not told as spent. Calls of teachers without a price
    are not counted.

    Args:
        spent: what the ledger knew before.
        cap: all that may be spent, in USD; None for no limit.
        unknown: earlier calls that may have been billed.
        known: what each teacher's earlier calls cost; without it every stage and every restart
            would send one call to find out.
    """

    def __init__(
        self,
        spent: float | None,
        cap: float | None,
        *,
        unknown: Mapping[str, Unknown] | None = None,
        known: Mapping[str, Seen] | None = None,
    ) -> None:
        self._before = spent or 0.0
        self._cap = cap
        self._is_known = spent is not None
        self._new = self._reserved = 0.0
        self._calls_out = 0
        self._out: Counter[str] = Counter()
        self._is_closed = False
        self._seen: dict[str, Seen] = defaultdict(Seen)
        self._seen.update(known or {})
        self._unknown: dict[str, Unknown] = defaultdict(Unknown)
        self._unknown.update(unknown or {})
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def spent_here(self) -> float | None:
        """The cost of this stage's calls so far; None while no price is known."""
        return self._new if self._is_known else None

    @property
    def _maybe(self) -> float:
        return sum(one.cost(self._seen[name]) for name, one in self._unknown.items())

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
        seen = self._seen[teacher.name]
        at_most = _at_most(teacher, prompt, max_tokens)
        expected = at_most
        if seen.calls:
            expected = seen.high if self._calls_out else seen.mean
        spent = self._before + self._new + self._maybe
        fits = self._cap is None or spent + self._reserved + expected <= self._cap
        is_first = not seen.calls and not self._calls_out and spent < (self._cap or 0.0)
        if at_most and (not (fits or is_first) or self._is_not_foreseen(teacher)):
            return None
        self._reserved += expected
        self._calls_out += 1
        self._out[teacher.name] += 1
        return expected

    def _is_not_foreseen(self, teacher: TeacherRecord) -> bool:
        """Whether as many calls as go out at once are out already, and none has told its cost."""
        if self._cap is None or teacher.batch or self._seen[teacher.name].calls:
            return False
        return self._out[teacher.name] >= teacher.concurrency

    def settle(
        self, teacher: TeacherRecord, reserved: float, cost: float | None, *, maybe: bool = False
    ) -> None:
        """Take what a call did cost for what was set aside for it.

        Args:
            maybe: it may have been billed although its cost is not known.
        """
        self._reserved -= reserved
        self._calls_out -= 1
        self._out[teacher.name] -= 1
        if maybe and cost is None:
            before = self._unknown[teacher.name]
            self._unknown[teacher.name] = Unknown(before.calls + 1, before.reserved + reserved)
        self.add(teacher, cost)
        self._tell()

    def hold(self, amount: float, calls: int) -> None:
        """Set aside what calls under way since an earlier run may cost; negative: they are settled."""
        self._reserved += amount
        self._calls_out += calls
        self._tell()

    def take_unknown(self, teacher: str, unknown: Unknown) -> None:
        """Take over what the ledger holds by now of one teacher's calls without a known cost."""
        self._unknown[teacher] = unknown

    def read(self, teacher: TeacherRecord, cost: float | None) -> None:
        """Count a reply from the disk; until it was read it was one that may have been billed."""
        if cost is not None:
            calls, reserved = self._unknown[teacher.name]
            if calls:
                self._unknown[teacher.name] = Unknown(calls - 1, reserved * (calls - 1) / calls)
        self.add(teacher, cost)

    def close(self) -> None:
        """Give nothing more out; who waits is told."""
        self._is_closed = True
        self._tell()

    def add(self, teacher: TeacherRecord, cost: float | None) -> None:
        """Count a cost, if it is known."""
        if cost is not None:
            self._is_known = True
            self._new += cost
            self._seen[teacher.name] = self._seen[teacher.name].with_one(cost)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)


def _at_most(teacher: TeacherRecord, prompt: int, max_tokens: int) -> float:
    return price_of(teacher, prompt / _BYTES_A_TOKEN, max_tokens) or 0.0
