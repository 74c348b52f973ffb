"""Model names: which family one belongs to, and whether a reply came from the model that was asked."""

from __future__ import annotations

import re

#: First words of names by whose family they are; what is not listed is its own family.
_FAMILIES = {
    "gpt": "gpt", "chatgpt": "gpt", "o": "gpt", "davinci": "gpt", "text": "gpt",
    "mistral": "mistral", "mixtral": "mistral", "ministral": "mistral", "codestral": "mistral",
    "magistral": "mistral", "devstral": "mistral", "gemini": "gemini", "gemma": "gemini",
    "palm": "gemini", "claude": "claude", "llama": "llama", "codellama": "llama", "qwen": "qwen",
    "qwq": "qwen", "deepseek": "deepseek", "phi": "phi", "command": "command", "grok": "grok",
}  # fmt: skip


def family_of(model: str) -> str:
    """Return the family of a model by its name: ``meta-llama/Llama-3.3-70B`` is a llama."""
    found = re.match(r"[a-z]+", _bare(model).replace("meta-", ""))
    first = found[0] if found else _bare(model)
    return _FAMILIES.get(first, first)


def is_other_model(asked: str, served: str) -> bool:
    """Return whether an endpoint names another model than it was asked for.

    A dated or tagged form of the name is the same model; an endpoint that names none says nothing.
    """
    ours, theirs = _bare(asked), _bare(served)
    return bool(theirs) and not (theirs.startswith(ours) or ours.startswith(theirs))


def _bare(model: str) -> str:
    return (
        model.casefold().replace("\\", "/").rstrip("/").rpartition("/")[2].removesuffix(":latest")
    )
