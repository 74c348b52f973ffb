"""What is counted in a scorebook: what a policy would do, what is in force, what people say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from studio.domain.checks import Flag
    from studio.domain.policy import Policy
    from studio.flow.score_cells import Cells


class Tally(NamedTuple):
    """What a policy does to a project. Overrides are already counted in."""

    policy: Policy
    accepted: int
    rejected: int
    questions_covered: int
    accepted_by_teacher: dict[str, int]
    accepted_but_wrong: int
    rejected_but_right: int
    tokens: int  #: about; accepted rationales only
    to_accepted: int  #: now rejected or undecided, accepted under this policy
    to_rejected: int
    overridden: int
    agreeing_overrides: int  #: overrides that say what this policy says by itself
    flagged: dict[str, int]  #: accepted rationales by what they are marked with
    steps: int | None = None  #: about; of training on them, where somebody asked
    ungraded: int = 0  #: nobody knows of their own answers whether they are right or wrong

    def as_json(self) -> dict[str, object]:
        """Return the shape of ``decide --json``."""
        values = self._asdict()
        changed = {name: values.pop(name) for name in ("to_accepted", "to_rejected")}
        policy = {**self.policy.model_dump(mode="json"), "id": self.policy.id}
        return {**values, "policy": policy, "changed": changed}


class Counts(NamedTuple):
    """What one set of accepted rationales amounts to."""

    accepted: int
    questions_covered: int
    accepted_but_wrong: int
    tokens: int  #: about


class Standing(NamedTuple):
    """What is in force, counted."""

    counts: Counts
    by_teacher: dict[str, int]  #: accepted
    rejected_but_right: int
    covered: NDArray[np.bool_]  #: which questions have an accepted rationale


class Said(NamedTuple):
    """What people say of every rationale of a scorebook, and what follows from it; see ``take``."""

    human: NDArray[np.int8]
    current: NDArray[np.int8]
    cells: Cells
    standing: Standing
    flagged: dict[Flag, NDArray[np.int64]]  #: how many of each cell are marked so, shape (c,)
