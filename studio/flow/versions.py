"""Versions of the acceptance rule: every rule that was ever in force, and what sets two of them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studio.domain.errors import SpecError
from studio.domain.policy import PRESETS, Policy
from studio.store import edit_views

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from studio.flow.scorebook import Scorebook
    from studio.store.tables import Store

CUSTOM = "custom"  #: the name of a rule that nobody gave a name


class Version(NamedTuple):
    """One version of the rule. ``key`` is what it is found by: its number, or a preset's name."""

    key: str
    policy: Policy
    at: float = 0.0  #: seconds since the epoch; 0 for a preset

    @property
    def title(self) -> str:
        """How it is called on screen: ``v3 strict``, ``v2``, or the preset's name."""
        if not self.at:
            return self.key
        return f"v{self.key}" if self.policy.name == CUSTOM else f"v{self.key} {self.policy.name}"


class Setting(NamedTuple):
    """One setting that differs, in words on both sides."""

    name: str
    before: str
    after: str


class Difference(NamedTuple):
    """What sets two rules apart: settings, and what they decide on today's reviews."""

    before: Version
    after: Version
    settings: list[Setting]
    to_accepted: int  #: rejected by the first, accepted by the second
    to_rejected: int
    by_hand: int  #: of both, those that a person decided: they stay as they are

    def as_json(self) -> dict[str, Any]:
        """Return the shape of ``policies A B --json``."""
        return {
            "before": as_json(self.before), "after": as_json(self.after),
            "settings": [setting._asdict() for setting in self.settings],
            "changed": {"to_accepted": self.to_accepted, "to_rejected": self.to_rejected},
            "by_hand": self.by_hand,
        }  # fmt: skip


def as_json(version: Version) -> dict[str, Any]:
    """Return a version as ``policies --json`` shows it."""
    policy = version.policy
    return {"version": version.key, "at": version.at or None, "words": policy.describe(),
            **policy.model_dump(mode="json"), "id": policy.id}  # fmt: skip


def versions(store: Store) -> list[Version]:
    """Return all versions, newest first."""
    return [
        Version(str(row["version"]), Policy.model_validate_json(row["rule"]), row["at"])
        for row in store.rows(edit_views.POLICIES)
    ]


def rules(store: Store) -> dict[str, Version]:
    """Return versions, newest first, and then the presets, by key."""
    known = [*versions(store), *(Version(name, policy) for name, policy in PRESETS.items())]
    return {version.key: version for version in known}


def find(store: Store, key: str) -> Version:
    """Return the version of this number or (its newest) name, or the preset of this name.

    Raises:
        SpecError: there is none.
    """
    known = rules(store)
    if key in known:
        return known[key]
    named = [version for version in known.values() if version.policy.name == key]
    if not named:
        raise SpecError(f"there is no policy {key!r}: choose one of {', '.join(known)}")
    return named[0]


def differing(book: Scorebook, before: Policy, after: Policy) -> NDArray[np.bool_]:
    """Return which rationales the two rules themselves decide differently; shape (n,)."""
    mine: NDArray[np.bool_] = book.ruled(before) != book.ruled(after)
    return mine


def compare(book: Scorebook, before: Version, after: Version) -> Difference:
    """Return what sets ``after`` apart from ``before``."""
    differs = differing(book, before.policy, after.policy)
    accepted = book.ruled(after.policy) == 1
    return Difference(
        before, after, _settings(before.policy, after.policy),
        to_accepted=int((differs & accepted).sum()), to_rejected=int((differs & ~accepted).sum()),
        by_hand=int((differs & (book.human >= 0)).sum()),
    )  # fmt: skip


def _settings(before: Policy, after: Policy) -> list[Setting]:
    pairs = [(name, told(before), told(after)) for name, told in _TOLD.items()]
    names = sorted({*before.weights, *after.weights})
    pairs += [(f"reviewer {name}", _weight(before, name), _weight(after, name)) for name in names]
    return [Setting(*pair) for pair in pairs if pair[1] != pair[2]]


_TOLD: dict[str, Callable[[Policy], str]] = {
    "aggregate": lambda policy: str(policy.aggregate),
    "score above": lambda policy: f"{policy.threshold:g}",
    "answer gate": lambda policy: "own answer equals gold" if policy.answer_gate else "off",
    "arithmetic gate": lambda policy: "every sum adds up" if policy.arithmetic_gate else "off",
    "valid reviews needed": lambda policy: f"{policy.min_reviews}" if policy.min_reviews
    else "all expected",
}  # fmt: skip


def _weight(policy: Policy, reviewer: str) -> str:
    weight = policy.weight_of(reviewer)
    return "left out" if not weight else "counts once" if weight == 1 else f"× {weight:g}"
