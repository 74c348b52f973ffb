"""Which files a student is loaded from, and which are refused before any library opens them.

Only safetensors and GGUF are read: a pickle can run code when it is opened. A configuration that
brings code of its own is refused for the same reason. Nothing here needs torch.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from studio.domain.errors import StudentError

PICKLES = (".bin", ".pt", ".pth", ".pt2", ".ckpt", ".pkl", ".joblib")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_OWN_CODE = ("auto_map", "trust_remote_code")


class Weights(NamedTuple):
    """What ``from_pretrained`` is told: a folder or hub id, and the GGUF file in it, if it is one."""

    place: str
    gguf_file: str | None = None


def find_weights(location: str, *, beside: Path) -> Weights:
    """Return where to load a base model from; raises StudentError in one line.

    Args:
        beside: the folder that relative paths start from.
    """
    if is_hub_id(location, beside=beside):
        return Weights(location)
    path = _path(location, beside)
    if path.is_file() and path.suffix == ".gguf":
        return Weights(str(path.parent), path.name)
    if not path.is_dir():
        raise StudentError(f"there is no model folder {path}: name a folder, a .gguf or a hub id")
    ggufs = sorted(path.glob("*.gguf"))
    if not (path / "config.json").is_file():
        if len(ggufs) == 1:
            return Weights(str(path), ggufs[0].name)
        raise StudentError(f"{path} is no model folder: it holds no config.json")
    check_configs(path)
    _check_weights(path)
    return Weights(str(path))


def is_hub_id(location: str, *, beside: Path) -> bool:
    """Return whether a location names a model on the hub: it is no path, and looks like an id."""
    return not _path(location, beside).exists() and _HUB_ID.fullmatch(location) is not None


def find_adapter(location: str, *, beside: Path) -> Path:
    """Return an adapter folder that can be loaded; raises StudentError in one line."""
    path = _path(location, beside)
    if not (path / "adapter_config.json").is_file():
        raise StudentError(f"{path} is no adapter folder: it holds no adapter_config.json")
    check_configs(path)
    if not (path / "adapter_model.safetensors").is_file():
        raise StudentError(
            f"{path} holds no adapter_model.safetensors (a pickle is not opened): save the adapter"
            " as safetensors"
        )
    return path


def check_configs(folder: Path) -> None:
    """Raise StudentError where a configuration is unreadable or wants to run code of its own."""
    for path in sorted(folder.glob("*config.json")):
        check_config(path)


def check_config(path: Path) -> None:
    """Raise StudentError where this configuration is unreadable or wants to run code of its own."""
    config = _read_json(path)
    for name in _OWN_CODE:
        if any(name in part for part in _dicts(config)):
            raise StudentError(
                f"{path} wants to run code that came with the model ({name}): it is not loaded;"
                " take a model that Transformers knows by itself"
            )


def _check_weights(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = {str(name) for name in _read_json(index).get("weight_map", {}).values()}
        missing = sorted(name for name in shards if not (folder / name).is_file())
        if missing:
            raise StudentError(f"{folder} lacks {missing[0]}: copy the model again")
        return
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(found.name for found in folder.iterdir() if found.suffix in PICKLES)
    if pickles:
        raise StudentError(
            f"{folder} holds its weights as a pickle only ({pickles[0]}), which could run code when"
            " opened: convert it to safetensors"
        )
    raise StudentError(f"{folder} holds no weights: model.safetensors was expected")


def _path(location: str, beside: Path) -> Path:
    # Without the way back and forth: the path is written into what is made of it.
    return Path(os.path.normpath(beside / Path(location).expanduser()))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise StudentError(f"{path} cannot be read as JSON: copy the model again") from None
    if not isinstance(value, dict):
        raise StudentError(f"{path} is not what a model folder holds: copy the model again")
    return value


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _dicts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _dicts(part)
