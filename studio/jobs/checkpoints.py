"""Checkpoints that are whole or not there.

``artifacts/checkpoint-<step>/`` holds the trained weights, the optimiser's tensors, where the run
stood and a manifest with sizes and hashes. It is written beside its place, synced and renamed; one
whose manifest does not fit is ignored, and an older one goes only after the newer was read back.
Tensors are safetensors, everything else JSON: nothing here can run code when loaded.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from studio.domain.disk import sync
from studio.jobs.sharding import part_like

_PREFIX = "checkpoint-"


class Checkpoint(NamedTuple):
    """All that a run needs to go on as if it had never stopped."""

    step: int
    weights: dict[str, Tensor]
    optimiser: dict[str, Tensor]  #: ``<parameter number>.<name>``
    state: dict[str, Any]  #: what the loop keeps besides, as JSON


def save(folder: Path, checkpoint: Checkpoint, *, keep: int, spare: int | None = None) -> Path:
    """Write a checkpoint below ``folder``, then let the oldest ones go; returns its place.

    Args:
        keep: so many of the newest stay.
        spare: the step of one that stays besides.
    """
    place = folder / f"{_PREFIX}{checkpoint.step}"
    part = _part_of(place)
    part.mkdir(parents=True)
    try:
        for name, tensors in (("weights", checkpoint.weights), ("optimiser", checkpoint.optimiser)):
            close = {key: value.contiguous() for key, value in tensors.items()}
            save_file(close, part / f"{name}.safetensors")
        (part / "state.json").write_text(json.dumps({"step": checkpoint.step, **checkpoint.state}))
        _write_manifest(part)
        put_in_place(part, place)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)  # on a full disk it would be in the way
        raise
    if is_whole(place):
        for old in complete(folder)[keep:]:
            if old.name != f"{_PREFIX}{spare}":
                _remove(old)
    return place


def newest(folder: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint below ``folder``, or None."""
    found = complete(folder)
    return _read(found[0]) if found else None


def of_step(folder: Path, step: int) -> Checkpoint | None:
    """Return the whole checkpoint of a step, or None."""
    place = folder / f"{_PREFIX}{step}"
    return _read(place) if is_whole(place) else None


def _read(place: Path) -> Checkpoint:
    state = json.loads((place / "state.json").read_text())
    weights, optimiser = (
        load_file(place / f"{name}.safetensors") for name in ("weights", "optimiser")
    )
    return Checkpoint(int(state.pop("step")), weights, optimiser, state)


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
            sync(file)
    sync(part)
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():  # a folder cannot be renamed onto one that is not empty
        place.rename(old)
    part.rename(place)
    sync(place.parent)
    shutil.rmtree(old, ignore_errors=True)


def _remove(place: Path) -> None:
    """Remove a checkpoint; killed on the way, no half of one stands under its name."""
    left = place.with_name(f".{place.name}.gone.part")
    place.rename(left)
    shutil.rmtree(left, ignore_errors=True)


def _part_of(place: Path) -> Path:
    """Return where to write it, with what earlier lives left half-written there cleared away."""
    for left in place.parent.glob(f".{_PREFIX}*.part"):
        shutil.rmtree(left, ignore_errors=True)
    return place.with_name(f".{place.name}.part")


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's state as named tensors, as they are held."""
    state: Mapping[int, Mapping[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"{number}.{name}": torch.as_tensor(value)
        for number, values in state.items()
        for name, value in values.items()
    }


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put named tensors back as the optimiser's state."""
    state: dict[int, dict[str, Tensor]] = {}
    trained = [each for group in optimiser.param_groups for each in group["params"]]
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        own = value if name == "step" else part_like(trained[int(number)], value)
        state.setdefault(int(number), {})[name] = own
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def _write_manifest(part: Path) -> None:
    facts = {
        file.name: {"size": file.stat().st_size, "sha256": _sha256(file)}
        for file in sorted(part.iterdir())
    }
    (part / "manifest.json").write_text(json.dumps(facts, indent=1))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
