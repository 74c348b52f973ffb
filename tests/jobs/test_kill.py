"""Jobs killed at any moment: what was made stays, and the whole comes out as if nothing had been."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from studio.domain.events import noted_failure
from studio.jobs import checkpoints
from tests.jobs.conftest import Jobs, MakeFolder, Moment, events_of, examples, losses_of, questions
from tests.jobs.test_generate import answers_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="forks")

TRAINING: dict[str, Any] = {
    "epochs": 10, "batch_examples": 4, "save_steps": 1, "lr": 0.01, "eval_steps": 5,
    "lora": {"r": 4, "dropout": 0.1},
}  # fmt: skip
ASKING = {"max_new_tokens": 40, "temperature": 0.7, "batch_tokens": 16}
KILLS = 6


def steps_in(folder: Path) -> int:
    return len(events_of(folder, "metric"))


def some_steps_later(folder: Path, chance: random.Random) -> Moment:
    wanted = steps_in(folder) + chance.randrange(1, 7)
    pause = chance.random() * 0.004

    def is_time(folder: Path) -> bool:
        if steps_in(folder) < wanted:
            return False
        time.sleep(pause)  # anywhere between two steps
        return True

    return is_time


def while_saving(folder: Path) -> Moment:
    """In the midst of writing a checkpoint, after at least one more step."""
    before = steps_in(folder)

    def is_time(folder: Path) -> bool:
        if steps_in(folder) <= before:
            return False
        return any(part.iterdir() for part in folder.glob("artifacts/.checkpoint-*.part"))

    return is_time


def test_a_run_killed_again_and_again_ends_with_the_losses_of_an_unbroken_one(
    jobs: Jobs, make_folder: MakeFolder
) -> None:
    data = {"train": examples(), "validation": examples(3)}
    whole = make_folder("train", TRAINING, name="whole", **data)
    assert jobs.run(whole) == 0
    broken = make_folder("train", TRAINING, name="broken", **data)
    chance = random.Random(731)
    for n in range(KILLS):
        moment = while_saving(broken) if n % 2 else some_steps_later(broken, chance)
        assert jobs.run(broken, kill_when=moment) == -signal.SIGKILL
        for place in (broken / "artifacts").glob("checkpoint-*"):
            assert checkpoints.is_whole(place), "under its own name a checkpoint is whole"
    assert jobs.run(broken) == 0
    assert losses_of(broken) == losses_of(whole)
    assert set(losses_of(whole)) == set(range(1, 31))
    tensors = [
        load_file(folder / "artifacts" / "adapter" / "adapter_model.safetensors")
        for folder in (whole, broken)
    ]
    for name, value in tensors[0].items():
        assert value.equal(tensors[1][name])
    assert len(events_of(broken, "started")) >= 2
    assert len(events_of(broken, "finished")) == 1


def test_an_exam_killed_again_and_again_asks_nothing_twice(
    jobs: Jobs, make_folder: MakeFolder
) -> None:
    asked = questions(40)
    whole = make_folder("generate", ASKING, name="whole", questions=asked)
    assert jobs.run(whole) == 0
    broken = make_folder("generate", ASKING, name="broken", questions=asked)
    chance = random.Random(1)
    for _ in range(3):
        until = time.monotonic() + 0.2 + chance.random() * 0.5
        jobs.run(broken, kill_when=lambda folder, until=until: time.monotonic() > until)
    assert jobs.run(broken) == 0
    assert answers_of(broken) == answers_of(whole)


def test_a_job_that_is_terminated_stops_at_the_next_step_and_keeps_what_it_has(
    jobs: Jobs, make_folder: MakeFolder
) -> None:
    folder = make_folder("train", {**TRAINING, "epochs": 2000}, train=examples())
    told: list[int] = []

    def terminate(folder: Path) -> bool:
        if not told and steps_in(folder) > 3:
            told.append(int((folder / "job.pid").read_text()))
            os.kill(told[0], signal.SIGTERM)
        return False

    assert jobs.run(folder, kill_when=terminate) == 0
    (ended,) = events_of(folder, "finished")
    assert ended.model_dump()["stopped"] == "asked to stop"
    newest = checkpoints.newest(folder / "artifacts")
    assert newest is not None
    assert newest.step == ended.model_dump()["steps"] < 6000
    assert (folder / "artifacts" / "adapter" / "adapter_model.safetensors").is_file()


def test_a_second_job_in_the_same_folder_stays_out(jobs: Jobs, make_folder: MakeFolder) -> None:
    folder = make_folder("train", {**TRAINING, "epochs": 2000}, train=examples())
    seen: list[str] = []

    def try_beside(folder: Path) -> bool:
        if not seen and steps_in(folder) > 1:
            beside = subprocess.run(
                [sys.executable, "-m", "studio.jobs", str(folder)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert beside.returncode == 1
            seen.append(beside.stderr)
            (folder / "stop").touch()
        return False

    assert jobs.run(folder, kill_when=try_beside) == 0
    assert "another job is at work" in seen[0]
    assert seen[0].count("\n") == 1
    assert len(events_of(folder, "started")) == 1
    assert not events_of(folder, "failed")
    noted = noted_failure(folder)
    assert noted is not None
    assert noted.message.startswith("another job is at work")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk with room for a few checkpoints, not for a run."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small disk takes root on Linux")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    jobs: Jobs, make_folder: MakeFolder, small_disk: Path
) -> None:
    whole = make_folder("train", TRAINING, name="whole", train=examples())
    assert jobs.run(whole) == 0
    folder = make_folder("train", TRAINING, name="small/job", train=examples())
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 310_000)

    assert jobs.run(folder) == 1
    (failed,) = events_of(folder, "failed")
    assert "the disk is full: free some space" in failed.model_dump()["message"]
    assert checkpoints.complete(folder / "artifacts")

    ballast.unlink()
    assert jobs.run(folder) == 0
    assert losses_of(folder) == losses_of(whole)
