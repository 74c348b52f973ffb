"""The real messages of a prompt, built by the stage itself, before anybody is asked; stores nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.errors import SpecError
from studio.domain.records import Attempt, Explanation, Question, StudentRecord
from studio.flow import prompt_versions
from studio.flow.explanations import ExplainStage
from studio.flow.prompt_rules import PURPOSES, STYLED, checked
from studio.flow.rationales import SolveStage, Wanted
from studio.flow.reviews import ReviewExplanationsStage, ReviewStage
from studio.flow.revisions import ReviseStage
from studio.prompts import question_text
from studio.store import prompt_views as views
from studio.teachers.dialect import response_format

if TYPE_CHECKING:
    from studio.flow.calls import Ask
    from studio.flow.stage import Bench

_CHARACTERS_A_TOKEN = 4


class Preview(NamedTuple):
    """What would be sent for one question to one teacher (or student)."""

    name: str
    version: str  #: in words; ``on trial`` for a text that is not stored
    to: str
    model: str
    question_id: str
    question: str
    about: str  #: the record it is about; empty where that is the question itself
    messages: list[dict[str, str]]
    schema: dict[str, Any] | None  #: asked for besides, where the endpoint takes a JSON schema
    max_tokens: int | None
    taken: tuple[int, float, float] | None = None  #: calls so far, mean tokens read and written

    @property
    def tokens(self) -> int:
        """About how many tokens the messages are."""
        return sum(len(one["content"]) for one in self.messages) // _CHARACTERS_A_TOKEN

    def as_json(self) -> dict[str, Any]:
        """Return the shape of ``prompts PROJECT preview --json``."""
        return {**self._asdict(), "tokens": self.tokens,
                "taken": self.taken and dict(zip(("calls", "tokens_in", "tokens_out"), self.taken,
                                                 strict=True))}  # fmt: skip


def preview(
    bench: Bench, name: str, *, question: str = "", to: str = "", text: str | None = None
) -> Preview:
    """Return the messages of the prompt ``name`` as its stage would send them.

    Args:
        question: id, key or some words; empty for the first that has what the stage asks about.
        to: the teacher; empty for the first that is asked.
        text: a text on trial, in the place of the version in force.

    Raises:
        SpecError: there is nothing yet that could be asked about, or nobody to ask; says what to do.
    """
    purpose = prompt_versions.purpose_of(name)
    version = prompt_versions.in_force(bench.store, bench.prompts, name).title
    if text is not None:
        text, version = checked(purpose, text), "on trial"
        bench = replace(bench, prompts=bench.prompts.trying(name, text))
    if purpose in STYLED:
        made = _to_student(bench, name, purpose, question)
    else:
        made = _to_teacher(bench, name, purpose, question=question, to=to)
    row = bench.store.one(views.TAKEN, PURPOSES[purpose].stage)
    if row is not None and row["calls"]:
        made = made._replace(taken=(row["calls"], row["tokens_in"], row["tokens_out"] or 0.0))
    return made._replace(version=version)


_ASKS: dict[str, Callable[[Bench, str, str], Iterator[tuple[str, Ask]]]] = {
    "explain": lambda bench, about, to: ExplainStage().asks(bench, [(about, to)]),
    "solve": lambda bench, about, to: SolveStage().asks(bench, [Wanted(about, to, 0)]),
    "review": lambda bench, about, to: ReviewStage().asks(bench, [(about, to)]),
    "review_blind": lambda bench, about, to: ReviewStage(blind=True).asks(bench, [(about, to)]),
    "review_explanation": lambda bench, about, to: ReviewExplanationsStage().asks(
        bench, [(about, to)]
    ),
    "revise": lambda bench, about, to: ReviseStage().asks(bench, [about]),
}
#: Whose subjects a prompt shares.
_LIKE = {"review_blind": "review", "solve": "exam"}
_LACKS = {
    "exam": "there is no question yet: import some",
    "explain": "there is no mistake yet to ask about: let the student sit its exam",
    "review": "there is no rationale of another teacher yet: run the stage solve",
    "review_explanation": "there is no explanation of another teacher yet: run the stage explain",
    "revise": "there is no rejected rationale of {to} yet: nothing would be sent back",
    "learn_explanation": "there is no explanation yet: run the stage explain",
}


def _to_teacher(bench: Bench, name: str, purpose: str, *, question: str, to: str) -> Preview:
    asked = {teacher.name: teacher for teacher in bench.store.teachers()}
    if not asked:
        raise SpecError(
            "no teacher is asked yet: add one on the Committee page or by 'teacher add'"
        )
    if to and to not in asked:
        raise SpecError(
            f"there is no teacher {to!r} that is asked: choose one of {', '.join(asked)}"
        )
    teacher = asked[to] if to else next(iter(asked.values()))
    about, question_id = _subject(bench, _LIKE.get(purpose, purpose), question, to=teacher.name)
    if purpose == "solve":
        about = question_id
    _, ask = next(_ASKS[purpose](bench, about, teacher.name), ("", None))
    if ask is None:
        raise SpecError(_LACKS[_LIKE.get(purpose, purpose)].format(to=teacher.name))
    schema = response_format(ask.schema) if ask.schema and teacher.structured else None
    return Preview(
        name, "", teacher.name, teacher.model, question_id, _words(bench, question_id),
        "" if purpose == "solve" else about, ask.messages, schema, ask.max_tokens,
    )  # fmt: skip


def _to_student(bench: Bench, name: str, purpose: str, question: str) -> Preview:
    style = name.split("/", 1)[0]
    about, question_id = _subject(bench, purpose, question)
    template = bench.templates.get(style, purpose)
    asked = bench.store.get(Question, question_id)
    assert asked is not None  # its id comes from the same store
    fields = {"question": question_text(asked)}
    if purpose == "learn_explanation":
        explained = bench.store.get(Explanation, about)
        attempt = bench.store.get(Attempt, explained.attempt_id) if explained else None
        wrong = attempt.text if attempt else ""
        extracted = bench.store.value(views.EXTRACTED, attempt.id) if attempt else ""
        fields |= {"wrong": wrong, "wrong_final": extracted or "", "gold": asked.gold}
    who = next((one.name for one in bench.store.all(StudentRecord) if one.prompts == style), "")
    exam = bench.store.setting("exam", {})
    most = exam.get("max_new_tokens") if purpose == "exam" else None
    return Preview(
        name, "", who or "any student", "", question_id, _words(bench, question_id),
        "" if about == question_id else about, template.messages(fields), None, most,
    )  # fmt: skip


def _subject(bench: Bench, purpose: str, question: str, *, to: str = "") -> tuple[str, str]:
    if not question:
        row = bench.store.one(views.FIRST_SUBJECT[purpose], to)
    else:
        question_id = bench.store.value(views.QUESTION, question)
        if question_id is None:
            raise SpecError(
                f"there is no question {question!r}: give its id, its key or some of its words"
            )
        row = bench.store.one(views.SUBJECT_AT[purpose], to, question_id)
    if row is None:
        lacks = _LACKS[purpose].format(to=to)
        raise SpecError(f"at this question {lacks}" if question else lacks)
    return row[0], row[1]


def _words(bench: Bench, question_id: str) -> str:
    question = bench.store.get(Question, question_id)
    return question.text if question else ""
