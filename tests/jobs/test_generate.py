"""Exams: each answer is the student's own whatever stands beside it, on disk as it is made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.domain.events import ASKED_TO_STOP
from studio.domain.specs import read_spec
from studio.jobs import generate as exam
from studio.jobs.decode import Reply, decode, pick_sampled
from studio.jobs.job import Job
from studio.jobs.student import Student
from tests.jobs.conftest import MakeFolder, StoppedAfter, events_of, questions

SETTINGS = {"max_new_tokens": 12, "temperature": 0.0}
SAMPLED = {"max_new_tokens": 12, "temperature": 0.9}


def sit(folder: Path, job: Job | None = None) -> dict[str, dict[str, Any]]:
    spec = read_spec(folder)
    assert spec.job == "generate"
    exam.generate(job or Job(folder), spec)
    return answers_of(folder)


def answers_of(folder: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in (folder / "artifacts" / "answers.jsonl").read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        assert row["key"] not in found, "answered twice"
        found[row["key"]] = row
    return found


def prompts_of(student: Student) -> list[list[int]]:
    return [student.prompt_ids(row["messages"]) for row in questions(7)]


def test_greedy_decoding_equals_that_of_transformers(student: Student) -> None:
    for prompt in prompts_of(student):
        ids = torch.tensor([prompt])
        theirs = student.model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, do_sample=False
        )[0, len(prompt) :].tolist()
        ours = decode(student, [prompt], max_new_tokens=20)
        assert ours is not None
        assert ours[0].ids == [i for i in theirs if i not in student.stops]


@pytest.mark.parametrize("temperature", [0.3, 1.5])
def test_an_answer_does_not_depend_on_the_questions_beside_it(
    student: Student, temperature: float
) -> None:
    prompts = prompts_of(student)
    keys = [f"q{n}" for n in range(len(prompts))]

    def answers(numbers: list[int]) -> list[Any]:
        pick = pick_sampled(
            [keys[n] for n in numbers], seed=7, temperature=temperature, top_p=0.9,
            max_new_tokens=16,
        )  # fmt: skip
        return decode(student, [prompts[n] for n in numbers], max_new_tokens=16, pick=pick) or []

    together = answers(list(range(len(prompts))))
    assert [answers([n])[0] for n in range(len(prompts))] == together


@pytest.mark.parametrize("look_every", [3, 100])
def test_rows_that_ended_may_stay_for_a_while_and_nothing_changes(
    student: Student, look_every: int
) -> None:
    keys = [f"q{n}" for n in range(40)]

    def answers(look_every: int) -> list[Reply] | None:
        pick = pick_sampled(keys, seed=7, temperature=1.5, top_p=1.0, max_new_tokens=50)
        return decode(
            student, [prompts_of(student)[0]] * len(keys), max_new_tokens=50, pick=pick,
            look_every=look_every,
        )  # fmt: skip

    looked = answers(1)
    assert looked is not None
    assert {reply.ended for reply in looked} == {True, False}
    assert answers(look_every) == looked


def test_sampling_draws_from_the_nucleus_in_proportion() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(4000, 1)
    pick = pick_sampled(
        [str(n) for n in range(4000)], seed=1, temperature=1.0, top_p=0.8, max_new_tokens=1
    )
    drawn = pick(logits, torch.arange(4000), 0).bincount(minlength=4) / 4000
    torch.testing.assert_close(drawn, torch.tensor([0.625, 0.375, 0, 0]), atol=0.03, rtol=0)


def test_an_answer_that_ended_leaves_without_its_end(student: Student) -> None:
    end = int(student.tokenizer.eos_token_id)
    script = [[9, 9, 9], [8, end, 9], [end, 8, 8]]

    def pick(logits: torch.Tensor, rows: torch.Tensor, position: int) -> torch.Tensor:
        return torch.tensor([script[row][position] for row in rows.tolist()])

    replies = decode(student, prompts_of(student)[:3], max_new_tokens=3, pick=pick)
    assert replies == [([9, 9, 9], False), ([8], True), ([], True)]


@pytest.fixture
def two_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exam, "MOST_ROWS", 2)


@pytest.mark.parametrize("settings", [SETTINGS, SAMPLED])
def test_every_question_is_answered_the_same_in_batches_of_any_size(
    make_folder: MakeFolder, settings: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    first = sit(make_folder("generate", settings, name="whole", questions=questions()))
    request.getfixturevalue("two_a_batch")
    folder = make_folder("generate", settings, name="small", questions=questions())
    assert sit(folder) == first
    assert len(events_of(folder, "sample")) == 5
    assert set(first) == {row["key"] for row in questions()}
    for row in first.values():
        assert set(row) == {"key", "text", "truncated", "tokens_in", "tokens_out"}
        assert row["truncated"] == (row["tokens_out"] == 12)


def test_a_sitting_goes_on_where_a_half_written_answer_ended_it(make_folder: MakeFolder) -> None:
    whole = sit(make_folder("generate", SAMPLED, name="whole", questions=questions()))
    folder = make_folder("generate", SAMPLED, questions=questions())
    lines = [json.dumps(whole[key]) for key in ("q3", "q5", "q7")]
    path = folder / "artifacts" / "answers.jsonl"
    path.write_text("\n".join(lines)[:-9])
    assert sit(folder) == whole
    assert path.read_text().startswith("\n".join(lines)[:-9] + "\n"), "what was read stays"
    assert len(path.read_text().splitlines()) == len(questions()) + 1


@pytest.mark.usefixtures("two_a_batch")
def test_a_sitting_asked_to_stop_keeps_its_answers_and_can_go_on(make_folder: MakeFolder) -> None:
    folder = make_folder("generate", SETTINGS, questions=questions(9))
    assert len(sit(folder, StoppedAfter(folder, "sample", 2))) == 4
    (ended,) = events_of(folder, "finished")
    assert ended.model_dump()["stopped"] == ASKED_TO_STOP
    assert len(sit(folder)) == 9


def test_questions_too_long_for_the_student_are_told_not_answered(make_folder: MakeFolder) -> None:
    long = {"key": "long", "messages": [{"role": "user", "content": "x" * 600}]}
    near = {"key": "near", "messages": [{"role": "user", "content": "x" * 490}]}
    folder = make_folder("generate", SETTINGS, questions=[*questions(2), long, near])
    answers = sit(folder)
    assert set(answers) == {"q0", "q1", "near"}
    assert answers["near"]["tokens_in"] + answers["near"]["tokens_out"] <= 512
    (warned,) = events_of(folder, "warned")
    assert "1 questions were not asked" in warned.model_dump()["message"]


class Crowded(exam.Sitting):
    """A sitting on a machine with room for two answers at once."""

    error: Exception

    def _decode(self, batch: Sequence[exam.Asked]) -> list[Reply] | None:
        if len(batch) > 2:
            raise self.error
        return super()._decode(batch)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.0 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
    ],
)
def test_a_batch_too_large_for_the_machine_is_halved(
    make_folder: MakeFolder, student: Student, error: Exception
) -> None:
    folder = make_folder("generate", SETTINGS, questions=questions(5))
    spec = read_spec(folder)
    assert spec.job == "generate"
    asked = [exam.Asked(row["key"], student.prompt_ids(row["messages"])) for row in questions(5)]
    sitting = Crowded(Job(folder), spec, student, done=0, total=5)
    sitting.error = error
    assert sitting.answer(asked) == ""
    assert set(answers_of(folder)) == {row["key"] for row in questions(5)}
    sitting.error = RuntimeError("any other")
    with pytest.raises(RuntimeError, match="any other"):
        sitting.answer(asked)


def test_progress_reaches_its_total(make_folder: MakeFolder) -> None:
    folder = make_folder("generate", SETTINGS, questions=questions())
    sit(folder)
    last = events_of(folder, "progress")[-1].model_dump()
    assert (last["done"], last["total"]) == (9, 9)
    assert "answers/s" in last["note"]
    assert events_of(folder, "sample")
