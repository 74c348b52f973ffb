"""``python -m studio.jobs FOLDER``: run the job of a folder, once, to its end.

Whatever happens is told in ``events.jsonl``; the way it ends is ``finished`` or ``failed``, unless
the process is killed. The studio that started it may be gone by then.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from studio.domain import clock
from studio.domain.errors import OutOfMemory, SpecError, StudioError
from studio.domain.events import noted_failure
from studio.domain.specs import (
    ExportSpec,
    GenerateSpec,
    JobSpec,
    MeasureSpec,
    PreviewSpec,
    TrainSpec,
    read_spec,
)
from studio.jobs.job import Job

BUG = 3  #: exit code for what nobody foresaw


def main(arguments: list[str]) -> int:
    """Run the job of the folder named; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python -m studio.jobs FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0]).resolve()
    process = int(os.environ.get("RANK", "0"))
    try:
        if not folder.is_dir():
            raise SpecError(f"there is no folder {folder}: name a job folder")
        job = Job(folder, process=process)
        job.listen()
        if process:
            return run_and_tell(job)
        with job.alone():
            return run_and_tell(job)
    except StudioError as error:
        print(error, file=sys.stderr)
        if folder.is_dir():  # its events belong to the job that is at work, or cannot be written
            told = {"kind": "failed", "t": clock.now(), "message": str(error)}
            Job(folder, process=process).note_failure({**told, "error": type(error).__name__})
        return 1


def run_and_tell(job: Job) -> int:
    """Run a job; tell how it failed, if it did."""
    try:
        run(job, read_spec(job.folder))
    except StudioError as error:
        offer = error.offer if isinstance(error, OutOfMemory) else {}
        job.say("failed", message=str(error), error=type(error).__name__, offer=offer)
        return 1
    except Exception as error:  # the outermost boundary: nothing else is left to tell of it
        traceback.print_exc()
        if _is_for_lack_of_another(error):
            return _tell_of_another(job, error)
        known = _in_words(error)
        job.say("failed", message=known or _bug(error), error=type(error).__name__)
        return 1 if known else BUG
    return 0


def run(job: Job, spec: JobSpec) -> None:
    """Do what the spec says; a job looks at the network for a student on the hub only."""
    job.artifacts.mkdir(exist_ok=True)
    _prepare(job, spec)
    match spec:
        case GenerateSpec():
            from studio.jobs.generate import generate

            generate(job, spec)
        case TrainSpec():
            from studio.jobs.train import train

            train(job, spec)
        case ExportSpec():
            from studio.jobs.export import export

            export(job, spec)
        case MeasureSpec():
            from studio.jobs.measure import measure

            measure(job, spec)
        case PreviewSpec():
            from studio.jobs.preview import preview

            preview(job, spec)


def _prepare(job: Job, spec: JobSpec) -> None:
    """Set what libraries read once, at their import."""
    from studio.jobs.weights import is_hub_id

    if not is_hub_id(spec.student.location, beside=job.folder):
        os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait by spinning slow a small model down to a fifth where anything else runs.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _in_words(error: Exception) -> str:
    """Return what to do about a failure of torch, the GPU or the disk; empty for any other."""
    from studio.jobs.failures import in_words

    return in_words(error)


def _is_for_lack_of_another(error: Exception) -> bool:
    """Return whether a process failed because one that it works with was gone."""
    from studio.jobs.failures import is_for_lack_of_another

    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and is_for_lack_of_another(error)


def _tell_of_another(job: Job, error: Exception) -> int:
    """Tell what the process failed with that left this one alone, rather than that it was left."""
    found = noted_failure(job.folder)
    if found is not None:
        job.say("failed", message=found.message, error=found.error, offer=found.offer)
    elif os.environ.get("RANK", "0") == "0":  # others would say the same of the first
        job.say("failed", message=f"{_ALONE} ({_first_line(error)})", error="RunError")
    return 1


_ALONE = (
    "another of the processes that train together is gone without a word, as where the machine's"
    " memory is full: resume the run, with a smaller batch_tokens if it happens again"
)


def _bug(error: Exception) -> str:
    return (
        f"a bug of ours: {_first_line(error)}"
        " (please report it with job.log; what was saved so far is kept)"
    )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
