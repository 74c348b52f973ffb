"""Which questions the desk shows, and in what order; no Qt in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studio.domain.records import Verdict
from studio.flow import score_values
from studio.flow.columns import Ids, numbers
from studio.flow.queues import DOUBTFUL, QUEUES
from studio.flow.reviewers import flips
from studio.flow.score_columns import NOT_ASKED, UNGRADED, VERDICTS
from studio.flow.scorebook import CHARS_PER_TOKEN
from studio.flow.versions import differing
from studio.store import search_index, tag_views
from studio.ui.texts import mark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.flow.casebook import Casebook
    from studio.flow.scorebook import Scorebook
    from studio.store.search_index import Progress
    from studio.store.tables import Store

STATES = {"accepted": mark("Accepted"), "rejected": mark("Rejected"), "undecided": mark("Not decided"),
          "by-hand": mark("Decided by hand"), "would-change": mark("Would change"),
          "edited": mark("Edited")}  # fmt: skip
VERDICT_NAMES = {"correct": mark("correct"), "wrong": mark("wrong"), "unreadable": mark("unreadable"),
                 "ungraded": mark("not graded")}  # fmt: skip
ANY, NONE = "any", "none"  #: of doubts: at least one, not a single one
#: What the list can be sorted by; the second says whether it takes the scorebook.
SORTS = {"question": (mark("Order of import"), False), "mean": (mark("Mean score"), True),
         "corrected": (mark("Score corrected for severity"), True),
         "gap": (mark("Gap between scores"), True), "tokens": (mark("Tokens"), True),
         "doubt": (mark("Doubts"), False), "date": (mark("Newest rationale"), True)}  # fmt: skip


class Filter(NamedTuple):
    """What to show, and how sorted; empty fields let everything through."""

    state: str = ""
    queue: str = ""
    teacher: str = ""
    dataset: str = ""
    text: str = ""
    reviewer: str = ""  #: who was asked for a review
    verdict: str = ""  #: of the rationale's own answer
    kind: str = ""
    split: str = ""
    student: str = ""
    round: int | None = None
    answer: str = ""  #: verdict of the student's attempt
    doubt: str = ""  #: its name, or ANY, or NONE
    tag: str = ""  #: that a person put on the question
    mean_from: float | None = None
    mean_to: float | None = None
    gap_from: int | None = None
    tokens_from: int | None = None
    tokens_to: int | None = None
    without: str = ""  #: a reviewer: what the policy decides otherwise when it is left out
    differ: str = ""  #: two rules by their keys, ``1/paper``: what they decide differently
    sort: tuple[tuple[str, bool], ...] = ()  #: what by, and whether the largest comes first

    @property
    def of_rationales(self) -> bool:
        """Whether it chooses among rationales, not only among questions."""
        fields = (self.state, self.teacher, self.reviewer, self.verdict, self.mean_from, self.mean_to,
                  self.gap_from, self.tokens_from, self.tokens_to, self.without, self.differ)  # fmt: skip
        return any(one not in ("", None) for one in fields) or self.queue not in ("", DOUBTFUL)

    @property
    def needs_scores(self) -> bool:
        """Whether it can't be answered without a scorebook."""
        return self.of_rationales or any(SORTS[name][1] for name, _ in self.sort)

    @property
    def chosen(self) -> dict[str, Any]:
        """The fields that keep something out."""
        return {
            name: value for name, value in self._asdict().items()
            if value not in ("", None) and name != "sort"
        }  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored with a name."""
        return {**self.chosen, "sort": [list(one) for one in self.sort]}

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> Filter:
        """Return a stored one; what this version does not know is left out."""
        known: dict[str, Any] = {
            name: value for name, value in stored.items() if name in cls._fields
            and isinstance(value, str if cls._field_defaults[name] == "" else int | float)
        }  # fmt: skip
        pairs = [one for one in stored.get("sort", ()) if isinstance(one, list) and len(one) == 2]
        order = tuple((name, bool(down)) for name, down in pairs if name in list(SORTS))
        return cls(**known, sort=order)


class Found(NamedTuple):
    """The questions that passed, and which rationales of theirs did (None: all)."""

    question_ids: Ids
    rationales: NDArray[np.bool_] | None = None
    indexed: Progress | None = None  #: how much was searched, where there was a text to find
    book: Scorebook | None = None  #: the scorebook it was found with, where there was one
    matched: NDArray[np.bool_] | None = None  #: the rationales of that book which match

    def matching(self, book: Scorebook) -> NDArray[np.bool_]:
        """Return which rationales one action on all that match would act on; shape (n,)."""
        if self.matched is not None and self.book is book:
            return self.matched
        there = self.question_ids.places(book.question_ids.values) >= 0
        mine: NDArray[np.bool_] = there[book.question]
        if self.rationales is not None and self.book is not None:  # the scores were read anew since
            place = book.ids.places(self.book.ids.values[self.rationales])
            kept = np.zeros(len(book), dtype=bool)
            kept[place[place >= 0]] = True
            mine &= kept
        return mine

    def first_at(self, book: Scorebook | None, question_id: str) -> str:
        """Return the first rationale of a question that passed, if the filter chose any."""
        if self.rationales is None or book is None or book is not self.book:
            return ""
        place = book.question_ids.find(question_id)
        mine = np.flatnonzero((book.question == place) & self.rationales)
        return book.ids[int(mine[0])] if len(mine) else ""

    def rationale_ids(self, book: Scorebook) -> list[str]:
        """Return the ids of the rationales that match."""
        return list(Ids(book.ids.values[self.matching(book)]))


def find(
    store: Store, wanted: Filter, cases: Casebook, book: Scorebook | None,
    final: NDArray[np.int8] | None = None,
) -> Found:  # fmt: skip
    """Return the questions that pass ``wanted``, in the order it asks for.

    Args:
        book: needed where ``wanted.needs_scores``.
        final: what the rule under trial would decide, for the state "would-change".
    """
    passed, hits = cases.on_desk & _questions(wanted, cases), None
    if wanted.text:
        hits = search_index.find(store.path, wanted.text)
        passed &= cases.at_rows(numbers(hits.questions))
    if wanted.tag:
        passed &= cases.at_rows(numbers(store.value(tag_views.TAGGED, wanted.tag)))
    members = matched = None
    if book is not None:
        place = cases.places_of(book)
        matched = np.append(passed, False)[place][book.question]
        if wanted.of_rationales:
            members = matched = matched & _rationales(wanted, book, final)
            passed = np.zeros(len(cases), dtype=bool)
            passed[place[book.question[members]]] = True
    chosen = np.flatnonzero(passed)
    chosen = chosen[_order(wanted, cases, book, chosen)]
    return Found(Ids(cases.ids.values[chosen]), members, hits and hits.progress, book, matched)


def _questions(wanted: Filter, cases: Casebook) -> NDArray[np.bool_]:
    passed = np.ones(len(cases), dtype=bool)
    for value, codes, names in ((wanted.dataset, cases.dataset, cases.datasets),
                                (wanted.split, cases.split, cases.splits),
                                (wanted.kind, cases.kind, cases.kinds)):  # fmt: skip
        if value:
            passed &= codes == _code(value, names)
    if wanted.queue == DOUBTFUL:
        passed &= cases.with_attempt(cases.wrong & (cases.attempts.doubts > 0))
    attempts = _attempts(wanted, cases)
    return passed if attempts is None else passed & cases.with_attempt(attempts)


def _attempts(wanted: Filter, cases: Casebook) -> NDArray[np.bool_] | None:
    """Return which attempts pass, or None where all questions do: also those without any."""
    attempts = cases.attempts
    kept = []
    if wanted.student:
        kept.append(attempts.student == _code(wanted.student, attempts.students))
    if wanted.round is not None:
        kept.append(attempts.round == wanted.round)
    if wanted.answer:
        kept.append(attempts.verdict == _verdict(wanted.answer))
    if wanted.doubt in (ANY, NONE):
        kept.append((attempts.doubts > 0) == (wanted.doubt == ANY))
    elif wanted.doubt:
        known = wanted.doubt in attempts.doubt_names
        bit = 1 << attempts.doubt_names.index(wanted.doubt) if known else 0
        kept.append((attempts.doubts & bit) > 0)
    return np.logical_and.reduce(kept) if kept else None


def _rationales(
    wanted: Filter, book: Scorebook, final: NDArray[np.int8] | None
) -> NDArray[np.bool_]:
    members = _decided(wanted.state, book, final)
    if wanted.queue in QUEUES:
        members &= QUEUES[wanted.queue].members(book)
    if wanted.teacher:
        members &= book.teacher == _code(wanted.teacher, book.teachers)
    if wanted.reviewer:
        known = wanted.reviewer in book.reviewers
        members &= (
            (book.given[book.reviewers.index(wanted.reviewer)] != NOT_ASKED) if known else False
        )
    if wanted.verdict:
        members &= book.verdict == _verdict(wanted.verdict)
    if wanted.mean_from is not None:
        members &= score_values.means(book) >= wanted.mean_from  # a comparison with NaN is false
    if wanted.mean_to is not None:
        members &= score_values.means(book) <= wanted.mean_to
    if wanted.gap_from is not None:
        members &= score_values.gaps(book) >= wanted.gap_from
    if wanted.tokens_from is not None:
        members &= book.chars >= wanted.tokens_from * CHARS_PER_TOKEN
    if wanted.tokens_to is not None:
        members &= book.chars <= wanted.tokens_to * CHARS_PER_TOKEN
    if wanted.without:
        members &= flips(book, book.policy, wanted.without)
    if wanted.differ:
        members &= _differing(wanted.differ, book)
    return members


def _differing(keys: str, book: Scorebook) -> NDArray[np.bool_]:
    known = [book.rules[key].policy for key in keys.split("/", 1) if key in book.rules]
    return differing(book, *known) if len(known) == 2 else np.zeros(len(book), dtype=bool)


def _decided(state: str, book: Scorebook, final: NDArray[np.int8] | None) -> NDArray[np.bool_]:
    if state == "would-change":
        return np.zeros(len(book), dtype=bool) if final is None else final != book.current
    if state == "by-hand":
        return np.array(book.human >= 0)
    if state == "edited":
        return book.edited.copy()
    if state:
        wanted = {"accepted": 1, "rejected": 0, "undecided": -1}[state]
        return np.array(book.current == wanted)
    return np.ones(len(book), dtype=bool)


def _order(
    wanted: Filter, cases: Casebook, book: Scorebook | None, chosen: NDArray[np.intp]
) -> NDArray[np.intp] | slice:
    """Return how to put chosen questions in order; what has no value comes last either way."""
    keys: list[NDArray[Any]] = []
    for name, largest_first in wanted.sort:
        values = _values(name, cases, book)
        if values is None:
            continue
        mine = values[chosen].astype(np.float64)
        keys.append(-mine if largest_first else mine)
    return np.lexsort(keys[::-1]) if keys else slice(None)


def _values(name: str, cases: Casebook, book: Scorebook | None) -> NDArray[Any] | None:
    """Return what to sort questions by; shape (q,)."""
    if name == "question":
        return cases.row
    if name == "doubt":
        doubtful = cases.attempts.doubts > 0
        return np.bincount(cases.attempts.question[doubtful], minlength=len(cases))
    if book is None:
        return None
    values = {"mean": score_values.question_means,
              "corrected": score_values.question_corrected, "gap": score_values.question_gaps,
              "tokens": score_values.question_chars, "date": score_values.question_newest}[name](book)  # fmt: skip
    found = np.full(len(cases) + 1, np.nan)
    found[cases.places_of(book)] = values
    return found[:-1]


def _code(name: str, names: list[str]) -> int:
    return names.index(name) if name in names else -1


def _verdict(name: str) -> int:
    return UNGRADED if name == "ungraded" else VERDICTS.index(Verdict(name))
