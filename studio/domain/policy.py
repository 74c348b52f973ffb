"""The acceptance policy: the rule that turns reviews into decisions.

Source: arXiv 2410.03663, the released code (mean of valid scores above 3); the answer gate and
the demand for both reviews are ours, documented in README.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from statistics import median
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from studio.domain.errors import SpecError
from studio.domain.records import Verdict, digest


class Aggregate(StrEnum):
    """How the valid scores of one rationale become one number."""

    MEAN = "mean"
    MIN = "min"
    MEDIAN = "median"


class Policy(BaseModel):
    """The versioned acceptance rule: aggregate, threshold, gates.

    A rationale is accepted when its aggregate is strictly above ``threshold`` and every gate
    holds. ``min_reviews`` is the number of valid reviews needed; 0 stands for "all expected ones".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "studio"
    aggregate: Aggregate = Aggregate.MEAN
    threshold: Annotated[float, Field(ge=0, le=5)] = 3.0
    answer_gate: bool = True
    min_reviews: Annotated[int, Field(ge=0, le=64)] = 0

    @property
    def id(self) -> str:
        """Hash of the rule itself; two policies that differ only in name are the same rule."""
        return digest("policy", self.model_dump(mode="json", exclude={"name"}))

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


def aggregate_scores(scores: Sequence[int], aggregate: Aggregate) -> float | None:
    """Return the aggregate of valid scores (1-5), or None when there is none."""
    if not scores:
        return None
    if aggregate is Aggregate.MEAN:
        return sum(scores) / len(scores)
    return float(min(scores)) if aggregate is Aggregate.MIN else float(median(scores))


def rule(
    policy: Policy, scores: Sequence[int], *, expected: int, verdict: Verdict | None
) -> Ruling:
    """Decide one rationale.

    Args:
        scores: the valid scores only, each 1-5.
        expected: how many reviewers should have scored it.
        verdict: grade of the rationale's own answer; None when it was not graded.

    Source: arXiv 2410.03663, released code: at least one valid score and mean > 3 (strict).
    """
    score = aggregate_scores(scores, policy.aggregate)
    needed = max(expected, 1) if policy.min_reviews == 0 else policy.min_reviews
    if score is None:
        return Ruling(False, "no valid review", None)
    if len(scores) < needed:
        return Ruling(False, f"{len(scores)} of {needed} reviews valid", score)
    if score <= policy.threshold:
        return Ruling(False, f"{policy.aggregate} {score:g} not above {policy.threshold:g}", score)
    if policy.answer_gate and verdict is not Verdict.CORRECT:
        return Ruling(False, _gate_reason(verdict), score)
    return Ruling(True, f"{policy.aggregate} {score:g} above {policy.threshold:g}", score)


def _gate_reason(verdict: Verdict | None) -> str:
    if verdict is None:
        return "own answer not graded yet"
    return "own answer is wrong" if verdict is Verdict.WRONG else "own answer is unreadable"
