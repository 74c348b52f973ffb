"""Checkpoints that are whole or not there.

``artifacts/checkpoint-<step>/`` holds the trained weights, the optimiser's tensors, the state of
the random generators and a manifest with sizes and hashes. It is written beside its place, synced
and renamed; one whose manifest does not fit is ignored, and an older one goes only after the newer
was read back. Tensors are safetensors, everything else JSON: nothing here can run code when loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

_PREFIX = "checkpoint-"


class Checkpoint(NamedTuple):
    """All that a run needs to go on as if it had never stopped."""

    step: int
    weights: dict[str, Tensor]
    optimiser: dict[str, Tensor]  #: ``<parameter number>.<name>``
    random: dict[str, Tensor]
    state: dict[str, Any]  #: what the loop keeps besides, as JSON


def save(folder: Path, checkpoint: Checkpoint, *, keep: int) -> Path:
    """Write a checkpoint below ``folder``, then let the oldest ones go; returns its place."""
    place = folder / f"{_PREFIX}{checkpoint.step}"
    part = folder / f".{place.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, tensors in (
        ("weights", checkpoint.weights), ("optimiser", checkpoint.optimiser),
        ("random", checkpoint.random),
    ):  # fmt: skip
        save_file({key: value.contiguous() for key, value in tensors.items()},
                  part / f"{name}.safetensors")  # fmt: skip
    (part / "state.json").write_text(json.dumps({"step": checkpoint.step, **checkpoint.state}))
    _write_manifest(part)
    put_in_place(part, place)
    if is_whole(place):
        for old in complete(folder)[keep:]:
            shutil.rmtree(old, ignore_errors=True)
    return place


def newest(folder: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint below ``folder``, or None."""
    found = complete(folder)
    if not found:
        return None
    state = json.loads((found[0] / "state.json").read_text())
    weights, optimiser, random = (
        load_file(found[0] / f"{name}.safetensors") for name in ("weights", "optimiser", "random")
    )
    return Checkpoint(int(state.pop("step")), weights, optimiser, random, state)


def complete(folder: Path) -> list[Path]:
    """Return the whole checkpoints, newest first."""
    found = [
        path for path in folder.glob(f"{_PREFIX}*")
        if path.name.removeprefix(_PREFIX).isdigit() and is_whole(path)
    ]  # fmt: skip
    return sorted(found, key=lambda path: -int(path.name.removeprefix(_PREFIX)))


def is_whole(place: Path) -> bool:
    """Return whether every file is there with the size and hash its manifest says."""
    try:
        manifest: dict[str, dict[str, Any]] = json.loads((place / "manifest.json").read_text())
    except (OSError, ValueError):
        return False
    return all(
        (place / name).is_file()
        and (place / name).stat().st_size == facts["size"]
        and _sha256(place / name) == facts["sha256"]
        for name, facts in manifest.items()
    )


def put_in_place(part: Path, place: Path) -> None:
    """Sync a finished folder and put it where it belongs, in place of what stands there."""
    for file in part.rglob("*"):
        if file.is_file():
            _sync(file)
    _sync(part)
    if place.exists():
        shutil.rmtree(place)
    part.rename(place)
    _sync(place.parent)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's state as named tensors."""
    state: Mapping[int, Mapping[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"{number}.{name}": torch.as_tensor(value).cpu()
        for number, values in state.items()
        for name, value in values.items()
    }


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put named tensors back as the optimiser's state."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def random_state() -> dict[str, Tensor]:
    """Return the state of every generator that training draws from."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random(state: Mapping[str, Tensor]) -> None:
    """Put the generators back."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def _write_manifest(part: Path) -> None:
    facts = {
        file.name: {"size": file.stat().st_size, "sha256": _sha256(file)}
        for file in sorted(part.iterdir())
    }
    (part / "manifest.json").write_text(json.dumps(facts, indent=1))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # folders cannot be synced there
        return
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
