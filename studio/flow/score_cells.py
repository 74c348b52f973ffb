"""What sets rationales apart for a rule, counted once: their kind, and what is decided on them.

Rationales of one *kind* have the same teacher, verdict and scores. A *cell* is a kind with what a
person and the rule in force say. There are a few thousand cells however many rationales there are,
so that a rule under trial is asked and counted by cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAID = np.array([-1, 0, 1], dtype=np.int8)  #: nothing, rejected, accepted
_STATES = 9  #: of a kind: what a person says, times what the rule says


class Cells:
    """Every rationale's cell, and what each cell holds; c cells.

    Attributes:
        of: the cell of each rationale, shape (n,).
        n, chars: rationales in each cell and the characters of their texts, shape (c,).
        human, current: what a person says of each cell's, and what counts (-1 nothing), shape (c,).
    """

    def __init__(
        self, kind: NDArray[np.int32], kinds: int, chars: NDArray[np.int32],
        human: NDArray[np.int8], automatic: NDArray[np.int8],
    ) -> None:  # fmt: skip
        state = (human + np.int8(1)) * np.int8(3) + (automatic + np.int8(1))
        self.of = kind * np.int32(_STATES) + state
        self.n = np.bincount(self.of, minlength=kinds * _STATES)
        self.chars = np.bincount(self.of, chars, minlength=kinds * _STATES).astype(np.int64)
        self.human = np.tile(np.repeat(_SAID, 3), kinds)
        self.automatic = np.tile(_SAID, kinds * 3)
        self.current = np.where(self.human >= 0, self.human, self.automatic)

    @property
    def kind(self) -> NDArray[np.int32]:
        """The kind of each rationale, shape (n,)."""
        mine: NDArray[np.int32] = self.of // np.int32(_STATES)
        return mine

    def by_kind(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values of kinds as values of cells."""
        return np.repeat(values, _STATES)

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values of cells as values of rationales, shape (n,)."""
        return values.take(self.of)

    def count_each(self, members: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many of ``members``, shape (n,), each cell holds; shape (c,)."""
        mine: NDArray[np.int64] = np.bincount(self.of[members], minlength=len(self.n))
        return mine

    def count(self, chosen: NDArray[np.bool_]) -> int:
        """Return how many rationales the chosen cells hold."""
        return int(self.n[chosen].sum())
