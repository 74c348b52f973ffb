"""A run that would not fit makes its activations anew on the way back, by itself, and has the same losses."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.domain.memory import TIGHT
from studio.jobs import fitting
from tests.jobs.conftest import MakeFolder, StoppedAfter, events_of, examples, losses_of
from tests.jobs.test_rehearsal import cramped, long_examples
from tests.jobs.test_train import SETTINGS, go, same, weights_in
from tests.tiny_student import main as make_student

FULL = {**SETTINGS, "full": True}


def told(folder: Path) -> tuple[bool, list[str]]:
    """Return whether the newest life of a run had checkpointing on, and what it warned of."""
    warned = [each.model_dump()["message"] for each in events_of(folder, "warned")]
    return events_of(folder, "started")[-1].model_dump()["checkpointing"], warned


def free(monkeypatch: pytest.MonkeyPatch, n: int | None) -> None:
    monkeypatch.setattr(fitting, "free_bytes", lambda: n)


@pytest.mark.parametrize("settings", [SETTINGS, FULL])
def test_where_little_is_free_the_run_takes_less_and_comes_to_the_same(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    made = []
    for name, there in (("plenty", 1 << 40), ("unknown", None), ("little", 1 << 10)):
        free(monkeypatch, there)
        folder = make_folder("train", settings, name=name, train=examples())
        go(folder)
        made.append(folder)
    plenty, unknown, little = made
    assert told(plenty) == told(unknown) == (False, [])
    on, (why,) = told(little)
    assert on
    assert why.startswith("gradient checkpointing was switched on: the run would not fit without")
    assert why.endswith(" MB more, 0 free)")
    assert losses_of(little) == losses_of(plenty)
    name = "model/model" if settings.get("full") else "adapter/adapter_model"
    assert same(weights_in(little, name), weights_in(plenty, name))


def test_the_line_runs_where_the_estimate_of_what_is_to_come_lies(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int | None]] = []

    def is_tight(need: int, there: int | None) -> bool:
        asked.append((need, there))
        return False

    monkeypatch.setattr(fitting.memory, "is_tight", is_tight)
    free(monkeypatch, 1 << 40)
    short = {"max_steps": 1, "save_steps": 0}
    whole_run = make_folder("train", {**FULL, **short}, name="all", train=examples())
    go(whole_run)
    whole, there = asked[0]
    assert there == 1 << 40
    weights = sum(value.numel() for value in weights_in(whole_run, "model/model").values())
    # Gradients and two moments in fp32 for each weight, which are loaded by then themselves.
    assert whole > 12 * weights
    monkeypatch.undo()
    for there, on in ((int(whole / TIGHT) + 9, False), (int(whole / TIGHT) - 9, True)):
        free(monkeypatch, there)
        folder = make_folder("train", {**FULL, **short}, name=f"{on}", train=examples())
        go(folder)
        assert told(folder)[0] is on


@pytest.mark.parametrize("wish", ["off", False])
def test_what_was_switched_off_stays_off(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch, wish: object
) -> None:
    free(monkeypatch, 1)
    settings = {**SETTINGS, "gradient_checkpointing": wish}
    folder = make_folder("train", settings, train=examples())
    go(folder)
    assert told(folder) == (False, [])


def test_a_resumed_run_goes_on_as_it_was(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 1)
    folder = make_folder("train", SETTINGS, train=examples())
    go(folder, StoppedAfter(folder, "metric", 2))
    free(monkeypatch, None)
    go(folder)
    on, warned = told(folder)
    assert on
    assert warned[1:] == ["goes on from the checkpoint of step 2"]


def test_a_run_resumed_with_it_switched_off_goes_on_without_and_with_the_same_losses(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 1 << 10)
    whole = make_folder("train", SETTINGS, name="whole", train=examples())
    go(whole)
    folder = make_folder("train", SETTINGS, train=examples())
    go(folder, StoppedAfter(folder, "metric", 2))
    spec = folder / "spec.json"
    off = {**json.loads(spec.read_text()), "gradient_checkpointing": "off"}
    spec.write_text(json.dumps(off))
    go(folder)
    assert [told(whole)[0], told(folder)[0]] == [True, False]
    assert losses_of(folder) == losses_of(whole)


def test_a_step_that_finds_the_memory_full_is_done_anew(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory of a machine cannot be filled for a test: torch is made to say so, once."""
    free(monkeypatch, None)
    plain = make_folder("train", SETTINGS, name="plain", train=examples())
    go(plain)
    folder = make_folder("train", SETTINGS, train=examples())
    passed, through = [0], fitting.Room.within

    def full_once(self: Any, work: Any) -> Any:
        def short() -> Any:
            passed[0] += 1
            done = work()  # the gradients are there, and must not count twice
            if passed[0] == 3:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
            return done

        return through(self, short)

    monkeypatch.setattr(fitting.Room, "within", full_once)
    go(folder)
    on, warned = told(folder)
    assert not on, "it began without"
    assert warned == ["gradient checkpointing was switched on: the memory was full without it"]
    assert losses_of(folder) == losses_of(plain)
    assert same(weights_in(folder), weights_in(plain))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
def test_a_run_without_room_fits_by_itself(make_folder: MakeFolder) -> None:
    """Real memory, really limited: the step fails, and goes well with activations made anew."""
    deep = make_folder("train").parent / "deep"
    make_student(deep, hidden_size=64, layers=24)
    settings = {"student": {"location": str(deep)}, "batch_examples": 16, "batch_tokens": 1024,
                "full": True, "epochs": 1}  # fmt: skip
    left, rows = {}, long_examples(16)
    for wish in ("off", "auto"):
        chosen = {**settings, "gradient_checkpointing": wish}
        folder = make_folder("train", chosen, name=wish, train=rows)
        code = cramped(make_folder, folder, mb=90)
        left[wish] = code, [each.model_dump() for each in events_of(folder, "finished")]
    assert left["off"] == (1, [])
    assert left["auto"][0] == 0
    assert left["auto"][1][0]["steps"] == 1
    warned = events_of(folder, "warned")[0].model_dump()["message"]
    assert warned == "gradient checkpointing was switched on: the memory was full without it"
