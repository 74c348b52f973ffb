"""What calls took so far, and what further ones would cost; what is unknown stays unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from studio.domain.records import TeacherRecord
from studio.store import forecast_views, ledger_views

if TYPE_CHECKING:
    from studio.store.tables import Store

#: Where the tokens of an estimate come from: what calls took so far, or the lengths of prompts with
#: every reply as long as it may be (for one of its teachers at least). Empty: no call is needed.
Basis = Literal["averages", "lengths", ""]


class Estimate(NamedTuple):
    """What a stage would do at most, and what that would take.

    ``cost_usd`` is the sum of the known prices and None where none is known; ``unpriced`` counts
    the calls that it leaves out.
    """

    stage: str
    records: int
    calls: int
    tokens: int
    cost_usd: float | None
    older: int = 0  #: records made with a former version of the prompt, which stay as they are
    basis: Basis = ""
    unpriced: int = 0
    if_needed: bool = False  #: only as far as decisions call for it


class Lot(NamedTuple):
    """Calls to one teacher that are alike, with the tokens of each."""

    teacher: TeacherRecord
    calls: int
    tokens_in: float
    tokens_out: float
    basis: Basis

    @property
    def tokens(self) -> float:
        """All of them."""
        return self.calls * (self.tokens_in + self.tokens_out)

    @property
    def cost_usd(self) -> float | None:
        """What they cost together; None where a price is not known."""
        return price_of(self.teacher, self.calls * self.tokens_in, self.calls * self.tokens_out)


def price_of(teacher: TeacherRecord, tokens_in: float, tokens_out: float) -> float | None:
    """Return in USD what tokens cost, or None where a price is not known.

    A scripted teacher, behind which there is no model, costs nothing unless it is given prices.
    """
    if teacher.price_in is None or teacher.price_out is None:
        return 0.0 if teacher.scripted else None
    price = tokens_in * teacher.price_in + tokens_out * teacher.price_out
    return price * teacher.price_factor / 1e6


def estimate_of(stage: str, lots: Iterable[Lot], *, if_needed: bool = False) -> Estimate:
    """Return the estimate of calls that make one record each."""
    asked = [lot for lot in lots if lot.calls]
    calls = sum(lot.calls for lot in asked)
    known = [cost for lot in asked if (cost := lot.cost_usd) is not None]
    return Estimate(
        stage, calls, calls, round(sum(lot.tokens for lot in asked)),
        sum(known) if known or not calls else None,
        basis=_basis(lot.basis for lot in asked), if_needed=if_needed,
        unpriced=sum(lot.calls for lot in asked if lot.cost_usd is None),
    )  # fmt: skip


def sum_of(lines: Sequence[Estimate]) -> Estimate:
    """Return all lines as one."""
    known = [line.cost_usd for line in lines if line.cost_usd is not None and line.calls]
    calls = sum(line.calls for line in lines)
    return Estimate(
        "all", sum(line.records for line in lines), calls, sum(line.tokens for line in lines),
        sum(known) if known or not calls else None, sum(line.older for line in lines),
        _basis(line.basis for line in lines), sum(line.unpriced for line in lines),
    )  # fmt: skip


def taken_so_far(store: Store) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the mean tokens (read, written) of an answered call, by stage and teacher."""
    return {(row["stage"], row["teacher"]): (row["tokens_in"], row["tokens_out"])
            for row in store.rows(forecast_views.CALL_AVERAGES)}  # fmt: skip


def _basis(each: Iterable[Basis]) -> Basis:
    found = set(each)
    return "lengths" if "lengths" in found else "averages" if "averages" in found else ""


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


class SpentOnQuestion(NamedTuple):
    """What the calls for one question took; the fields are those of ``Spent``."""

    question: str  #: its id; empty for calls that are for none that is still there
    key: str
    text: str
    calls: int
    failed: int
    unknown: int
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    unpriced: int


def ledger_by_question(store: Store, *, most: int = -1) -> list[SpentOnQuestion]:
    """Return what the calls took, by question, the dearest first; at most so many, -1 for all."""
    rows = store.rows(ledger_views.LEDGER_BY_QUESTION, most)
    return [SpentOnQuestion(*(row[name] for name in SpentOnQuestion._fields)) for row in rows]


class Called(NamedTuple):
    """One call that was for a question."""

    id: str
    stage: str
    teacher: str
    state: str
    outcome: str
    sent_at: float
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None


def calls_for(store: Store, question_id: str) -> list[Called]:
    """Return every call that was for a question, also those that came to nothing."""
    rows = store.rows(ledger_views.CALLS_OF_QUESTION, question_id)
    return [Called(*(row[name] for name in Called._fields)) for row in rows]


def total_of(calls: Sequence[Called]) -> Spent:
    """Return the sum of calls."""
    known = [one.cost_usd for one in calls if one.cost_usd is not None]
    failed = sum(one.state == "failed" for one in calls)
    return Spent(
        "all", "", None, len(calls), failed, sum(one.state == "unknown" for one in calls),
        sum(one.tokens_in or 0 for one in calls), sum(one.tokens_out or 0 for one in calls),
        sum(known) if known else None,
        sum(one.state != "failed" and one.cost_usd is None for one in calls),
    )  # fmt: skip


def total(spent: list[Spent]) -> Spent:
    """Return the sum of all lines."""
    known = [one.cost_usd for one in spent if one.cost_usd is not None]
    return Spent(
        "all", "", None, sum(one.calls for one in spent), sum(one.failed for one in spent),
        sum(one.unknown for one in spent), sum(one.tokens_in or 0 for one in spent),
        sum(one.tokens_out or 0 for one in spent), sum(known) if known else None,
        sum(one.unpriced for one in spent),
    )  # fmt: skip
