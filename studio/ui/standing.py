"""Where the project stands, read for the overview; no Qt in here."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from studio.domain.policy import Policy
from studio.domain.records import Verdict
from studio.flow import pipeline
from studio.flow.cost import total
from studio.flow.queues import BY_CHECK, BY_GRADE, DOUBTFUL, queue_counts
from studio.store import views, window_views
from studio.ui.stage_words import stage_name, stage_work
from studio.ui.texts import tr
from studio.ui.words import NOTHING, cost, count, decimal, share, things

if TYPE_CHECKING:
    from collections.abc import Iterator

    from studio.flow.cost import Estimate, Spent
    from studio.flow.pipeline import Plan
    from studio.flow.round_funnel import Round
    from studio.flow.scorebook import Scorebook
    from studio.flow.stage import Bench
    from studio.store.tables import Store


class Standing(NamedTuple):
    """The overview's numbers."""

    numbers: dict[str, int]
    accepted: int
    by_hand: int
    queues: dict[str, int | None]  #: None: nobody can tell yet
    accuracy: float | None  #: of the newest student that was measured on held-out questions
    accuracy_n: int | None  #: on so many of them
    scripted: tuple[str, ...]
    teachers: int
    calls: dict[str, float | None]
    by_teacher: tuple[tuple[str, int, str, str, str], ...]
    is_free: bool = False  #: all calls went to scripted teachers, which no model stands behind
    rounds: tuple[Round, ...] = ()  #: where there are several

    def of_round(self, one: Round) -> Standing:
        """Return the same with the stations of one round."""
        return self._replace(numbers=one.counts, accepted=one.counts["accepted"],
                             by_hand=one.counts["by_hand"], accuracy=one.accuracy, accuracy_n=None)  # fmt: skip


class Stop(NamedTuple):
    """One station of the funnel: number, name, remark, share of the one before."""

    number: str
    name: str
    remark: str
    share: float


def read_standing(store: Store) -> Standing:
    """Count everything; seconds on a large project, so not for the thread that draws."""
    from studio.flow.scorebook import Scorebook  # brings numpy: not before the first paint

    book = Scorebook(store)
    numbers = dict(store.one(window_views.FUNNEL) or {})
    results = [json.loads(row["result"]) for row in store.rows(views.RUNS)]
    measured = [one for one in results if one.get("accuracy") is not None]
    newest = measured[-1] if measured else {}
    doubtful = len(store.rows(window_views.DOUBTFUL_QUESTIONS))
    teachers = store.teachers()
    return Standing(
        numbers=numbers,
        accepted=int((book.current == 1).sum()),
        by_hand=int((book.human >= 0).sum()),
        queues={
            **_queues(book),
            DOUBTFUL: None if 0 < numbers["ungraded"] == numbers["attempts"] else doubtful,
        },
        accuracy=newest.get("accuracy"),
        accuracy_n=newest.get("accuracy_n"),
        scripted=tuple(teacher.name for teacher in teachers if teacher.scripted),
        teachers=len(teachers),
        calls=dict(store.one(views.CALL_COUNTS) or {}),
        by_teacher=tuple(_by_teacher(book)),
        is_free=not store.value(window_views.CALLS_OF_MODELS),
        rounds=_rounds(store, book),
    )


def _queues(book: Scorebook) -> dict[str, int | None]:
    """Return how many are in each queue; None where nothing was graded or checked that could tell."""
    counts: dict[str, int | None] = {**queue_counts(book)}
    for names, unknown in ((BY_GRADE, book.ungraded), (BY_CHECK, book.unchecked)):
        if 0 < unknown == len(book):
            counts.update(dict.fromkeys(names))
    return counts


def _rounds(store: Store, book: Scorebook) -> tuple[Round, ...]:
    from studio.flow import round_funnel
    from studio.flow.casebook import Casebook

    if not round_funnel.are_several(store):
        return ()
    return tuple(round_funnel.rounds(store, Casebook(store), book))


def _by_teacher(book: Scorebook) -> Iterator[tuple[str, int, str, str, str]]:
    """Yield each teacher with its rationales, the right and the accepted among them, and its mean."""
    from studio.flow.score_columns import UNGRADED

    scores = book.scores(Policy())
    for name, number in sorted((name, n) for n, name in enumerate(book.teachers)):
        mine = book.teacher == number
        n, scored = int(mine.sum()), scores[mine & (scores > 0)]  # none is NaN, and not above 0
        graded = n - int((mine & (book.verdict == UNGRADED)).sum())
        right = int((mine & book.has_verdict(Verdict.CORRECT)).sum())
        accepted = int((mine & book.is_in_force(1)).sum())
        mean = float(scored.mean()) if len(scored) else None
        yield (name, n, f"{right:,} ({share(_of(right, graded))})" if graded else tr("not graded yet"),
               f"{accepted:,} ({share(_of(accepted, n))})", decimal(mean))  # fmt: skip


def station_names() -> tuple[str, ...]:
    """Return what the stations of the funnel are called."""
    return (tr("Questions"), tr("Attempts"), tr("Mistakes"), tr("Explained"), tr("Reviewed"),
            tr("Accepted"), tr("Trained"), tr("Accuracy"))  # fmt: skip


def stops(found: Standing) -> tuple[Stop, ...]:
    """Return the stations of the funnel."""
    n = found.numbers
    trained = things(n["runs"], "run")
    exam = tr("{n:,} held out", n=found.accuracy_n) if found.accuracy_n else tr("held-out ones")
    return (
        Stop(count(n["questions"]), tr("Questions"), tr("and {n:,} held out", n=n['held_out']), _of(n["questions"], 1)),
        Stop(count(n["attempts"]), tr("Attempts"), tr("at train questions"), _of(n["attempts"], n["questions"])),
        _mistakes(n),
        Stop(count(n["explained"]), tr("Explained"), tr("attempts"), _of(n["explained"], n["mistakes"])),
        Stop(count(n["reviewed"]), tr("Reviewed"), tr("of {n:,} rationales", n=n['rationales']),
             _of(n["reviewed"], n["rationales"])),
        Stop(count(found.accepted), tr("Accepted"), tr("{by_hand:,} by hand", by_hand=found.by_hand),
             _of(found.accepted, n["rationales"])),
        Stop(count(n["trained"]), tr("Trained"), tr("of {runs}", runs=trained), _of(n["trained"], n["runs"])),
        Stop(NOTHING if found.accuracy is None else share(found.accuracy), tr("Accuracy"), tr("on {exam}", exam=exam),
             found.accuracy or 0.0),
    )  # fmt: skip


def spent(found: Standing) -> str:
    """Return in words what the calls so far took."""
    calls = found.calls
    done = int(calls["done"] or 0)
    if not done and not calls["failed"]:
        return tr("No call to a teacher was made here yet.")
    parts = [tr("{done} answered", done=things(done, "call"))]
    if calls["failed"]:
        parts.append(tr("{n:,} failed", n=int(calls["failed"])))
    if calls["unknown"]:
        parts.append(tr("{n:,} without a known end", n=int(calls["unknown"])))
    tokens = int(calls["tokens_in"] or 0), int(calls["tokens_out"] or 0)
    parts.append(tr("{read:,} tokens in, {written:,} out", read=tokens[0], written=tokens[1]))
    price = (
        tr("scripted, costs nothing")
        if found.is_free and not calls["cost_usd"]
        else cost(calls["cost_usd"])
    )
    return "\n".join([*parts, price])


def ledger_rows(lines: list[Spent]) -> list[tuple[str | int, ...]]:
    """Return the ledger as rows of a sheet, the sum last; a cost that leaves calls out says so."""
    sums = [total(lines)] if len(lines) > 1 else []
    return [
        (
            NOTHING if one.round is None else str(one.round), stage_name(one.stage), one.teacher, one.calls,
            one.failed, one.unknown, count(one.tokens_in), count(one.tokens_out), _known(one),
        )
        for one in [*lines, *sums]
    ]  # fmt: skip


def _known(one: Spent) -> str:
    if one.cost_usd is None or not one.unpriced:
        return cost(one.cost_usd)
    return tr(
        "{cost_usd} + {unpriced:,} unknown", cost_usd=cost(one.cost_usd), unpriced=one.unpriced
    )


def read_missing(bench: Bench, store: Store) -> tuple[Plan, list[Estimate]]:
    """Return what is missing and what it may take; stores nothing."""
    reading = replace(bench, store=store)
    plan = pipeline.plan(reading, ())
    return plan, pipeline.estimate(reading, plan)


def next_in_words(store: Store) -> str:
    """Return what to do where no stage has anything left to do; nothing once all is done."""
    if not store.value(views.QUESTIONS_COVERED):
        return tr("Next: apply a rule on the Desk.")
    results = [json.loads(row["result"]) for row in store.rows(views.RUNS)]
    if not results:
        return tr("Next: look through the Desk, then train on what is accepted (Train).")
    if results[-1].get("accuracy") is None:
        return tr("Next: measure what the student has learned (Evaluate).")
    return tr("Next: see what was fixed and broken (Evaluate), or begin another round.")


def missing_in_words(estimates: list[Estimate], *, older: int = 0) -> str:
    """Return what a run of everything missing would do, a line a stage.

    Args:
        older: answers among them that older rules have graded.
    """
    lines = []
    for one in estimates:
        if one.records:
            said = stage_work(one.stage, one.records)
            if one.calls:
                more = f" · {things(one.calls, 'call')}" if one.calls != one.records else ""
                said += f"{more} · {tokens_of(one)} · {price_of(one)}"
            if one.if_needed:
                said += " · " + tr("only as far as decisions call for it")
            if one.stage == "grade" and older:
                said += " · " + tr(
                    "{n:,} of them anew, by newer rules; what was decided by hand stays", n=older
                )
            lines.append(said)
    return "\n".join(lines)


def _mistakes(n: dict[str, int]) -> Stop:
    """Return the station of the mistakes; what is not graded is neither right nor wrong."""
    found, ungraded = n["mistakes"], n.get("ungraded", 0)
    graded = n["attempts"] - ungraded
    if ungraded and not graded:
        return Stop(NOTHING, tr("Mistakes"), tr("not graded yet"), 0.0)
    remark = tr("{share} of them", share=share(found / graded)) if graded else tr("of the attempts")
    if ungraded:
        remark = tr("{n:,} not graded yet", n=ungraded)
    return Stop(count(found), tr("Mistakes"), remark, _of(found, graded))


def tokens_of(one: Estimate) -> str:
    """Return the tokens of an estimate in words that say what they come from."""
    if one.basis == "lengths":
        return tr("at most {tokens:,} tokens", tokens=one.tokens)
    return tr("about {tokens:,} tokens", tokens=one.tokens)


def price_of(one: Estimate) -> str:
    """Return the price of an estimate, and how many calls it leaves out."""
    if one.cost_usd is None or not one.unpriced:
        return cost(one.cost_usd)
    return tr("{cost_usd} and {calls} without a price", cost_usd=cost(one.cost_usd),
              calls=things(one.unpriced, "call"))  # fmt: skip


def _of(part: int, whole: int) -> float:
    return min(1.0, part / whole) if whole else 0.0
