"""Examples are dealt into optimiser steps, and steps are cut into micro-batches.

A step holds about ``batch_examples`` examples with the roles mixed as in the whole data and of
similar length within each role; it is cut into micro-batches under a budget of padded tokens. Order
and make-up follow from seed and epoch alone, so a run can be taken up at any step, and what it will
take is known before it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

from studio.domain.specs import TrainSpec

WINDOW = 8  #: steps whose examples are put in order of length together
PASS_SHARE = 16  #: one more pass costs about as much as ``batch_tokens / PASS_SHARE`` tokens


class Example(Protocol):
    """What of an example decides where it goes."""

    @property
    def tokens(self) -> int:
        """All of them."""
        ...

    @property
    def supervised(self) -> int:
        """Tokens that are learned."""
        ...

    @property
    def role(self) -> str:
        """Rationale, explanation or replay."""
        ...


class Size(NamedTuple):
    """An example of which no more is known than this."""

    tokens: int
    supervised: int
    role: str


class Load(NamedTuple):
    """How large a micro-batch gets."""

    tokens: int  #: padded
    supervised: int
    longest: int = 0  #: tokens of an example
    plain: int = (
        0  #: as many, where each head's scores are kept: a CPU attends so to short examples
    )


E = TypeVar("E", bound=Example)


def steps_an_epoch(items: Sequence[E], spec: TrainSpec) -> int:
    """Return how many optimiser steps one pass over the data takes."""
    return math.ceil(len(items) / spec.batch_examples)


def steps_in_all(examples: int, *, each: int, epochs: float, most: int) -> int:
    """Return how many optimiser steps a run takes.

    Args:
        each: examples a step.
        epochs: passes over the data, counted as they are written: 1.1 of 50 steps are 55, not the
            next above 55.00000000000001.
        most: steps there may be; 0 for no limit.
    """
    steps = math.ceil(math.ceil(examples / each) * Fraction(repr(epochs)))
    return min(steps, most) if most else steps


def epoch_steps(items: Sequence[E], spec: TrainSpec, *, epoch: int) -> list[list[E]]:
    """Return the steps of one epoch, each a list of examples; the same for the same seed."""
    chance = random.Random(f"{spec.seed}-{epoch}")
    order = list(items)
    chance.shuffle(order)
    order, n = _spread(order), steps_an_epoch(items, spec)
    steps: list[list[E]] = []
    for first in range(0, n, WINDOW):
        end = min(first + WINDOW, n)
        window = order[len(order) * first // n : len(order) * end // n]
        steps += _cut(_spread(sorted(window, key=lambda item: item.tokens)), end - first)
    chance.shuffle(steps)
    return steps


def steps_from(items: Sequence[E], spec: TrainSpec, *, done: int, steps: int) -> Iterator[list[E]]:
    """Yield the steps of a run that are left, epoch by epoch, and an empty one behind the last."""
    size = steps_an_epoch(items, spec)
    while done < steps:
        epoch, begun = divmod(done, size)
        following = epoch_steps(items, spec, epoch=epoch)[begun : begun + steps - done]
        yield from following
        done += len(following)
    yield []


def _spread(items: Sequence[E]) -> list[E]:
    """Put the roles evenly along the whole, each in the order it came in.

    Any stretch of the result has the whole's own mixture of roles.
    """
    places: list[tuple[float, str, E]] = []
    for role in sorted({item.role for item in items}):
        own = [item for item in items if item.role == role]
        places += [((n + 0.5) / len(own), role, item) for n, item in enumerate(own)]
    return [item for _, _, item in sorted(places, key=lambda place: place[:2])]


def _cut(items: Sequence[E], n: int) -> list[list[E]]:
    """Cut into ``n`` stretches whose sizes differ by one at most."""
    bounds = [len(items) * i // n for i in range(n + 1)]
    return [list(items[a:b]) for a, b in pairwise(bounds)]


def micro_batches(step: Sequence[E], spec: TrainSpec, *, packed: bool = False) -> Iterator[list[E]]:
    """Yield a step's micro-batches, by length, each within ``batch_tokens`` tokens.

    Padding counts as tokens, where there is any.
    """
    items = sorted(step, key=lambda item: item.tokens)
    lengths = [item.tokens for item in items]
    parts = _filled(lengths, spec) if packed else cheapest_cuts(
        lengths, most=spec.batch_tokens, each=spec.batch_tokens // PASS_SHARE
    )  # fmt: skip
    yield from ([items[n] for n in part] for part in parts)


def _filled(lengths: Sequence[int], spec: TrainSpec) -> Iterator[range]:
    first = room = 0
    for n, length in enumerate(lengths):
        if room < length and n > first:
            yield range(first, n)
            first, room = n, 0
        room = (room if n > first else spec.batch_tokens) - length
    yield range(first, len(lengths))


def cheapest_cuts(lengths: Sequence[int], *, most: int, each: int) -> list[range]:
    """Return the cheapest way to cut examples, sorted by length, into padded pieces.

    Args:
        most: padded tokens a piece may have; an example that is longer has one to itself.
        each: what one more piece costs, in tokens.
    """
    best: list[tuple[float, int]] = [(0.0, 0)]  # of the first n: the cost, where the last begins
    for end in range(1, len(lengths) + 1):
        width = lengths[end - 1]
        first = max(0, end - max(1, most // width))
        best.append(min(
            (best[start][0] + (end - start) * width + each, start) for start in range(first, end)
        ))  # fmt: skip
    cuts = [len(lengths)]
    while cuts[-1] > 0:
        cuts.append(best[cuts[-1]][1])
    cuts.reverse()
    return [range(a, b) for a, b in pairwise(cuts)]


def heaviest(examples: Sequence[Example], spec: TrainSpec, *, packed: bool) -> set[Load]:
    """Return the micro-batches of a run that may need the most memory, a few.

    The longest examples make up a step of their own, as in the step for trial; later epochs are
    taken to be like the first.

    Args:
        packed: examples stand in rows without padding.
    """
    steps = (_longest(examples, spec), *epoch_steps(examples, spec, epoch=0))
    found = {load for step in steps for load in _loads(step, spec, packed=packed)}
    measures = (
        lambda load: load.tokens,
        lambda load: load.tokens * load.longest,
        lambda load: load.supervised,
    )
    return {max(found, key=measure) for measure in measures} if found else set()


def steps_for_trial(items: Sequence[E], spec: TrainSpec, *, packed: bool) -> list[list[E]]:
    """Return the one or two steps that take the most memory.

    The longest examples make up one. Of shorter ones more fit into a pass, and may fill it better:
    then there is another.
    """

    def fullest(step: Sequence[E]) -> int:
        return max((load.tokens for load in _loads(step, spec, packed=packed)), default=0)

    longest = _longest(items, spec)
    other = max(epoch_steps(items, spec, epoch=0), key=fullest, default=longest)
    return [longest, other] if fullest(other) > fullest(longest) else [longest]


def _longest(items: Sequence[E], spec: TrainSpec) -> list[E]:
    return sorted(items, key=lambda item: item.tokens)[-spec.batch_examples :]


def _loads(step: Sequence[E], spec: TrainSpec, *, packed: bool) -> Iterator[Load]:
    shares = (step[n :: spec.processes] for n in range(spec.processes))  # each process has its own
    for share in filter(None, shares):
        for part in micro_batches(share, spec, packed=packed):
            most = part[-1].tokens
            tokens = sum(one.tokens for one in part) if packed else len(part) * most
            yield Load(tokens, sum(one.supervised for one in part), most)
