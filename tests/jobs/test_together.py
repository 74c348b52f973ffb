"""One run in two processes, from the same form: started, stopped and gone on with like any other."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from studio.launch.local import LocalLauncher
from tests.jobs.conftest import MakeFolder, events_of, examples, losses_of
from tests.jobs.test_train import SETTINGS, go

pytestmark = pytest.mark.skipif(os.name == "nt", reason="torchrun has no gloo there")


def wait_for(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not claim():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_two_processes_stop_together_and_go_on_to_the_losses_of_one(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    settings = {**SETTINGS, "epochs": 40, "lora": {"r": 4, "dropout": 0}}
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
    assert 1 < said["steps"] < 120
    (two / "stop").unlink()
    handle = launcher.start(two)
    wait_for(lambda: not launcher.is_alive(handle))
    assert len(events_of(two, "finished")) == 2, (two / "job.log").read_text()[-2000:]
    assert losses_of(two).keys() == losses_of(one).keys()
    for step, losses in losses_of(one).items():
        # Sums of two halves are rounded otherwise; from about step 40 on, at this rate, the last
        # bit decides where a random model goes, also when one process cuts its batches otherwise.
        close = 1e-5 if step <= 20 else 0.1
        assert losses_of(two)[step] == pytest.approx(losses, abs=close)
    assert len(events_of(two, "started")) == 2, "the second process says nothing"
