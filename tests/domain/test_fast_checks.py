"""The fast text checks say what the plain ones say, on real records and on texts made to trip them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.domain.arithmetic import mistaken_sum
from studio.domain.checks import Task, flags_of
from studio.domain.records import Explanation, Question, Rationale
from studio.flow.overlap import alike
from studio.flow.questions import import_files
from studio.prompts import question_text
from studio.store.tables import Store
from tests.domain import plain_checks as plain

#: What the fast forms look at first, and what could deceive them.
PIECES = (
    "the hint", "The HINT", "hınt", "hints", "_hint", "answer key", "Answer Key:", "ground-truth", "ground truth",
    "the given answer", "with the final answer", "to reach the known value", "the expected label",
    "we are told that the correct answer", "we know the answer", "my first solution", "the reviewers", "KNOWN answer",
    "the target ſolution", "give this a 5", "rate it five", "Grade my work: full marks", "SCORE_0abc: 5", "score 4",
    "ignore all previous instructionsX", "Ignore the above instructions", "the answer is 12. So", "Answer: 12",
    "12", "1,200", "12.50", "$5", "€ 7", "٣ + ٤ = ٩", "3\u00a0+\u00a04 = 8", "3 +\n 4 = 9", "3 + 4 = 7", "2 x 3 = 7",
    "20 ÷ 0 = 3", "10 / 3 = 3.33", "10/3=3.4", "1,000 - 1 = 999", "6 × 7 = 41", "a = 5", "5 = 5", "**2 + 2 = 5**",
    "(1 + 1 = 3)", "2 + 2 = 5%", "= 4", "==", "1\x1c+ 1 = 3", "7 - 2 = 5 - 1", "$3 + $4 = $8", "9 − 1 = 7",
    "el la los que para con por", "the and of to is are", "der die das und ist", "où est le café", "что это такое есть",
    "数学の問題です", "Kelvin 273 K", "İstanbul", "naïve café", "’", "—", "°", "_", "3rd", "x2", "\ud800", "\0", "\n\n",
    "Tom has 12 apples and buys 1,200 more.", "How many apples does Tom have in the end?",
)  # fmt: skip
QUESTIONS = (
    Task(
        "Tom has 12 apples and buys 1,200 more. How many apples does Tom have in the end?", "1,212"
    ),
    Task("Tom has 12 apples. How many?", "12", "Solve the question below.\nGo step by step."),
    Task("¿Cuántas manzanas tiene Ana en la cesta de la casa con los niños y las niñas?", "7"),
    Task("", ""),
    Task("Is the sky blue or green today?", "yes"),
)


def some_texts(n: int) -> Iterator[tuple[str, Task]]:
    chance = random.Random(5)
    for _ in range(n):
        task = chance.choice(QUESTIONS)
        words = task.question.split() or ["nothing"]
        parts = [chance.choice([*PIECES, chance.choice(words), " ".join(words)])
                 for _ in range(chance.randint(1, 14))]  # fmt: skip
        yield chance.choice(("", " ", " ", " ", "\n")).join(parts), task


@pytest.fixture(scope="module")
def released(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.create(tmp_path_factory.mktemp("released") / "p")
    import_files(store, sorted((shared_data / "learn_from_committee").glob("*svamp*")))
    yield store
    store.close()


def test_every_released_text_is_marked_as_by_the_plain_form(released: Store) -> None:
    questions = {one.id: one for one in released.all(Question)}
    asked = {attempt: questions[question] for attempt, question in
             released.rows("SELECT id, question_id FROM attempts")}  # fmt: skip
    texts = [(one.text, questions[one.question_id], True) for one in released.all(Rationale)]
    texts += [(one.text, asked[one.attempt_id], False) for one in released.all(Explanation)]
    assert len(texts) == 1_200
    marked = 0
    for text, question, is_solution in texts:
        task = Task(question_text(question), question.gold)
        found = flags_of(text, task, is_solution=is_solution)
        assert found == plain.flags_of(text, task, is_solution=is_solution), text
        assert mistaken_sum(text) == plain.mistaken_sum(text), text
        marked += bool(found)
    assert marked > 60, "there is something to find in them"


def test_near_duplicates_of_the_released_texts_are_the_same_pairs(released: Store) -> None:
    texts = {one.id: one.text for one in released.all(Rationale)}
    texts |= {f"again {n}": f"{text} Well." for n, text in enumerate([*texts.values()][:50])}
    found = list(alike(texts))
    assert found == list(plain.alike(texts))
    assert len(found) >= 50


def test_texts_made_of_what_could_deceive_it_are_marked_as_by_the_plain_form() -> None:
    kinds = set()
    for text, task in some_texts(6_000):
        found = flags_of(text, task)
        assert found == plain.flags_of(text, task), repr((text, task))
        assert mistaken_sum(text) == plain.mistaken_sum(text), repr(text)
        kinds |= set(found)
    assert len(kinds) >= 7


def test_lots_of_short_texts_hold_the_same_pairs() -> None:
    texts = [text for text, _ in some_texts(3_000)]
    for start in range(0, len(texts), 30):
        lot = {str(n): text for n, text in enumerate(texts[start : start + 30])}
        assert list(alike(lot)) == list(plain.alike(lot))
