"""Texts are checked: by whom they were answered, how alike they are, and what a policy makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain.checks import Flag
from studio.domain.policy import PRESETS
from studio.domain.records import Attempt, Explanation, Grade, Question, Rationale, Review, Verdict
from studio.flow.checks import CheckStage, check_missing, flag_counts, other_models
from studio.flow.decisions import apply_policy, redecide, what_if
from studio.flow.edits import edit_rationale
from studio.flow.explanations import ExplainStage
from studio.flow.questions import import_files
from studio.flow.queues import queue_counts
from studio.flow.rationales import SolveStage
from studio.flow.reviewers import calibrate
from studio.flow.scorebook import Scorebook
from studio.flow.status import status
from studio.flow.undo import undo
from studio.store.tables import Store
from tests.fakes import FaultyEndpoint, add_mistakes, teacher
from tests.faults import completion, send
from tests.killing import run

SUMS = PRESETS["paper"].model_copy(update={"name": "sums", "arithmetic_gate": True})
RIGHT = (
    "Ann begins with three apples and is given four more of them, so the two numbers are added:"
    " 3 + 4 = 7, which is what was asked for.\nAnswer: 7"
)
WRONG_SUM = "Three and four: 3 + 4 = 8, less one for luck is 7.\nAnswer: 7"


def add_rationales(store: Store, *texts: str) -> list[str]:
    """Add one question with a rationale of each teacher, all scored 5 and graded correct."""
    question = Question(text="Ann has 3 apples and gets 4 more. How many has she now?", gold="7")
    store.add([question])
    ids = []
    for name, text in zip("abcdef", texts, strict=False):
        rationale = Rationale(question_id=question.id, teacher=name, text=text)
        store.add([rationale])
        store.add([Review(subject_id=rationale.id, reviewer="z", score=5)])
        store.add([Grade(subject_id=rationale.id, subject_kind="rationale",
                         verdict=Verdict.CORRECT, grader="rules:1")])  # fmt: skip
        ids.append(rationale.id)
    return ids


def accepted(store: Store) -> set[str]:
    return {r[0] for r in store.rows(
        "SELECT rationale_id FROM final_decisions d JOIN current_rationales r"
        " ON r.id = d.rationale_id WHERE d.accepted")}  # fmt: skip


def test_a_wrong_sum_is_kept_out_by_its_gate_alone(store: Store) -> None:
    right, wrong = add_rationales(store, RIGHT, WRONG_SUM)
    apply_policy(store, PRESETS["paper"], who="me")
    assert accepted(store) == {right, wrong}
    tally = what_if(store, SUMS)
    assert (tally.accepted, tally.to_rejected) == (1, 1)
    assert store.value("SELECT count(*) FROM checks") == 0, "a what-if stores nothing"
    tally = apply_policy(store, SUMS, who="me")
    assert accepted(store) == {right}
    assert tally.flagged[Flag.SUM] == 0
    reason = store.value("SELECT reason FROM decisions WHERE rationale_id = ?", wrong)
    assert reason == "a sum in it does not add up"
    redecide(store, next(store.all(Question)).id)
    assert accepted(store) == {right}, "one question alone is ruled on in the same way"


def test_rules_without_the_gate_keep_their_ids(store: Store) -> None:
    assert SUMS.id != PRESETS["paper"].id
    assert SUMS.model_copy(update={"arithmetic_gate": False}).id == PRESETS["paper"].id
    assert "every sum adds up" in SUMS.describe()


def test_an_edit_is_checked_at_once_and_taken_back(store: Store) -> None:
    (wrong,) = add_rationales(store, WRONG_SUM)
    apply_policy(store, SUMS, who="me")
    assert accepted(store) == set()
    edited = edit_rationale(store, wrong, RIGHT, who="me")
    store.add([Review(subject_id=edited.id, reviewer="z", score=5)])
    apply_policy(store, SUMS, who="me", log=False)
    assert edited.id in accepted(store)
    undo(store)
    assert accepted(store) == set()


def test_flags_are_counted_where_a_project_stands(store: Store) -> None:
    ids = add_rationales(store, RIGHT, "7", WRONG_SUM, RIGHT.replace("asked", "looked"))
    assert flag_counts(store)["rationales"]["not checked yet"] == 4
    assert check_missing(store) == 1
    assert check_missing(store) == 0
    counted = status(store)["flags"]["rationales"]
    assert {name: n for name, n in counted.items() if n} == {
        "only the answer": 1, "wrong sum": 1, "nearly the same as another": 1,
    }  # fmt: skip
    found = store.value("SELECT found FROM checks WHERE subject_id = ?", ids[3])
    assert "nearly the same as a's" in found
    apply_policy(store, PRESETS["paper"], who="me")
    queues = queue_counts(Scorebook(store))
    assert (queues["odd"], queues["wrong-sum"], queues["duplicate"]) == (1, 1, 1)
    report = calibrate(store)
    assert {one.name: one.flagged for one in report.authors if one.flagged} == {
        "b": {"only the answer": 1}, "c": {"wrong sum": 1}, "d": {"nearly the same as another": 1},
    }  # fmt: skip
    assert any("b: 1 only the answer" in line for line in report.notes())


def test_those_who_read_from_one_script_are_no_duplicates(store: Store) -> None:
    for name in "abc":
        store.put(teacher(name, "scripted:demo", scripted=True))
    add_rationales(store, RIGHT, RIGHT, RIGHT)
    check_missing(store)
    assert flag_counts(store)["rationales"][Flag.DUPLICATE] == 0


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint(lambda request: f"{request['model']} says: 1 and 1 make 2.\nAnswer: 2")
    yield made
    made.close()


async def test_a_model_that_was_not_asked_is_flagged(
    store: Store, endpoint: FaultyEndpoint
) -> None:
    """The endpoint names its own model, ``fake-1``, whatever it was asked for."""
    store.put(teacher("honest", endpoint.url).changed(model="fake-1"))
    store.put(teacher("cheap", endpoint.url).changed(model="dear-9"))
    add_mistakes(store, 2)
    assert await run(store, SolveStage(), ExplainStage(), CheckStage()) == ""
    assert [(one.teacher, one.asked, one.served, one.calls) for one in other_models(store)] == [
        ("cheap", "dear-9", "fake-1", 4)
    ]
    counts = flag_counts(store)
    assert counts["rationales"][Flag.MODEL] == counts["explanations"][Flag.MODEL] == 2
    assert counts["rationales"][Flag.SWAPPED] == 2, "it is the model of another teacher"
    found = store.value("SELECT found FROM checks WHERE bits & ? LIMIT 1", Flag.SWAPPED.bit)
    assert "answered by the model of honest" in found
    assert any("cheap was asked for dear-9" in line for line in calibrate(store).notes())


async def test_two_teachers_whose_replies_change_places_are_both_flagged(store: Store) -> None:
    """A proxy gives each teacher the other's reply: each names the other's model."""

    class Swapping(FaultyEndpoint):
        def _reply(self, handler: Any, request: dict[str, Any], number: int) -> None:
            other = {"a": "b", "b": "a"}[request["model"]]
            body = completion("One and one make 1 + 1 = 2 in all.\nAnswer: 2", number=number)
            send_json(handler, {**body, "model": other})

    served = Swapping()
    try:
        for name in ("a", "b"):
            store.put(teacher(name, served.url))
        add_mistakes(store, 3)
        assert await run(store, SolveStage(), CheckStage()) == ""
    finally:
        served.close()
    assert flag_counts(store)["rationales"][Flag.SWAPPED] == 6


def send_json(handler: Any, body: dict[str, Any]) -> None:
    send(handler, 200, json.dumps(body).encode())


async def test_fault_39_what_a_teacher_may_send_instead_of_work_is_flagged_and_counted(
    store: Store,
) -> None:
    """The prompt handed back, gold alone, another language, a reply without end; nothing is lost."""
    replies = {
        "prompt": lambda text: text, "gold": lambda text: "1",
        "tongue": lambda text: "Das ist nicht schwer, und es ist eine Aufgabe von vielen: die Summe"
                               " von 0 und 1 ist 1, das wird auch so sein.\nAnswer: 1",
        "endless": lambda text: "0 and 1 make 1, as anybody can see. " * 5_000,
    }  # fmt: skip
    served = FaultyEndpoint(
        lambda request: replies[request["model"]](request["messages"][0]["content"])
    )
    try:
        for name in replies:
            store.put(teacher(name, served.url))
        question = Question(gold="1", text="There is one apple in the basket and there are 0 pears."
                            " How many pieces of fruit are in the basket that it is for?")  # fmt: skip
        add_question_with_mistake(store, question)
        assert await run(store, SolveStage(), CheckStage()) == ""
    finally:
        served.close()
    by_teacher = {
        row["teacher"]: row["found"] for row in store.rows(
            "SELECT r.teacher, c.found FROM rationales r JOIN checks c ON c.subject_id = r.id")
    }  # fmt: skip
    assert "repeats the question" in by_teacher["prompt"]
    assert "only the answer" in by_teacher["gold"]
    assert "another language" in by_teacher["tongue"]
    assert "very long" in by_teacher["endless"]
    assert sum(flag_counts(store)["rationales"].values()) >= 4
    assert store.count(Rationale) == 4, "flagged and kept: a person decides"


def add_question_with_mistake(store: Store, question: Question) -> None:
    attempt = Attempt(question_id=question.id, student="small", text="Answer: 0")
    store.add([question])
    store.add([attempt])
    store.add([Grade(subject_id=attempt.id, verdict=Verdict.WRONG, grader="rules:1")])


async def test_an_explanation_that_cites_the_hint_is_flagged(store: Store) -> None:
    add_mistakes(store, 1)
    attempt = store.value("SELECT id FROM attempts")
    store.add([Explanation(attempt_id=attempt, teacher="a", text="The hint says it is 1.")])
    check = CheckStage()
    assert check.todo(store) == 1
    assert await run(store, check) == ""
    assert check.todo(store) == 0
    assert flag_counts(store)["explanations"][Flag.LEAK] == 1


async def test_the_released_records_hold_what_was_counted_in_them(
    store: Store, shared_data: Path
) -> None:
    """Read by hand: 44 rationales of gemini are an answer alone; 14 hold a sum that is wrong."""
    files = sorted((shared_data / "learn_from_committee").glob("*svamp*"))
    import_files(store, files)
    assert await run(store, CheckStage()) == ""
    counted = flag_counts(store)
    assert counted["rationales"][Flag.BARE] == 44
    assert counted["rationales"][Flag.SUM] == 14
    assert counted["rationales"][Flag.LEAK] == 0, "no solver had seen gold"
    assert 20 <= counted["explanations"][Flag.LEAK] <= 40
