"""What a layer of a student that reads and writes in one stack keeps for its way back; measured on
Llama-like models by counting what autograd saves."""

from __future__ import annotations

import math
from typing import NamedTuple

PLAIN_UP_TO = 512  #: tokens; a CPU attends to no more of them plainly, which is fastest there


class LayerWidths(NamedTuple):
    """Of one layer."""

    hidden: int
    intermediate: int
    queries: int  #: of all heads together
    key_value: int  #: of keys, and of values
    heads: int


class _Kept(NamedTuple):
    """Bytes a layer keeps for each token: so many times each of these widths."""

    intermediate: float
    key_value: float
    hidden: float


#: (precision is fp32, how it is trained).
_KEPT = {
    (True, "lora"): _Kept(16, 8, 26), (True, "dropout"): _Kept(20, 8, 66),
    (True, "full"): _Kept(16, 8, 32), (False, "lora"): _Kept(8.2, 4.1, 26),
    (False, "dropout"): _Kept(12.2, 4.1, 50), (False, "full"): _Kept(8.2, 4.1, 30),
}  # fmt: skip


def kept_by_layer(widths: LayerWidths, *, tokens: int, plain: int, fp32: bool, how: str) -> int:
    """Return the bytes one layer keeps of a micro-batch.

    Args:
        plain: tokens of the longest example, where attention is plain: each head's scores are then
            kept whole, and keys and values are as wide as queries. 0 where it is not.
        how: it is trained: lora, dropout (LoRA with it) or full.
    """
    kept = _KEPT[fp32, how]
    key_value = widths.queries if plain else widths.key_value
    a_token = (
        kept.intermediate * widths.intermediate + kept.key_value * key_value
        + kept.hidden * widths.hidden + score_bytes(fp32=fp32) * widths.heads * plain
    )  # fmt: skip
    return math.ceil(tokens * a_token)


def score_bytes(*, fp32: bool) -> int:
    """Return what a score of plain attention takes: a chance in fp32, and a copy in half precision."""
    return 4 if fp32 else 6
