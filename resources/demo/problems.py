"""Word problems made by rule: question, worked solution, typical wrong solution, explanation.

`problems(...)` yields as many as asked for, always the same ones for the same seed. A hash of kind
and numbers sends every problem to one of three buckets, so that no held-out problem shares its
kind and numbers with one that was trained on. The wording is in
`strong_kinds.py` and `weak_kinds.py`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from random import Random
from typing import Literal

from kinds import Kind, Operands
from strong_kinds import STRONG_KINDS
from weak_kinds import WEAK_KINDS

Bucket = Literal["pretrain", "train", "test"]

NAMES = (
    "Ada Ben Carla David Emma Felix Grace Hugo Ines Jonas Kira Leo Mina Nils Olga Paul "
    "Rosa Sam Tara Tom Uma Victor Wanda Yusuf"
)
THINGS = (
    "apples pears plums shells stamps marbles pencils cards books buttons stickers cookies "
    "candles flowers tickets stones ribbons balls nuts eggs cups keys beads"
)
PLACES = "basket jar drawer box chest shed tin bowl"

KINDS = STRONG_KINDS + WEAK_KINDS

STEP = re.compile(r"\[(\w) ([-+*/]) (\w)\]")


@dataclass(frozen=True)
class Problem:
    """One word problem with everything that is said about it."""

    kind: str
    is_weak: bool
    operands: Operands
    question: str
    answer: int
    solution: str
    wrong_answer: int
    wrong_solution: str
    explanation: str


def problems(kind: Kind, bucket: Bucket, *, seed: int) -> Iterator[Problem]:
    """Yield problems of one kind from one bucket without end."""
    rng = Random(f"{seed} {kind.name} {bucket}")
    while True:
        operands = kind.draw(rng)
        if bucket_of(kind.name, operands) == bucket:
            yield worded(kind, operands, rng)


def distinct_problems(kind: Kind, bucket: Bucket, count: int, *, seed: int) -> list[Problem]:
    """Return `count` problems of one kind, no two of which have the same numbers."""
    by_operands: dict[Operands, Problem] = {}
    for problem in islice(problems(kind, bucket, seed=seed), 1000 * count):
        by_operands.setdefault(problem.operands, problem)
        if len(by_operands) == count:
            return list(by_operands.values())
    raise ValueError(f"{kind.name}: the bucket {bucket} has no {count} different problems")


def bucket_of(kind: str, operands: Operands) -> Bucket:
    """Return the one bucket in which problems of this kind with these numbers may be."""
    digest = sha256(f"{kind} {operands}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") % 100
    if share < 40:
        return "pretrain"
    return "train" if share < 70 else "test"


def worded(kind: Kind, operands: Operands, rng: Random) -> Problem:
    """Put a problem with these numbers into words."""
    name, other = rng.sample(NAMES.split(), 2)
    things, place = rng.choice(THINGS.split()), rng.choice(PLACES.split())
    words = {"name": name, "other": other, "things": things, "place": place}
    numbers = dict(zip("abc", operands, strict=False))
    filled = {**words, **{letter: str(number) for letter, number in numbers.items()}}

    solution, answer = worked(kind.solution.format(**filled), numbers)
    wrong_solution, wrong_answer = worked(kind.wrong.format(**filled), numbers)
    explanation, _ = worked(kind.explanation.format(**filled), numbers)
    return Problem(
        kind=kind.name,
        is_weak=kind.is_weak,
        operands=operands,
        question=rng.choice(kind.questions).format(**filled),
        answer=answer,
        solution=f"{solution}\nAnswer: {answer}",
        wrong_answer=wrong_answer,
        wrong_solution=f"{wrong_solution}\nAnswer: {wrong_answer}",
        explanation=explanation,
    )


def worked(text: str, numbers: dict[str, int]) -> tuple[str, int]:
    """Replace each step such as `[a - b]` by its sum, and return the last result as well."""
    values = dict(numbers)

    def step(match: re.Match[str]) -> str:
        left, sign, right = values[match[1]], match[2], values[match[3]]
        values["r"] = calculate(left, sign, right)
        return f"{left} {sign} {right} = {values['r']}"

    return STEP.sub(step, text), values["r"]


def calculate(left: int, sign: str, right: int) -> int:
    """Return the result of one step; a division leaves no remainder."""
    if sign == "/":
        quotient, remainder = divmod(left, right)
        if remainder:
            raise ValueError(f"{left} / {right} leaves a remainder")
        return quotient
    return {"+": left + right, "-": left - right, "*": left * right}[sign]


def explanation_prompt(question: str, wrong_answer: int, answer: int) -> str:
    """Return the user turn that asks what went wrong."""
    return f"{question}\nWrong: {wrong_answer}\nGold: {answer}\nWhat went wrong?"


def check_problems(bucket: Bucket, members: Iterable[Problem]) -> None:
    """Check that problems are in the right bucket and that their wrong answers are wrong.

    Raises:
        ValueError: one of them is not as it should be.
    """
    for problem in members:
        if bucket_of(problem.kind, problem.operands) != bucket:
            raise ValueError(f"not a problem of the bucket {bucket}: {problem.question}")
        if problem.answer == problem.wrong_answer:
            raise ValueError(f"the wrong answer is right: {problem.question}")
        if min(problem.answer, problem.wrong_answer) < 0:
            raise ValueError(f"an answer is below zero: {problem.question}")


def check_apart(*buckets: Iterable[Problem]) -> None:
    """Check that no two buckets share a kind with the same numbers.

    Raises:
        ValueError: two of them do.
    """
    seen: set[tuple[str, Operands]] = set()
    for members in buckets:
        here = {(problem.kind, problem.operands) for problem in members}
        if here & seen:
            raise ValueError(f"in two buckets: {sorted(here & seen)[:5]}")
        seen |= here


def check_kinds(*, seed: int, count: int = 500) -> None:
    """Check `count` problems of every kind in every bucket."""
    names: tuple[Bucket, ...] = ("pretrain", "train", "test")
    for kind in KINDS:
        samples = [list(islice(problems(kind, bucket, seed=seed), count)) for bucket in names]
        for bucket, members in zip(names, samples, strict=True):
            check_problems(bucket, members)
        check_apart(*samples)


if __name__ == "__main__":
    check_kinds(seed=0)
    for sample in (next(problems(kind, "train", seed=1)) for kind in KINDS):
        print(f"[{sample.kind}] {sample.question}\n{sample.solution}")
        print(f"-- wrong: {sample.wrong_solution}\n-- explanation: {sample.explanation}\n")
