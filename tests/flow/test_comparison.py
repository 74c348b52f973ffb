"""Runs beside each other: what was not measured is empty, and never taken for zero."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.cli import main
from studio.domain.records import Attempt, Grade, Question, Run, StudentRecord, Verdict
from studio.flow.comparison import round_lines, run_lines
from studio.store.tables import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.create(tmp_path / "p")
    for n, student in enumerate(("", "tuned")):
        run = Run(dataset_id="d", method="mapd", student="base", spec={}, created_at=float(n + 1))
        made.add([run])
        made.set_run_state(run.id, state="finished", step=4, steps=4)
        if student:
            made.put(StudentRecord(name=student, location="base", run_id=run.id, round=1))
    yield made
    made.close()


def sat(store: Store, student: str, verdicts: str, *, round: int = 0) -> None:
    for n, one in enumerate(verdicts):
        question = Question(text=f"{n}?", gold="1", split="test")
        attempt = Attempt(question_id=question.id, student=student, text="1", round=round)
        verdict = Verdict.CORRECT if one == "y" else Verdict.WRONG
        store.add([question, attempt])
        store.add([Grade(subject_id=attempt.id, verdict=verdict, grader="rules:1")])


def test_a_run_without_an_exam_has_no_numbers(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run_lines(store)
    assert [(one.fixed, one.broken, one.p_value) for one in lines] == [(None, None, None)] * 2
    sat(store, "tuned", "yyn", round=1)
    newest = run_lines(store)[0]
    assert newest.after is not None
    assert (newest.fixed, newest.broken) == (None, None), "nothing to compare with"
    store.intend_call("c", subject="solve/1", teacher="a", stage="solve", request_hash="r",
                      prompt_hash="p")  # fmt: skip
    store.execute("UPDATE calls SET sent_at = 1.5")
    (line,) = round_lines(store, run_lines(store))
    assert (line.calls, line.tokens_in, line.tokens_out) == (1, None, None)
    store.close()
    assert main(["compare", str(store.path)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[-3:-1] for row in rows if "finished" in row] == [["–", "–"]] * 2
    assert main(["compare", str(store.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["fixed"] is None


def test_what_was_measured_and_is_zero_says_so(store: Store) -> None:
    store.put(StudentRecord(name="base", location="base"))
    store.put(StudentRecord(name="tuned", location="base", adapter="a", round=1,
                            run_id=next(iter(store.all(Run, "created_at = 2"))).id))  # fmt: skip
    sat(store, "base", "yny")
    sat(store, "tuned", "yyy", round=1)
    newest = run_lines(store)[0]
    assert (newest.fixed, newest.broken) == (1, 0)
    (line,) = round_lines(store, run_lines(store))
    assert (line.calls, line.tokens_in) == (0, 0), "no call is no token"
