"""A student is asked in training with the very tokens it is asked with in the exam."""

from __future__ import annotations

import copy
import time

import pytest
import torch

from studio.domain.errors import SpecError, StudentError
from studio.jobs import student as jobs_student
from studio.jobs.student import Student, pick_precision

ASKED = [{"role": "user", "content": "How many?"}]


def with_template(student: Student, template: str | None) -> Student:
    tokenizer = copy.deepcopy(student.tokenizer)
    tokenizer.chat_template = template
    return student._replace(tokenizer=tokenizer)


def test_the_chat_template_opens_the_answer(student: Student) -> None:
    text = student.tokenizer.decode(student.prompt_ids(ASKED))
    assert text == "<user>How many?</s><assistant>"


def test_without_a_template_the_messages_are_joined_by_lines(student: Student) -> None:
    plain = with_template(student, None)
    messages = [{"role": "system", "content": "Think."}, *ASKED]
    assert plain.tokenizer.decode(plain.prompt_ids(messages)) == "Think.\nHow many?\n"
    assert plain.completion_ids("Two.")[-1] == plain.tokenizer.eos_token_id


def test_an_answer_ends_as_the_template_ends_it(student: Student) -> None:
    turns = with_template(student, "{% for m in messages %}{{ m['content'] }}<pad>{% endfor %}")
    turns.model.generation_config.eos_token_id = [0, 1]
    try:
        assert turns.stops == {0, 1}
        assert turns.end_of_answer() == 0
        assert student.end_of_answer() == 1
    finally:
        turns.model.generation_config.eos_token_id = 1


def test_a_template_that_refuses_a_role_is_told_in_one_line(student: Student) -> None:
    strict = with_template(student, "{{ raise_exception('no system role') }}")
    with pytest.raises(StudentError, match=r"refuses these messages \(no system role"):
        strict.prompt_ids(ASKED)


@pytest.mark.parametrize(
    "template",
    ["{% for i in range(1000000000) %}x{% endfor %}", "{{ messages[7].content }}",
     "{% for i in range(99999) %}{% for j in range(99999) %}{% set k = i * j %}{% endfor %}{% endfor %}",
     "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ 1 / 0 }}", "{{ ''.__class__.__mro__ }}",
     "{{ messages.append(1) }}", "{{ 'x' % 1 }}", "{% include '/etc/passwd' %}"],
)  # fmt: skip
def test_a_template_that_goes_off_its_way_is_told_in_one_line(
    student: Student, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came with the model and is a program of a sort: it may neither hang nor reach for anything."""
    monkeypatch.setattr(jobs_student, "TEMPLATE_WITHIN_S", 0.5)
    begun = time.monotonic()
    with pytest.raises(StudentError, match="refuses these messages") as told:
        with_template(student, template).prompt_ids(ASKED)
    assert "\n" not in str(told.value)
    assert time.monotonic() - begun < 15, "left alone it takes minutes"


def test_fp16_without_a_gpu_is_refused() -> None:
    with pytest.raises(SpecError, match="fp16 needs a GPU"):
        pick_precision("fp16", torch.device("cpu"))
    assert pick_precision("auto", torch.device("cpu")) == "fp32"
