"""What does not fit shows in the first seconds, with a smaller setting; and a rehearsal changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio import __version__
from studio.domain.specs import StudentSpec, TrainSpec
from studio.jobs import train as train_module
from studio.jobs.rehearsal import out_of_memory, smaller
from tests.jobs.conftest import MakeFolder, Row, events_of, example, examples, losses_of
from tests.jobs.test_train import SETTINGS, go, same, weights_in

#: A small job first: what libraries take once, they have by then, and the rest is for tensors.
CRAMPED = """
import resource, sys
from studio.jobs import __main__
assert __main__.main([sys.argv[1]]) == 0
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + (int(sys.argv[2]) << 20),) * 2)
sys.exit(__main__.main([sys.argv[3]]))
"""


def spec_with(**settings: Any) -> TrainSpec:
    return TrainSpec(student=StudentSpec(location="x"), **settings)


def test_a_rehearsal_changes_no_loss_and_no_weight(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []
    for name, long in (("tried", 1), ("plain", 10**6)):
        monkeypatch.setattr(train_module, "LONG", long)
        folder = make_folder("train", SETTINGS, name=name, train=examples())
        go(folder)
        folders.append(folder)
    assert losses_of(folders[0]) == losses_of(folders[1])
    assert same(weights_in(folders[0]), weights_in(folders[1]))
    tried, plain = (events_of(folder, "started")[0].model_dump() for folder in folders)
    assert tried["peak_mb"] > 50
    assert tried["rehearsed_tokens"] > 4 * 10
    assert "peak_mb" not in plain
    assert tried["machine"]["torch"]
    assert tried["machine"]["mapd-studio"] == __version__
    assert tried["machine"]["processor"]


def test_it_is_rehearsed_as_it_learns(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dropout, which takes memory, and with checkpointing, which works while learning only."""
    modes, rehearse = [], train_module.rehearse

    def watched(passes: Any, *given: Any) -> dict[str, float]:
        modes.append({module.training for module in passes._model.modules()})
        return rehearse(passes, *given)

    monkeypatch.setattr(train_module, "LONG", 1)
    monkeypatch.setattr(train_module, "rehearse", watched)
    go(make_folder("train", SETTINGS, train=examples()))
    assert modes == [{True}]


def long_examples(n: int) -> list[Row]:
    return [example(i, words=60 + i % 7) for i in range(n)]


def cramped(make_folder: MakeFolder, folder: Path, *, mb: int = 300) -> int:
    """Run a job that finds so much memory; returns its exit code."""
    warm = make_folder(
        "train", {**SETTINGS, "epochs": 1}, name=f"{folder.name}-0", train=examples()
    )
    return subprocess.run(
        [sys.executable, "-c", CRAMPED, str(warm), str(mb), str(folder)],
        check=False, capture_output=True, cwd=Path(__file__).parents[2],
        env={**os.environ, "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"},
    ).returncode  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
def test_a_run_without_room_offers_less_and_fits_with_it(make_folder: MakeFolder) -> None:
    settings = {"epochs": 4, "batch_examples": 160, "batch_tokens": 1 << 17, "full": True,
                "gradient_checkpointing": "off"}  # fmt: skip
    rows = long_examples(800)
    large = make_folder("train", settings, name="large", train=rows)
    assert cramped(make_folder, large) == 1
    (failed,) = events_of(large, "failed")
    said = failed.model_dump()
    assert said["error"] == "OutOfMemory"
    assert said["offer"] == {"batch_tokens": 1 << 16}
    assert "resume the run, and it goes on with batch_tokens=65536" in said["message"]
    assert not events_of(large, "metric"), "it was found before the first step"
    small = make_folder(
        "train", {**settings, "batch_tokens": 1024, "max_steps": 1}, name="small", train=rows
    )
    assert cramped(make_folder, small) == 0


def test_what_is_offered_becomes_smaller_until_nothing_is_left() -> None:
    offers = []
    spec = spec_with(batch_tokens=4096, gradient_checkpointing="off")
    while offer := smaller(spec, longest=900):
        offers.append(offer)
        spec = spec.model_copy(update=offer)
    assert offers == [
        {"batch_tokens": 2048}, {"batch_tokens": 1024}, {"batch_tokens": 900},
        {"gradient_checkpointing": "on"},
    ]  # fmt: skip
    said = out_of_memory(spec, longest=900)
    assert said.offer == {}
    assert "lower max_tokens" in str(said)


def test_a_run_goes_on_with_another_budget(make_folder: MakeFolder) -> None:
    from tests.jobs.conftest import StoppedAfter

    whole = make_folder("train", {**SETTINGS, "lora": {"dropout": 0}}, name="a", train=examples())
    go(whole)
    folder = make_folder("train", {**SETTINGS, "lora": {"dropout": 0}}, name="b", train=examples())
    go(folder, StoppedAfter(folder, "metric", 4))
    spec = folder / "spec.json"
    spec.write_text(spec.read_text().replace('"batch_tokens": 128', '"batch_tokens": 48'))
    go(folder)
    for step, said in losses_of(whole).items():
        assert losses_of(folder)[step] == pytest.approx(said, abs=1e-5)
