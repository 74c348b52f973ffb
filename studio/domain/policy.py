"""The acceptance policy: the rule that turns reviews into decisions.

Source: arXiv 2410.03663, the released code (mean of valid scores above 3); the gates, the
demand for both reviews and weights for reviewers are ours, documented in README.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from studio.domain.errors import SpecError
from studio.domain.records import Verdict, digest

HEAVIEST = 10.0  #: the largest weight of a reviewer
Weight = Annotated[float, Field(ge=0, le=HEAVIEST)]


class Aggregate(StrEnum):
    """How the valid scores of one rationale become one number."""

    MEAN = "mean"
    MIN = "min"
    MEDIAN = "median"


class Policy(BaseModel):
    """The versioned acceptance rule: aggregate, threshold, gates.

    A rationale is accepted when its aggregate is strictly above ``threshold`` and every gate
    holds. ``min_reviews`` is the number of valid reviews needed; 0 stands for "all expected ones".
    ``weights`` names reviewers that count otherwise than once: a reviewer of weight 0 is left out,
    which means that its reviews are neither counted nor expected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "studio"
    aggregate: Aggregate = Aggregate.MEAN
    threshold: Annotated[float, Field(ge=0, le=5)] = 3.0
    answer_gate: bool = True
    arithmetic_gate: bool = False
    min_reviews: Annotated[int, Field(ge=0, le=64)] = 0
    weights: dict[str, Weight] = Field(default_factory=dict)

    @field_validator("weights")
    @classmethod
    def _only_what_differs(cls, weights: dict[str, float]) -> dict[str, float]:
        """Drop reviewers that count once, as all do, so that equal rules are equal."""
        return {name: weight for name, weight in sorted(weights.items()) if weight != 1}

    @property
    def id(self) -> str:
        """Hash of the rule itself; two policies that differ only in name are the same rule."""
        later = {"weights": self.weights, "arithmetic_gate": self.arithmetic_gate}
        plain = {"name", *(name for name, value in later.items() if not value)}
        return digest("policy", self.model_dump(mode="json", exclude=plain))

    @property
    def left_out(self) -> frozenset[str]:
        """The reviewers whose reviews do not count at all."""
        return frozenset(name for name, weight in self.weights.items() if not weight)

    def weight_of(self, reviewer: str) -> float:
        """Return how much a reviewer's score counts; 1 is the usual."""
        return self.weights.get(reviewer, 1.0)

    def without(self, reviewer: str) -> Policy:
        """Return the same rule with one reviewer left out."""
        return self.model_copy(update={"weights": {**self.weights, reviewer: 0.0}})

    def describe(self) -> str:
        """Return the rule in words, as shown on screen and in dataset cards."""
        parts = [f"{self.aggregate} of valid scores > {self.threshold:g}"]
        parts.append(
            "all expected reviews valid"
            if self.min_reviews == 0
            else f"at least {self.min_reviews} valid review{'s' if self.min_reviews > 1 else ''}"
        )
        if self.answer_gate:
            parts.append("own answer equals gold")
        if self.arithmetic_gate:
            parts.append("every sum adds up")
        if self.left_out:
            parts.append(f"without {', '.join(sorted(self.left_out))}")
        weighed = [f"{name} × {w:g}" for name, w in self.weights.items() if w]
        if weighed:
            parts.append(f"weights {', '.join(weighed)}")
        return ", ".join(parts)


PRESETS: dict[str, Policy] = {
    "paper": Policy(name="paper", answer_gate=False, min_reviews=1),
    "studio": Policy(name="studio", answer_gate=True, min_reviews=0),
}


class Ruling(NamedTuple):
    """What a policy says about one rationale, and why."""

    accepted: bool
    reason: str
    score: float | None


def preset(name: str) -> Policy:
    """Return the preset called ``name``; raises SpecError when there is none."""
    try:
        return PRESETS[name]
    except KeyError:
        raise SpecError(f"no preset {name!r}: choose one of {', '.join(PRESETS)}") from None


def aggregate_scores(
    scores: Sequence[int], aggregate: Aggregate, weights: Sequence[float] = ()
) -> float | None:
    """Return the aggregate of valid scores (1-5), or None when there is none.

    Args:
        weights: one per score, each above 0; none at all: every score counts once. The lowest score
            is the lowest whatever its weight.
    """
    if not scores:
        return None
    if aggregate is Aggregate.MIN:
        return float(min(scores))
    weighed = list(zip(scores, weights or [1.0] * len(scores), strict=True))
    total = sum(weight for _, weight in weighed)
    if aggregate is Aggregate.MEAN:
        # Rounded: weights such as 0.3 are not exact, and a mean of 3 must not come out above 3.
        return round(sum(score * weight for score, weight in weighed) / total, 9)
    return _median(sorted(weighed), total)


def _median(weighed: list[tuple[int, float]], total: float) -> float:
    """Return where half the weight lies below; between two scores when it is exactly half."""
    below = 0.0
    for n, (score, weight) in enumerate(weighed):
        below += weight
        if abs(2 * below - total) < 1e-9:
            return (score + weighed[n + 1][0]) / 2
        if 2 * below > total:
            return float(score)
    return float(weighed[-1][0])


def rule(
    policy: Policy, scores: Sequence[int], *, expected: int, verdict: Verdict | None,
    weights: Sequence[float] = (), sums_hold: bool | None = None,
) -> Ruling:  # fmt: skip
    """Decide one rationale.

    Args:
        scores: the valid scores only, each 1-5, of reviewers that are not left out.
        expected: how many reviewers should have scored it, those left out not counted.
        verdict: grade of the rationale's own answer; None when it was not graded.
        weights: of the scores, one each; none at all: every score counts once.
        sums_hold: whether all sums in it add up (``domain/arithmetic.py``); None: not checked.

    Source: arXiv 2410.03663, released code: at least one valid score and mean > 3 (strict).
    """
    score = aggregate_scores(scores, policy.aggregate, weights)
    needed = max(expected, 1) if policy.min_reviews == 0 else policy.min_reviews
    if score is None:
        return Ruling(False, "no valid review", None)
    if len(scores) < needed:
        return Ruling(False, f"{len(scores)} of {needed} reviews valid", score)
    weighed = "weighted " if any(weight != 1 for weight in weights) else ""
    what = f"{weighed}{policy.aggregate} {score:.4g}"
    if score <= policy.threshold:
        return Ruling(False, f"{what} not above {policy.threshold:g}", score)
    if policy.answer_gate and verdict is not Verdict.CORRECT:
        return Ruling(False, _gate_reason(verdict), score)
    if policy.arithmetic_gate and not sums_hold:
        why = "sums not checked yet" if sums_hold is None else "a sum in it does not add up"
        return Ruling(False, why, score)
    return Ruling(True, f"{what} above {policy.threshold:g}", score)


class Seen(NamedTuple):
    """What a policy sees of one rationale: the arguments of ``rule``."""

    scores: tuple[int, ...]
    expected: int
    weights: tuple[float, ...] = ()


def seen(policy: Policy, said: Mapping[str, int | None], owed: Collection[str] = ()) -> Seen:
    """Return what of the reviews counts under ``policy``.

    Args:
        said: the score of each reviewer that was asked, None where it is missing.
        owed: who else should review it.
    """
    out = policy.left_out
    kept = {name: score for name, score in said.items() if name not in out}
    expected = len({*kept, *owed} - out)
    if all(name in out for name in policy.weights):
        return Seen(tuple(sorted(s for s in kept.values() if s is not None)), expected)
    pairs = sorted((s, policy.weight_of(n)) for n, s in kept.items() if s is not None)
    return Seen(tuple(s for s, _ in pairs), expected, tuple(w for _, w in pairs))


def _gate_reason(verdict: Verdict | None) -> str:
    if verdict is None:
        return "own answer not graded yet"
    return "own answer is wrong" if verdict is Verdict.WRONG else "own answer is unreadable"
