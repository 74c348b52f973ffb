"""MAPD: which examples a case gives, and what they look like."""

from __future__ import annotations

import pytest

from studio.domain.errors import SpecError
from studio.domain.records import Attempt, Explanation, Question, Rationale
from studio.domain.specs import DatasetSpec
from studio.methods.base import Accepted, Case, Example, Mistake, Wording
from studio.methods.catalog import METHODS, method
from studio.prompts import Prompts, question_text

QUESTION = Question(text="How many?", gold="7", context="Ada has 7.", options=("six", "seven"))


def make_case(*, rationales: int = 3, explanations: int = 3, replay: bool = False) -> Case:
    attempt = Attempt(question_id=QUESTION.id, student="small", text="I say 8.\nAnswer: 8")
    texts = tuple(
        Explanation(attempt_id=attempt.id, teacher=f"t{n}", text=f"explained {n}")
        for n in range(explanations)
    )
    accepted = tuple(
        Accepted(Rationale(question_id=QUESTION.id, teacher=f"t{n}", text=f"solved {n}"), "mean 5")
        for n in range(rationales)
    )
    right = Attempt(question_id=QUESTION.id, student="small", sample=1, text="Answer: 7")
    return Case(QUESTION, (Mistake(attempt, "8", texts),), accepted, (right,) if replay else ())


def examples(case: Case, style: str = "bare", **options: object) -> list[Example]:
    spec = DatasetSpec.model_validate(options)
    return list(method("mapd", Wording.of(Prompts(), style), spec).examples([case]))


def test_every_explanation_and_every_accepted_rationale_is_used() -> None:
    found = examples(make_case())
    assert [one.role for one in found] == ["explanation"] * 3 + ["rationale"] * 3
    assert {one.question_id for one in found} == {QUESTION.id}
    assert [one.messages[-1]["content"] for one in found[3:]] == [
        "solved 0",
        "solved 1",
        "solved 2",
    ]


@pytest.mark.parametrize("style", ["bare", "mapd"])
def test_a_rationale_is_learned_as_the_answer_to_the_exam_prompt_to_the_letter(style: str) -> None:
    *asked, answer = examples(make_case(), style)[-1].messages
    assert asked == Prompts().get(style, "exam").messages({"question": question_text(QUESTION)})
    assert answer == {"role": "assistant", "content": "solved 2"}


@pytest.mark.parametrize(
    ("style", "shown"), [("mapd", "I say 8.\nAnswer: 8"), ("bare", "Wrong: 8")]
)
def test_an_explanation_is_asked_with_the_wrong_answer_and_gold(style: str, shown: str) -> None:
    *asked, answer = examples(make_case(), style)[0].messages
    text = asked[-1]["content"]
    assert shown in text
    assert question_text(QUESTION) in text
    assert "7" in text.rpartition(shown)[2]
    assert answer == {"role": "assistant", "content": "explained 0"}


def test_a_question_without_an_accepted_rationale_teaches_nothing_but_replay() -> None:
    assert examples(make_case(rationales=0)) == []
    assert [one.role for one in examples(make_case(rationales=0, replay=True))] == ["replay"]


def test_the_draw_takes_one_of_each_and_the_same_one_every_time() -> None:
    found = examples(make_case(), draw="one")
    assert [one.role for one in found] == ["explanation", "rationale"]
    assert found == examples(make_case(), draw="one")
    drawn = {examples(make_case(), draw="one", seed=seed)[1].source_id for seed in range(30)}
    assert len(drawn) == 3


def test_explanations_can_be_left_out() -> None:
    assert {one.role for one in examples(make_case(), explanations=False)} == {"rationale"}


def test_text_that_looks_like_a_field_of_a_template_stays_text() -> None:
    attempt = Attempt(question_id=QUESTION.id, student="small", text="{{gold}} {{question}}")
    text = Explanation(attempt_id=attempt.id, teacher="t", text="{{gold}}")
    rationale = Accepted(Rationale(question_id=QUESTION.id, teacher="t", text="r"), "")
    case = Case(QUESTION, (Mistake(attempt, "{{gold}}", (text,)),), (rationale,))
    first = examples(case, "mapd")[0]
    assert "{{gold}} {{question}}" in first.messages[-2]["content"]
    assert first.messages[-1]["content"] == "{{gold}}"


def test_a_program_is_no_prose_to_learn_from() -> None:
    program = Rationale(question_id=QUESTION.id, teacher="t", text="return 7", form="program")
    assert examples(Case(QUESTION, (), (Accepted(program, ""),))) == []


def test_an_unknown_method_is_told_with_the_known_ones() -> None:
    with pytest.raises(SpecError, match=r"no method 'magic': choose one of mapd"):
        method("magic", Wording.of(Prompts(), "bare"), DatasetSpec())


def test_every_method_is_listed_under_its_own_name_and_names_its_source() -> None:
    for name, kind in METHODS.items():
        assert kind.name == name
        assert "arXiv" in kind.source
