"""What a training job leaves behind: adapter or model, card, TensorBoard curves."""

from __future__ import annotations

import json
import math
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from studio import __version__
from studio.domain.specs import TrainSpec
from studio.jobs.checkpoints import put_in_place
from studio.jobs.gauges import processor
from studio.jobs.job import Job
from studio.jobs.student import Student, quiet_peft


class Curves:
    """TensorBoard files beside our own events, where TensorBoard is installed.

    Args:
        after: the step this life goes on from; what an earlier one wrote of later steps is void.
    """

    def __init__(self, folder: Path, *, after: int) -> None:
        self._writer: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._writer = SummaryWriter(str(folder), purge_step=after + 1)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add the values of one step."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()


def write_result(
    job: Job,
    spec: TrainSpec,
    student: Student,
    *,
    facts: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor] | None = None,
) -> str:
    """Write ``artifacts/adapter`` (PEFT layout), or ``artifacts/model`` after full training.

    Returns its place relative to the job folder.

    Args:
        weights: all of the model's, where it holds a part of each only.
    """
    name = "model" if spec.full else "adapter"
    place = job.artifacts / name
    part = job.artifacts / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    student.model.config.use_cache = True
    with quiet_peft():
        student.model.save_pretrained(
            str(part),
            safe_serialization=True,
            state_dict=None if weights is None else dict(weights),
        )
    student.tokenizer.save_pretrained(str(part))
    card = model_card(spec, facts)
    # PEFT writes a card of its own with empty headings; ours says what was done.
    (part / "README.md").write_text(card, encoding="utf-8")
    put_in_place(part, place)
    (job.artifacts / "card.md").write_text(card, encoding="utf-8")
    return f"artifacts/{name}"


def model_card(spec: TrainSpec, facts: Mapping[str, Any]) -> str:
    """Return what was trained, on what, and how, as Markdown."""
    examples = ", ".join(f"{n:,} {role}" for role, n in sorted(facts["examples"].items()))
    held_out = facts["held_out_loss"]
    lines = [
        f"# {'Model' if spec.full else 'LoRA adapter'} of {Path(spec.student.location).name}",
        "",
        f"Method {spec.method} (MAPD, called FAIR in later versions: arXiv 2410.03663), "
        f"alpha {spec.alpha:g}.",
        f"Examples: {examples}; {facts['held_out']:,} more kept out to measure the loss.",
        *([f"Long ones: {facts['long']}."] if facts["long"] else []),
        f"Steps: {facts['steps']:,}; ended {facts['ended']}. Seed {spec.seed}.",
        f"Loss of the last step: {_number(facts['loss'])}; lowest held-out loss: {_number(held_out)}"
        + (f" at step {facts['best_step']:,}" if held_out is not None else "")
        + f". These are the weights of step {facts['weights_step']:,}.",
        *([f"Layers {facts['compiled']}."] if facts.get("compiled") else []),
        "",
        "## Settings",
        "",
        "```json",
        json.dumps(spec.model_dump(mode="json", exclude={"student"}), indent=2),
        "```",
        "",
        "Made with " + ", ".join(f"{name} {told}" for name, told in machine().items()) + ".",
    ]
    return "\n".join(lines) + "\n"


def machine() -> dict[str, str]:
    """Return what a run was made on: processor, GPU, system, versions."""
    found = {"Python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}",
             "processor": f"{processor().get('cpu_name') or platform.processor()},"
             f" {torch.get_num_threads()} threads"}  # fmt: skip
    if torch.cuda.is_available():
        found["GPU"] = f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
        found["CUDA"] = str(torch.version.cuda)
    known = {name: told for name in _PACKAGES if (told := _version(name))}
    return {"mapd-studio": __version__, **known, **found}


_PACKAGES = ("torch", "transformers", "tokenizers", "peft", "accelerate", "bitsandbytes")


def _number(value: float | None) -> str:
    return "not measured" if value is None or math.isnan(value) else f"{value:.4f}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
