"""One run in two processes, from the same form: started, stopped and gone on with like any other."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from studio.domain.events import noted_failure
from studio.launch.local import LocalLauncher
from tests.jobs.conftest import Jobs, MakeFolder, events_of, examples, losses_of
from tests.jobs.test_train import SETTINGS, go, same, weights_in

pytestmark = pytest.mark.skipif(os.name == "nt", reason="torchrun has no gloo there")

QUIET: dict[str, Any] = {**SETTINGS, "lora": {"r": 4, "dropout": 0}}


def wait_for(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not claim():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def log_of(folder: Path) -> str:
    return (folder / "job.log").read_text()[-2000:]


def close(two: Path, one: Path, *, off: float = 1e-5) -> None:
    """Sums of two halves are rounded otherwise than the whole."""
    assert losses_of(two).keys() == losses_of(one).keys()
    for step, losses in losses_of(one).items():
        assert losses_of(two)[step] == pytest.approx(losses, abs=off), step


def test_two_processes_stop_together_and_go_on_to_the_losses_of_one(
    make_folder: MakeFolder, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    settings = {**QUIET, "epochs": 16}
    data = {"train": examples(), "validation": examples(3)}
    one = make_folder("train", settings, name="one", **data)
    go(one)
    two = make_folder("train", {**settings, "processes": 2}, name="two", **data)
    launcher = LocalLauncher(grace_s=60)
    handle = launcher.start(two)
    wait_for(lambda: len(events_of(two, "metric")) > 3 or not launcher.is_alive(handle))
    launcher.cancel(handle)
    (stopped,) = events_of(two, "finished")
    said = stopped.model_dump()
    assert said["stopped"] == "asked to stop"
    assert 1 < said["steps"] < 48
    (two / "stop").unlink()
    assert jobs.run(two, processes=2) == 0, log_of(two)
    assert len(events_of(two, "finished")) == 2
    assert losses_of(two).keys() == losses_of(one).keys()
    for step, losses in losses_of(one).items():
        # From about step 40 on, at this rate, the last bit decides where a random model goes, also
        # when one process cuts its batches otherwise.
        assert losses_of(two)[step] == pytest.approx(losses, abs=1e-5 if step <= 20 else 0.1)
    assert len(events_of(two, "started")) == 2, "the second process says nothing"


@pytest.mark.parametrize(
    "settings", [{}, {"full": True, "gradient_checkpointing": True}, {"batch_tokens": 32}]
)
def test_weights_may_be_shared_and_nothing_else_changes(
    make_folder: MakeFolder, jobs: Jobs, settings: dict[str, Any]
) -> None:
    data = {"train": examples(), "validation": examples(1)}  # one process has nothing to validate
    one = make_folder("train", {**QUIET, **settings}, name="one", **data)
    go(one)
    two = make_folder(
        "train", {**QUIET, **settings, "processes": 2, "sharded": True}, name="two", **data
    )
    assert jobs.run(two, processes=2) == 0, log_of(two)
    close(two, one)
    said = [events_of(folder, "started")[0].model_dump() for folder in (one, two)]
    assert said[0]["trained_parameters"] == said[1]["trained_parameters"]
    assert said[1]["held_parameters"] < 0.6 * said[0]["held_parameters"]
    name = "model/model" if settings.get("full") else "adapter/adapter_model"
    for key, value in weights_in(one, name).items():
        assert weights_in(two, name)[key].allclose(value, atol=1e-4)


def test_a_process_with_nothing_to_validate_does_not_keep_the_other_waiting(
    make_folder: MakeFolder, jobs: Jobs
) -> None:
    data = {"train": examples(), "validation": examples(1)}
    one = make_folder("train", QUIET, name="one", **data)
    go(one)
    two = make_folder("train", {**QUIET, "processes": 2}, name="two", **data)
    assert jobs.run(two, processes=2) == 0, log_of(two)
    close(two, one)


def test_shared_weights_are_kept_whole_and_may_go_on_shared_or_not(
    make_folder: MakeFolder, jobs: Jobs
) -> None:
    settings = {**QUIET, "save_steps": 1, "epochs": 4, "processes": 2, "sharded": True}
    folders = [
        make_folder("train", settings, name=name, train=examples()) for name in ("whole", "a", "b")
    ]
    whole, again, unshared = folders
    assert jobs.run(whole, processes=2) == 0, log_of(whole)
    for folder in (again, unshared):
        jobs.run(folder, processes=2, kill_when=lambda at: len(events_of(at, "metric")) >= 3)
        assert not events_of(folder, "finished")
    assert jobs.run(again, processes=2) == 0, log_of(again)
    assert losses_of(again) == losses_of(whole)
    assert same(weights_in(again), weights_in(whole))
    spec = unshared / "spec.json"
    spec.write_text(spec.read_text().replace('"sharded": true', '"sharded": false'))
    assert jobs.run(unshared, processes=2) == 0, log_of(unshared)
    assert "goes on from the checkpoint" in events_of(unshared, "warned")[0].model_dump()["message"]
    close(unshared, whole)


#: Put before all else into each process that training is made of; only the second cannot read.
FAILS_IN_THE_SECOND = """
import os, pathlib
if os.environ.get("RANK") == "1":
    opened = pathlib.Path.open
    def open_(self, *args, **kwargs):
        if self.name == "train.jsonl":
            raise OSError(5, "Input/output error", self.name)
        return opened(self, *args, **kwargs)
    pathlib.Path.open = open_
"""


def test_what_the_second_process_failed_with_is_told_while_the_first_waits_for_it(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "sitecustomize.py").write_text(FAILS_IN_THE_SECOND)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "first"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    folder = make_folder("train", {**QUIET, "processes": 2}, train=examples())
    launcher = LocalLauncher()
    handle = launcher.start(folder)
    wait_for(lambda: noted_failure(folder) is not None or not launcher.is_alive(handle))
    failed = noted_failure(folder)
    assert failed is not None, log_of(folder)
    assert failed.message.startswith("process 2: train.jsonl: Input/output error: look at the disk")
    assert failed.error == "OSError"
    os.kill(json.loads(handle)["pid"], signal.SIGKILL)  # torchrun would wait half a minute
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(folder).encode() in place.read_bytes():
                os.kill(int(place.parent.name), signal.SIGKILL)
    wait_for(lambda: not launcher.is_alive(handle))


def beside(pid: int) -> list[int]:
    """The other children of a process's parent."""
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(one) for one in found if int(one) != pid]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc")
def test_a_process_left_alone_says_what_became_of_the_other(
    make_folder: MakeFolder, jobs: Jobs
) -> None:
    for name, note in (("killed", None), ("failed", {"kind": "failed", "t": 1.0, "message": "no"})):
        folder = make_folder(
            "train", {**QUIET, "epochs": 900, "processes": 2}, name=name, train=examples()
        )
        first = jobs.begin(folder, processes=2)
        wait_for(lambda at=folder: len(events_of(at, "metric")) > 1)  # type: ignore[misc]
        if note is not None:
            (folder / "failed-1.json").write_text(json.dumps(note))
        (second,) = beside(first)
        os.kill(second, signal.SIGKILL)
        jobs.run(make_folder("train", QUIET, name=f"after-{name}", train=examples()))
        (failed,) = events_of(folder, "failed")
        told = failed.model_dump()["message"]
        assert told.startswith(
            "process 2: no" if note else "another of the processes that train"
        ), told
        assert "resume the run" in told or note
