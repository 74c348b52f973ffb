"""How long prompts are before anybody was asked: rendered for a sample of the real questions.

A token is taken for three bytes of UTF-8. That is rather short, English has four or five and a
Chinese character is one, so that the estimate errs above. What is yet to be written by a model
counts with all the tokens it may have.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from statistics import fmean
from typing import TYPE_CHECKING

from studio.domain.records import Question, TeacherRecord
from studio.flow.prompt_rules import STYLE
from studio.flow.reviews import Judgement
from studio.prompts import question_text
from studio.store import forecast_views as views
from studio.teachers.dialect import response_format

if TYPE_CHECKING:
    from studio.flow.calls import Ask
    from studio.flow.stage import Bench
    from studio.flow.together import Part

SAMPLE = 200  #: prompts, or questions, whose mean stands for all
BYTES_A_TOKEN = 3
_TOKENS_A_MESSAGE = 8  #: what endpoints put around each
_MARK = "0" * 16


def tokens_at_most(text: str) -> int:
    """Return a number of tokens that a text hardly exceeds."""
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_A_TOKEN)


class Lengths:
    """The lengths of prompts in tokens, rendered when they are first wanted.

    Args:
        parts: the stages, each limited to a sample of what it has to ask for.
    """

    def __init__(self, bench: Bench, parts: Sequence[Part]) -> None:
        self._bench = bench
        self._parts = {part.name: part for part in parts}
        self._known: dict[str, float] = {}

    def missing(self, stage: str) -> float:
        """Return the mean length of what a stage would send now."""
        return mean_length(ask for _, ask in self._asks.get(stage, ()))

    def coming(self, purpose: str) -> float:
        """Return the mean length of a prompt without the texts that are yet to be written."""
        if purpose not in self._known:
            self._known[purpose] = self._without_texts(purpose)
        return self._known[purpose]

    def _without_texts(self, purpose: str) -> float:
        template = self._bench.templates.get(STYLE, purpose)
        blank = dict.fromkeys(template.fields, "") | {"mark": _MARK}
        lengths = [
            _length(template.messages(blank | {"question": question_text(one), "gold": one.gold}))
            for one in self._questions
        ]
        return fmean(lengths) if lengths else 0.0

    @cached_property
    def _asks(self) -> dict[str, list[tuple[str, Ask]]]:
        store = self._bench.store
        return {name: list(part.asks(self._bench, part.missing(store)))
                for name, part in self._parts.items()}  # fmt: skip

    @cached_property
    def _questions(self) -> list[Question]:
        """Return some of those that are asked about, or of those that may come to be."""
        store = self._bench.store
        known = {question for asks in self._asks.values() for question, _ in asks}
        ids = sorted(known)[:SAMPLE] or [row[0] for row in store.rows(views.SOME_QUESTIONS, SAMPLE)]
        return list(store.get_many(Question, ids))


def mean_length(asks: Iterable[Ask]) -> float:
    """Return the mean length of prompts in tokens."""
    lengths = [
        _length(ask.messages) + (schema_length(ask.teacher) if ask.schema else 0) for ask in asks
    ]
    return fmean(lengths) if lengths else 0.0


def _length(messages: Sequence[dict[str, str]]) -> int:
    return sum(tokens_at_most(one["content"]) + _TOKENS_A_MESSAGE for one in messages)


def schema_length(reviewer: TeacherRecord) -> int:
    """Return the length of the JSON schema of a review, which endpoints may count as read."""
    return _shape_length() if reviewer.structured else 0


@cache
def _shape_length() -> int:
    return tokens_at_most(json.dumps(response_format(Judgement)))
