"""A model's files, read without torch: where they are, and the shapes of its weights."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

from studio.domain.errors import StudentError
from studio.domain.memory import Tensors

_LONGEST_HEADER = 100 << 20  #: bytes; the format's own limit


def model_folder(location: str) -> Path:
    """Return where a model's files are; raises StudentError when they are not on this machine."""
    folder = Path(location).expanduser()
    if (folder / "config.json").is_file():
        return folder
    home = os.environ.get("HF_HOME", "~/.cache/huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE", str(Path(home, "hub")))).expanduser()
    found = sorted(
        (cache / f"models--{location.replace('/', '--')}").glob("snapshots/*/config.json")
    )
    if found:
        return found[-1].parent
    raise StudentError(
        f"the size of {location} is not known before it is here as a folder with a config.json"
    )


def tensors_of(folder: Path) -> Tensors:
    """Return the shapes in the headers of a folder's safetensors files; the weights stay unread."""
    found: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        if path.name.startswith("adapter"):
            continue
        try:
            with path.open("rb") as file:
                (size,) = struct.unpack("<Q", file.read(8))
                header = json.loads(file.read(min(size, _LONGEST_HEADER)))
            found |= {
                name: tuple(told["shape"])
                for name, told in header.items()
                if name != "__metadata__"
            }
        except (OSError, ValueError, struct.error, KeyError, TypeError):
            raise StudentError(f"{path} cannot be read: copy the model again") from None
    return found


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON file holds; raises StudentError where it is none."""
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        raise StudentError(f"{path} cannot be read as JSON: copy the model again") from None
