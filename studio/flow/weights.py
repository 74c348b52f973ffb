"""A tuned student leaves the project: its adapter, and the merged weights as safetensors."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from studio.domain.errors import ExportError, RunError
from studio.domain.events import Failed, Finished
from studio.domain.events import Progress as JobProgress
from studio.domain.records import StudentRecord, digest
from studio.domain.specs import ExportSpec
from studio.flow import job_folder
from studio.flow.stage import Bench, Progress
from studio.flow.students import weights_of

if TYPE_CHECKING:
    from studio.domain.events import Event


async def export_model(bench: Bench, student: StudentRecord, out: Path) -> AsyncIterator[Progress]:
    """Write the student's adapter and merged weights into the new folder ``out``.

    Raises:
        ExportError: ``out`` is in use, or cannot be written.
        RunError: the job failed.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} is in use: name a new folder")
    spec = ExportSpec(student=weights_of(student, bench.project))
    folder = bench.project / "runs" / f"export-{digest('export', student.model_dump())}"
    job_folder.write_folder(folder, spec, {})
    started = job_folder.launch(bench.launcher, folder)
    ending: Event | None = None
    async with aclosing(job_folder.follow(bench.launcher, folder, started)) as events:
        async for event in events:
            if isinstance(event, Failed | Finished):
                ending = event
            elif isinstance(event, JobProgress):
                yield Progress("export", event.done, event.total, note=event.note)
    if isinstance(ending, Failed):
        raise RunError(f"the export of {student.name} failed: {ending.message}")
    if ending is None:
        raise RunError(f"the export of {student.name} ended without a word: run it again")
    _hand_over(folder / "artifacts", out)
    shutil.rmtree(folder, ignore_errors=True)
    yield Progress(
        "export", 1, 1, note=f"Wrote {student.name} to {out}: adapter and merged weights."
    )


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
