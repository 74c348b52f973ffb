"""The blocks of a model: the layers it is a pile of, each of the same make."""

from __future__ import annotations

from typing import Any

from torch import nn


def blocks_of(model: Any) -> list[nn.Module]:
    """Return the model's layers in order; none where they cannot be told from the rest."""
    whole = getattr(model, "module", model)  # wrapped where several processes train together
    base = whole.get_base_model() if hasattr(whole, "get_base_model") else whole
    kinds = set(getattr(base, "_no_split_modules", None) or ())
    return [module for module in base.modules() if type(module).__name__ in kinds]
