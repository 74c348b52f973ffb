"""Filters in words: the menus that offer them and the chips that show them; no Qt in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from studio.flow.queues import DOUBTFUL, QUEUES
from studio.ui.desk_filter import ANY, NONE, SORTS, STATES, VERDICT_NAMES
from studio.ui.words import decimal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from studio.flow.casebook import Casebook
    from studio.flow.scorebook import Scorebook
    from studio.ui.desk_filter import Filter

MOST = 60  #: entries of one menu
QUEUE_NAMES = {
    **{name: queue.title for name, queue in QUEUES.items()},
    DOUBTFUL: "Doubtful mistakes",
}
#: The columns beyond the two boxes: name, what the menu says, what a chip says.
COLUMNS = {
    "teacher": ("Teacher", "teacher {}"), "reviewer": ("Reviewer", "reviewed by {}"),
    "dataset": ("Dataset", "dataset {}"), "kind": ("Kind of question", "kind {}"),
    "split": ("Split", "split {}"), "round": ("Round", "round {}"), "student": ("Student", "student {}"),
    "verdict": ("Answer of the rationale", "rationale’s answer {}"),
    "answer": ("Answer of the student", "student’s answer {}"), "doubt": ("Doubts", "doubt: {}"),
    "mean_from": ("Mean score at least", "mean ≥ {}"), "mean_to": ("Mean score at most", "mean ≤ {}"),
    "gap_from": ("Gap between scores at least", "gap ≥ {}"),
    "tokens_from": ("Tokens at least", "tokens ≥ about {}"),
    "tokens_to": ("Tokens at most", "tokens ≤ about {}"),
    "without": ("Decided otherwise without", "decided otherwise without {}"),
}  # fmt: skip
DOUBT_WORDS = {ANY: "at least one", NONE: "none"}


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


def offered(cases: Casebook, book: Scorebook | None) -> Offer:
    """Return what there is to choose from."""
    attempts = cases.attempts
    rounds = sorted(set(attempts.round.tolist())) if len(attempts.round) else []
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
            yield words, name
    else:
        if field == "doubt":
            yield from ((words, name) for name, words in DOUBT_WORDS.items())
        for value in getattr(offer, "reviewer" if field == "without" else field)[:MOST]:
            yield value_words(field, value), value


def value_words(field: str, value: Any) -> str:
    """Return a value as it stands on screen."""
    if field in ("verdict", "answer"):
        return VERDICT_NAMES.get(str(value), str(value))
    if field == "doubt":
        return DOUBT_WORDS.get(value, str(value))
    if field in SPANS:
        return decimal(value, 2 if value % 1 else 0)
    return str(value)


def chips(wanted: Filter) -> Iterator[tuple[str, str]]:
    """Yield what is filtered and sorted in words, each with the field (or ``sort:…``) behind it."""
    for field, value in wanted.chosen.items():
        if field == "state":
            yield f"decision: {STATES.get(value, value)}", field
        elif field == "queue":
            yield f"queue: {QUEUE_NAMES.get(value, value)}", field
        elif field in COLUMNS:
            yield COLUMNS[field][1].format(value_words(field, value)), field
    for name, largest_first in wanted.sort:
        yield f"sorted by {SORTS[name][0].lower()} {'↓' if largest_first else '↑'}", f"sort:{name}"


def _whole(field: str, number: float) -> float | int:
    return number if SPANS[field].digits else int(number)
