"""Examples become batches: tokenised once, checked, and dealt into optimiser steps.

A step holds about ``batch_examples`` examples with the roles mixed as in the whole data, of similar
length within each role; it is cut into micro-batches under a budget of padded tokens. Order and
make-up follow from seed and epoch alone, so a run can be taken up at any step.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from studio.domain.errors import SpecError
from studio.domain.specs import TrainSpec
from studio.jobs.objectives.base import IGNORED, Batch
from studio.jobs.rows import read_rows

if TYPE_CHECKING:
    from studio.jobs.student import Student

WINDOW = 8  #: steps whose examples are put in order of length together


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
    cut: int
    dropped: int

    @property
    def roles(self) -> Counter[str]:
        """Examples per role."""
        return Counter(item.role for item in self.items)

    def in_words(self) -> str:
        """Return what happened to long examples; empty when nothing did."""
        parts = [f"{self.cut} cut at the end"] if self.cut else []
        parts += [f"{self.dropped} left out"] if self.dropped else []
        return ", ".join(parts)


def read_examples(path: Path, student: Student, spec: TrainSpec) -> Intake:
    """Read and tokenise ``data/*.jsonl``; a missing file is an empty one.

    Raises:
        SpecError: an example is too long and ``overlong`` is ``refuse``.
    """
    items, cut, dropped = [], 0, 0
    rows = read_rows(path, needs=("role", "messages")) if path.exists() else iter(())
    for number, row in enumerate(rows, start=1):
        *asked, answer = row["messages"]
        prompt = student.prompt_ids(asked)
        ids = prompt + student.completion_ids(answer["content"])
        if len(ids) > spec.max_tokens:
            if spec.overlong == "refuse":
                raise SpecError(
                    f"{path.name}, line {number}: {len(ids):,} tokens, more than max_tokens "
                    f"{spec.max_tokens:,}: raise it, or set overlong to drop or cut"
                )
            if spec.overlong == "drop" or len(prompt) >= spec.max_tokens:
                dropped += 1
                continue
            cut += 1
            ids = ids[: spec.max_tokens]
        items.append(Item(ids, len(prompt), row["role"]))
    return Intake(items, cut, dropped)


def epoch_steps(items: Sequence[Item], spec: TrainSpec, *, epoch: int) -> list[list[Item]]:
    """Return the steps of one epoch, each a list of examples; the same for the same seed."""
    chance = random.Random(f"{spec.seed}-{epoch}")
    n_steps = math.ceil(len(items) / spec.batch_examples)
    spread: list[tuple[float, Item]] = []
    for role in sorted({item.role for item in items}):
        own = [item for item in items if item.role == role]
        chance.shuffle(own)
        # Evenly along the epoch, so that each step has the data's own mixture of roles.
        spread += [((n + chance.random()) / len(own), item) for n, item in enumerate(own)]
    spread.sort(key=lambda pair: pair[0])
    order = [item for _, item in spread]
    size = math.ceil(len(order) / n_steps)
    steps: list[list[Item]] = []
    for start in range(0, len(order), WINDOW * size):
        steps += _similar(order[start : start + WINDOW * size], size, chance)
    return steps


def _similar(window: list[Item], size: int, chance: random.Random) -> list[list[Item]]:
    """Deal a window into steps so that, role by role, like lengths come together."""
    n = math.ceil(len(window) / size)
    steps: list[list[Item]] = [[] for _ in range(n)]
    for role in sorted({item.role for item in window}):
        own = sorted((item for item in window if item.role == role), key=lambda i: len(i.ids))
        for place, item in enumerate(own):
            steps[place * n // len(own)].append(item)
    filled = [step for step in steps if step]
    chance.shuffle(filled)
    return filled


def micro_batches(step: Sequence[Item], spec: TrainSpec) -> Iterator[list[Item]]:
    """Yield the micro-batches of a step: by length, each within ``batch_tokens`` padded tokens."""
    batch: list[Item] = []
    for item in sorted(step, key=lambda item: len(item.ids)):
        if batch and (len(batch) + 1) * len(item.ids) > spec.batch_tokens:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def collate(items: Sequence[Item], *, pad: int, totals: Counter[str]) -> Batch:
    """Return items as one padded batch.

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
