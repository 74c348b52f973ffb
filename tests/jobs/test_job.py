"""However a job ends, it says so: one event, one line that says what to do next."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.domain.errors import RunError
from studio.domain.specs import EFFORT, read_spec
from studio.jobs.__main__ import BUG, main, run_and_tell
from studio.jobs.failures import in_words
from studio.jobs.job import Job, append_lines
from tests.jobs.conftest import MakeFolder, events_of, examples, questions

pytestmark = pytest.mark.usefixtures("restored_signals")
FULL = Path("/dev/full")


def failure(folder: Path) -> dict[str, Any]:
    (failed,) = events_of(folder, "failed")
    said = failed.model_dump()
    assert "\n" not in said["message"]
    return said


def test_no_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.startswith("there is no folder")
    assert main([]) == 2


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (None, "holds no spec.json"),
        ("{", "spec.json: Invalid JSON"),
        ('{"job": "moon"}', "does not match any of the expected tags"),
        ('{"job": "train", "student": {"location": "x"}, "lr": -1}', "train.lr: Input should be"),
        ('{"job": "generate", "student": {"location": "/no/such"}}', "no model folder /no/such"),
    ],
)
def test_a_bad_spec_is_a_failure_in_one_line(tmp_path: Path, spec: str | None, says: str) -> None:
    if spec is not None:
        (tmp_path / "spec.json").write_text(spec)
    assert main([str(tmp_path)]) == 1
    assert says in failure(tmp_path)["message"]


def test_data_that_is_missing_is_told(make_folder: MakeFolder) -> None:
    folder = make_folder("generate")
    assert main([str(folder)]) == 1
    assert "questions.jsonl is missing" in failure(folder)["message"]


def test_what_nobody_foresaw_is_our_bug_with_its_traceback_in_the_log(
    make_folder: MakeFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(Job):
        """Fails where no code of ours expects it."""

        def say(self, kind: str, **fields: Any) -> None:
            if kind == "started":
                raise ZeroDivisionError("by zero")
            super().say(kind, **fields)

    folder = make_folder("generate", {"max_new_tokens": 2}, questions=questions(1))
    assert run_and_tell(Broken(folder)) == BUG
    said = failure(folder)
    assert said["error"] == "ZeroDivisionError"
    assert said["message"].startswith("a bug of ours: ZeroDivisionError: by zero")
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_job_that_cannot_even_say_so_writes_it_to_its_log(
    make_folder: MakeFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_folder("train", {"epochs": 1}, train=examples(4))
    (folder / "events.jsonl").symlink_to(FULL)
    assert main([str(folder)]) == 1
    assert "events.jsonl (No space left on device): free some space" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "GPU's memory is full: halve batch_tokens"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.0 GB)"), "GPU's memory is full"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
         "this machine's memory is full"),
        (MemoryError(), "this machine's memory is full"),
        (RuntimeError("CUDA error: device-side assert\nCompile with"), "the GPU gave up"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied"),
    ],
)  # fmt: skip
def test_what_machines_do_is_told_in_words(error: Exception, says: str) -> None:
    assert says in in_words(error)
    assert "\n" not in in_words(error)
    assert in_words(ValueError("any other")) == ""


def test_a_torch_that_is_older_tells_less_and_trains_all_the_same(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(torch, "AcceleratorError", raising=False)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert in_words(ValueError("any other")) == ""
    folder = make_folder("train", {"max_steps": 1}, train=examples())
    assert main([str(folder)]) == 0
    assert events_of(folder, "started")[0].model_dump()["machine"]["processor"]


def test_a_half_line_of_an_earlier_life_is_ended_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append_lines(path, ['{"a": 1}'])
    with path.open("ab") as file:
        file.write(b'{"kind": "me')
    append_lines(path, ['{"b": 2}', '{"c": 3}'], durable=True)
    assert path.read_text() == '{"a": 1}\n{"kind": "me\n{"b": 2}\n{"c": 3}\n'


def test_the_second_process_of_a_job_says_nothing(tmp_path: Path) -> None:
    Job(tmp_path, process=1).say("started")
    assert not (tmp_path / "events.jsonl").exists()


def test_a_folder_is_worked_in_once_at_a_time(tmp_path: Path) -> None:
    with Job(tmp_path).alone():
        assert (tmp_path / "job.pid").read_text() == f"{os.getpid()}\n"
        with pytest.raises(RunError, match="another job is at work"), Job(tmp_path).alone():
            pass
    with Job(tmp_path).alone():
        pass


def test_the_fingerprint_is_of_spec_and_data(make_folder: MakeFolder) -> None:
    folder = make_folder("train", train=examples(2))
    spec = read_spec(folder)
    before = Job(folder).fingerprint(spec)
    (folder / "events.jsonl").write_text(json.dumps({}))
    assert Job(folder).fingerprint(spec) == before
    other = spec.model_copy(update={"batch_tokens": 32})
    assert Job(folder).fingerprint(other) != before
    without = [Job(folder).fingerprint(one, but_for=EFFORT) for one in (spec, other)]
    assert without[0] == without[1]
    (folder / "data" / "more.jsonl").write_text("")
    assert Job(folder).fingerprint(spec) != before
