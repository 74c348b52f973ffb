"""Examples become batches: tokenised once, checked, and laid out with padding or in one row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from studio.domain.dealing import cheapest_cuts
from studio.domain.errors import SpecError
from studio.domain.specs import TrainSpec
from studio.jobs.objectives.base import IGNORED, Batch
from studio.jobs.packing import pack_of
from studio.jobs.rows import read_rows

if TYPE_CHECKING:
    from studio.jobs.student import Student

GROUP_COST = 256  #: one more group of packed examples costs attention about so many tokens


class Item(NamedTuple):
    """One tokenised example. The first ``prompt`` tokens are shown, the rest is learned."""

    ids: list[int]
    prompt: int
    role: str

    @property
    def tokens(self) -> int:
        """All of them."""
        return len(self.ids)

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


# -- laying out ------------------------------------------------------------------------------------


def collate(
    items: Sequence[Item], *, pad: int, totals: Counter[str], start: int | None = None
) -> Batch:
    """Return items as one batch, padded on the right.

    Args:
        totals: supervised tokens per role of the whole optimiser step.
        start: what an encoder-decoder's answers begin with; None for any other student.
    """
    roles = tuple(item.role for item in items)
    if start is not None:
        asked = [item.ids[: item.prompt] for item in items]
        learned = [item.ids[item.prompt :] for item in items]
        ids, mask = _padded(asked, pad), _padded([[1] * len(one) for one in asked], 0)
        before = _padded([[start, *one[:-1]] for one in learned], pad)
        return Batch(ids, mask, _padded(learned, IGNORED), roles, dict(totals), before)
    ids = _padded([item.ids for item in items], pad)
    mask = _padded([[1] * len(item.ids) for item in items], 0)
    return Batch(
        ids, mask, _padded([_labels(item) for item in items], IGNORED), roles, dict(totals)
    )


def collate_packed(items: Sequence[Item], *, totals: Counter[str], most: int) -> Batch:
    """Return items, sorted by length, as one row without padding.

    Args:
        most: padded tokens that attention may work on at once.
    """
    ids = torch.tensor([token for item in items for token in item.ids])
    labels = torch.tensor([label for item in items for label in _labels(item)])
    lengths = [len(item.ids) for item in items]
    pack = pack_of(lengths, cheapest_cuts(lengths, most=most, each=GROUP_COST))
    roles = tuple(item.role for item in items)
    return Batch(ids[None], None, labels[None], roles, dict(totals), pack=pack)


def _labels(item: Item) -> list[int]:
    shown = max(1, item.prompt)  # the first token stands behind nothing, or another example
    return [IGNORED] * shown + item.ids[shown:]


def _padded(rows: Sequence[list[int]], fill: int) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [fill] * (width - len(row)) for row in rows])


def supervised_tokens(items: Sequence[Item]) -> Counter[str]:
    """Return the learned tokens per role."""
    totals: Counter[str] = Counter()
    for item in items:
        totals[item.role] += item.supervised
    return totals
