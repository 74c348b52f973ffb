"""Examples are checked, dealt evenly, and cut under a budget; nothing is lost or changed silently."""

from __future__ import annotations

import math
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.domain.errors import SpecError
from studio.domain.specs import StudentSpec, TrainSpec
from studio.flow.job_folder import write_rows
from studio.jobs.batches import Item, epoch_steps, micro_batches, read_examples, steps_an_epoch
from studio.jobs.student import Student
from tests.jobs.conftest import example, examples


def spec_of(**settings: Any) -> TrainSpec:
    return TrainSpec(student=StudentSpec(location="x"), **settings)


def file_of(folder: Path, rows: list[dict[str, Any]]) -> Path:
    write_rows(folder / "train.jsonl", rows)
    return folder / "train.jsonl"


def items(n: int) -> list[Item]:
    roles = ("rationale", "rationale", "explanation", "replay")
    return [Item([i] * (5 + (i * 37) % 60), 2, roles[i % 4]) for i in range(n)]


# -- reading ---------------------------------------------------------------------------------------


def test_the_prompt_is_what_the_exam_asks_with_and_the_rest_is_learned(
    tmp_path: Path, student: Student
) -> None:
    rows = examples(4)
    intake = read_examples(file_of(tmp_path, rows), student, spec_of())
    for row, item in zip(rows, intake.items, strict=True):
        *asked, answer = row["messages"]
        assert item.ids[: item.prompt] == student.prompt_ids(asked)
        assert item.ids[item.prompt :] == student.completion_ids(answer["content"])
        assert item.ids[-1] == student.tokenizer.eos_token_id


def test_too_long_examples_are_refused_with_their_number(tmp_path: Path, student: Student) -> None:
    path = file_of(tmp_path, [example(1), example(2, words=30), example(3, words=40)])
    with pytest.raises(SpecError, match=r"2 of 3 examples are longer than 40 tokens.*overlong"):
        read_examples(path, student, spec_of(max_tokens=40))


def test_too_long_examples_are_dropped_if_asked_and_counted(
    tmp_path: Path, student: Student
) -> None:
    path = file_of(tmp_path, [example(1), example(2, words=30)])
    intake = read_examples(path, student, spec_of(max_tokens=40, overlong="drop"))
    assert (len(intake.items), intake.cut, intake.dropped) == (1, 0, 1)
    assert "1 left out" in intake.in_words()


def test_too_long_examples_are_cut_if_asked_unless_nothing_learned_would_be_left(
    tmp_path: Path, student: Student
) -> None:
    hopeless = example(3)
    hopeless["messages"][0]["content"] = "why " * 30
    path = file_of(tmp_path, [example(1), example(2, words=30), hopeless])
    intake = read_examples(path, student, spec_of(max_tokens=40, overlong="cut"))
    assert (len(intake.items), intake.cut, intake.dropped) == (2, 1, 1)
    assert max(len(item.ids) for item in intake.items) == 40
    assert "1 cut at the end and 1 left out" in intake.in_words()


def test_no_example_is_longer_than_the_student_can_take(tmp_path: Path, student: Student) -> None:
    path = file_of(tmp_path, [example(1, words=200)])
    with pytest.raises(SpecError, match="longer than 512 tokens"):
        read_examples(path, student, spec_of(max_tokens=4096))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"key": "a", "role": "rationale"}, "line 2: no messages"),
        ({"role": "rationale", "messages": "hello"}, "line 2: messages must be a list"),
        ({"role": "rationale", "messages": [{"role": "user"}]}, "list of role and content"),
        ({"key": "a", "role": "rationale", "messages": [{"role": "user", "content": "x"}]},
         "example a: its last message must be the assistant's"),
        ({"key": "a", "role": "rationale", "messages": [
            {"role": "user", "content": "x"}, {"role": "assistant", "content": "  "}]},
         "example a: there is nothing to learn"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_example_is_refused(
    tmp_path: Path, student: Student, row: dict[str, Any], says: str
) -> None:
    with pytest.raises(SpecError, match=says):
        read_examples(file_of(tmp_path, [example(1), row]), student, spec_of())


def test_broken_json_is_refused_with_its_line(tmp_path: Path, student: Student) -> None:
    path = file_of(tmp_path, [example(1)])
    path.write_text(path.read_text() + '{"key": ')
    with pytest.raises(SpecError, match=r"train\.jsonl, line 2: not JSON"):
        read_examples(path, student, spec_of())


# -- dealing ---------------------------------------------------------------------------------------


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
    def order(seed: int, epoch: int) -> list[list[Item]]:
        return epoch_steps(items(100), spec_of(seed=seed), epoch=epoch)

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_steps_hold_examples_of_similar_length() -> None:
    def padded(steps: list[list[Item]]) -> int:
        return sum(len(step) * max(len(item.ids) for item in step) for step in steps)

    data = items(320)
    plain = [data[n : n + 16] for n in range(0, 320, 16)]
    assert padded(epoch_steps(data, spec_of(), epoch=0)) < 0.75 * padded(plain)


@pytest.mark.parametrize("budget", [64, 200, 1000, 100_000])
def test_micro_batches_keep_to_the_budget_of_padded_tokens(budget: int) -> None:
    step = items(40)
    parts = list(micro_batches(step, spec_of(batch_tokens=budget)))
    assert sorted(i.ids for part in parts for i in part) == sorted(i.ids for i in step)
    for part in parts:
        width = max(len(item.ids) for item in part)
        assert len(part) == 1 or len(part) * width <= budget


def test_an_example_over_the_budget_goes_alone() -> None:
    parts = list(micro_batches([Item([1] * 90, 2, "rationale")] * 2, spec_of(batch_tokens=50)))
    assert [len(part) for part in parts] == [1, 1]


def test_much_padding_costs_more_than_another_pass() -> None:
    short, long = Item([1] * 10, 2, "rationale"), Item([1] * 1000, 2, "rationale")
    parts = list(micro_batches([short] * 3 + [long], spec_of(batch_tokens=4096)))
    assert [len(part) for part in parts] == [3, 1]
