"""How fast one teacher may be asked: requests at once, requests and tokens a minute, pauses.

What an endpoint says of its key (wait so long, too many) holds for all requests with that key.
With an endpoint that fails again and again the circuit opens: one request at a time finds out
whether it is back, at growing distances, and nobody else is sent into the same wall.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from studio.domain.records import TeacherRecord
from studio.teachers.base import ACCOUNT_WIDE, Outcome

FIRST_PAUSE_S = 0.5  #: doubled each time, with a random part, unless the endpoint says how long
SHORTEST_PAUSE_S = (
    0.05  #: doubled each time, where an endpoint asks for none, or for one in the past
)
LONGEST_PAUSE_S = 120.0  #: an endpoint that wants more is left out and its wish is told
OUTAGE_AFTER = 8  #: failures in a row that are no longer bad luck
LONGEST_PROBE_S = 60.0  #: between two looks whether the endpoint is back
LONGEST_OUTAGE_S = 3600.0  #: then it is left out, if it had answered before
PROBES_OF_A_STRANGER = 4  #: and after so many looks if it never had
FIRST_AT_ONCE = 4  #: adaptive: where it begins
_BURST_S = 2.0  #: a limit a minute may be used up so far ahead
#: The endpoint as a whole is in trouble, whatever it was asked.
FAILING = frozenset({Outcome.RATE_LIMITED, Outcome.SERVER, Outcome.BROKEN, Outcome.TIMED_OUT,
                     Outcome.OFFLINE})  # fmt: skip
_TOO_FAST = frozenset({Outcome.RATE_LIMITED, Outcome.SERVER, Outcome.TIMED_OUT})


class Ticket(NamedTuple):
    """A request that may go out: when it was let go, and what was set aside for it."""

    at: float
    tokens: int


class Pace:
    """The pace of one teacher, kept while a stage runs.

    Args:
        teacher: ``concurrency`` is the most at once; adaptive, it is found below that.
        clock: seconds; the loop's own unless a test brings another.
    """

    def __init__(self, teacher: TeacherRecord, *, clock: Callable[[], float] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._ceiling = teacher.concurrency
        self._is_adaptive = teacher.adaptive
        self.limit = float(min(FIRST_AT_ONCE, self._ceiling) if teacher.adaptive else self._ceiling)
        self._is_growing_fast = True
        self._shrunk_at = self._held_until = self._failing_since = 0.0
        self._requests = _Bucket(teacher.requests_per_minute, self._clock())
        self._tokens = _Bucket(teacher.tokens_per_minute, self._clock())
        self.running = self.answers = self._failures = self._too_many = 0
        self.probes = 0  #: looks at an endpoint that is out; 0: it is not
        self._waiting: deque[tuple[int, asyncio.Future[Ticket | None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._random = random.Random(teacher.name)

    async def enter(self, tokens: int = 0) -> Ticket | None:
        """Wait until one more request may go out; None when nothing goes out any more.

        Args:
            tokens: what the request will take of the tokens a minute, as far as one can tell.
        """
        if self._is_closed:
            return None
        if not self._waiting and self._seconds_to_wait(tokens) == 0:
            return self._let_go(tokens)
        turn: asyncio.Future[Ticket | None] = self._loop.create_future()
        self._waiting.append((tokens, turn))
        self._wake()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result() is not None:
                self.running -= 1
                self._wake()
            raise

    def leave(
        self,
        ticket: Ticket,
        outcome: Outcome | None,
        *,
        retry_after_s: float | None = None,
    ) -> None:
        """Tell what became of a request; None: it was not sent."""
        self.running -= 1
        was_there = outcome is Outcome.OFFLINE and self.answers > 0  # it was there a moment ago
        if (outcome in ACCOUNT_WIDE and not was_there) or (retry_after_s or 0.0) > LONGEST_PAUSE_S:
            self.close()
        elif outcome in FAILING:
            self._fail(outcome, ticket, retry_after_s)
        elif outcome is not None:
            self._succeed()
        self._wake()

    def count_tokens(self, ticket: Ticket, tokens: int) -> None:
        """Tell what a request took in truth."""
        self._tokens.take(tokens - ticket.tokens)

    def close(self) -> None:
        """Let nobody through any more; who waits is told."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for _, turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()

    @property
    def is_out(self) -> bool:
        """Whether the endpoint is taken for out of order at the moment."""
        return self.probes > 0

    @property
    def is_given_up(self) -> bool:
        """Whether an outage has lasted longer than anybody should wait."""
        if not self.probes:
            return False
        if not self.answers:
            return self.probes > PROBES_OF_A_STRANGER
        return self._clock() - self._failing_since > LONGEST_OUTAGE_S

    def describe(self) -> str:
        """Return in words why nothing goes out at the moment; else an empty text."""
        left = self._held_until - self._clock()
        if left < 1 or self._is_closed:
            return ""
        why = "is out of order, looked at again" if self.probes else "asks for a pause, goes on"
        return f"{why} in {left:.0f} s"

    # -- inside ------------------------------------------------------------------------------

    def _seconds_to_wait(self, tokens: int) -> float | None:
        """Return how long the next request has to wait; None: until another has ended."""
        if self.running >= (1 if self.probes else int(self.limit)):
            return None
        now = self._clock()
        return max(0.0, self._held_until - now, self._requests.wait(1, now),
                   self._tokens.wait(tokens, now))  # fmt: skip

    def _let_go(self, tokens: int) -> Ticket:
        self.running += 1
        self._requests.take(1)
        self._tokens.take(tokens)
        return Ticket(self._clock(), tokens)

    def _wake(self) -> None:
        """Let go who may, and come back when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            tokens, turn = self._waiting[0]
            if turn.done():
                self._waiting.popleft()
                continue
            seconds = self._seconds_to_wait(tokens)
            if seconds is None:
                return
            if seconds > 0:
                self._timer = self._loop.call_later(seconds, self._wake)
                return
            self._waiting.popleft()
            turn.set_result(self._let_go(tokens))

    def _succeed(self) -> None:
        self.answers += 1
        self._failures = self._too_many = self.probes = 0
        if self._is_adaptive and self.limit < self._ceiling:
            grown = self.limit + (1 if self._is_growing_fast else 1 / self.limit)
            self.limit = min(float(self._ceiling), grown)

    def _fail(self, outcome: Outcome, ticket: Ticket, retry_after_s: float | None) -> None:
        now = self._clock()
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        if self._is_adaptive and outcome in _TOO_FAST and ticket.at >= self._shrunk_at:
            self.limit, self._shrunk_at = max(1.0, self.limit / 2), now
            self._is_growing_fast = False
        if self.probes or self._failures >= OUTAGE_AFTER or outcome is Outcome.OFFLINE:
            self._look_later(ticket, retry_after_s)
        elif outcome is Outcome.RATE_LIMITED or retry_after_s is not None:
            if ticket.at >= self._held_until:
                self._too_many += 1
            self._hold(self._pause(self._too_many - 1, retry_after_s))

    def _look_later(self, ticket: Ticket, retry_after_s: float | None) -> None:
        """Open the circuit, or leave it open for longer."""
        if not self.probes or ticket.at >= self._held_until:  # else sent before it was noticed
            self.probes += 1
        pause = self._pause(self.probes, retry_after_s)
        self._hold(pause if retry_after_s is not None else min(pause, LONGEST_PROBE_S))

    def _pause(self, doublings: int, asked_s: float | None) -> float:
        """Return the pause an endpoint asked for, or one of our own; never one that is none."""
        times = 2.0 ** min(max(doublings, 0), 16)
        if asked_s is not None:
            return min(max(asked_s, SHORTEST_PAUSE_S * times), LONGEST_PAUSE_S)
        return min(FIRST_PAUSE_S * times, LONGEST_PAUSE_S) * (0.5 + self._random.random())

    def _hold(self, seconds: float) -> None:
        self._held_until = max(self._held_until, self._clock() + seconds)


class _Bucket:
    """So many a minute, used evenly; None: as many as one likes."""

    def __init__(self, a_minute: int | None, now: float) -> None:
        self._rate = None if a_minute is None else a_minute / 60
        self._most = max(1.0, (self._rate or 0.0) * _BURST_S)
        self._left, self._at = self._most, now

    def wait(self, amount: int, now: float) -> float:
        """Return the seconds until ``amount`` may be taken."""
        if self._rate is None:
            return 0.0
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        missing = min(float(amount), self._most) - self._left  # more than fits waits for a full one
        return max(0.0, missing / self._rate)

    def take(self, amount: int) -> None:
        """Take it, or put a negative amount back; what is owed is paid by waiting."""
        if self._rate is not None:
            self._left -= amount
