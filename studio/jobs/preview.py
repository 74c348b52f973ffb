"""Show the tokens: what a training job would make of its data, without loading any weights.

The rows go through the very functions that training uses, so what is drawn is what is trained on.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from studio.domain.errors import StudentError
from studio.domain.specs import PreviewSpec
from studio.jobs.batches import Item, item_of
from studio.jobs.job import Job
from studio.jobs.rows import read_rows
from studio.jobs.student import UNREADABLE, Student, first_line
from studio.jobs.weights import Weights, find_weights

SHOWN, LEARNED, CUT = 0, 1, 2  #: what becomes of a token
_LONGEST_PIECE = 12  #: tokens that may make up one character
_EVERY = 200  #: examples between two words of progress


class _Outline(NamedTuple):
    """What a student asks of its model to put messages into tokens; no weights."""

    config: Any
    generation_config: Any


def preview(job: Job, spec: PreviewSpec) -> None:
    """Write ``artifacts/preview.json``: counts of all examples, and the tokens of a few."""
    job.say("started", job="preview", pid=os.getpid(), device="none")
    student = _tokens_only(spec, beside=job.folder)
    limit = min(spec.max_tokens, student.context)
    roles: dict[str, Counter[str]] = defaultdict(Counter)
    ends = set()
    examples: list[dict[str, Any]] = []
    sizes: list[tuple[int, int, str]] = []
    rows = [
        (side, row)
        for side in ("train", "validation")
        if (path := job.data / f"{side}.jsonl").exists()
        for row in read_rows(path, needs=("role", "messages"))
    ]
    for n, (side, row) in enumerate(rows, start=1):
        item = item_of(row, student)
        counts = roles[f"{side} {item.role}"]
        over = len(item.ids) > limit
        # Of each kind the first ones are shown, and the first that are too long.
        if counts["examples"] < spec.each or (over and counts["over"] < spec.each):
            examples.append(_drawn(student, item, side=side, row=row, limit=limit))
        learned = _learned(item, limit, spec) if over else item.supervised
        counts.update(examples=1, tokens=len(item.ids), over=over, supervised=learned)
        if side == "train" and learned:
            sizes.append((min(item.tokens, limit), min(learned, limit), item.role))
        if not over or spec.overlong == "refuse":
            ends.add(item.ids[-1] in student.stops)
        counts["longest"] = max(counts["longest"], len(item.ids))
        if n % _EVERY == 0 or n == len(rows):
            job.say("progress", done=n, total=len(rows))
    end = student.end_of_answer()
    found = {
        "limit": limit, "context": student.context, "end": student.tokenizer.decode([end]),
        "end_is_trained": ends == {True},
        "template": bool(student.tokenizer.chat_template), "roles": roles, "examples": examples,
        "sizes": sizes,
    }  # fmt: skip
    part = (
        job.artifacts / ".preview.part"
    )  # half of one, of a job that was killed, would stay for good
    part.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    part.replace(job.artifacts / "preview.json")
    job.say("finished", stopped="")


def _learned(long: Item, limit: int, spec: PreviewSpec) -> int:
    """Return how many tokens are learned of an example that is too long."""
    if spec.overlong == "refuse":  # the run would not begin: what there would be with more room
        return long.supervised
    return max(0, limit - long.prompt) if spec.overlong == "cut" else 0


def _tokens_only(spec: PreviewSpec, *, beside: Path) -> Student:
    weights = find_weights(spec.student.location, beside=beside)
    options: dict[str, Any] = {"trust_remote_code": False}
    if weights.gguf_file:
        options["gguf_file"] = weights.gguf_file
    try:
        tokenizer = AutoTokenizer.from_pretrained(weights.place, **options)
        config = AutoConfig.from_pretrained(weights.place, **options)
    except UNREADABLE as error:
        raise StudentError(f"{weights.place} cannot be read: {first_line(error)}") from error
    model: Any = _Outline(config, _generation(weights, config))
    return Student(model, tokenizer, weights)


def _generation(weights: Weights, config: Any) -> GenerationConfig:
    """Return the settings that name the tokens an answer ends with, as a loaded model has them."""
    try:
        return GenerationConfig.from_pretrained(weights.place)
    except UNREADABLE:  # a model without such a file takes them from its configuration
        return GenerationConfig.from_model_config(config)


def _drawn(
    student: Student, item: Item, *, side: str, row: dict[str, Any], limit: int
) -> dict[str, Any]:
    """Return one example's pieces of text, each with what becomes of it."""
    pieces = [
        [text, CUT if start >= limit else SHOWN if start < item.prompt else LEARNED, n]
        for text, start, n in _pieces(student, item.ids)
    ]
    return {
        "key": str(row.get("key", "")), "side": side, "role": item.role, "tokens": len(item.ids),
        "prompt": item.prompt, "cut": max(0, len(item.ids) - limit), "pieces": pieces,
        "ends": item.ids[-1] in student.stops and len(item.ids) > item.prompt,
    }  # fmt: skip


def _pieces(student: Student, ids: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """Yield text, place and number of tokens; several make one piece where a character needs it.

    A token's text depends on the one before (a leading space, say), so each is read together with
    its predecessor, and what that one says alone is taken off.
    """
    decode = student.tokenizer.decode
    before = start = 0
    for end in range(1, len(ids) + 1):
        whole = str(decode(list(ids[before:end])))
        if whole.endswith("\ufffd") and end - start < _LONGEST_PIECE and end < len(ids):
            continue
        known = str(decode(list(ids[before:start]))) if start > before else ""
        yield whole[len(known) :], start, end - start
        before, start = start, end
