"""An exam: the student answers every question of ``data/questions.jsonl``.

Batches are made by length under a token budget; each batch's answers are on disk before the next
begins, so a job that is started again asks only what is missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from studio.domain.records import digest
from studio.domain.specs import GenerateSpec
from studio.jobs.job import Job, append_lines
from studio.jobs.student import Student, load_student, longest_context, prompt_ids, use_threads

LARGEST_BATCH = 256


class Asked(NamedTuple):
    """A question as the student sees it."""

    key: str
    ids: list[int]


def generate(job: Job, spec: GenerateSpec) -> None:
    """Answer what has no answer yet."""
    use_threads(spec.threads)
    student = load_student(spec.student, beside=job.folder, precision=spec.precision)
    student.model.eval()
    rows = [json.loads(line) for line in (job.data / "questions.jsonl").open(encoding="utf-8")]
    done = _answered(job)
    asked = [
        Asked(row["key"], prompt_ids(student.tokenizer, row["messages"]))
        for row in rows
        if row["key"] not in done
    ]
    total, finished = len(rows), len(rows) - len(asked)
    job.say("started", job="generate", pid=os.getpid(), device=str(student.device),
            dtype=str(student.dtype))  # fmt: skip
    job.say("progress", done=finished, total=total)
    for batch in batches(asked, spec):
        if job.stop_requested:
            job.say("finished", stopped="asked to stop")
            return
        answers = answer(student, batch, spec)
        lines = [json.dumps(row, ensure_ascii=True) for row in answers]
        append_lines(job.artifacts / "answers.jsonl", lines, durable=True)
        finished += len(batch)
        job.say("progress", done=finished, total=total)
    job.say("finished", stopped="")


def batches(asked: list[Asked], spec: GenerateSpec) -> Iterator[list[Asked]]:
    """Yield batches of similar length, the longest first, each within ``batch_tokens``."""
    batch: list[Asked] = []
    longest = 0
    for one in sorted(asked, key=lambda one: (-len(one.ids), one.key)):
        longest = max(longest, len(one.ids))
        full = (len(batch) + 1) * (longest + spec.max_new_tokens) > spec.batch_tokens
        if batch and (full or len(batch) == LARGEST_BATCH):
            yield batch
            batch, longest = [], len(one.ids)
        batch.append(one)
    if batch:
        yield batch


@torch.inference_mode()
def answer(student: Student, batch: list[Asked], spec: GenerateSpec) -> list[dict[str, Any]]:
    """Return one answer row per question of the batch, in its order."""
    tokenizer, longest = student.tokenizer, max(len(one.ids) for one in batch)
    room = longest_context(student.model)
    most = spec.max_new_tokens if room is None else min(spec.max_new_tokens, room - longest)
    if most < 1:  # the question alone fills the context: there is no room for an answer
        return [_row(one.key, "", truncated=True, asked=len(one.ids), said=0) for one in batch]
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(one.ids)) + one.ids for one in batch])
    mask = torch.tensor([[0] * (longest - len(one.ids)) + [1] * len(one.ids) for one in batch])
    torch.manual_seed(int(digest(spec.seed, [one.key for one in batch]), 16) % (1 << 63))
    sampling: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None}
    if spec.temperature > 0:
        sampling = {"do_sample": True, "temperature": spec.temperature, "top_p": spec.top_p}
    made = student.model.generate(  # type: ignore[operator]
        input_ids=ids.to(student.device), attention_mask=mask.to(student.device),
        max_new_tokens=most, pad_token_id=pad, top_k=None, **sampling,
    )  # fmt: skip
    stops = _stops(student)
    return [
        _answer_row(student, one, row[longest:].tolist(), stops)
        for one, row in zip(batch, made, strict=True)
    ]


def _answer_row(student: Student, one: Asked, said: list[int], stops: set[int]) -> dict[str, Any]:
    end = next((n for n, token in enumerate(said) if token in stops), None)
    kept = said if end is None else said[:end]
    text = student.tokenizer.decode(kept, skip_special_tokens=True)
    return _row(one.key, str(text), truncated=end is None, asked=len(one.ids), said=len(kept))


def _row(key: str, text: str, *, truncated: bool, asked: int, said: int) -> dict[str, Any]:
    return {"key": key, "text": text, "truncated": truncated, "tokens_in": asked,
            "tokens_out": said}  # fmt: skip


def _stops(student: Student) -> set[int]:
    """Return the tokens that end an answer, the model's own and the tokenizer's."""
    config = student.model.generation_config
    own = config.eos_token_id if config is not None else None
    return {
        student.tokenizer.eos_token_id,
        *(own if isinstance(own, list) else [own] if own else []),
    }


def _answered(job: Job) -> set[str]:
    """Return the keys that have an answer; a half-written line counts for nothing."""
    path = job.artifacts / "answers.jsonl"
    found: set[str] = set()
    if not path.exists():
        return found
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.add(json.loads(line)["key"])
        except (ValueError, KeyError, TypeError):
            continue
    return found
