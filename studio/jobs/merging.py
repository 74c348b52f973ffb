"""An adapter added to its base for good, so that whole weights are left."""

from __future__ import annotations

from typing import Any

from torch import nn


def merged(model: Any) -> Any:
    """Return the base of a student with its adapter in its weights.

    Where the output layer is tied to the embeddings and the adapter changes one of them, they are
    parted first: added to the one, it would change the other, too.
    """
    embeddings, output = model.get_input_embeddings(), model.get_output_embeddings()
    first, last = (getattr(layer, "base_layer", layer) for layer in (embeddings, output))
    is_changed = first is not embeddings or last is not output
    if is_changed and getattr(first, "weight", None) is getattr(last, "weight", ""):
        last.weight = nn.Parameter(last.weight.detach().clone())
        base = model.get_base_model()
        base.config.tie_word_embeddings = False
        base.config.get_text_config().tie_word_embeddings = False
        base.all_tied_weights_keys = {}
    return model.merge_and_unload()
