"""Examples are dealt evenly and cut under a budget, nothing is lost; the heaviest cut is known ahead."""

from __future__ import annotations

import math
from collections import Counter
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.domain.dealing import (
    Load,
    Size,
    epoch_steps,
    heaviest,
    micro_batches,
    steps_an_epoch,
    steps_for_trial,
    steps_in_all,
)
from studio.domain.specs import StudentSpec, TrainSpec


def spec_of(**settings: Any) -> TrainSpec:
    return TrainSpec(student=StudentSpec(location="x"), **settings)


def items(n: int) -> list[Size]:
    roles = ("rationale", "rationale", "explanation", "replay")
    lengths = (5 + (i * 37) % 60 for i in range(n))
    return [Size(length, length - 2, roles[i % 4]) for i, length in enumerate(lengths)]


@given(n=st.integers(1, 1200), size=st.integers(1, 64), epoch=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_an_epoch_uses_every_example_once_in_even_steps(n: int, size: int, epoch: int) -> None:
    data, spec = items(n), spec_of(batch_examples=size)
    steps = epoch_steps(data, spec, epoch=epoch)
    assert len(steps) == steps_an_epoch(data, spec) == math.ceil(n / size)
    assert sorted(map(id, chain(*steps))) == sorted(map(id, data))
    sizes = [len(step) for step in steps]
    assert min(sizes) > 0
    assert max(sizes) <= size + 1
    assert max(sizes) - min(sizes) <= 2


def test_every_step_has_about_the_mixture_of_the_data() -> None:
    for step in epoch_steps(items(320), spec_of(batch_examples=16), epoch=3):
        roles = Counter(item.role for item in step)
        assert abs(roles["rationale"] - 8) <= 1
        assert abs(roles["explanation"] - 4) <= 1
        assert abs(roles["replay"] - 4) <= 1


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[list[Size]]:
        return epoch_steps(items(100), spec_of(seed=seed), epoch=epoch)

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_steps_hold_examples_of_similar_length() -> None:
    def padded(steps: list[list[Size]]) -> int:
        return sum(len(step) * max(item.tokens for item in step) for step in steps)

    data = items(320)
    plain = [data[n : n + 16] for n in range(0, 320, 16)]
    assert padded(epoch_steps(data, spec_of(), epoch=0)) < 0.75 * padded(plain)


@pytest.mark.parametrize("budget", [64, 200, 1000, 100_000])
def test_micro_batches_keep_to_the_budget_of_padded_tokens(budget: int) -> None:
    step = items(40)
    parts = list(micro_batches(step, spec_of(batch_tokens=budget)))
    assert sorted(map(id, chain(*parts))) == sorted(map(id, step))
    for part in parts:
        width = max(item.tokens for item in part)
        assert len(part) == 1 or len(part) * width <= budget


def test_an_example_over_the_budget_goes_alone() -> None:
    parts = list(micro_batches([Size(90, 88, "rationale")] * 2, spec_of(batch_tokens=50)))
    assert [len(part) for part in parts] == [1, 1]


def test_much_padding_costs_more_than_another_pass() -> None:
    short, long = Size(10, 8, "rationale"), Size(1000, 998, "rationale")
    parts = list(micro_batches([short] * 3 + [long], spec_of(batch_tokens=4096)))
    assert [len(part) for part in parts] == [3, 1]


@pytest.mark.parametrize(("batch", "examples", "longest", "tokens"),
                         [(4096, 16, 100, 1600), (1000, 16, 500, 1000), (64, 1, 500, 500)])  # fmt: skip
def test_the_heaviest_batch_of_examples_of_one_length(
    batch: int, examples: int, longest: int, tokens: int
) -> None:
    chosen = spec_of(batch_tokens=batch, batch_examples=examples)
    data = [Size(longest, longest // 2, "rationale")] * 64
    assert heaviest(data, chosen, packed=False) == {Load(tokens, tokens // 2, longest)}


def test_one_long_example_weighs_as_much_as_those_beside_it() -> None:
    chosen = spec_of(batch_tokens=4096, batch_examples=16)
    data = [Size(50, 25, "rationale")] * 99 + [Size(1000, 900, "rationale")]
    # The long one goes by itself, and is heavier than fifteen times 50.
    assert heaviest(data, chosen, packed=False) == {Load(1000, 900, 1000)}
    many = [*data, *[Size(200, 100, "rationale")] * 32]
    widest = max(heaviest(many, chosen, packed=False), key=lambda load: load.tokens)
    assert widest.longest == 200  # as many of those in one pass take more
    assert 15 * 200 <= widest.tokens <= 16 * 200


def test_packed_examples_weigh_what_they_are() -> None:
    chosen = spec_of(batch_tokens=100, batch_examples=4)
    data = [Size(n, n // 2, "rationale") for n in (10, 20, 30, 40)]
    assert heaviest(data, chosen, packed=True) == {Load(100, 50, 40)}
    assert max(load.tokens for load in heaviest(data, chosen, packed=False)) <= 100


def test_each_of_several_processes_has_its_share() -> None:
    data = [Size(100, 50, "rationale")] * 64
    chosen = spec_of(batch_examples=16, processes=2)
    assert heaviest(data, chosen, packed=False) == {Load(800, 400, 100)}
    lone = spec_of(batch_examples=16, processes=4)
    assert heaviest(data[:1], lone, packed=True) == {Load(100, 50, 100)}


@given(st.lists(st.integers(1, 300), min_size=1, max_size=200), st.integers(1, 32), st.booleans())
@settings(max_examples=40, deadline=None)
def test_no_micro_batch_of_the_first_epoch_is_larger(
    lengths: list[int], size: int, packed: bool
) -> None:
    data = [Size(n, max(1, n // 2), "rationale") for n in lengths]
    chosen = spec_of(batch_examples=size, batch_tokens=512)
    found = heaviest(data, chosen, packed=packed)
    assert 1 <= len(found) <= 3
    most = max(load.tokens for load in found)
    for step in epoch_steps(data, chosen, epoch=0):
        for part in micro_batches(step, chosen, packed=packed):
            padded = len(part) * max(one.tokens for one in part)
            assert (sum(one.tokens for one in part) if packed else padded) <= most


def test_nothing_to_learn_from_weighs_nothing() -> None:
    assert heaviest([], spec_of(), packed=False) == set()


@pytest.mark.parametrize(
    ("epochs", "most", "steps"),
    [(1.1, 0, 55), (2.2, 0, 110), (0.75, 0, 38), (3.0, 0, 150), (1e-5, 0, 1), (1.1, 5, 5)],
)
def test_epochs_are_counted_as_they_are_written(epochs: float, most: int, steps: int) -> None:
    for examples in (491, 500):  # 50 steps; 50 * 1.1 is a little more than 55
        assert steps_in_all(examples, each=10, epochs=epochs, most=most) == steps
    assert steps_in_all(0, each=10, epochs=epochs, most=most) == 0


def test_what_is_tried_are_the_longest_and_what_fills_a_pass_better() -> None:
    chosen = spec_of(batch_tokens=1000, batch_examples=4)
    long = [Size(600, 300, "rationale")] * 4  # one a pass: two would be too many
    short = [Size(240, 120, "rationale")] * 60  # four make 960
    alone = steps_for_trial(long, chosen, packed=False)
    assert alone == [long]
    both = steps_for_trial([*short, *long], chosen, packed=False)
    assert both[0] == long
    assert [one.tokens for one in both[1]] == [240] * 4
    assert steps_for_trial([], chosen, packed=False) == [[]]
