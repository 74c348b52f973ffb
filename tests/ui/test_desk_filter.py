"""Filters and orders over whole columns say what the records say, one by one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.domain.policy import PRESETS
from studio.domain.records import Attempt, Doubt, Grade, Question, Rationale, Review, Verdict
from studio.flow.casebook import Casebook, first_on_desk
from studio.flow.decisions import apply_policy, override
from studio.flow.scorebook import Scorebook
from studio.store.tables import Store
from studio.ui.desk_filter import Filter, find
from studio.ui.filter_words import chips, offered

TEACHERS = ("gemini", "gpt", "mistral")
Case = dict[str, Any]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, list[Case]]]:
    """A project of random cases, and the same cases as plain dictionaries."""
    chance, store, cases = random.Random(3), Store.create(tmp_path_factory.mktemp("f") / "p"), []
    for n in range(60):
        question = Question(
            text=f"question {n}", gold="1", dataset=f"set {n % 3}", kind=("", "rates")[n % 2],
            split="test" if n % 10 == 0 else "train",
        )  # fmt: skip
        store.add([question])
        cases.append({"id": question.id, "dataset": question.dataset, "kind": question.kind,
                      "split": question.split, "row": n, "attempts": _attempts(store, question, chance),
                      "rationales": _rationales(store, question, chance)})  # fmt: skip
    apply_policy(store, PRESETS["paper"], who="ada")
    ids = [r["id"] for case in cases for r in case["rationales"]]
    override(store, ids[::7], "accept", who="ada")
    decided = {row[0]: row[1:] for row in store.rows(
        "SELECT rationale_id, accepted, human FROM final_decisions")}  # fmt: skip
    for case in cases:
        for one in case["rationales"]:
            one["accepted"], one["human"] = decided[one["id"]]
    yield store, cases
    store.close()


def _attempts(store: Store, question: Question, chance: random.Random) -> list[Case]:
    made = []
    for round_ in range(chance.randint(0, 2)):
        student, verdict = chance.choice(("small", "tiny")), chance.choice(list(Verdict))
        names = chance.sample(("gold stated", "units"), chance.randint(0, 2))
        attempt = Attempt(question_id=question.id, student=student, round=round_, text="so")
        doubts = tuple(Doubt(name=name, evidence="x") for name in names)
        store.add([attempt])
        store.add([Grade(subject_id=attempt.id, verdict=verdict, grader="rules:1", doubts=doubts)])
        made.append({"student": student, "round": round_, "verdict": verdict, "doubts": names})
    return made


def _rationales(store: Store, question: Question, chance: random.Random) -> list[Case]:
    made = []
    for teacher in chance.sample(TEACHERS, chance.choice((0, 1, 3))):
        text, revision = "x" * chance.randint(1, 900), chance.choice((0, 0, 1))
        newest = None
        for number in range(revision + 1):
            newest = Rationale(question_id=question.id, teacher=teacher, text=text, revision=number)
            store.add([newest])
        assert newest is not None
        scores = {name: chance.choice((None, 1, 2, 3, 4, 5))
                  for name in TEACHERS if name != teacher and chance.random() < 0.8}  # fmt: skip
        store.add([Review(subject_id=newest.id, reviewer=name, score=score)
                   for name, score in scores.items()])  # fmt: skip
        verdict = chance.choice([*Verdict, None])
        if verdict:
            store.add([Grade(subject_id=newest.id, subject_kind="rationale", verdict=verdict,
                             grader="rules:1")])  # fmt: skip
        valid = [score for score in scores.values() if score]
        made.append({"id": newest.id, "teacher": teacher, "asked": set(scores), "verdict": verdict,
                     "scores": valid, "tokens": len(text) / 4, "edited": revision > 0})  # fmt: skip
    return made


def _mean(scores: list[int]) -> float:
    return sum(scores) / len(scores) if scores else float("nan")


def _gap(scores: list[int]) -> int:
    return max(scores) - min(scores) if scores else -1


Holds = Callable[[Case], bool]
RATIONALE: dict[str, tuple[dict[str, Any], Holds]] = {
    "accepted": ({"state": "accepted"}, lambda r: r["accepted"] == 1),
    "by hand": ({"state": "by-hand"}, lambda r: r["human"] is not None),
    "edited": ({"state": "edited"}, lambda r: bool(r["edited"])),
    "teacher": ({"teacher": "gpt"}, lambda r: r["teacher"] == "gpt"),
    "nobody": ({"teacher": "nobody"}, lambda r: False),
    "reviewer": ({"reviewer": "gemini"}, lambda r: "gemini" in r["asked"]),
    "verdict": ({"verdict": "wrong"}, lambda r: r["verdict"] == "wrong"),
    "ungraded": ({"verdict": "ungraded"}, lambda r: r["verdict"] is None),
    "mean": ({"mean_from": 2.0, "mean_to": 4.0}, lambda r: 2 <= _mean(r["scores"]) <= 4),
    "gap": ({"gap_from": 2}, lambda r: _gap(r["scores"]) >= 2),
    "tokens": ({"tokens_from": 50, "tokens_to": 150}, lambda r: 50 <= r["tokens"] <= 150),
    "queue": ({"queue": "accepted-wrong"}, lambda r: r["accepted"] == 1 and r["verdict"] == "wrong"),
}  # fmt: skip
QUESTION: dict[str, tuple[dict[str, Any], Holds]] = {
    "dataset": ({"dataset": "set 1"}, lambda c: c["dataset"] == "set 1"),
    "kind": ({"kind": "rates"}, lambda c: c["kind"] == "rates"),
    "split": ({"split": "test"}, lambda c: c["split"] == "test"),
    "student": ({"student": "tiny", "round": 1},
                lambda c: any(a["student"] == "tiny" and a["round"] == 1 for a in c["attempts"])),
    "round": ({"round": 0}, lambda c: any(a["round"] == 0 for a in c["attempts"])),
    "answer": ({"answer": "correct"}, lambda c: any(a["verdict"] == "correct" for a in c["attempts"])),
    "doubt": ({"doubt": "units"}, lambda c: any("units" in a["doubts"] for a in c["attempts"])),
    "any doubt": ({"doubt": "any"}, lambda c: any(a["doubts"] for a in c["attempts"])),
    "no doubt": ({"doubt": "none"}, lambda c: any(not a["doubts"] for a in c["attempts"])),
    "doubtful": ({"queue": "doubtful"}, lambda c: any(
        a["doubts"] and a["verdict"] == "wrong" for a in c["attempts"])),
}  # fmt: skip


def _on_desk(case: Case) -> bool:
    mistaken = any(a["verdict"] == "wrong" for a in case["attempts"])
    return bool(case["rationales"]) or (case["split"] == "train" and mistaken)


@pytest.mark.parametrize("name", RATIONALE)
@pytest.mark.parametrize("other", ["", "dataset", "any doubt"])
def test_a_filter_of_rationales_keeps_questions_with_one_that_holds(
    filled: tuple[Store, list[Case]], name: str, other: str
) -> None:
    store, cases = filled
    fields, holds = RATIONALE[name]
    more, also = QUESTION[other] if other else ({}, lambda case: True)
    book = Scorebook(store)
    found = find(store, Filter(**fields, **more), Casebook(store), book)
    kept = {c["id"]: [r["id"] for r in c["rationales"] if holds(r)] for c in cases if also(c)}
    assert list(found.question_ids) == [question for question, ids in kept.items() if ids]
    assert set(found.rationale_ids(book)) == {one for ids in kept.values() for one in ids}


@pytest.mark.parametrize("name", QUESTION)
def test_a_filter_of_questions_keeps_those_that_hold(
    filled: tuple[Store, list[Case]], name: str
) -> None:
    store, cases = filled
    fields, holds = QUESTION[name]
    book = Scorebook(store)
    found = find(store, Filter(**fields), Casebook(store), None)
    kept = [case for case in cases if _on_desk(case) and holds(case)]
    assert list(found.question_ids) == [case["id"] for case in kept]
    assert kept
    everything = {r["id"] for case in kept for r in case["rationales"]}
    assert set(found.rationale_ids(book)) == everything


@pytest.mark.parametrize("largest_first", [False, True])
@pytest.mark.parametrize("by", ["mean", "gap", "tokens", "doubt", "question", "date"])
def test_an_order_is_that_of_the_values_and_what_has_none_comes_last(
    filled: tuple[Store, list[Case]], by: str, largest_first: bool
) -> None:
    store, cases = filled
    values = {}
    for case in cases:
        scores = [score for r in case["rationales"] for score in r["scores"]]
        rows = [store.value("SELECT rowid FROM rationales WHERE id = ?", r["id"])
                for r in case["rationales"]]  # fmt: skip
        tokens = sum(r["tokens"] for r in case["rationales"])
        values[case["id"]] = {
            "mean": _mean(scores), "gap": _gap(scores) if scores else np.nan,
            "tokens": tokens if rows else np.nan, "date": max(rows, default=np.nan),
            "doubt": sum(bool(a["doubts"]) for a in case["attempts"]), "question": case["row"],
        }[by]  # fmt: skip
    found = find(store, Filter(sort=((by, largest_first),)), Casebook(store), Scorebook(store))
    shown = np.array([values[one] for one in found.question_ids], dtype=float)
    known = shown[~np.isnan(shown)]
    assert len(shown) == sum(map(_on_desk, cases))
    assert not np.isnan(shown[: len(known)]).any()
    steps = np.diff(known)
    assert (steps <= 0).all() if largest_first else (steps >= 0).all()
    assert steps.any()


def test_a_second_column_orders_what_the_first_leaves_equal(
    filled: tuple[Store, list[Case]],
) -> None:
    store, _ = filled
    cases, book = Casebook(store), Scorebook(store)
    found = find(store, Filter(sort=(("gap", True), ("question", True))), cases, book)
    places = [cases.ids.find(one) for one in found.question_ids]
    alone = find(store, Filter(sort=(("gap", True),)), cases, book)
    assert places != sorted(places)
    assert [cases.ids.find(one) for one in alone.question_ids] != places
    assert set(alone.question_ids) == set(found.question_ids)


def test_the_first_page_is_the_start_of_the_list(filled: tuple[Store, list[Case]]) -> None:
    store, _ = filled
    everything = find(store, Filter(), Casebook(store), None)
    assert list(first_on_desk(store)) == list(everything.question_ids)


def test_an_empty_project_has_an_empty_desk(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "p")
    cases, book = Casebook(store), Scorebook(store)
    for wanted in (Filter(), Filter(state="accepted", sort=(("mean", True),)), Filter(doubt="any")):
        assert list(find(store, wanted, cases, book).question_ids) == []
    assert not offered(cases, book).teacher
    store.close()


def test_a_stored_filter_comes_back_and_nonsense_is_left_out() -> None:
    wanted = Filter(state="accepted", round=0, mean_from=2.5, sort=(("mean", True), ("gap", False)))
    assert Filter.of_json(wanted.as_json()) == wanted
    assert [text for text, _ in chips(wanted)] == [
        "decision: Accepted", "round 0", "mean ≥ 2.50", "sorted by mean score ↓",
        "sorted by gap between scores ↑",
    ]  # fmt: skip
    odd = {"mean_from": "much", "state": 3, "later": 1, "sort": [["colour", True], 5, [["gap"], 1]]}
    assert Filter.of_json(odd) == Filter()


def test_every_column_is_answered_from_an_index_alone(store: Store) -> None:
    from studio.store import scorebook_views as views

    for name in ("RATIONALES", "RATIONALE_IDS", "ATTEMPT_IDS", "QUESTION_IDS", "REVIEWS", "GRADES",
                 "ATTEMPTS", "SOLVED"):  # fmt: skip
        plan = [
            row[3] for row in store.rows(f"EXPLAIN QUERY PLAN {getattr(views, name)}", "0", "1")
        ]
        assert any("USING COVERING INDEX" in step for step in plan), (name, plan)
    plan = [row[3] for row in store.rows(f"EXPLAIN QUERY PLAN {views.QUESTIONS}", "x")]
    assert any("USING COVERING INDEX" in step for step in plan)


def test_what_matched_is_still_meant_when_the_scores_are_read_anew(tmp_path: Path) -> None:
    chance, store = random.Random(5), Store.create(tmp_path / "p")
    for n in range(20):
        question = Question(text=f"question {n}", gold="1")
        store.add([question])
        _rationales(store, question, chance)
    old = Scorebook(store)
    found = find(store, Filter(teacher="gpt"), Casebook(store), old)
    before = found.rationale_ids(old)
    late = Question(text="late", gold="1")
    store.add([late, Rationale(question_id=late.id, teacher="gpt", text="new")])
    book = Scorebook(store)
    assert len(book) == len(old) + 1
    assert before
    assert found.rationale_ids(book) == before
    assert found.first_at(book, found.question_ids[0]) == ""
    assert found.first_at(old, found.question_ids[0]) in before
    store.close()
