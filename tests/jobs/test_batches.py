"""Examples are checked, dealt evenly, and cut under a budget; nothing is lost or changed silently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import SpecError
from studio.domain.specs import StudentSpec, TrainSpec
from studio.flow.job_folder import write_rows
from studio.jobs.batches import Item, read_examples
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
