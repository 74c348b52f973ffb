"""Filters in words: the menus that offer them and the chips that show them; no Qt in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studio.flow.queues import DOUBTFUL, QUEUES
from studio.ui.desk_filter import ANY, NONE, SORTS, STATES, VERDICT_NAMES
from studio.ui.texts import mark, tr
from studio.ui.words import decimal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from studio.flow.casebook import Casebook
    from studio.flow.scorebook import Scorebook
    from studio.ui.desk_filter import Filter

MOST = 60  #: entries of one menu
QUEUE_NAMES = {
    **{name: queue.title for name, queue in QUEUES.items()},
    DOUBTFUL: mark("Doubtful mistakes"),
}
#: The columns beyond the two boxes: name, what the menu says, what a chip says.
COLUMNS = {
    "teacher": (mark("Teacher"), mark("teacher {value}")), "reviewer": (mark("Reviewer"), mark("reviewed by {value}")),
    "dataset": (mark("Dataset"), mark("dataset {value}")), "kind": (mark("Kind of question"), mark("kind {value}")),
    "split": (mark("Split"), mark("split {value}")), "round": (mark("Round"), mark("round {value}")), "student": (mark("Student"), mark("student {value}")),
    "verdict": (mark("Answer of the rationale"), mark("rationale’s answer {value}")),
    "answer": (mark("Answer of the student"), mark("student’s answer {value}")), "doubt": (mark("Doubts"), mark("doubt: {value}")),
    "tag": (mark("Tag"), mark("tagged {value}")),
    "mean_from": (mark("Mean score at least"), mark("mean ≥ {value}")), "mean_to": (mark("Mean score at most"), mark("mean ≤ {value}")),
    "gap_from": (mark("Gap between scores at least"), mark("gap ≥ {value}")),
    "tokens_from": (mark("Tokens at least"), mark("tokens ≥ about {value}")),
    "tokens_to": (mark("Tokens at most"), mark("tokens ≤ about {value}")),
    "differ": (mark("Two rules differ"), mark("rules {value} differ")),
    "without": (mark("Decided otherwise without"), mark("decided otherwise without {value}")),
}  # fmt: skip
DOUBT_WORDS = {ANY: mark("at least one"), NONE: mark("none")}


class Span(NamedTuple):
    """A number to be given: the usual ones, and the ends."""

    usual: tuple[float, ...]
    lowest: float
    highest: float
    digits: int


SPANS = {
    "mean_from": Span((2, 3, 3.5, 4, 4.5, 5), 1, 5, 2), "mean_to": Span((1.5, 2, 3, 3.5, 4), 1, 5, 2),
    "gap_from": Span((1, 2, 3, 4), 0, 4, 0), "tokens_from": Span((50, 100, 200, 400), 0, 1_000_000, 0),
    "tokens_to": Span((50, 100, 200, 400), 0, 1_000_000, 0),
}  # fmt: skip


class Offer(NamedTuple):
    """What each column can be filtered by: values by the field's name."""

    teacher: Sequence[str] = ()
    reviewer: Sequence[str] = ()
    dataset: Sequence[str] = ()
    kind: Sequence[str] = ()
    split: Sequence[str] = ()
    student: Sequence[str] = ()
    round: Sequence[int] = ()
    doubt: Sequence[str] = ()
    tag: Sequence[str] = ()
    differ: Sequence[str] = ()  #: nothing to choose: the comparison of two rules fills it in


def offered(cases: Casebook, book: Scorebook | None) -> Offer:
    """Return what there is to choose from."""
    attempts = cases.attempts
    rounds = np.unique(attempts.round).tolist()
    return Offer(
        teacher=sorted(book.teachers) if book else (), reviewer=sorted(book.reviewers) if book else (),
        dataset=cases.datasets, kind=sorted(filter(None, cases.kinds)), split=cases.splits,
        student=sorted(attempts.students), round=rounds,
        doubt=sorted(attempts.doubt_names),
    )  # fmt: skip


def entries(field: str, offer: Offer) -> Iterator[tuple[str, Any]]:
    """Yield the values a column's menu offers, in words and as they are."""
    if field in SPANS:
        for number in SPANS[field].usual:
            yield value_words(field, _whole(field, number)), _whole(field, number)
    elif field in ("verdict", "answer"):
        for name, words in VERDICT_NAMES.items():
            yield tr(words), name
    else:
        if field == "doubt":
            yield from ((tr(words), name) for name, words in DOUBT_WORDS.items())
        for value in getattr(offer, "reviewer" if field == "without" else field)[:MOST]:
            yield value_words(field, value), value


def value_words(field: str, value: Any) -> str:
    """Return a value as it stands on screen."""
    if field in ("verdict", "answer"):
        return tr(VERDICT_NAMES.get(str(value), str(value)))
    if field == "doubt":
        return tr(DOUBT_WORDS[value]) if value in DOUBT_WORDS else str(value)
    if field in SPANS:
        return decimal(value, 2 if value % 1 else 0)
    if field == "differ":
        return " and ".join(f"v{key}" if key.isdigit() else key for key in str(value).split("/"))
    return str(value)


def chips(wanted: Filter) -> Iterator[tuple[str, str]]:
    """Yield what is filtered and sorted in words, each with the field (or ``sort:…``) behind it."""
    for field, value in wanted.chosen.items():
        if field == "state":
            yield tr("decision: {value}", value=tr(STATES.get(value, value))), field
        elif field == "queue":
            yield tr("queue: {value}", value=tr(QUEUE_NAMES.get(value, value))), field
        elif field in COLUMNS:
            yield tr(COLUMNS[field][1], value=value_words(field, value)), field
    for name, largest_first in wanted.sort:
        by = tr(SORTS[name][0]).lower()
        said = tr("sorted by {by} ↓", by=by) if largest_first else tr("sorted by {by} ↑", by=by)
        yield said, f"sort:{name}"


def _whole(field: str, number: float) -> float | int:
    return number if SPANS[field].digits else int(number)
