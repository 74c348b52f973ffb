"""Compiled layers: kept where they are faster, the same in every life of a run, never in its way."""

from __future__ import annotations

import time
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


def quick(model: Any) -> Compiled:
    """Traced and differentiated as the real thing, but run by plain torch: no C++ is waited for."""
    return Compiled(model, agreed=bool, backend="aot_eager")


def steps_of(model: Any, compiled: Compiled, *, slow_when: bool) -> Steps:
    """Steps that take their time when compiled, or when not."""

    def step(longest: int) -> None:
        losses(model, longest=longest).sum().backward()
        time.sleep(0.05 if compiled.on is slow_when else 0)

    return [lambda n=n: step(n) for n in (9, 12, 14)]


def test_the_blocks_are_the_layers_of_a_model(own: Student) -> None:
    assert [type(block).__name__ for block in blocks_of(own.model)] == ["LlamaDecoderLayer"] * 2
    assert blocks_of(torch.nn.Linear(2, 2)) == []


@pytest.mark.parametrize("pays", [True, False])
def test_compiled_layers_are_kept_only_if_the_first_steps_are_faster(
    own: Student, pays: bool
) -> None:
    compiled = quick(own.model)
    names = list(own.model.state_dict())
    steps = steps_of(own.model, compiled, slow_when=not pays)
    choice = compiled.chosen(steps, left=1 << 20, always=False)
    assert (choice.compiled, compiled.on) == (pays, pays), choice
    assert choice.words.startswith("compiled: 0.0" if pays else "not compiled, it would not be")
    assert "s a step against 0.0" in choice.words
    assert list(own.model.state_dict()) == names


def test_a_short_run_is_not_compiled_at_all(own: Student) -> None:
    compiled = quick(own.model)
    steps = steps_of(own.model, compiled, slow_when=False)
    choice = compiled.chosen(steps, left=int(LEAST_S), always=False)
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
