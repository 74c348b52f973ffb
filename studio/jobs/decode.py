"""Answer a batch of prompts, token by token, over a key-value cache.

What is drawn for a row depends on the seed and the row's own key only, not on the rows beside it;
a row that has ended leaves the batch. So an exam may be cut into batches and interrupted anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from transformers import EncoderDecoderCache

from studio.jobs.room import cache_with_room, keep_rows

if TYPE_CHECKING:
    from studio.jobs.student import Student

LOOK = 8  #: tokens that a GPU writes before it is asked which rows have ended; asking makes it wait

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
        nonlocal lots
        lots = lots.to(logits.device)  # once
        chances, tokens = (logits.float() / temperature).softmax(-1).sort(-1, descending=True)
        below = chances.cumsum(-1) - chances
        chances = chances.masked_fill(below >= top_p, 0.0)
        reached = chances.cumsum(-1)
        lot = lots[rows, position][:, None] * reached[:, -1:]
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
    look_every: int = 0,
) -> list[Reply] | None:
    """Return a reply to each prompt; None if ``stopped`` said so on the way.

    Args:
        look_every: tokens after which rows that have ended leave; 0 for what suits the device.
    """
    device = student.model.device
    every = look_every or (LOOK if device.type == "cuda" else 1)
    text = (_ReadOn if student.answer_start is None else _FromEncoder)(student, prompts)
    replies: list[Reply] = [Reply([], ended=False) for _ in prompts]
    rows, unread = torch.arange(len(prompts), device=device), list[Tensor]()
    for position in range(max_new_tokens):
        if stopped():
            return None
        picked = pick(text.logits(), rows, position)
        unread.append(picked)
        if len(unread) == every or position + 1 == max_new_tokens:
            going = _note(replies, rows, written=unread, stops=student.stops)
            unread.clear()
            if len(going) < len(rows):
                if not going:
                    break
                kept = torch.tensor(going, device=device)
                text.keep(kept)
                rows, picked = rows[kept], picked[kept]
        text.append(picked)
    return replies


class _ReadOn:
    """Rows of a student that reads on from its prompt: what to feed next, and what it has seen."""

    def __init__(self, student: Student, prompts: Sequence[list[int]]) -> None:
        self._model: Any = student.model
        self._ids, self._mask = _padded(prompts, student, left=True)
        self._cache = cache_with_room(self._model.config)
        self._cache_name = student.cache_name
        self._places = (self._mask.cumsum(-1) - 1).clamp(min=0)

    def logits(self) -> Tensor:
        """Return the logits of the next tokens, ``(rows, vocab)``."""
        # What only sums up what it has read wants to know what is padding where that is read, no more.
        sums_up = self._cache_name != "past_key_values"
        mask = None if sums_up and self._ids.shape != self._mask.shape else self._mask
        found: Tensor = self._model(
            input_ids=self._ids, attention_mask=mask, position_ids=self._places,
            use_cache=True, logits_to_keep=1, **{self._cache_name: self._cache},
        ).logits[:, -1]  # fmt: skip
        return found

    def keep(self, kept: Tensor) -> None:
        """Let all other rows go."""
        keep_rows(self._cache, kept)
        self._mask, self._places = self._mask[kept], self._places[kept]

    def append(self, picked: Tensor) -> None:
        """Write the next token of each row."""
        self._ids, self._places = picked[:, None], self._places[:, -1:] + 1
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(picked), 1)], dim=1)


class _FromEncoder:
    """Rows of an encoder-decoder: the prompt is read once, the answer is a text of its own."""

    def __init__(self, student: Student, prompts: Sequence[list[int]]) -> None:
        self._model: Any = student.model
        ids, self._mask = _padded(prompts, student, left=False)
        self._read = self._model.get_encoder()(input_ids=ids, attention_mask=self._mask)
        self._cache = EncoderDecoderCache(cache_with_room(), cache_with_room())
        self._ids = torch.full_like(ids[:, :1], student.answer_start or 0)

    def logits(self) -> Tensor:
        """Return the logits of the next tokens, ``(rows, vocab)``."""
        found: Tensor = self._model(
            encoder_outputs=self._read, attention_mask=self._mask, decoder_input_ids=self._ids,
            past_key_values=self._cache, use_cache=True,
        ).logits[:, -1]  # fmt: skip
        return found

    def keep(self, kept: Tensor) -> None:
        """Let all other rows go."""
        self._cache.batch_select_indices(kept)
        self._read.last_hidden_state = self._read.last_hidden_state[kept]
        self._mask = self._mask[kept]

    def append(self, picked: Tensor) -> None:
        """Write the next token of each row."""
        self._ids = picked[:, None]


def _note(
    replies: list[Reply], rows: Tensor, *, written: Sequence[Tensor], stops: frozenset[int]
) -> list[int]:
    """Put down what rows have written up to their ends; returns the places of those that go on."""
    going = []
    table = torch.stack([rows, *written], dim=1).tolist()  # one wait for all of it
    for place, (row, *tokens) in enumerate(table):
        end = next((n for n, token in enumerate(tokens) if token in stops), None)
        replies[row].ids.extend(tokens[:end])
        if end is None:
            going.append(place)
        else:
            replies[row] = replies[row]._replace(ended=True)
    return going


def _padded(prompts: Sequence[list[int]], student: Student, *, left: bool) -> tuple[Tensor, Tensor]:
    """Return ids and mask, padded on one side: what reads on needs its end at the end."""
    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), student.pad_id)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        place = slice(width - len(prompt), None) if left else slice(0, len(prompt))
        ids[row, place] = torch.tensor(prompt)
        mask[row, place] = 1
    return ids.to(student.model.device), mask.to(student.model.device)
