"""Keys and values with room to grow: a new token is written in place, where Transformers' own cache
copies all that came before it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

SPARE = 64  #: tokens there is room for at least when it grows; or a quarter of what is there


class RoomyLayer(DynamicLayer):
    """One layer's keys and values, ``(rows, heads, tokens, size)``; what is read are views of them."""

    _room: tuple[Tensor, Tensor] | None = None

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Add tokens; returns all there are."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        before = self.get_seq_length()
        after = before + key_states.shape[-2]
        if self._room is None or self._room[0].shape[-2] < after:
            size = after + max(SPARE, after // 4)
            self._room = (
                _grown(self.keys, key_states, before=before, size=size),
                _grown(self.values, value_states, before=before, size=size),
            )
        for whole, new in zip(self._room, (key_states, value_states), strict=True):
            whole[..., before:after, :] = new
        return self._look(after)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Let all other rows go."""
        if self._room is not None:
            length = self.get_seq_length()
            self._room = (self._room[0][indices], self._room[1][indices])
            self._look(length)

    def _look(self, length: int) -> tuple[Tensor, Tensor]:
        assert self._room is not None
        keys, values = (whole[..., :length, :] for whole in self._room)
        self.keys, self.values = keys, values
        return keys, values


def _grown(held: Tensor | None, new: Tensor, *, before: int, size: int) -> Tensor:
    made = torch.empty((*new.shape[:-2], size, new.shape[-1]), dtype=new.dtype, device=new.device)
    if held is not None and before:
        made[..., :before, :] = held
    return made


def keep_rows(cache: DynamicCache, kept: Tensor) -> None:
    """Let all rows but these go."""
    layer: Any
    for layer in cache.layers:  # either way of letting go knows some of the layers only
        (layer.reorder_cache if _sums_up(layer) else layer.batch_select_indices)(kept)


def sums_up(config: Any) -> bool:
    """Return whether a model carries a sum of all it has read from token to token.

    Examples in one row would be carried on into the next.
    """
    return any(map(_sums_up, DynamicCache(config=config).layers))


def _sums_up(layer: Any) -> bool:
    return hasattr(layer, "recurrent_states")


def cache_with_room(config: Any = None) -> DynamicCache:
    """Return an empty cache for a model; layers of a peculiar kind stay as Transformers has them."""
    cache = DynamicCache() if config is None else DynamicCache(config=config)
    if config is None:
        cache.layer_class_to_replicate = RoomyLayer
    cache.layers = [RoomyLayer() if type(one) is DynamicLayer else one for one in cache.layers]
    return cache
