"""The list of questions: narrowed by dataset, side, verdict and words."""

from __future__ import annotations

from pathlib import Path

from studio.domain.records import Attempt, Doubt, Grade, Question, Verdict
from studio.store.question_views import Wanted, question_ids
from studio.store.tables import Store


def texts(store: Store, **wanted: str) -> list[str]:
    query, values = question_ids(Wanted(**wanted))
    ids = [one for (one,) in store.rows(query, *values)]
    found = {question.id: question.text for question in store.all(Question)}
    return [found[one] for one in ids]


def test_each_condition_narrows_and_they_add_up(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "p")
    questions = [
        Question(text=text, gold=gold, dataset=dataset, split=split, key=key)
        for text, gold, dataset, split, key in (
            ("One and one?", "2", "sums", "train", "a"),
            ("Half of 100% of it?", "50%", "sums", "train", "b_1"),
            ("Two and two?", "4", "sums", "test", "c"),
            ("Is it so?", "yes", "facts", "train", "d"),
        )
    ]  # fmt: skip
    store.add(questions)
    attempts = [
        Attempt(question_id=questions[n].id, student=who, text="x", round=round_)
        for n, who, round_ in ((0, "s", 0), (0, "s", 1), (1, "s", 0), (3, "other", 0))
    ]
    store.add(attempts)
    doubt = (Doubt(name="units", evidence="%"),)
    store.add(
        Grade(subject_id=attempt.id, subject_kind="attempt", verdict=verdict, doubts=doubts,
              grader="test")
        for attempt, verdict, doubts in zip(
            attempts, (Verdict.WRONG, Verdict.CORRECT, Verdict.WRONG, Verdict.WRONG),
            ((), (), doubt, ()), strict=True)
    )  # fmt: skip
    assert len(texts(store)) == 4
    assert texts(store, dataset="sums", split="train") == ["One and one?", "Half of 100% of it?"]
    assert texts(store, student="s", verdict="correct") == ["One and one?"]  # the newest round's
    assert texts(store, student="s", verdict="wrong") == ["Half of 100% of it?"]
    assert texts(store, student="s", verdict="doubtful") == ["Half of 100% of it?"]
    assert texts(store, student="s", verdict="none") == ["Two and two?", "Is it so?"]
    assert texts(store, student="s", verdict="none", dataset="facts") == ["Is it so?"]
    assert texts(store, words="AND") == ["One and one?", "Two and two?"]
    assert texts(store, words="0%") == ["Half of 100% of it?"]
    assert texts(store, words="%") == ["Half of 100% of it?"]
    assert texts(store, words="b_1") == ["Half of 100% of it?"]
    assert texts(store, words="_") == ["Half of 100% of it?"]
    store.close()
