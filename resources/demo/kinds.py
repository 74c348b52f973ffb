"""What makes up a kind of word problem, and how the numbers of a problem are drawn.

A kind is data. In its texts `{a}` stands for a number of the problem and `[a - b]` for a worked
step: `[a - b]` becomes `34 - 12 = 22`, and `r` in the next step is the result of the step before.
The kinds themselves are in `strong_kinds.py` and `weak_kinds.py`; `problems.py` fills them in.
"""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

Operands = tuple[int, ...]


class Kind(NamedTuple):
    """One kind of problem: the right way to solve it and the misconception that goes with it."""

    name: str
    is_weak: bool
    draw: Callable[[Random], Operands]
    questions: tuple[str, ...]
    solution: str
    wrong: str
    explanation: str


def addends(rng: Random) -> Operands:
    """Two numbers with a two-digit sum, the first the larger one."""
    b = rng.randint(3, 39)
    return rng.randint(b + 1, 99 - b), b


def difference(rng: Random) -> Operands:
    """A two-digit number and a smaller one to take away from it."""
    a = rng.randint(12, 69)
    return a, rng.randint(3, min(a - 2, 30))


def two_losses(rng: Random) -> Operands:
    """A two-digit number and two numbers to take away from it, one after the other."""
    a = rng.randint(30, 99)
    return a, rng.randint(3, a // 2 - 2), rng.randint(3, a // 2 - 2)


def factors(rng: Random) -> Operands:
    """How many groups, and how many in each."""
    return rng.randint(2, 9), rng.randint(3, 20)


def quotient(rng: Random) -> Operands:
    """A number of things and a divisor that leaves no remainder."""
    b, each = rng.randint(2, 9), rng.randint(3, 20)
    return b * each, b


def packs(rng: Random) -> Operands:
    """Groups, how many in each, and some loose ones."""
    return rng.randint(2, 9), rng.randint(3, 9), rng.randint(2, 15)


def purchase(rng: Random) -> Operands:
    """Money in hand, pieces bought, price of one piece."""
    pieces, price = rng.randint(2, 8), rng.randint(2, 9)
    return rng.randint(pieces * price + 3, 90), pieces, price


def with_extra(rng: Random) -> Operands:
    """Two numbers to add and a small third one that has nothing to do with it."""
    return rng.randint(11, 50), rng.randint(3, 35), rng.randint(3, 14)
