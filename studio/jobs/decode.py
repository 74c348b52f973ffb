"""Answer a batch of prompts, token by token, over a key-value cache.

What is drawn for a row depends on the seed and the row's own key only, not on the rows beside it;
a row that has ended leaves the batch. So an exam may be cut into batches and interrupted anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache

if TYPE_CHECKING:
    from studio.jobs.student import Student

Pick = Callable[[Tensor, Tensor, int], Tensor]
"""Chooses tokens: logits ``(rows, vocab)``, the rows' numbers in the batch, the position."""


class Reply(NamedTuple):
    """The ids a student wrote, without the one that ended it; ``ended`` is False if it was cut."""

    ids: list[int]
    ended: bool


def pick_greedy(logits: Tensor, rows: Tensor, position: int) -> Tensor:
    """Return the likeliest token of each row."""
    return logits.argmax(dim=-1)


def pick_sampled(
    keys: Sequence[str], *, seed: int, temperature: float, top_p: float, max_new_tokens: int
) -> Pick:
    """Return a rule that draws from the nucleus: the likeliest tokens that hold ``top_p``.

    Source: arXiv 1904.09751, section 3.1 (nucleus sampling).
    """
    lots = torch.stack([_lots(seed, key, max_new_tokens) for key in keys])

    def pick(logits: Tensor, rows: Tensor, position: int) -> Tensor:
        chances, tokens = (logits.float() / temperature).softmax(-1).sort(-1, descending=True)
        below = chances.cumsum(-1) - chances
        chances = chances.masked_fill(below >= top_p, 0.0)
        reached = chances.cumsum(-1)
        lot = lots[rows.cpu(), position].to(logits.device)[:, None] * reached[:, -1:]
        place = (reached <= lot).sum(-1, keepdim=True).clamp(max=logits.shape[-1] - 1)
        return tokens.gather(-1, place)[:, 0]

    return pick


def _lots(seed: int, key: str, count: int) -> Tensor:
    """Return numbers in [0, 1) that belong to this seed and key."""
    digest = hashlib.sha256(f"{seed} {key}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    return torch.rand(count, generator=generator)


@torch.inference_mode()
def decode(
    student: Student,
    prompts: Sequence[list[int]],
    *,
    max_new_tokens: int,
    pick: Pick = pick_greedy,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Reply] | None:
    """Return a reply to each prompt; None if ``stopped`` said so on the way."""
    model, device = student.model, student.model.device
    stops = torch.tensor(sorted(student.stops), device=device)
    ids, mask = _left_padded(prompts, student.pad_id, device)
    cache = DynamicCache(config=model.config)
    replies: list[Reply] = [Reply([], ended=False) for _ in prompts]
    rows = torch.arange(len(prompts), device=device)
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    for position in range(max_new_tokens):
        if stopped():
            return None
        logits = model(
            input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=cache,
            use_cache=True, logits_to_keep=1,
        ).logits[:, -1]  # fmt: skip
        picked = pick(logits, rows, position)
        going = ~torch.isin(picked, stops)
        _note(replies, rows, picked=picked, going=going)
        if not going.all():
            kept = going.nonzero()[:, 0]
            if not len(kept):
                break
            cache.batch_select_indices(kept)
            rows, picked, mask, places = rows[kept], picked[kept], mask[kept], places[kept]
        ids, places = picked[:, None], places[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
    return replies


def _note(replies: list[Reply], rows: Tensor, *, picked: Tensor, going: Tensor) -> None:
    for row, token, goes_on in zip(rows.tolist(), picked.tolist(), going.tolist(), strict=True):
        if goes_on:
            replies[row].ids.append(token)
        else:
            replies[row] = replies[row]._replace(ended=True)


def _left_padded(
    prompts: Sequence[list[int]], pad_id: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), pad_id)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    return ids.to(device), mask.to(device)
