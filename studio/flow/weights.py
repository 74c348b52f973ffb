"""A tuned student leaves the project: its adapter, the merged weights as safetensors, a Modelfile for
Ollama, and a GGUF where llama.cpp is at hand."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.domain.errors import ExportError, RunError
from studio.domain.events import Failed, Finished, Warned
from studio.domain.events import Progress as JobProgress
from studio.domain.records import Question, StudentRecord, digest
from studio.domain.specs import ExportSpec
from studio.flow import job_folder
from studio.flow.stage import Bench, Progress
from studio.flow.students import weights_of
from studio.prompts import question_text
from studio.store import views

if TYPE_CHECKING:
    from studio.domain.events import Event

#: What may be in a model's folder, and what it is called.
_PARTS = {"adapter": "adapter", "merged": "merged weights", "Modelfile": "Modelfile", "model.gguf": "GGUF"}  # fmt: skip
_PARITY = 5  #: questions put to each exported form
_HELD_OUT = 3  #: of them, where there are as many


async def export_model(bench: Bench, student: StudentRecord, out: Path) -> AsyncIterator[Progress]:
    """Write the student's adapter, merged weights and Modelfile into the new folder ``out``.

    What is worth knowing (no GGUF and why, how alike the forms answer) is told in the last note.

    Raises:
        ExportError: ``out`` is in use, or cannot be written.
        RunError: the job failed.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} is in use: name a new folder")
    asked = list(_questions(bench, student))
    spec = ExportSpec(
        student=weights_of(student, bench.project), system=_system(asked[0] if asked else {})
    )
    folder = bench.project / "runs" / f"export-{digest('export', student.model_dump())}"
    told: list[str] = []
    work = job_folder.attended(bench.launcher, folder, spec, {"questions.jsonl": asked})
    ending: Event | None = None
    async with aclosing(work) as events:
        async for event in events:
            if isinstance(event, Failed | Finished):
                ending = event
            elif isinstance(event, Warned):
                told.append(event.message)
            elif isinstance(event, JobProgress):
                yield Progress("export", event.done, event.total, note=event.note)
    if isinstance(ending, Failed):
        raise RunError(f"the export of {student.name} failed: {ending.message}")
    if ending is None:
        raise RunError(f"the export of {student.name} ended without a word: run it again")
    _hand_over(folder / "artifacts", out)
    shutil.rmtree(folder, ignore_errors=True)
    bench.changed({"exports"})
    words = " ".join(f"{one[0].upper()}{one[1:]}." for one in told)
    parts = ", ".join(part for name, part in _PARTS.items() if (out / name).exists())
    note = f"Wrote {student.name} to {out}: {parts}. {words}"
    yield Progress("export", 1, 1, note=note.strip())


def _questions(bench: Bench, student: StudentRecord) -> Iterator[dict[str, Any]]:
    """Yield a few questions as the student is asked them, held-out ones first.

    They are spread over both splits, over short and long ones and over the kinds there are, and are
    the same each time.
    """
    template = bench.templates.get(student.prompts, "exam")
    splits = [bench.store.rows(views.QUESTIONS_BY_LENGTH, split) for split in ("test", "train")]
    held_out = max(_HELD_OUT, _PARITY - len(splits[1]))
    had = Counter[str]()
    few = _spread(splits[0], held_out, had)
    few += _spread(splits[1], _PARITY - len(few), had)
    for question in bench.store.get_many(Question, few):
        messages = template.messages({"question": question_text(question)})
        yield {"key": question.id, "messages": messages}


def _spread(rows: Sequence[Any], most: int, had: Counter[str]) -> list[str]:
    """Return one of each stretch of the questions by length, of kinds that had no turn if it can be.

    Of several such kinds the rarest comes first: others will have their turn.
    """
    n, found = min(most, len(rows)), []
    there = Counter(row["sort"] for row in rows)
    for k in range(n):
        stretch = rows[len(rows) * k // n : len(rows) * (k + 1) // n]
        turns = [
            (had[row["sort"]], there[row["sort"]], abs(i - len(stretch) // 2), i)
            for i, row in enumerate(stretch)
        ]
        chosen = stretch[min(turns)[-1]]
        had[chosen["sort"]] += 1
        found.append(chosen["id"])
    return found


def _system(row: Mapping[str, Any]) -> str:
    said = (one["content"] for one in row.get("messages", ()) if one["role"] == "system")
    return next(said, "")


def _hand_over(made: Path, out: Path) -> None:
    """Copy what the job made, whole or not at all."""
    part = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, part)
        if out.is_dir():
            out.rmdir()
        os.replace(part, out)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise ExportError(f"cannot write {out}: {error.strerror or error}") from None
