"""The verb ledger: what the calls took, by round, stage and teacher, by question, or call by call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from studio.cli.output import print_json, table, when
from studio.cli.project import Json, Project
from studio.domain.errors import SpecError
from studio.domain.records import Question
from studio.flow.cost import Spent, calls_for, ledger_by_question, total, total_of
from studio.flow.cost import ledger as by_stage
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.flow.cost import Called, SpentOnQuestion

_SUMS = ("calls", "failed", "end unknown", "tokens in", "tokens out", "USD", "no price")
_SHOWN = 48  #: letters of a question
_LEAST = 4  #: letters that may stand for an id


def register(app: typer.Typer) -> None:
    """Put this verb on ``app``."""
    app.command("ledger", short_help="Show what the calls took, also of each question.")(ledger)


def ledger(
    project: Project,
    *,
    by: Annotated[str, typer.Option(help="stage (with round and teacher) or question")] = "stage",
    most: Annotated[
        int, typer.Option(min=1, help="So many questions, the dearest first; --json gives all")
    ] = 20,
    question: Annotated[
        str, typer.Option(help="Every call for this one: its key or id, or how the id begins")
    ] = "",
    json_: Json = False,
) -> None:
    """Show what the calls took: by round, stage and teacher, by question, or call by call."""
    if by not in ("stage", "question"):
        raise SpecError(f"there is no ledger by {by!r}: choose stage or question")
    store = Store(project, read_only=True)
    try:
        if question:
            _tell_calls(calls_for(store, _id_of(store, question)), json_=json_)
        elif by == "question":
            _tell_questions(ledger_by_question(store, most=-1 if json_ else most), json_=json_)
        else:
            _tell_stages(by_stage(store), json_=json_)
    finally:
        store.close()


def _id_of(store: Store, wanted: str) -> str:
    found = [one.id for one in store.all(Question, "id = ?1 OR key = ?1", wanted)]
    if not found and len(wanted) >= _LEAST:
        found = [one.id for one in store.all(Question, "substr(id, 1, length(?1)) = ?1", wanted)]
    if len(found) != 1:
        raise SpecError(f"{len(found)} questions have the key or id {wanted!r}:"
                        " 'ledger PROJECT --by question' shows both")  # fmt: skip
    return found[0]


def _tell_stages(lines: list[Spent], *, json_: bool) -> None:
    if json_:
        print_json({"ledger": [one._asdict() for one in lines], "all": total(lines)._asdict()})
        return
    rows = [(one.round, one.stage, one.teacher, *_sums(one)) for one in [*lines, total(lines)]]
    print(table(rows, head=("round", "stage", "teacher", *_SUMS)) if lines else _NONE)


def _tell_questions(lines: list[SpentOnQuestion], *, json_: bool) -> None:
    if json_:
        print_json({"questions": [one._asdict() for one in lines]})
        return
    rows = [(one.question[:8], one.key, one.text[:_SHOWN], *_sums(one)) for one in lines]
    print(table(rows, head=("id", "key", "question", *_SUMS)) if lines else _NONE)


def _sums(one: Spent | SpentOnQuestion) -> tuple[object, ...]:
    return (one.calls, one.failed, one.unknown, one.tokens_in, one.tokens_out, _usd(one.cost_usd),
            one.unpriced)  # fmt: skip


def _usd(value: float | None) -> str | None:
    """Return an amount of money as the progress line tells it; one call costs very little."""
    if not value:
        return None if value is None else "0"
    return f"{value:,.4f}" if value >= 1 else f"{value:.6f}"


def _tell_calls(calls: list[Called], *, json_: bool) -> None:
    whole: Spent = total_of(calls)
    if json_:
        print_json({"calls": [one._asdict() for one in calls], "all": whole._asdict()})
        return
    rows = [(when(one.sent_at), one.stage, one.teacher, one.outcome or one.state, one.tokens_in,
             one.tokens_out, _usd(one.cost_usd)) for one in calls]  # fmt: skip
    told = ("", whole.stage, f"{whole.calls:,} calls", f"{whole.failed:,} failed",
            whole.tokens_in, whole.tokens_out, _usd(whole.cost_usd))  # fmt: skip
    head = ("sent", "stage", "teacher", "outcome", "tokens in", "tokens out", "USD")
    print(table([*rows, told], head=head) if calls else _NONE)


_NONE = "No call was made here: imported records cost nothing."
