"""Show the tokens: the same tokens as in training, with what is learned and what is cut off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio.domain.specs import TrainSpec, read_spec
from studio.jobs.__main__ import run
from studio.jobs.batches import read_examples
from studio.jobs.job import Job
from studio.jobs.student import Student
from tests.jobs.conftest import MakeFolder, example

EACH = {"each": 2, "max_tokens": 64}


def shown(
    make_folder: MakeFolder, rows: list[dict[str, Any]], *, name: str = "job", **settings: Any
) -> dict[str, Any]:
    folder = make_folder("preview", {**EACH, **settings}, name=name, train=rows)
    spec = json.loads((folder / "spec.json").read_text())
    spec.pop("threads")
    (folder / "spec.json").write_text(json.dumps(spec))
    run(Job(folder), read_spec(folder))
    found: dict[str, Any] = json.loads((folder / "artifacts" / "preview.json").read_text("utf-8"))
    return found


def test_the_tokens_are_those_that_training_reads(
    make_folder: MakeFolder, student: Student
) -> None:
    rows = [example(n) for n in range(3)]
    found = shown(make_folder, rows)
    folder = make_folder("train", name="trained", train=rows)
    spec = read_spec(folder)
    assert isinstance(spec, TrainSpec)
    items = read_examples(folder / "data" / "train.jsonl", student, spec).items
    assert found["roles"]["train rationale"]["tokens"] == sum(len(item.ids) for item in items)
    assert found["roles"]["train rationale"]["supervised"] == sum(item.supervised for item in items)
    first = found["examples"][0]
    assert sum(piece[2] for piece in first["pieces"]) == len(items[0].ids)
    learned = "".join(text for text, fate, _ in first["pieces"] if fate == 1)
    assert learned == rows[0]["messages"][-1]["content"] + "</s>"
    assert found["end"] == "</s>"
    assert found["end_is_trained"]
    assert found["template"]
    assert len(found["examples"]) == EACH["each"]


def test_what_is_too_long_is_counted_and_marked(make_folder: MakeFolder) -> None:
    rows = [example(0), example(1), example(2), example(3, words=40)]
    found = shown(make_folder, rows, max_tokens=48)
    assert found["roles"]["train rationale"]["over"] == 1
    long = next(one for one in found["examples"] if one["cut"])
    assert sum(n for _, fate, n in long["pieces"] if fate == 2) == long["cut"]
    assert found["limit"] == 48


@pytest.mark.parametrize("overlong", ["drop", "cut"])
def test_of_what_is_too_long_only_what_is_left_counts_as_learned(
    make_folder: MakeFolder, student: Student, overlong: str
) -> None:
    rows = [example(0), example(3, words=40)]
    found = shown(make_folder, rows, max_tokens=48, overlong=overlong)
    folder = make_folder("train", {"max_tokens": 48, "overlong": overlong}, name="t", train=rows)
    spec = read_spec(folder)
    assert isinstance(spec, TrainSpec)
    kept = read_examples(folder / "data" / "train.jsonl", student, spec).items
    learned = sum(item.supervised for item in kept)
    assert found["roles"]["train rationale"]["supervised"] == learned
    assert found["end_is_trained"], "of those that stay whole"
    alone = shown(make_folder, rows[1:], name="alone", max_tokens=48, overlong=overlong)
    assert not alone["end_is_trained"]


def test_signs_of_several_tokens_stay_whole(make_folder: MakeFolder) -> None:
    row = example(0)
    row["messages"][-1]["content"] = "π ≈ 3 🙂"
    found = shown(make_folder, [row], max_tokens=128)
    pieces = found["examples"][0]["pieces"]
    assert "".join(piece[0] for piece in pieces).endswith("π ≈ 3 🙂</s>")
    assert ["🙂", 1, 4] in pieces
