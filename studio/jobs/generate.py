"""The exam: a student answers every question of ``data/questions.jsonl``.

Answers go to ``artifacts/answers.jsonl`` batch by batch, on the disk before the next is begun; a
job that is started again asks for the rest only.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.errors import SpecError
from studio.domain.events import ASKED_TO_STOP
from studio.jobs.decode import Pick, Reply, decode, pick_greedy, pick_sampled
from studio.jobs.gauges import give_back_memory
from studio.jobs.job import append_lines
from studio.jobs.rehearsal import is_out_of_memory
from studio.jobs.rows import read_rows
from studio.jobs.student import (
    DTYPES,
    Student,
    first_line,
    load_student,
    pick_device,
    pick_precision,
    use_threads,
)
from studio.jobs.vllm_exam import AT_ONCE, VllmStudent, is_wanted

if TYPE_CHECKING:
    from studio.domain.specs import GenerateSpec
    from studio.jobs.job import Job

MOST_ROWS = 512  #: in a batch; beyond it, more rows gain nothing on any machine tried
SMALL_CACHE = 256 << 20  #: bytes a batch's keys and values may always take, whatever the budget
SAMPLE_CHARACTERS = 2000


class Asked(NamedTuple):
    """A question in tokens."""

    key: str
    ids: list[int]


def generate(job: Job, spec: GenerateSpec) -> None:
    """Answer what has no answer yet; raises StudentError where the student cannot."""
    use_threads(spec.threads)
    device = pick_device()
    precision = pick_precision(spec.precision, device)
    student = load_student(spec.student, beside=job.folder, dtype=DTYPES[precision])
    questions = list(read_rows(job.data / "questions.jsonl"))
    done = answered_keys(job)
    asked = [
        Asked(str(row["key"]), student.prompt_ids(row["messages"]))
        for row in questions
        if str(row["key"]) not in done
    ]
    total = len(questions)
    served = _served(job, spec, student, precision=precision, asked=asked)
    if served is None:
        student.model.eval().to(device)
    job.say(
        "started", job="generate", pid=os.getpid(), device=str(device), precision=precision,
        engine="own" if served is None else "vllm",
    )  # fmt: skip
    sitting = Sitting(
        job, spec, student, done=total - len(asked), total=total, served=served
    )  # fmt: skip
    stopped = sitting.answer(asked)
    job.say("finished", stopped=stopped, answers=sitting.done, seconds=sitting.seconds)


def answered_keys(job: Job) -> set[str]:
    """Return the keys of the answers on disk; a half-written line is none."""
    path = job.artifacts / "answers.jsonl"
    if not path.exists():
        return set()
    keys = set()
    with path.open("rb") as file:
        for line in file:
            with suppress(ValueError, KeyError, TypeError):
                keys.add(str(json.loads(line)["key"]))
    return keys


def _served(
    job: Job, spec: GenerateSpec, student: Student, *, precision: str, asked: Sequence[Asked]
) -> VllmStudent | None:
    """Return the student as vLLM holds it, or None where it is asked without."""
    if not asked or not is_wanted(spec, student):
        return None
    names = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
    longest = max(len(one.ids) for one in asked)
    try:
        return VllmStudent(
            student, spec, beside=job.folder, dtype=names[precision], longest=longest
        )  # fmt: skip
    except Exception as error:  # of whatever make: the exam can be sat without it
        if spec.engine == "vllm":
            raise SpecError(
                f"vLLM could not be started ({first_line(error)}): set engine=own"
            ) from error
        job.say("warned", message=f"asked without vLLM: {first_line(error)}")
        return None


class Sitting:
    """Asks batch after batch and writes down the answers.

    Args:
        served: the student as vLLM holds it, where it does.
    """

    def __init__(
        self,
        job: Job,
        spec: GenerateSpec,
        student: Student,
        *,
        done: int,
        total: int,
        served: VllmStudent | None = None,
    ) -> None:
        self._served = served
        self._job = job
        self._spec = spec
        self._student = student
        self._total = total
        self._before = self.done = done
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self._began

    def answer(self, asked: Sequence[Asked]) -> str:
        """Answer all questions; returns why it ended early, if it did."""
        self._tell("")
        fitting = [one for one in asked if len(one.ids) < self._student.context]
        for batch in self._batches(fitting):
            if not self._answer_batch(batch):
                return ASKED_TO_STOP
        if len(fitting) < len(asked):
            self._job.say(
                "warned",
                message=f"{len(asked) - len(fitting)} questions were not asked: they are longer than"
                f" the student's context of {self._student.context} tokens",
            )
        return ""

    def _batches(self, asked: Sequence[Asked]) -> Iterator[list[Asked]]:
        if self._served is None:
            yield from batches(asked, self._student, self._spec)
            return
        for first in range(0, len(asked), AT_ONCE):
            yield list(asked[first : first + AT_ONCE])

    def _answer_batch(self, batch: Sequence[Asked]) -> bool:
        """Answer a batch, or its halves where there is no room for it; False: asked to stop."""
        if self._job.stop_requested:
            return False
        try:
            replies = self._decode(batch)
        except (RuntimeError, MemoryError) as error:
            if len(batch) == 1 or not is_out_of_memory(error):
                raise
            half = len(batch) // 2
        else:
            if replies is not None:
                self._write(batch, replies)
            return replies is not None
        give_back_memory()
        return self._answer_batch(batch[:half]) and self._answer_batch(batch[half:])

    def _decode(self, batch: Sequence[Asked]) -> list[Reply] | None:
        if self._served is not None:
            return self._served.answers([one.ids for one in batch], [one.key for one in batch])
        room = self._student.context - max(len(one.ids) for one in batch)
        return decode(
            self._student,
            [one.ids for one in batch],
            max_new_tokens=min(self._spec.max_new_tokens, room),
            pick=self._pick(batch),
            stopped=lambda: self._job.stop_requested,
        )

    def _pick(self, batch: Sequence[Asked]) -> Pick:
        spec = self._spec
        if spec.temperature == 0:
            return pick_greedy
        return pick_sampled(
            [one.key for one in batch], seed=spec.seed, temperature=spec.temperature,
            top_p=spec.top_p, max_new_tokens=spec.max_new_tokens,
        )  # fmt: skip

    def _write(self, batch: Sequence[Asked], replies: Sequence[Reply]) -> None:
        rows = [self._row(one, reply) for one, reply in zip(batch, replies, strict=True)]
        lines = [json.dumps(row, ensure_ascii=True) for row in rows]
        append_lines(self._job.artifacts / "answers.jsonl", lines, durable=True)
        self.done += len(rows)
        self._tell(f"{(self.done - self._before) / self.seconds:,.1f} answers/s")
        self._job.say("sample", key=rows[0]["key"], text=rows[0]["text"][:SAMPLE_CHARACTERS])

    def _row(self, one: Asked, reply: Reply) -> dict[str, Any]:
        text = self._student.tokenizer.decode(reply.ids, skip_special_tokens=True)
        return {
            "key": one.key, "text": text, "truncated": not reply.ended,
            "tokens_in": len(one.ids), "tokens_out": len(reply.ids),
        }  # fmt: skip

    def _tell(self, note: str) -> None:
        self._job.say("progress", done=self.done, total=self._total, note=note)


def batches(asked: Sequence[Asked], student: Student, spec: GenerateSpec) -> Iterator[list[Asked]]:
    """Yield the questions in batches of like length, the longest first.

    A batch holds as many as fit the budget if every answer grew to its limit. Longest first: a
    batch that is too much for the machine shows at once.
    """
    budget = max(spec.batch_tokens, SMALL_CACHE // cache_bytes(student))
    batch: list[Asked] = []
    for one in sorted(asked, key=lambda one: (-len(one.ids), one.key)):
        longest = len(batch[0].ids) if batch else len(one.ids)
        each = min(longest + spec.max_new_tokens, student.context)
        if batch and (len(batch) + 1 > MOST_ROWS or (len(batch) + 1) * each > budget):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def cache_bytes(student: Student) -> int:
    """Return how many bytes one token's keys and values take."""
    config = student.model.config.get_text_config()
    of_all = getattr(config, "num_attention_heads", None) or 1  # none: it sums up what it has read
    heads = getattr(config, "num_key_value_heads", None) or of_all
    size = getattr(config, "head_dim", None) or config.hidden_size // of_all
    width: int = 2 * config.num_hidden_layers * heads * size
    return width * student.model.dtype.itemsize
