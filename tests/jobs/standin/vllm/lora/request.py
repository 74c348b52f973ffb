"""Which adapter a prompt is to be answered with."""

from __future__ import annotations

from typing import NamedTuple


class LoRARequest(NamedTuple):
    """An adapter by name, number and folder."""

    name: str
    number: int
    path: str
