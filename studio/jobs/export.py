"""Write a student for use elsewhere: its adapter as it is, and the merged weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from studio.domain.specs import ExportSpec
from studio.jobs.checkpoints import put_in_place
from studio.jobs.job import Job
from studio.jobs.student import DTYPES, load_student
from studio.jobs.weights import Weights, find_adapter


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
    """Add the adapter to the base in fp32, whatever they are kept in: nothing is rounded twice."""
    student = load_student(spec.student, beside=job.folder, dtype=torch.float32)
    model: Any = student.model
    if spec.student.adapter:
        model = model.merge_and_unload()
    kept_in = DTYPES.get(spec.precision) or _dtype_of(student.weights)
    part = job.artifacts / ".merged.part"
    shutil.rmtree(part, ignore_errors=True)
    model.to(kept_in).save_pretrained(str(part))
    student.tokenizer.save_pretrained(str(part))
    (part / "README.md").write_text(_card(job, spec, kept_in=kept_in), encoding="utf-8")
    put_in_place(part, job.artifacts / "merged")


def _dtype_of(weights: Weights) -> torch.dtype:
    """Return what the base is kept in; a GGUF, which is packed, becomes fp16."""
    if weights.gguf_file:
        return torch.float16
    named = AutoConfig.from_pretrained(weights.place, trust_remote_code=False).dtype
    return named if isinstance(named, torch.dtype) else torch.float32


def _card(job: Job, spec: ExportSpec, *, kept_in: torch.dtype) -> str:
    """Return the card of the merged weights: what they are, and how their adapter was made."""
    base = Path(spec.student.location).name
    if not spec.student.adapter:
        return f"# {base}\n\nThe whole weights, {kept_in}.\n"
    text = f"# {base}, tuned\n\nBase and adapter merged into whole weights, {kept_in}.\n"
    own = job.folder / spec.student.adapter / "README.md"
    return text + (f"\n{own.read_text(encoding='utf-8')}" if own.is_file() else "")


def _copy(source: Path, place: Path) -> None:
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part)
    put_in_place(part, place)
