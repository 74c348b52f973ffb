"""A quiz on the way tells what the exam would, and changes nothing of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from studio.domain.grading import grade_answer
from studio.domain.records import AnswerKind, Question, Verdict
from studio.domain.specs import GenerateSpec, TrainSpec, read_spec
from studio.jobs.generate import generate
from studio.jobs.job import Job
from studio.jobs.quiz import Quiz
from studio.jobs.student import Student
from tests.jobs.conftest import MakeFolder, Row, StoppedAfter, events_of, examples, losses_of
from tests.jobs.test_generate import answers_of
from tests.jobs.test_train import go

#: Small enough to be learned by heart in seconds.
SUMS = {"1 + 1?": "2", "2 + 1?": "3", "3 + 1?": "4", "4 + 1?": "7"}
SETTINGS: dict[str, Any] = {
    "full": True, "epochs": 80, "batch_examples": 4, "lr": 0.02, "eval_steps": 20, "quiz_tokens": 12,
    "schedule": "constant",
}  # fmt: skip


def asked(text: str) -> Row:
    return {"role": "user", "content": text}


def lessons() -> list[Row]:
    return [
        {"key": text, "role": "rationale",
         "messages": [asked(text), {"role": "assistant", "content": gold}]}
        for text, gold in SUMS.items()
    ]  # fmt: skip


def quiz_rows() -> list[Row]:
    """The same questions; the last one's gold is another than what is taught."""
    return [
        {"key": text, "messages": [asked(text)], "question": gold_of(text).model_dump(mode="json")}
        for text in SUMS
    ]


def gold_of(text: str) -> Question:
    gold = "5" if text.startswith("4") else SUMS[text]
    return Question(text=text, gold=gold, answer_kind=AnswerKind.NUMBER)


def quizzed(folder: Path) -> dict[int, tuple[float, float]]:
    told = [event.model_dump() for event in events_of(folder, "metric")]
    return {
        said["step"]: (said["val_accuracy"], said["val_questions"])
        for said in told
        if "val_accuracy" in said
    }


def test_the_share_told_is_that_of_an_exam_with_the_weights_of_that_step(
    make_folder: MakeFolder,
) -> None:
    folder = make_folder("train", SETTINGS, train=lessons(), quiz=quiz_rows())
    go(folder)
    told = quizzed(folder)
    assert list(told) == [20, 40, 60, 80]
    exam = make_folder("generate", {"temperature": 0, "max_new_tokens": 12}, name="exam",
                       questions=quiz_rows())  # fmt: skip
    spec = (exam / "spec.json").read_text()
    given, made = read_spec(folder).student.location, folder / "artifacts" / "model"
    (exam / "spec.json").write_text(spec.replace(given, str(made)))
    how = read_spec(exam)
    assert isinstance(how, GenerateSpec)
    generate(Job(exam), how)
    right = [
        key
        for key, answer in answers_of(exam).items()
        if grade_answer(answer["text"], question=gold_of(key)).verdict is Verdict.CORRECT
    ]
    assert right
    assert "4 + 1?" not in right  # it was taught another answer
    assert told[80] == (len(right) / 4, 4)


@pytest.mark.parametrize("settings", [{"lora": {"r": 4, "dropout": 0.1}}, {"full": True}])
def test_a_quiz_changes_nothing_and_a_stopped_run_goes_on_bit_for_bit(
    make_folder: MakeFolder, settings: dict[str, Any]
) -> None:
    plan = {
        "epochs": 3,
        "batch_examples": 4,
        "eval_steps": 2,
        "lr": 0.01,
        "quiz_tokens": 8,
        **settings,
    }
    data = {"train": examples(), "validation": examples(3)}
    plain = make_folder("train", plan, name="plain", **data)
    whole = make_folder("train", plan, name="whole", quiz=quiz_rows(), **data)
    broken = make_folder("train", plan, name="broken", quiz=quiz_rows(), **data)
    go(plain)
    go(whole)
    go(broken, job=StoppedAfter(broken, "metric", 4))
    go(broken)
    assert losses_of(whole) == losses_of(plain) == losses_of(broken)
    assert quizzed(whole) == quizzed(broken)
    assert quizzed(whole)
    (name,) = (whole / "artifacts").glob("*/*model.safetensors")
    one = load_file(name)
    for folder in (plain, broken):
        other = load_file(folder / name.relative_to(whole))
        assert all(value.equal(other[key]) for key, value in one.items())


def test_shares_of_several_processes_add_up_and_a_broken_off_quiz_is_seen(
    tmp_path: Path, student: Student, make_folder: MakeFolder
) -> None:
    folder = make_folder("train", SETTINGS, train=lessons(), quiz=quiz_rows())
    spec = read_spec(folder)
    assert isinstance(spec, TrainSpec)
    quiz = Quiz(folder / "data" / "quiz.jsonl", student, spec)
    whole = quiz.ask(process=0, of=1, stopped=lambda: False)
    shares = [quiz.ask(process=n, of=3, stopped=lambda: False) for n in range(3)]
    assert [share.asked for share in shares] == [2, 1, 1]
    assert tuple(map(sum, zip(*shares, strict=True))) == tuple(whole)
    broken_off = quiz.ask(process=0, of=1, stopped=lambda: True)
    assert broken_off.answered < broken_off.asked == 4
    assert len(Quiz(tmp_path / "none.jsonl", student, spec)) == 0
