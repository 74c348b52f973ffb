"""Write a student for use elsewhere: its adapter as it is, and the merged weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import torch

from studio.domain.specs import ExportSpec
from studio.jobs.checkpoints import put_in_place
from studio.jobs.job import Job
from studio.jobs.student import DTYPES, load_student
from studio.jobs.weights import find_adapter


def export(job: Job, spec: ExportSpec) -> None:
    """Fill ``artifacts/adapter`` and, if asked, ``artifacts/merged``; safetensors only."""
    job.say("started", job="export", pid=os.getpid(), device="cpu")
    if spec.student.adapter:
        source = find_adapter(spec.student.adapter, beside=job.folder)
        _copy(source, job.artifacts / "adapter")
    job.say("progress", done=1, total=2, note="adapter copied")
    if spec.merge:
        _merge(job, spec)
    job.say("progress", done=2, total=2, note="weights merged")
    job.say("finished", stopped="")


def _merge(job: Job, spec: ExportSpec) -> None:
    student = load_student(spec.student, beside=job.folder, dtype=torch.float32)
    model: Any = student.model
    if spec.student.adapter:
        model = model.merge_and_unload()
    if spec.precision in DTYPES:
        model = model.to(DTYPES[spec.precision])
    part = job.artifacts / ".merged.part"
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(str(part), safe_serialization=True)
    student.tokenizer.save_pretrained(str(part))
    card = _card_of(job, spec)
    (part / "README.md").write_text(card, encoding="utf-8")
    put_in_place(part, job.artifacts / "merged")


def _card_of(job: Job, spec: ExportSpec) -> str:
    """Return the card of the run that made the adapter, or one line where there is none."""
    own = job.folder / spec.student.adapter / "README.md"
    if spec.student.adapter and own.is_file():
        return own.read_text(encoding="utf-8")
    return f"# {Path(spec.student.location).name}\n\nExported without an adapter.\n"


def _copy(source: Path, place: Path) -> None:
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part)
    put_in_place(part, place)
