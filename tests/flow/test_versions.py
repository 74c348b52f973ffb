"""Versions of the rule: found by number or name, compared setting by setting and row by row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio.cli import main
from studio.domain.errors import SpecError
from studio.domain.policy import PRESETS, Policy
from studio.domain.records import Question, Rationale, Review, StudentRecord, Verdict
from studio.domain.specs import DatasetSpec
from studio.flow.dataset import draft_dataset
from studio.flow.decisions import apply_policy, override
from studio.flow.scorebook import Scorebook
from studio.flow.stage import Bench
from studio.flow.training_size import TrainingSize
from studio.flow.versions import compare, find, versions
from studio.store.tables import Store
from tests.curated import STUDENT, add_attempt, add_case, add_question, bench, launcher

__all__ = ["bench", "launcher"]

PAPER = PRESETS["paper"]


def fill(store: Store) -> list[str]:
    """Four rationales of one author, reviewed by ann and bob."""
    ids = []
    for n, (ann, bob) in enumerate([(5, 5), (5, 1), (2, 4), (1, 1)]):
        question = Question(text=f"question {n}", gold="1")
        rationale = Rationale(question_id=question.id, teacher="cat", text="x" * 40)
        store.add([question, rationale,
                   Review(subject_id=rationale.id, reviewer="ann", score=ann),
                   Review(subject_id=rationale.id, reviewer="bob", score=bob)])  # fmt: skip
        ids.append(rationale.id)
    return ids


def test_two_versions_are_told_apart_by_settings_and_by_rows(store: Store) -> None:
    ids = fill(store)
    apply_policy(store, PAPER, who="eve")
    without = Policy(name="without bob", answer_gate=False, min_reviews=1, threshold=3.5,
                     weights={"bob": 0})  # fmt: skip
    apply_policy(store, without, who="eve")
    override(store, ids[1:2], "reject", who="eve")
    first, second = find(store, "1"), find(store, "without bob")
    assert [one.title for one in versions(store)] == ["v2 without bob", "v1 paper"]
    found = compare(Scorebook(store), first, second)
    assert [tuple(one) for one in found.settings] == [
        ("score above", "3", "3.5"), ("reviewer bob", "counts once", "left out"),
    ]  # fmt: skip
    # (5, 1) has mean 3, and 5 without bob; a person has rejected it, and that stays
    assert (found.to_accepted, found.to_rejected, found.by_hand) == (1, 0, 1)
    assert Scorebook(store).final(without).tolist() == [1, 0, 0, 0]


def test_a_rule_under_a_new_name_is_a_version_of_its_own(store: Store) -> None:
    fill(store)
    apply_policy(store, PAPER, who="eve")
    apply_policy(store, PAPER.model_copy(update={"name": "agreed on"}), who="eve")
    apply_policy(store, PAPER.model_copy(update={"name": "agreed on"}), who="eve")
    assert [one.key for one in versions(store)] == ["2", "1"]
    assert find(store, "agreed on").policy.id == PAPER.id
    assert compare(Scorebook(store), find(store, "1"), find(store, "paper")).settings == []
    with pytest.raises(SpecError, match="choose one of 2, 1, paper, studio"):
        find(store, "strict")


def test_the_verbs_weigh_name_compare_and_return(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = fill(store)
    project = str(store.path)
    store.close()

    def say(*arguments: str) -> dict[str, object]:
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]

    assert say("decide", project, "--preset", "paper")["accepted"] == 1
    tried = say("decide", project, "--weight", "ann=3", "--what-if")
    assert (tried["accepted"], tried["changed"]) == (2, {"to_accepted": 1, "to_rejected": 0})
    kept = say("decide", project, "--leave-out", "ann", "--name", "bob alone")
    assert kept["policy"]["weights"] == {"ann": 0}  # type: ignore[index]
    assert kept["accepted"] == 2
    assert kept["steps"] == 3  # two examples a pass, three passes
    said = say("policies", project, "paper", "bob alone")
    assert said["changed"] == {"to_accepted": 1, "to_rejected": 0}
    assert [one["version"] for one in say("policies", project)["policies"]] == ["2", "1"]  # type: ignore[attr-defined]
    assert say("decide", project, "--version", "1")["accepted"] == 1
    assert main(["decide", project, "--leave-out", "dan"]) == 1
    assert "reviewers are: ann, bob" in capsys.readouterr().err
    assert main(["policies", project, "1"]) == 1
    assert "name two versions" in capsys.readouterr().err
    reopened = Store(store.path)
    assert Scorebook(reopened).ids == ids
    reopened.close()


def test_steps_follow_the_projects_own_training_settings(store: Store) -> None:
    fill(store)
    book = Scorebook(store)
    chosen = book.has_verdict(Verdict.CORRECT) | True
    everything = chosen, book.covered(chosen)
    assert TrainingSize(store, book).steps(*everything) == 3
    store.set_setting("training", {"epochs": 10, "batch_examples": 1, "data": {"val_share": 0}})
    assert TrainingSize(store, book).steps(*everything) == 40
    store.set_setting("training", {"epochs": 10, "batch_examples": 1, "max_steps": 7})
    assert TrainingSize(store, book).steps(*everything) == 7
    assert TrainingSize(store, book).steps(~chosen, ~everything[1]) == 0


@pytest.mark.parametrize("data", [
    {"val_share": 0.0}, {"val_share": 0.05}, {"val_share": 0.4}, {"val_share": 0.9},
    {"val_share": 0.3, "seed": 5}, {"val_share": 0.2, "explanations": False},
    {"val_share": 0.2, "replay": 0.5},
])  # fmt: skip
def test_the_steps_are_those_of_the_dataset_that_is_built(
    bench: Bench, store: Store, data: dict[str, Any]
) -> None:
    for n in range(25):
        add_case(store, f"How many are {n} and 4?")
        if n % 3 == 0:
            add_attempt(store, add_question(store, f"What is {n} and 9?"), Verdict.CORRECT)
    student = StudentRecord(name=STUDENT, location="x")
    store.set_setting("student", student.name)
    store.set_setting("training", {"epochs": 1, "batch_examples": 1, "data": data})
    draft = draft_dataset(bench, student=student, options=DatasetSpec(**data))
    book = Scorebook(store)
    chosen = book.cells.each(book.cells.current == 1)
    steps = TrainingSize(store, book).steps(chosen, book.covered(chosen))
    assert steps == sum(draft.dataset.manifest["examples"]["train"].values())


def test_the_steps_are_counted_as_epochs_are_written(bench: Bench, store: Store) -> None:
    for n in range(25):
        add_case(store, f"How many are {n} and 4?", teachers=("gpt",))
    store.set_setting("student", STUDENT)
    data = {"val_share": 0, "explanations": False}
    store.set_setting("training", {"epochs": "2.2", "batch_examples": 1, "data": data})
    book = Scorebook(store)
    chosen = book.cells.each(book.cells.current == 1)
    assert TrainingSize(store, book).steps(chosen, book.covered(chosen)) == 55
