"""The cost ledger: by round, stage and teacher, and what is unknown stays unknown."""

from __future__ import annotations

from studio.domain.records import Attempt, Grade, Question, Rationale, StudentRecord, Verdict
from studio.flow.cost import calls_for, ledger, ledger_by_question, total, total_of
from studio.flow.status import status
from studio.store.tables import Store
from tests.fakes import teacher


def call(store: Store, stage: str, subject: str, teacher: str, **fields: object) -> None:
    """Put a settled call into the ledger."""
    call_id = f"{stage}-{store.value('SELECT count(*) FROM calls')}"
    store.intend_call(call_id, subject=f"{stage}/{subject}", teacher=teacher, stage=stage,
                      request_hash="r", prompt_hash="p")  # fmt: skip
    values = {"state": "answered", "outcome": "answered", **fields}
    store.settle_call(call_id, **values)  # type: ignore[arg-type]


def mistake(store: Store, round_: int) -> tuple[str, str, str]:
    """Add a question that is answered wrong in a round; return it, its attempt, a rationale."""
    question = Question(text=f"question {round_}", gold="1")
    attempt = Attempt(question_id=question.id, student="small", text="2", round=round_)
    rationale = Rationale(question_id=question.id, teacher="ann/1", text="so")
    store.add([question, attempt, rationale])
    store.add([Grade(subject_id=attempt.id, verdict=Verdict.WRONG, grader="rules:1")])
    return question.id, attempt.id, rationale.id


def test_calls_are_counted_by_the_round_that_made_them_necessary(store: Store) -> None:
    for round_ in (0, 2):
        question, attempt, rationale = mistake(store, round_)
        call(
            store, "explain", f"{attempt}/ann/1", "ann/1", tokens_in=10, tokens_out=5, cost_usd=0.5
        )
        call(store, "solve", f"{question}/ann/1", "ann/1", tokens_in=7, tokens_out=3, cost_usd=0.25)
        call(store, "review", f"{rationale}/0/bob", "bob", tokens_in=4, tokens_out=1)
    call(store, "review", f"{rationale}/1/bob", "bob", state="failed", outcome="offline")
    call(store, "solve", "0123456789abcdef/bob", "bob", state="unknown", outcome="unknown")
    found = {(one.round, one.stage, one.teacher): one for one in ledger(store)}
    assert len(found) == 7
    assert found[2, "explain", "ann/1"].cost_usd == 0.5
    assert found[0, "solve", "ann/1"][3:] == (1, 0, 0, 7, 3, 0.25, 0)
    assert found[2, "review", "bob"][3:] == (2, 1, 0, 4, 1, None, 1)
    assert found[None, "solve", "bob"][3:] == (1, 0, 1, None, None, None, 1)
    whole = total(ledger(store))
    assert (whole.calls, whole.failed, whole.unknown) == (8, 1, 1)
    assert (whole.cost_usd, whole.unpriced) == (1.5, 3)
    assert len(status(store)["ledger"]) == 7


def test_without_a_known_price_the_sum_is_unknown_and_not_nothing(store: Store) -> None:
    call(store, "solve", "x/ann", "ann", tokens_in=4, tokens_out=1)
    assert total(ledger(store)).cost_usd is None
    assert total([]).cost_usd is None


def test_calls_are_counted_by_question_also_those_that_came_to_nothing(store: Store) -> None:
    dear, attempt, rationale = mistake(store, 0)
    cheap, _, _ = mistake(store, 1)
    call(store, "explain", f"{attempt}/ann", "ann", tokens_in=10, tokens_out=5, cost_usd=0.5)
    call(store, "solve-2", f"{dear}/ann", "ann", state="failed", outcome="offline")
    call(store, "review", f"{rationale}/0/bob", "bob", tokens_in=4, tokens_out=1)
    call(store, "solve", f"{cheap}/ann", "ann", tokens_in=7, tokens_out=3, cost_usd=0.25)
    call(store, "solve", "0123456789abcdef/ann", "ann", state="unknown", outcome="unknown")
    store.execute("UPDATE calls SET stage = 'solve' WHERE stage = 'solve-2'")
    found = ledger_by_question(store)
    assert [(one.question, *one[3:]) for one in found] == [
        (dear, 3, 1, 0, 14, 6, 0.5, 1), (cheap, 1, 0, 0, 7, 3, 0.25, 0),
        ("", 1, 0, 1, None, None, None, 1),
    ]  # fmt: skip
    assert found[0].text == "question 0"
    assert [one.outcome for one in calls_for(store, dear)] == ["answered", "offline", "answered"]
    assert total_of(calls_for(store, dear))[3:] == (3, 1, 0, 14, 6, 0.5, 1)


def test_the_exam_of_a_student_behind_an_endpoint_is_of_its_round(store: Store) -> None:
    store.put(StudentRecord(name="small+ab", location="http://127.0.0.1:9/v1#small", round=2))
    question, _, _ = mistake(store, 2)
    call(store, "attempt", f"{question}/small+ab/2/x", "small+ab", tokens_in=3, tokens_out=2)
    (line,) = ledger(store)
    assert (line.stage, line.round) == ("attempt", 2)
    assert ledger_by_question(store)[0].question == question


def test_calls_of_scripted_teachers_cost_nothing_also_where_no_cost_was_noted(store: Store) -> None:
    store.put(teacher("script", "scripted:demo", scripted=True))
    question, _, _ = mistake(store, 0)
    call(store, "solve", f"{question}/script", "script", tokens_in=7, tokens_out=3)
    (line,) = ledger_by_question(store)
    assert (line.cost_usd, line.unpriced) == (0.0, 0)
    assert total_of(calls_for(store, question)).cost_usd == 0.0
