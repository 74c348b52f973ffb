"""Write a student for use elsewhere: its adapter as it is, the merged weights, a Modelfile for
Ollama, a GGUF where llama.cpp is at hand; and ask each form the same questions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from studio.domain.errors import RunError, StudentError, StudioError
from studio.domain.events import ASKED_TO_STOP
from studio.domain.specs import ExportSpec, StudentSpec
from studio.jobs import gguf, ollama, parity
from studio.jobs.checkpoints import put_in_place
from studio.jobs.job import Job
from studio.jobs.merging import merged
from studio.jobs.rows import read_rows
from studio.jobs.student import DTYPES, Student, load_student
from studio.jobs.weights import Weights, find_adapter

_PARTS = 4  #: of an export, as its progress counts them


def export(job: Job, spec: ExportSpec) -> None:
    """Fill ``artifacts/``: adapter, merged weights, Modelfile, GGUF, and how alike they answer."""
    job.say("started", job="export", pid=os.getpid(), device="cpu")
    if spec.student.adapter:
        source = find_adapter(spec.student.adapter, beside=job.folder)
        _copy(source, job.artifacts / "adapter")
    job.say("progress", done=1, total=_PARTS, note="adapter copied")
    if spec.merge:
        _whole(job, spec)
    job.say("progress", done=_PARTS, total=_PARTS, note="all written")
    job.say("finished", stopped="")


def _whole(job: Job, spec: ExportSpec) -> None:
    """Write what needs no adapter, and put the same questions to each form of it."""
    place = job.data / "questions.jsonl"
    rows = list(read_rows(place)) if place.is_file() else []
    student = load_student(spec.student, beside=job.folder, dtype=torch.float32)
    ours = parity.answers(student, rows)
    _heed(job)
    _merge(job, spec, student)
    job.say("progress", done=2, total=_PARTS, note="weights merged")
    _heed(job)
    merged = job.artifacts / "merged"
    exported = {"merged": _answers(merged, rows)} if rows else {}
    made = _gguf(job, spec, merged)
    if made is not None and rows:
        try:
            exported["gguf"] = _answers(made, rows)
        except StudentError as error:
            job.say("warned", message=f"the GGUF could not be asked here: {error}")
    _modelfile(job, spec, student, weights=merged if made is None else made)
    job.say("progress", done=3, total=_PARTS, note="Modelfile written")
    if rows:
        found = parity.compare(ours, exported)
        parity.write(job.artifacts / "parity.json", found, spec)
        job.say("warned", message=f"parity: {parity.in_words(found)}")


def _heed(job: Job) -> None:
    """Raise RunError where it was asked to stop: of an export nothing is kept."""
    if job.stop_requested:
        raise RunError(f"{ASKED_TO_STOP}: export again")


def _modelfile(job: Job, spec: ExportSpec, student: Student, *, weights: Path) -> None:
    if student.answer_start is not None:
        job.say("warned", message="no Modelfile was written: Ollama runs no student of T5's shape")
        return
    text = ollama.modelfile(student, weights=weights.name, system=spec.system)
    (job.artifacts / "Modelfile").write_text(text, encoding="utf-8")
    if weights.is_dir():
        job.say("warned", message="the Modelfile lets Ollama read the merged weights")


def _gguf(job: Job, spec: ExportSpec, merged: Path) -> Path | None:
    """Return the GGUF, or None where there is none; the reason is told."""
    if spec.gguf == "off":
        return None
    script, out = gguf.converter(), job.artifacts / "model.gguf"
    try:
        if script is None:
            raise StudioError(gguf.missing())
        gguf.convert(script, merged, out, kind=spec.gguf)
    except StudioError as error:
        job.say("warned", message=str(error))
        return None
    return out


def _answers(place: Path, rows: Sequence[Mapping[str, Any]]) -> parity.Answers:
    spec = StudentSpec(location=str(place))
    return parity.answers(load_student(spec, beside=place, dtype=torch.float32), rows)


def _merge(job: Job, spec: ExportSpec, student: Student) -> None:
    """Add the adapter to the base in fp32, whatever they are kept in: nothing is rounded twice."""
    model: Any = student.model
    if spec.student.adapter:
        model = merged(model)
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
