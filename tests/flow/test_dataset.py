"""The dataset: what is in it, what never is, and that the same content is the same dataset."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import StudioError
from studio.domain.policy import preset
from studio.domain.records import (
    Dataset,
    Doubt,
    Override,
    Question,
    Rationale,
    StudentRecord,
    Verdict,
)
from studio.domain.specs import DatasetSpec
from studio.flow.dataset import build_dataset, draft_dataset, examples_of
from studio.flow.decisions import apply_policy
from studio.flow.grades import GradeStage
from studio.flow.overlap import overlapping
from studio.flow.questions import import_files
from studio.flow.stage import Bench
from studio.store.tables import Store
from tests.curated import (
    STUDENT,
    add_attempt,
    add_case,
    add_question,
    add_rationale,
    bench,
    collect,
    launcher,
)

__all__ = ["bench", "launcher"]
SMALL = StudentRecord(name=STUDENT, location="org/small", prompts="bare")


def build(bench: Bench, **options: Any) -> tuple[Dataset, list[dict[str, Any]]]:
    spec = DatasetSpec.model_validate({"val_share": 0.0, **options})
    made = build_dataset(bench, student=SMALL, options=spec)
    return made, list(examples_of(bench.store, made.id, "train"))


def test_a_mistake_with_its_explanations_and_accepted_rationales_becomes_examples(
    bench: Bench, store: Store
) -> None:
    question = add_case(store, "How many are 3 and 4?")
    made, rows = build(bench)
    assert [row["role"] for row in rows] == ["explanation"] * 2 + ["rationale"] * 2
    assert {row["question_id"] for row in rows} == {question.id}
    assert rows[0]["messages"][-1] == {
        "role": "assistant",
        "content": rows[0]["messages"][-1]["content"],
    }
    assert len({row["key"] for row in rows}) == 4
    assert made.manifest["teachers"] == {
        "rationale": {"gpt": 1, "gemini": 1}, "explanation": {"gpt": 1, "gemini": 1},
    }  # fmt: skip


def test_the_manifest_tells_policy_counts_prompts_seed_and_spec(bench: Bench, store: Store) -> None:
    add_case(store, "How many are 3 and 4?")
    manifest = build(bench)[0].manifest
    policy: Any = manifest["policy"]
    assert (
        policy["rule"]
        == "mean of valid scores > 3, all expected reviews valid, own answer equals gold"
    )
    assert (policy["version"], len(policy["id"])) == (0, 16)
    assert manifest["examples"] == {"train": {"explanation": 2, "rationale": 2}, "validation": {}}
    assert manifest["spec"] == DatasetSpec(val_share=0.0).model_dump(mode="json")
    prompts: Any = manifest["prompts"]
    assert set(prompts) == {"exam", "learn_explanation"}
    assert manifest["teacher_prompts"] == ["p1"]
    assert (manifest["questions"], manifest["mistakes"]) == (1, 1)


def test_a_question_without_an_accepted_rationale_is_left_out(bench: Bench, store: Store) -> None:
    add_case(store, "How many are 3 and 4?")
    question = add_question(store, "How many are 5 and 2?")
    add_attempt(store, question, Verdict.WRONG)
    add_rationale(store, question, accepted=False)
    made, rows = build(bench)
    assert question.id not in {row["question_id"] for row in rows}
    left_out: Any = made.manifest["left_out"]
    assert left_out["mistakes_without_accepted"] == 1


def test_a_person_outranks_the_policy_both_ways(bench: Bench, store: Store) -> None:
    question = add_question(store, "How many are 3 and 4?")
    refused = add_rationale(store, question, teacher="gpt", accepted=False)
    taken = add_rationale(store, question, teacher="gemini", accepted=True)
    store.set_overrides(
        {refused.id: Override(rationale_id=refused.id, accepted=True, reason="fine")}
    )
    store.set_overrides({taken.id: Override(rationale_id=taken.id, accepted=False)})
    made, rows = build(bench)
    assert [row["messages"][-1]["content"] for row in rows] == [refused.text]
    assert (made.manifest["accepted_by_hand"], made.manifest["overrides"]) == (1, 2)
    assert store.value("SELECT why FROM examples") == "accepted by hand: fine"


def test_only_the_newest_revision_of_a_rationale_counts(bench: Bench, store: Store) -> None:
    question = add_case(store, "How many are 3 and 4?", teachers=("gpt",))
    old = next(store.all(Rationale))
    revised = old.changed(revision=1, text="better. Answer: 7")
    store.add([revised])
    with pytest.raises(StudioError, match="no rationale of a train question is accepted"):
        build(bench)
    store.set_overrides({revised.id: Override(rationale_id=revised.id, accepted=True)})
    rows = build(bench)[1]
    assert [r["messages"][-1]["content"] for r in rows if r["role"] == "rationale"] == [
        revised.text
    ]
    assert question.id == rows[0]["question_id"]


def test_held_out_questions_never_become_training_data(bench: Bench, store: Store) -> None:
    add_case(store, "How many are 3 and 4?")
    held_out = add_question(store, "How many are 20 and 30?", split="test")
    add_attempt(store, held_out, Verdict.WRONG)
    add_rationale(store, held_out)
    right = add_question(store, "How many are 21 and 30?", split="test")
    add_attempt(store, right, Verdict.CORRECT)
    rows = build(bench, replay=1.0)[1]
    assert {held_out.id, right.id}.isdisjoint(row["question_id"] for row in rows)


def test_a_train_question_that_stands_in_the_test_split_is_left_out_and_counted(
    bench: Bench, store: Store
) -> None:
    kept = add_case(store, "How many are 3 and 4?")
    twin = add_case(store, "Ada has 5 red pears. How many pears has Ada?")
    add_question(store, "ADA has 5 red pears;  how many pears has Ada", split="test")
    made, rows = build(bench)
    assert {row["question_id"] for row in rows} == {kept.id}
    left_out: Any = made.manifest["left_out"]
    assert (left_out["in_test_too"], left_out["in_test_too_ids"]) == (1, [twin.id])


def test_the_same_template_with_other_numbers_is_another_question() -> None:
    text = (
        "There were {} pencils in the box and Leo put in {} more of them. How many are there now?"
    )
    train = {"same": text.format(5, 6), "swapped": text.format(6, 5), "other": text.format(15, 6)}
    near = {"near": "In all, " + text.format(5, 6), "far": "Nobody knows 5 6"}
    assert overlapping({**train, **near}, [text.format(5, 6)]) == {"same", "near"}


def test_no_question_is_on_both_sides_of_the_validation_split(bench: Bench, store: Store) -> None:
    for n in range(40):
        add_case(store, f"How many are {n} and 4?")
    made, rows = build(bench, val_share=0.25)
    kept_out = list(examples_of(store, made.id, "validation"))
    sides = [{row["question_id"] for row in side} for side in (rows, kept_out)]
    assert sides[0].isdisjoint(sides[1])
    assert 4 <= len(sides[1]) <= 18
    assert len(rows) + len(kept_out) == 160


def test_a_question_stays_on_its_side_when_others_come(bench: Bench, store: Store) -> None:
    def kept_out() -> set[str]:
        spec = DatasetSpec(val_share=0.3)
        rows = draft_dataset(bench, student=SMALL, options=spec).rows
        return {row.question_id for row in rows if row.split == "validation"}

    for n in range(20):
        add_case(store, f"How many are {n} and 4?", teachers=("gpt",))
    before = kept_out()
    for n in range(20, 40):
        add_case(store, f"How many are {n} and 4?", teachers=("gpt",))
    assert before <= kept_out()


def test_a_small_share_keeps_out_one_question_but_never_the_only_one(
    bench: Bench, store: Store
) -> None:
    add_case(store, "How many are 1 and 4?")
    assert build(bench, val_share=0.01)[0].manifest["examples"]["validation"] == {}  # type: ignore[index]
    add_case(store, "How many are 2 and 4?")
    made, rows = build(bench, val_share=0.01)
    assert len({row["question_id"] for row in rows}) == 1
    assert len(list(examples_of(store, made.id, "validation"))) == 4


def test_the_same_content_is_the_same_dataset(bench: Bench, store: Store) -> None:
    add_case(store, "How many are 3 and 4?")
    first, rows = build(bench)
    assert build(bench) == (first, rows)
    assert store.count(Dataset) == 1
    add_case(store, "How many are 5 and 4?")
    assert build(bench)[0].id != first.id
    assert list(examples_of(store, first.id, "train")) == rows, "a dataset is frozen"


def test_replay_mixes_in_the_share_of_the_students_own_sure_answers(
    bench: Bench, store: Store
) -> None:
    add_case(store, "How many are 3 and 4?")
    for n in range(10):
        add_attempt(store, add_question(store, f"Count to {n} twice"), Verdict.CORRECT)
    doubtful = add_question(store, "Count to 99 twice")
    add_attempt(store, doubtful, Verdict.CORRECT, doubts=(Doubt(name="x", evidence=""),))
    someone = add_question(store, "Count to 88 twice")
    add_attempt(store, someone, Verdict.CORRECT, student="other")
    replayed = [row for row in build(bench, replay=0.3)[1] if row["role"] == "replay"]
    assert len(replayed) == 3
    assert all(row["messages"][-1]["content"].endswith("Answer: 7") for row in replayed)
    assert sum(row["role"] == "replay" for row in build(bench, replay=1.0)[1]) == 10


def test_mistakes_of_another_student_or_round_are_not_explained(bench: Bench, store: Store) -> None:
    question = add_case(store, "How many are 3 and 4?")
    other = SMALL.changed(round=1)
    made = build_dataset(bench, student=other, options=DatasetSpec(val_share=0))
    rows = list(examples_of(store, made.id, "train"))
    assert {row["role"] for row in rows} == {"rationale"}
    assert question.id == rows[0]["question_id"]
    with pytest.raises(StudioError, match="set questions=accepted"):
        build_dataset(bench, student=other, options=DatasetSpec(questions="mistakes"))


@pytest.mark.parametrize(("questions", "taught"), [("accepted", {0, 1}), ("mistakes", {1})])
def test_a_later_round_learns_with_or_without_the_earlier_rounds(
    bench: Bench, store: Store, questions: Any, taught: set[int]
) -> None:
    asked = [add_case(store, f"How many are {n} and 4?") for n in range(2)]
    add_attempt(store, asked[0], Verdict.CORRECT, student="small+1", round_=1)
    add_attempt(store, asked[1], Verdict.WRONG, student="small+1", round_=1)
    tuned = SMALL.changed(name="small+1", round=1)
    options = DatasetSpec(questions=questions, val_share=0)
    rows = draft_dataset(bench, student=tuned, options=options).rows
    assert {row.question_id for row in rows} == {asked[n].id for n in taught}


def test_a_dataset_of_nothing_is_refused_with_what_to_do(bench: Bench, store: Store) -> None:
    with pytest.raises(StudioError, match="there is no rationale"):
        build(bench)
    question = add_question(store, "How many are 3 and 4?")
    store.add([Rationale(question_id=question.id, teacher="gpt", text="7")])
    with pytest.raises(StudioError, match="run 'mapd-studio decide PROJECT' first"):
        build(bench)
    add_rationale(store, question, n=1, accepted=False)
    with pytest.raises(StudioError, match="lower the threshold"):
        build(bench)
    assert store.count(Dataset) == 0


def test_a_draft_stores_nothing(bench: Bench, store: Store) -> None:
    add_case(store, "How many are 3 and 4?")
    draft = draft_dataset(bench, student=SMALL)
    assert json.loads(draft.rows[0].messages)[0]["role"] == "user"
    assert store.count(Dataset) == 0
    assert store.count(Question) == 1


def test_the_released_records_give_the_rationales_the_paper_accepted(
    bench: Bench, store: Store, shared_data: Path
) -> None:
    released = sorted((shared_data / "learn_from_committee").glob("*svamp*.json"))
    import_files(store, released)
    asyncio.run(collect(GradeStage().run(bench)))
    apply_policy(store, preset("paper"), who="test")
    llama = StudentRecord(name="Llama-2-7b-chat-hf")
    manifest: Any = build_dataset(bench, student=llama).manifest
    assert manifest["teachers"]["rationale"] == {"gpt": 142, "gemini": 110, "mistral": 168}
    assert manifest["questions"] == 186
    sides = manifest["examples"]
    assert sides["train"]["rationale"] > 10 * sides["validation"]["rationale"] > 0
