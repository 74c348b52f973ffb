"""Examples become batches: tokenised once, checked, and dealt into optimiser steps.

A step holds about ``batch_examples`` examples with the roles mixed as in the whole data and of
similar length within each role; it is cut into micro-batches under a budget of padded tokens. Order
and make-up follow from seed and epoch alone, so a run can be taken up at any step.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from studio.domain.errors import SpecError
from studio.domain.specs import TrainSpec
from studio.jobs.objectives.base import IGNORED, Batch
from studio.jobs.rows import read_rows

if TYPE_CHECKING:
    from studio.jobs.student import Student

WINDOW = 8  #: steps whose examples are put in order of length together
PASS_SHARE = 16  #: one more pass costs about as much as ``batch_tokens / PASS_SHARE`` tokens


class Item(NamedTuple):
    """One tokenised example. The first ``prompt`` tokens are shown, the rest is learned."""

    ids: list[int]
    prompt: int
    role: str

    @property
    def supervised(self) -> int:
        """Tokens that are learned."""
        return len(self.ids) - self.prompt


class Intake(NamedTuple):
    """The examples of one file and what became of those that are too long."""

    items: list[Item]
    limit: int  #: tokens
    cut: int = 0
    dropped: int = 0

    @property
    def roles(self) -> Counter[str]:
        """Examples per role."""
        return Counter(item.role for item in self.items)

    def in_words(self) -> str:
        """Return what happened to long examples; empty when nothing did."""
        parts = [f"{self.cut:,} cut at the end"] if self.cut else []
        parts += [f"{self.dropped:,} left out"] if self.dropped else []
        words = " and ".join(parts)
        return f"of the examples longer than {self.limit:,} tokens, {words}" if parts else ""


# -- reading ---------------------------------------------------------------------------------------


def read_examples(path: Path, student: Student, spec: TrainSpec) -> Intake:
    """Read and tokenise ``data/*.jsonl``; a missing file is an empty one.

    Raises:
        SpecError: a row is no example, or too long where ``overlong`` is ``refuse``.
    """
    limit = min(spec.max_tokens, student.context)
    rows = read_rows(path, needs=("role", "messages")) if path.exists() else iter(())
    items = [item_of(row, student) for row in rows]
    long = [item for item in items if len(item.ids) > limit]
    if not long:
        return Intake(items, limit)
    if spec.overlong == "refuse":
        raise SpecError(_refusal(path, len(items), long=long, limit=limit))
    short = [item for item in items if len(item.ids) <= limit]
    kept = [item for item in long if spec.overlong == "cut" and item.prompt < limit]
    short += [item._replace(ids=item.ids[:limit]) for item in kept]
    return Intake(short, limit, cut=len(kept), dropped=len(long) - len(kept))


def item_of(row: dict[str, Any], student: Student) -> Item:
    """Return one example in tokens; raises SpecError where there is nothing to learn."""
    *asked, answer = row["messages"]
    where = f"example {row.get('key', '')}".strip()
    if not asked or answer["role"] != "assistant":
        raise SpecError(f"{where}: its last message must be the assistant's, after a question")
    if not answer["content"].strip():
        raise SpecError(f"{where}: there is nothing to learn in its answer; leave it out")
    prompt = student.prompt_ids(asked)
    return Item(prompt + student.completion_ids(answer["content"]), len(prompt), str(row["role"]))


def _refusal(path: Path, n: int, *, long: Sequence[Item], limit: int) -> str:
    longest = max(len(item.ids) for item in long)
    return (
        f"{path.name}: {len(long):,} of {n:,} examples are longer than {limit:,} tokens (max_tokens"
        f" and what the student can take; the longest has {longest:,}): raise max_tokens, or set"
        " overlong to drop or cut"
    )


# -- dealing ---------------------------------------------------------------------------------------


def steps_an_epoch(items: Sequence[Item], spec: TrainSpec) -> int:
    """Return how many optimiser steps one pass over the data takes."""
    return math.ceil(len(items) / spec.batch_examples)


def epoch_steps(items: Sequence[Item], spec: TrainSpec, *, epoch: int) -> list[list[Item]]:
    """Return the steps of one epoch, each a list of examples; the same for the same seed."""
    chance = random.Random(f"{spec.seed}-{epoch}")
    order = list(items)
    chance.shuffle(order)
    order, n = _spread(order), steps_an_epoch(items, spec)
    steps: list[list[Item]] = []
    for first in range(0, n, WINDOW):
        end = min(first + WINDOW, n)
        window = order[len(order) * first // n : len(order) * end // n]
        steps += _cut(_spread(sorted(window, key=lambda item: len(item.ids))), end - first)
    chance.shuffle(steps)
    return steps


def _spread(items: Sequence[Item]) -> list[Item]:
    """Put the roles evenly along the whole, each in the order it came in.

    Any stretch of the result has the whole's own mixture of roles.
    """
    places: list[tuple[float, str, Item]] = []
    for role in sorted({item.role for item in items}):
        own = [item for item in items if item.role == role]
        places += [((n + 0.5) / len(own), role, item) for n, item in enumerate(own)]
    return [item for _, _, item in sorted(places, key=lambda place: place[:2])]


def _cut(items: Sequence[Item], n: int) -> list[list[Item]]:
    """Cut into ``n`` stretches whose sizes differ by one at most."""
    bounds = [len(items) * i // n for i in range(n + 1)]
    return [list(items[a:b]) for a, b in pairwise(bounds)]


def micro_batches(step: Sequence[Item], spec: TrainSpec) -> Iterator[list[Item]]:
    """Yield a step's micro-batches, by length, each within ``batch_tokens`` padded tokens.

    Of all ways to cut them the cheapest is taken: padding costs, and so does each pass.
    """
    items = sorted(step, key=lambda item: len(item.ids))
    cost_of_pass = spec.batch_tokens / PASS_SHARE
    best: list[tuple[float, int]] = [(0.0, 0)]  # of the first n: the cost, where the last begins
    for end in range(1, len(items) + 1):
        width = len(items[end - 1].ids)
        first = max(0, end - max(1, spec.batch_tokens // width))
        best.append(min(
            (best[start][0] + (end - start) * width + cost_of_pass, start)
            for start in range(first, end)
        ))  # fmt: skip
    cuts = [len(items)]
    while cuts[-1] > 0:
        cuts.append(best[cuts[-1]][1])
    cuts.reverse()
    yield from (items[a:b] for a, b in pairwise(cuts))


def collate(items: Sequence[Item], *, pad: int, totals: Counter[str]) -> Batch:
    """Return items as one batch, padded on the right.

    Args:
        totals: supervised tokens per role of the whole optimiser step.
    """
    longest = max(len(item.ids) for item in items)
    ids = torch.full((len(items), longest), pad, dtype=torch.long)
    labels = torch.full((len(items), longest), IGNORED, dtype=torch.long)
    mask = torch.zeros((len(items), longest), dtype=torch.long)
    for n, item in enumerate(items):
        ids[n, : len(item.ids)] = torch.tensor(item.ids)
        mask[n, : len(item.ids)] = 1
        labels[n, item.prompt : len(item.ids)] = torch.tensor(item.ids[item.prompt :])
    return Batch(ids, mask, labels, tuple(item.role for item in items), dict(totals))


def supervised_tokens(items: Sequence[Item]) -> Counter[str]:
    """Return the learned tokens per role."""
    totals: Counter[str] = Counter()
    for item in items:
        totals[item.role] += item.supervised
    return totals
