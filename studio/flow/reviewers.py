"""How far each reviewer can be trusted: calibration, agreement, leave-one-out."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import Any, NamedTuple

from studio.domain.agreement import Auc, auc, krippendorff_alpha
from studio.domain.policy import Policy, rule
from studio.domain.records import Verdict
from studio.store import views
from studio.store.tables import Store

HIGH = 4  #: a score from which on a reviewer calls the work good


class Reviewed(NamedTuple):
    """One current rationale with everything said about it."""

    id: str
    author: str
    verdict: Verdict | None
    human: bool | None
    scores: dict[str, int | None]  #: by reviewer; None where the review is missing


class Card(NamedTuple):
    """One reviewer. Shares are of ``n`` in their own name; None where there is nothing to count."""

    reviewer: str
    n_valid: int
    n_missing: int
    mean: float | None
    severity: float | None  #: mean of (own score - peers' mean) on the same items; below 0: severe
    n_wrong: int  #: scored rationales whose own answer is wrong
    fives_on_wrong: float | None
    high_on_wrong: float | None  #: share scored 4 or 5
    auc: Auc
    agrees_with_people: float | None
    n_people: int
    flips_without: int  #: decisions of the policy in force that change when it is left out


class Report(NamedTuple):
    """The committee as reviewers."""

    policy: Policy
    n_rationales: int
    alpha: float | None  #: Krippendorff's alpha over all rationales, interval metric
    cards: list[Card]
    matrix: dict[str, dict[str, float]]  #: author -> reviewer -> mean score

    def as_json(self) -> dict[str, Any]:
        """Return the shape of ``reviewers --json``."""
        cards = [{**card._asdict(), "auc": card.auc._asdict()} for card in self.cards]
        policy = self.policy.model_dump(mode="json")
        return {**self._asdict(), "policy": policy, "cards": cards}

    def describe(self) -> str:
        """Return the report as lines for a terminal."""
        if not self.cards:
            return "No reviews yet: 'mapd-studio run PROJECT review' makes them."
        head = (f"{'reviewer':<16}{'reviews':>9}{'missing':>9}{'mean':>7}{'severity':>10}"
                f"{'5 | wrong':>11}{'4+ | wrong':>12}{'n wrong':>9}{'AUC':>7}{'flips':>7}")  # fmt: skip
        lines = [head, "─" * len(head)]
        for card in self.cards:
            lines.append(
                f"{card.reviewer:<16}{card.n_valid:>9,}{card.n_missing:>9,}{_two(card.mean):>7}"
                f"{_two(card.severity):>10}{_two(card.fives_on_wrong):>11}"
                f"{_two(card.high_on_wrong):>12}{card.n_wrong:>9,}{_two(card.auc.value):>7}"
                f"{card.flips_without:>7,}"
            )
        lines.append("")
        lines.append(f"agreement (Krippendorff's alpha) {_two(self.alpha)} over "
                     f"{self.n_rationales:,} rationales; flips: decisions by "
                     f"“{self.policy.describe()}” that change without this reviewer")  # fmt: skip
        return "\n".join(lines)


def calibrate(store: Store, policy: Policy | None = None) -> Report:
    """Measure every reviewer on the current rationales, under ``policy`` (default: in force)."""
    policy = policy or store.policy()[1]
    reviewed = _reviewed(store)
    names = sorted({name for item in reviewed for name in item.scores})
    return Report(
        policy=policy,
        n_rationales=len(reviewed),
        alpha=krippendorff_alpha(_valid(item) for item in reviewed),
        cards=[_card(name, reviewed, policy) for name in names],
        matrix=_matrix(reviewed),
    )


def flips_without(reviewer: str, reviewed: list[Reviewed], policy: Policy) -> list[str]:
    """Return the ids of rationales the policy decides otherwise when ``reviewer`` is left out."""
    return [
        item.id
        for item in reviewed
        if reviewer in item.scores
        and _accepted(item, policy, without="") != _accepted(item, policy, without=reviewer)
    ]


def _accepted(item: Reviewed, policy: Policy, *, without: str) -> bool:
    kept = {name: score for name, score in item.scores.items() if name != without}
    valid = [score for score in kept.values() if score is not None]
    return rule(policy, valid, expected=len(kept), verdict=item.verdict).accepted


def _card(name: str, reviewed: list[Reviewed], policy: Policy) -> Card:
    seen = [item for item in reviewed if name in item.scores]
    scored = [(item, score) for item in seen if (score := item.scores[name]) is not None]
    right = [score for item, score in scored if item.verdict is Verdict.CORRECT]
    wrong = [score for item, score in scored if item.verdict is Verdict.WRONG]
    people = [(item.human, score) for item, score in scored if item.human is not None]
    gaps = [
        score - fmean(peers)
        for item, score in scored
        if (peers := [s for n, s in item.scores.items() if n != name and s is not None])
    ]
    return Card(
        reviewer=name,
        n_valid=len(scored),
        n_missing=len(seen) - len(scored),
        mean=_mean([score for _, score in scored]),
        severity=_mean(gaps),
        n_wrong=len(wrong),
        fives_on_wrong=_mean([score == 5 for score in wrong]),
        high_on_wrong=_mean([score >= HIGH for score in wrong]),
        auc=auc(right, wrong),
        agrees_with_people=_mean([(score > policy.threshold) == said for said, score in people]),
        n_people=len(people),
        flips_without=len(flips_without(name, reviewed, policy)),
    )


def _reviewed(store: Store) -> list[Reviewed]:
    scores: dict[str, dict[str, int | None]] = defaultdict(dict)
    for row in store.rows(views.RATIONALE_REVIEWS):
        scores[row["subject_id"]][row["reviewer"]] = row["score"]
    return [
        Reviewed(
            row["id"], row["teacher"],
            None if row["verdict"] is None else Verdict(row["verdict"]),
            None if row["human"] is None else bool(row["human"]),
            scores.get(row["id"], {}),
        )
        for row in store.rows(views.RATIONALE_VERDICTS)
    ]  # fmt: skip


def _matrix(reviewed: list[Reviewed]) -> dict[str, dict[str, float]]:
    cells: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for item in reviewed:
        for name, score in item.scores.items():
            if score is not None:
                cells[item.author][name].append(score)
    return {
        author: {name: fmean(values) for name, values in sorted(row.items())}
        for author, row in sorted(cells.items())
    }


def _valid(item: Reviewed) -> list[int]:
    return [score for score in item.scores.values() if score is not None]


def _mean(values: list[float] | list[int] | list[bool]) -> float | None:
    return fmean(values) if values else None


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
