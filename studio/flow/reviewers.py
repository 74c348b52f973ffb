"""How far each reviewer can be trusted: calibration, agreement, leave-one-out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studio.domain.agreement import Auc, auc, krippendorff_alpha
from studio.domain.checks import Flag
from studio.domain.errors import SpecError
from studio.domain.policy import Policy
from studio.domain.records import Verdict
from studio.flow.reviewer_warnings import Warned, warnings_of
from studio.flow.score_columns import MISSING
from studio.flow.scorebook import Scorebook
from studio.flow.severity import Additive, fit
from studio.store.scorebook_views import REVIEWED_EXPLANATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from studio.store.tables import Store

HIGH = 4  #: a score from which on a reviewer calls the work good
FEW = 20  #: below so many items nothing is said in words


class Card(NamedTuple):
    """One reviewer. Shares are of ``n`` in their own name; None where there is nothing to count."""

    reviewer: str
    n_valid: int
    n_missing: int
    missing_rate: float | None
    mean: float | None
    severity: float | None  #: mean of (own score - peers' mean) on the same items; below 0: severe
    severity_fitted: float | None  #: the reviewer's constant in the additive model
    n_shared: int  #: items that a peer scored too
    n_wrong: int  #: scored rationales whose own answer is wrong
    fives_on_wrong: float | None
    high_on_wrong: float | None  #: share scored 4 or 5
    auc: Auc
    agrees_with_people: float | None  #: score above the threshold where a person accepted
    n_people: int
    flips_without: int  #: decisions of the policy that change when it is left out
    accepted_without: int  #: of those, the ones that become accepted

    @property
    def remarks(self) -> list[str]:
        """What to beware of, in plain words, where the numbers suffice to say it."""
        found = []
        enough = min(self.auc.n_right, self.auc.n_wrong) >= FEW
        if enough and self.auc.low is not None and self.auc.low <= 0.5:
            found.append("does not tell right answers from wrong ones")
        if self.n_wrong >= FEW and (self.high_on_wrong or 0) >= 0.5:
            found.append(f"gives {HIGH} or 5 to most wrong answers")
        if self.n_valid + self.n_missing >= FEW and (self.missing_rate or 0) >= 0.1:
            found.append("one review in ten or more is missing")
        return found


class Author(NamedTuple):
    """One teacher's rationales: their mean score, raw and corrected for who scored them."""

    name: str
    n: int  #: with a valid score
    mean: float | None
    corrected: float | None
    flagged: dict[str, int]  #: how many are marked with what (``domain/checks.py``)


class Cell(NamedTuple):
    """What one reviewer gave to one author."""

    mean: float
    n: int


class OfExplanations(NamedTuple):
    """What one reviewer gave to one author's explanations, where they are reviewed."""

    author: str
    reviewer: str
    mean: float | None
    n: int  #: with a valid score
    n_missing: int

    @property
    def in_words(self) -> str:
        """It as a line of text."""
        return (f"explanations of {self.author}: {self.reviewer} gives {_two(self.mean)} on average"
                f" (n {self.n:,}, {self.n_missing:,} missing)")  # fmt: skip


class Report(NamedTuple):
    """The committee as reviewers."""

    policy: Policy
    n_rationales: int
    alpha: float | None  #: Krippendorff's alpha over all rationales, interval metric
    n_alpha: int  #: rationales with two valid scores or more
    cards: list[Card]
    authors: list[Author]
    matrix: dict[str, dict[str, Cell]]  #: author -> reviewer -> mean score and its n
    severities: dict[str, float | None]  #: reviewer -> constant in the additive model
    warnings: list[Warned]
    explanations: Sequence[OfExplanations] = ()

    @property
    def matrix_corrected(self) -> dict[str, dict[str, float | None]]:
        """The matrix less each reviewer's fitted severity; None where that is not known."""
        known = self.severities
        return {
            author: {name: None if (own := known[name]) is None else cell.mean - own
                     for name, cell in row.items()}
            for author, row in self.matrix.items()
        }  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Return the shape of ``reviewers --json``."""
        cards = [
            {**card._asdict(), "auc": card.auc._asdict(), "remarks": card.remarks}
            for card in self.cards
        ]
        matrix = {a: {r: c.mean for r, c in row.items()} for a, row in self.matrix.items()}
        return {
            **self._asdict(), "policy": self.policy.model_dump(mode="json"), "cards": cards,
            "authors": [author._asdict() for author in self.authors], "matrix": matrix,
            "matrix_n": {a: {r: c.n for r, c in row.items()} for a, row in self.matrix.items()},
            "matrix_corrected": self.matrix_corrected,
            "warnings": [one._asdict() for one in self.warnings],
            "explanations": [one._asdict() for one in self.explanations],
        }  # fmt: skip

    def notes(self) -> list[str]:
        """Return what is to be said beside the cards, a line each."""
        beware = [*_flags_in_words(self.authors), *(f"beware: {one.text}" for one in self.warnings)]
        beware = [*(one.in_words for one in self.explanations), *beware]
        if not self.cards:
            return ["No reviews yet: 'mapd-studio run PROJECT review' makes them.", *beware]
        said = [f"{one.name}: {one.n:,} rationales scored, mean {_two(one.mean)}, corrected for "
                f"severity {_two(one.corrected)}" for one in self.authors]  # fmt: skip
        said += ["", f"agreement (Krippendorff's alpha) {_two(self.alpha)} over {self.n_alpha:,} "
                     f"rationales with two scores or more; flips: decisions by "
                     f"“{self.policy.describe()}” that change without this reviewer",
                 "order: each review is a request of its own with one rationale in it, so no place in"
                 " a list can sway it; who gets milder or stricter as it goes on is warned of"]  # fmt: skip
        return [*said, *beware]


def calibrate(store: Store, policy: Policy | None = None) -> Report:
    """Measure every reviewer on the current rationales, under ``policy`` (default: in force)."""
    book = Scorebook(store)
    found = measure(book, policy, warnings=warnings_of(store, book))
    rows = store.rows(REVIEWED_EXPLANATIONS)
    return found._replace(explanations=[OfExplanations(*row) for row in rows])


def measure(
    book: Scorebook, policy: Policy | None = None, *, warnings: Sequence[Warned] = ()
) -> Report:
    """Measure every reviewer of a scorebook, under ``policy`` (default: in force).

    Args:
        warnings: what else there is to beware of (``flow/reviewer_warnings.py``).
    """
    policy = policy or book.policy
    model = fit(book.given)
    kinds, of = book.patterns(Policy())
    times = np.bincount(of, minlength=len(kinds)).tolist()
    shared = [n for pattern, n in zip(kinds, times, strict=False) if len(pattern.scores) > 1]
    order = sorted(range(len(book.reviewers)), key=book.reviewers.__getitem__)
    cards = [_card(book, number, policy, model) for number in order]
    return Report(
        policy=policy,
        n_rationales=len(book),
        alpha=krippendorff_alpha((pattern.scores for pattern in kinds), times),
        n_alpha=sum(shared),
        cards=cards,
        authors=[_author(book, number, model) for number in _by_name(book.teachers)],
        matrix={book.teachers[n]: _row(book, n, order) for n in _by_name(book.teachers)},
        severities={card.reviewer: card.severity_fitted for card in cards},
        warnings=list(warnings),
    )


def flips(book: Scorebook, policy: Policy, reviewer: str) -> NDArray[np.bool_]:
    """Return which rationales ``policy`` decides otherwise when ``reviewer`` is left out; (n,)."""
    changed: NDArray[np.bool_] = book.ruled(policy) != book.ruled(policy.without(reviewer))
    return changed


def flips_without(store: Store, reviewer: str, policy: Policy | None = None) -> list[str]:
    """Return the ids of these rationales, in order of making; raises SpecError for nobody."""
    book = Scorebook(store)
    if reviewer not in book.reviewers:
        known = ", ".join(sorted(book.reviewers)) or "nobody yet"
        raise SpecError(f"{reviewer!r} has reviewed nothing; reviewers are: {known}")
    places = np.flatnonzero(flips(book, policy or book.policy, reviewer))
    return [book.ids[place] for place in places.tolist()]


def _card(book: Scorebook, number: int, policy: Policy, model: Additive) -> Card:
    name, scores = book.reviewers[number], book.given[number]
    scored, missing = scores > MISSING, int((scores == MISSING).sum())
    n = int(scored.sum())
    right = _spread(scores[scored & book.has_verdict(Verdict.CORRECT)])
    wrong = _spread(scores[scored & book.has_verdict(Verdict.WRONG)])
    n_wrong = sum(wrong.values())
    severity, n_shared = _severity(book, number)
    judged = scored & (book.human >= 0)
    agree = (scores > policy.threshold) == (book.human == 1)
    turned = flips(book, policy, name)
    fitted = float(model.severity[number])
    return Card(
        reviewer=name, n_valid=n, n_missing=missing, missing_rate=_of(missing, n + missing),
        mean=_of(int(scores[scored].sum(dtype=np.int64)), n),
        severity=severity, severity_fitted=None if math.isnan(fitted) else fitted,
        n_shared=n_shared, n_wrong=n_wrong,
        fives_on_wrong=_of(wrong.get(5, 0), n_wrong),
        high_on_wrong=_of(sum(k for score, k in wrong.items() if score >= HIGH), n_wrong),
        auc=auc(right, wrong),
        agrees_with_people=_of(int(agree[judged].sum()), int(judged.sum())),
        n_people=int(judged.sum()),
        flips_without=int(turned.sum()),
        accepted_without=int((turned & (book.ruled(policy) == 0)).sum()),
    )  # fmt: skip


def _severity(book: Scorebook, number: int) -> tuple[float | None, int]:
    """Return the mean difference to the peers' mean on the same items, and how many they are."""
    totals, times = np.zeros(len(book)), np.zeros(len(book), dtype=np.int16)
    for other, scores in enumerate(book.given):
        if other != number:
            totals += np.maximum(scores, MISSING)
            times += scores > MISSING
    both = (book.given[number] > MISSING) & (times > 0)
    gaps = book.given[number][both] - totals[both] / times[both]
    return (float(gaps.mean()) if len(gaps) else None), len(gaps)


def _author(book: Scorebook, number: int, model: Additive) -> Author:
    mine = (book.teacher == number) & ~np.isnan(model.corrected)
    n = int(mine.sum())
    raw = book.scores(Policy())[mine]
    written = book.teacher == number
    times = {str(flag): int((written & book.is_flagged(flag)).sum()) for flag in Flag}
    flagged = {flag: times[flag] for flag in times if times[flag]}
    return Author(book.teachers[number], n, float(raw.mean()) if n else None,
                  float(model.corrected[mine].mean()) if n else None, flagged)  # fmt: skip


def _flags_in_words(authors: list[Author]) -> list[str]:
    return [f"{one.name}: {', '.join(f'{n:,} {flag}' for flag, n in one.flagged.items())}"
            for one in authors if one.flagged]  # fmt: skip


def _row(book: Scorebook, author: int, order: list[int]) -> dict[str, Cell]:
    mine = book.teacher == author
    cells = {}
    for number in order:
        scores = book.given[number][mine & (book.given[number] > MISSING)]
        if len(scores):
            cells[book.reviewers[number]] = Cell(float(scores.mean()), len(scores))
    return cells


def _by_name(names: list[str]) -> list[int]:
    return sorted(range(len(names)), key=names.__getitem__)


def _spread(scores: NDArray[np.int8]) -> dict[int, int]:
    """Return how often each score occurs."""
    times = np.bincount(scores, minlength=6)
    return {score: int(times[score]) for score in range(1, 6) if times[score]}


def _of(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
