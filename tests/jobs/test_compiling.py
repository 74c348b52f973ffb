"""Compiled layers: kept where they are faster, the same in every life of a run, never in its way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.domain.errors import SpecError
from studio.domain.specs import StudentSpec, train_spec
from studio.jobs.batches import Item, collate, supervised_tokens
from studio.jobs.blocks import blocks_of
from studio.jobs.compiling import LEAST_S, Compiled, Steps
from studio.jobs.objectives.base import token_losses
from studio.jobs.student import Student, load_student
from tests.jobs.conftest import Jobs, MakeFolder, events_of, examples, losses_of
from tests.jobs.test_train import SETTINGS, go

#: Torch warns itself while it traces.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")


@pytest.fixture
def own(weights: Path) -> Student:
    """A student whose layers may be meddled with."""
    return load_student(
        StudentSpec(location=str(weights)), beside=weights.parent, dtype=torch.float32
    )


def losses(model: Any, *, longest: int = 12) -> torch.Tensor:
    items = [Item(list(range(3, n)), 2, "rationale") for n in range(6, longest)]
    return token_losses(model, collate(items, pad=0, totals=supervised_tokens(items)))[0]


class Clock:
    """Goes as far as it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def quick(model: Any, clock: Clock | None = None) -> Compiled:
    """Traced as the real thing, but run by plain torch: no C++ is waited for."""
    return Compiled(model, agreed=bool, backend="eager", clock=clock or Clock())


def steps_of(model: Any, compiled: Compiled, clock: Clock, *, slow_when: bool) -> Steps:
    """Steps that take twice as long when compiled, or when not."""

    def step(longest: int) -> None:
        losses(model, longest=longest).sum().backward()
        clock.seconds += 2.0 if compiled.on is slow_when else 1.0

    return [lambda n=n: step(n) for n in (9, 12)]


def test_the_blocks_are_the_layers_of_a_model(own: Student) -> None:
    assert [type(block).__name__ for block in blocks_of(own.model)] == ["LlamaDecoderLayer"] * 2
    assert blocks_of(torch.nn.Linear(2, 2)) == []


@pytest.mark.parametrize("pays", [True, False])
def test_compiled_layers_are_kept_only_if_the_first_steps_are_faster(
    own: Student, pays: bool
) -> None:
    clock = Clock()
    compiled = quick(own.model, clock)
    names = list(own.model.state_dict())
    steps = steps_of(own.model, compiled, clock, slow_when=not pays)
    choice = compiled.chosen(steps, left=1000, always=False)
    assert (choice.compiled, compiled.on) == (pays, pays), choice
    times = "1.000 s a step against 2.000 s (compiling took 4 s)" if pays else (
        "2.000 s a step against 1.000 s (compiling took 8 s)"
    )  # fmt: skip
    words = "compiled" if pays else "not compiled, it would not be worth it"
    assert choice.words == f"{words}: {times}"
    assert list(own.model.state_dict()) == names


def test_a_short_run_is_not_compiled_at_all(own: Student) -> None:
    clock = Clock()
    compiled = quick(own.model, clock)
    steps = steps_of(own.model, compiled, clock, slow_when=True)
    choice = compiled.chosen(steps, left=int(LEAST_S) - 1, always=False)
    assert choice == (False, "not compiled: the run is too short for that to pay")
    assert not compiled.on
    assert quick(torch.nn.Linear(2, 2)).chosen(steps, left=9, always=True).compiled is False


def test_the_losses_stay_and_for_a_while_the_plain_layers_come_back(own: Student) -> None:
    plain = losses(own.model)
    compiled = quick(own.model)
    assert compiled.again([lambda: losses(own.model)]) == (True, "")
    torch.testing.assert_close(losses(own.model), plain, atol=1e-5, rtol=0)
    with compiled.plain():
        assert losses(own.model).equal(plain)
    assert compiled.on


def test_a_compiler_that_fails_leaves_the_plain_layers(own: Student) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no such instruction\nand much more")

    compiled = Compiled(own.model, agreed=bool, backend=broken)
    choice = compiled.chosen([lambda: losses(own.model)], left=9, always=True)
    assert not choice.compiled
    assert choice.words.startswith("not compiled: ")
    assert "no such instruction" in choice.words
    assert "\n" not in choice.words
    assert not compiled.on
    losses(own.model)


def test_a_run_without_a_compiler_says_so_and_has_the_losses_of_a_plain_one(
    make_folder: MakeFolder, jobs: Jobs, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "full": True, "epochs": 1}
    plain = make_folder("train", settings, name="plain", train=examples())
    go(plain)
    folder = make_folder("train", {**settings, "compile": "always"}, train=examples())
    empty = str(tmp_path)  # no compiler is found there, nor what one has made before
    assert jobs.run(folder, PATH=empty, TORCHINDUCTOR_CACHE_DIR=empty) == 0
    assert losses_of(folder) == losses_of(plain)
    (warned,) = events_of(folder, "warned")
    assert warned.model_dump()["message"].startswith("not compiled: ")
    assert events_of(folder, "started")[0].model_dump()["compiled"] is False
    assert "Layers not compiled" in (folder / "artifacts" / "card.md").read_text()


def test_what_does_not_go_together_is_refused_in_one_line() -> None:
    told = {"student": {"location": "x"}}
    with pytest.raises(SpecError, match="set processes=2 or more"):
        train_spec({**told, "sharded": True})
    with pytest.raises(SpecError, match="neither four_bit nor compile"):
        train_spec({**told, "sharded": True, "processes": 2, "compile": "try"})
