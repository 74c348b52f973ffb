"""How well a student foretells texts: the loss of each text of ``data/texts.jsonl``, none of it learned.

A text longer than the student's context is cut into pieces, each foretold by itself.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from studio.domain.dealing import micro_batches
from studio.domain.errors import StudentError
from studio.domain.events import ASKED_TO_STOP
from studio.domain.specs import TrainSpec
from studio.jobs.batches import Item, collate
from studio.jobs.job import append_lines
from studio.jobs.objectives.base import token_losses
from studio.jobs.rows import read_rows
from studio.jobs.student import (
    DTYPES,
    Student,
    load_student,
    pick_device,
    pick_precision,
    use_threads,
)

if TYPE_CHECKING:
    from studio.domain.specs import MeasureSpec
    from studio.jobs.job import Job


def measure(job: Job, spec: MeasureSpec) -> None:
    """Write ``artifacts/losses.jsonl``: key, summed loss and foretold tokens of each text."""
    use_threads(spec.threads)
    device = pick_device()
    precision = pick_precision(spec.precision, device)
    student = load_student(spec.student, beside=job.folder, dtype=DTYPES[precision])
    if student.answer_start is not None:
        raise StudentError("an encoder-decoder foretells no plain text: this check is not for it")
    student.model.eval().to(device)
    pieces = list(_pieces(job, student, spec))
    job.say("started", job="measure", pid=os.getpid(), device=str(device), precision=precision)
    sums: dict[str, float] = dict.fromkeys((piece.role for piece in pieces), 0.0)
    counts: Counter[str] = Counter()
    budget = TrainSpec(student=spec.student, batch_tokens=spec.batch_tokens)
    done = 0
    for lot in micro_batches(pieces, budget):
        if job.stop_requested:
            job.say("finished", stopped=ASKED_TO_STOP)
            return
        batch = collate(lot, pad=student.pad_id, totals=counts).to(device)
        with torch.inference_mode():
            losses, rows = token_losses(student.model, batch)
        for row, loss in zip(rows.tolist(), losses.double().tolist(), strict=True):
            sums[lot[row].role] += loss
            counts[lot[row].role] += 1
        done += len(lot)
        job.say("progress", done=done, total=len(pieces), note="")
    lines = [json.dumps({"key": key, "loss": sums[key], "tokens": counts[key]}) for key in sums]
    place = job.artifacts / "losses.jsonl"
    place.unlink(missing_ok=True)
    append_lines(place, lines, durable=True)
    job.say("finished", stopped="")


def _pieces(job: Job, student: Student, spec: MeasureSpec) -> Iterator[Item]:
    """Yield the texts in tokens; the role of a piece is its text's key, its first token is given."""
    most = min(spec.max_tokens, student.context)
    for row in read_rows(job.data / "texts.jsonl", needs=("key", "text")):
        ids: list[int] = student.tokenizer(str(row["text"]), add_special_tokens=False)["input_ids"]
        for at in range(0, len(ids), most):
            if len(ids[at : at + most]) > 1:
                yield Item(ids[at : at + most], 1, str(row["key"]))
