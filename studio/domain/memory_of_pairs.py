"""What a student that reads in one stack of layers and writes in another, as T5 does, keeps for its
way back; measured by counting what autograd saves, right within a twentieth on the shapes tried."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

_SCORE = 12.3  #: bytes a score of attention, which is kept whole: T5's own bias stands in the way


class Stacks(NamedTuple):
    """What of its ``config.json`` sets such a student apart."""

    decoder_layers: int
    heads: int
    gated: bool  #: two layers to go up instead of one


class Reading(NamedTuple):
    """How large a micro-batch gets: tokens read and written, and the longest of both."""

    asked: int
    said: int
    longest_asked: int
    longest_said: int


class Widths(NamedTuple):
    """Of one layer."""

    hidden: int
    intermediate: int
    inner: int  #: of all heads together


class _Kept(NamedTuple):
    """Bytes a layer keeps for each token: so many times each of these widths."""

    intermediate: float
    hidden: float
    inner: float


#: (precision is fp32, how it is trained, gated), with the dropout of T5's own configuration.
_KEPT = {
    (True, "lora", False): _Kept(12.7, 32.6, 11.8), (True, "lora", True): _Kept(32.8, 32.5, 11.8),
    (True, "dropout", False): _Kept(17.5, 59.3, 14.3), (True, "dropout", True): _Kept(37.5, 67.2, 14.3),
    (True, "full", False): _Kept(12.6, 46.6, 11.2), (True, "full", True): _Kept(32.8, 46.4, 10.9),
    (False, "lora", False): _Kept(6.6, 31.3, 10.2), (False, "lora", True): _Kept(16.6, 33.3, 10.2),
    (False, "dropout", False): _Kept(11.1, 47.4, 12.8), (False, "dropout", True): _Kept(21.1, 53.4, 12.8),
    (False, "full", False): _Kept(6.5, 41.8, 10.0), (False, "full", True): _Kept(16.6, 43.7, 9.8),
}  # fmt: skip


def stacks_of(config: Mapping[str, Any], *, layers: int, heads: int) -> Stacks | None:
    """Return what sets it apart; None for a student of one stack.

    Args:
        layers: that read.
    """
    if not config.get("is_encoder_decoder"):
        return None
    told = config.get("num_decoder_layers") or config.get("decoder_layers") or layers
    gated = str(config.get("feed_forward_proj", "relu")).startswith("gated")
    return Stacks(int(told), heads, gated)


def layer_bytes(
    stacks: Stacks, widths: Widths, load: Reading, *, fp32: bool, how: str
) -> tuple[int, int]:
    """Return what one layer that reads keeps of a micro-batch, and one that writes.

    Args:
        how: it is trained: lora, dropout (LoRA with it) or full.
    """
    kept = _KEPT[fp32, how, stacks.gated]
    alone = kept.intermediate * widths.intermediate + kept.hidden * widths.hidden
    across = kept.inner * widths.inner
    scores = _SCORE * stacks.heads
    reads = load.asked * (alone + across + scores * load.longest_asked)
    # One that writes looks at what was read, too.
    writes = load.said * (alone + 2 * across) + load.asked * across
    writes += scores * load.said * (load.longest_said + load.longest_asked)
    return math.ceil(reads), math.ceil(writes)
