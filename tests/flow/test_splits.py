"""Held-out questions: drawn evenly, apart from their near duplicates, never after training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.domain.errors import SpecError
from studio.domain.records import Question, Run
from studio.flow.formats.columns import guessed
from studio.flow.overlap import alike, overlapping, pairs
from studio.flow.splits import hold_out, overlaps
from studio.flow.undo import redo, undo
from studio.store.tables import Store

NAMES = ("Ann", "Bob", "Cid", "Dora", "Eve", "Finn", "Gus", "Hal", "Ida", "Jon")


def question(n: int, **fields: object) -> Question:
    text = f"{NAMES[n % 10]} has {n} apples and buys {n + 3} more at shop {n}. How many has {NAMES[n % 10]}?"
    return Question(text=text, gold=str(2 * n + 3), **fields)  # type: ignore[arg-type]


def of_split(store: Store, split: str) -> list[str]:
    return [q.id for q in store.all(Question, "split = ?", split)]


def test_the_draw_is_even_over_kinds_the_same_each_time_and_can_be_undone(store: Store) -> None:
    store.add(question(n, kind="easy" if n < 60 else "hard") for n in range(100))
    before = of_split(store, "train")
    moved = hold_out(store, share=0.2, who="ada")
    assert sorted(moved) == sorted(of_split(store, "test"))
    kinds = [store.get(Question, qid).kind for qid in moved]  # type: ignore[union-attr]
    assert (kinds.count("easy"), kinds.count("hard")) == (12, 8)
    assert undo(store) == "20 questions held out"
    assert of_split(store, "train") == before
    assert hold_out(store, share=0.2, who="ada") == moved
    undo(store)
    redo(store)
    assert len(of_split(store, "test")) == 20
    assert sorted(hold_out(store, share=0.2, who="ada", seed=1)) != sorted(moved)


def test_near_duplicates_stay_on_one_side(store: Store) -> None:
    store.add(question(n) for n in range(40))
    store.add(Question(text=question(n).text.replace("How many", "How many apples"), gold="1")
              for n in range(40))  # fmt: skip
    moved = hold_out(store, share=0.3, who="ada")
    assert len(moved) == 24
    assert overlaps(store).across == ()
    assert len(overlaps(store).train) == 28


def test_what_a_run_was_trained_on_is_never_held_out(store: Store) -> None:
    store.add(question(n) for n in range(10))
    taught = of_split(store, "train")[:8]
    store.add([Run(dataset_id="d", method="mapd", student="small", spec={}, created_at=1.0)])
    for n, qid in enumerate(taught):
        store.execute(
            "INSERT INTO examples VALUES ('d', ?, 'rationale', ?, 's', 'train', '[]', '')", n, qid
        )
    moved = hold_out(store, share=0.5, who="ada")
    assert (
        set(moved)
        == set(of_split(store, "test"))
        == set(of_split(store, "train") + moved) - set(taught)
    )


@pytest.mark.parametrize(
    ("share", "dataset"), [(0, ""), (1, ""), (-0.5, ""), (0.5, "none such"), (0.01, "")]
)
def test_a_share_that_moves_nothing_is_one_clear_line(
    store: Store, share: float, dataset: str
) -> None:
    store.add(question(n) for n in range(4))
    with pytest.raises(SpecError) as caught:
        hold_out(store, share=share, dataset=dataset, who="ada")
    assert "\n" not in str(caught.value)
    assert len(of_split(store, "train")) == 4


def test_only_one_dataset_is_drawn_from(store: Store) -> None:
    store.add(question(n, dataset="a" if n < 10 else "b") for n in range(20))
    moved = hold_out(store, share=0.5, dataset="b", who="ada")
    assert {store.get(Question, qid).dataset for qid in moved} == {"b"}  # type: ignore[union-attr]
    assert len(moved) == 5


def test_pairs_name_the_likest_and_lots_name_each_pair_once() -> None:
    train = {
        "t1": "Ann has 3 red apples in a big round basket at home",
        "t2": "Ann has 4 red apples",
    }
    test = {
        "h1": "Ann has 3 red apples in a big basket at home",
        "h2": train["t1"].upper(),
        "h3": "3 4",
    }
    assert [(p.one, p.other, p.likeness) for p in pairs(train, test)] == [("t1", "h2", 1.0)]
    (pair,) = alike(test)
    assert {pair.one, pair.other} == {"h1", "h2"}
    assert 0.85 <= pair.likeness < 1
    assert [p.likeness for p in alike({"a": "3 4", "b": "3, 4", "c": "4 3"})] == [1.0]


def test_columns_are_guessed_from_what_others_call_them() -> None:
    assert guessed(["ID", "Problem", "Final_Answer", "choices"]) == {
        "question": "Problem", "answer": "Final_Answer", "options": "choices", "key": "ID",
    }  # fmt: skip
    assert guessed(["question", "problem", "label"]) == {"question": "question", "answer": "label"}
    assert guessed(["x", "y"]) == {}


def test_the_verb_moves_and_tells(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "p")
    store.add(question(n) for n in range(10))
    store.add([Question(text=question(3).text + " now?", gold="1", split="test")])
    store.close()
    verb = [sys.executable, "-m", "studio", "split", str(tmp_path / "p")]
    shown = subprocess.run(verb, capture_output=True, text=True, check=True).stdout
    assert "in both    1 train questions; they are never trained on" in shown
    done = subprocess.run(
        [*verb, "--hold-out", "0.3", "--json"], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert (told["train"], told["test"], len(told["moved"])) == (7, 4, 3)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("What is 12 + 3?", "What is 12 * 3?", False),
        ("What is 12 - 3?", "what is 12-3", True),
        ("2(3)", "2-(3)", False),
        ("A well-known shop sells 3 pears.", "A well-known shop sells 3 pears!", True),
        ("Is a 3-year-old dog old?", "Is a 3 year old dog old?", True),
    ],
)
def test_sums_that_reckon_otherwise_are_other_questions(one: str, other: str, same: bool) -> None:
    assert bool(overlapping({"a": one}, [other])) is same
