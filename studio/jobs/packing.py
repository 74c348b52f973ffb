"""Examples side by side in one row, without padding, each seeing itself alone.

All layers but attention work on the row as it is; attention takes it apart into the examples, puts
those of like length together, and puts the results back. Positions start anew with each example.
A model that cannot do so, or not exactly, is trained padded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from studio.jobs.objectives.base import sent

NAME = "mapd_packed"  #: of the attention below, in Transformers' register
#: Peculiar attention that this one does not do: such models are trained padded.
STRANGE = ("softcap", "s_aux", "position_bias")


class Pack(NamedTuple):
    """Where each example stands in the row.

    Attributes:
        positions: (1, tokens), from 0 in each example.
        rows: (1, tokens), the number of the example.
        groups: each (examples, longest): the places of its examples' tokens in the row; an example
            that is shorter has its last place repeated, which no token before it can see.
        back: (tokens,), where each token is found in the groups, flattened one after the other.
        starts: (examples + 1,) int32, where each begins, and where the last one ends.
        longest: tokens of the longest.
    """

    positions: Tensor
    rows: Tensor
    groups: tuple[Tensor, ...]
    back: Tensor
    starts: Tensor
    longest: int

    def to(self, device: torch.device) -> Pack:
        """Return it on a device."""
        return Pack(
            sent(self.positions, device), sent(self.rows, device),
            tuple(sent(group, device) for group in self.groups), sent(self.back, device),
            sent(self.starts, device), self.longest,
        )  # fmt: skip


def pack_of(lengths: Sequence[int], groups: Sequence[range]) -> Pack:
    """Return the places of examples of these lengths, attended to in these groups."""
    ends = list(accumulate(lengths))
    starts = [end - length for end, length in zip(ends, lengths, strict=True)]
    back = torch.empty(ends[-1], dtype=torch.long)
    tables, before = [], 0
    for group in groups:
        width = max(lengths[n] for n in group)
        for row, n in enumerate(group):
            back[starts[n] : ends[n]] = before + row * width + torch.arange(lengths[n])
        tables.append(
            torch.stack([torch.arange(width).add(starts[n]).clamp(max=ends[n] - 1) for n in group])
        )
        before += width * len(group)
    positions = torch.cat([torch.arange(length) for length in lengths])
    rows = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    edges = torch.tensor([0, *ends], dtype=torch.int32)
    return Pack(positions[None], rows[None], tuple(tables), back, edges, max(lengths))


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    pack: Pack,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attend within each example; the shapes are those of Transformers' attention functions.

    ``query`` is (1, heads, tokens, size); what comes back is (1, tokens, heads, size).
    """
    if strange := [name for name in STRANGE if others.get(name) is not None]:
        raise ValueError(f"attention with {strange[0]} is not done packed")
    by_token = [each[0].transpose(0, 1) for each in (query, key, value)]
    made = []
    for group in pack.groups:
        queries, keys, values = (
            each[group.flatten()].unflatten(0, group.shape).transpose(1, 2) for each in by_token
        )
        seen = _window(group, sliding_window)
        done = scaled_dot_product_attention(
            queries, keys, values, attn_mask=seen, is_causal=seen is None, dropout_p=dropout, scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )  # fmt: skip
        made.append(done.transpose(1, 2).flatten(0, 1))
    return torch.cat(made)[pack.back][None], None


def _window(group: Tensor, width: int | None) -> Tensor | None:
    """Return what a sliding window lets be seen; None where that is all that came before."""
    longest = group.shape[1]
    if width is None or longest <= width:
        return None
    places = torch.arange(longest, device=group.device)
    apart = places[:, None] - places[None, :]
    return (apart >= 0) & (apart < width)


@contextmanager
def attention(model: Any, name: str) -> Iterator[None]:
    """Let a model attend in another way for a while.

    Raises:
        ValueError: it cannot be told to.
    """
    whole = getattr(model, "module", model)  # wrapped where several processes train together
    before = whole.config._attn_implementation
    if before == name:
        yield
        return
    whole.set_attn_implementation(name)
    try:
        yield
    finally:
        whole.set_attn_implementation(before)


@contextmanager
def packed_attention(model: Any, name: str = NAME) -> Iterator[None]:
    """Let a model attend within examples only."""
    if name == NAME:
        AttentionInterface.register(NAME, attend)
    with attention(model, name):
        yield


def is_exact(
    model: Any, loss: Callable[[bool], Tensor], *, name: str = NAME, in_half: bool = False
) -> bool:
    """Return whether a model has the same losses packed as padded; asked once, before it learns.

    Args:
        loss: the token losses of a few examples, packed or not, in the same order.
        name: of the attention that it packs with.
        in_half: it computes in half precision, whatever its weights are kept in.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), packed_attention(model, name):
            packed = loss(True)
        with torch.no_grad():
            padded = loss(False)
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        logging.getLogger(__name__).info("not packed: %s", error)
        return False
    finally:
        model.train(was_training)
    exact = next(model.parameters()).dtype == torch.float32 and not in_half
    return torch.allclose(packed, padded, rtol=0, atol=1e-4 if exact else 0.1)
