"""Decisions: the policy decides, a person outranks it, everything can be taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.domain.errors import SpecError
from studio.domain.policy import PRESETS, Aggregate, Policy, rule, seen
from studio.domain.records import Grade, Question, Rationale, Review, TeacherRecord, Verdict
from studio.flow.decisions import apply_policy, override, redecide, what_if
from studio.flow.scorebook import Scorebook
from studio.flow.undo import redo, undo
from studio.store.tables import Store

PAPER, STUDIO = PRESETS["paper"], PRESETS["studio"]
TEACHERS = ("gemini", "gpt", "mistral")
Rows = list[tuple[list[int | None], Verdict]]


def fill(store: Store, rows: Rows) -> list[str]:
    """Add one question with one rationale per row: its two scores and its verdict."""
    ids = []
    for i, (scores, verdict) in enumerate(rows):
        question = Question(text=f"question {i}", gold="1")
        rationale = Rationale(question_id=question.id, teacher=TEACHERS[i % 3], text="x" * 40)
        others = [name for name in TEACHERS if name != rationale.teacher]
        store.add([question, rationale])
        store.add(
            Review(
                subject_id=rationale.id, reviewer=name, score=score,
                missing="" if score else "no score in the reply",
            )
            for name, score in zip(others, scores, strict=True)
        )  # fmt: skip
        store.add([
            Grade(subject_id=rationale.id, subject_kind="rationale", verdict=verdict,
                  grader="rules:1")
        ])  # fmt: skip
        ids.append(rationale.id)
    return ids


def accepted(store: Store) -> set[str]:
    return {r[0] for r in store.rows("SELECT rationale_id FROM final_decisions WHERE accepted")}


def test_a_person_outranks_the_policy_and_is_never_overwritten(store: Store) -> None:
    good, bad = fill(store, [([5, 5], Verdict.CORRECT), ([1, 1], Verdict.WRONG)])
    override(store, [good], "reject", who="ada", reason="unclear")
    override(store, [bad], "accept", who="ada")
    for policy in (PAPER, STUDIO, Policy(threshold=0, answer_gate=False)):
        tally = apply_policy(store, policy, who="ada")
        assert accepted(store) == {bad}
        assert (tally.accepted, tally.overridden) == (1, 2)


def test_what_if_stores_nothing(store: Store) -> None:
    fill(store, [([5, 5], Verdict.CORRECT)])
    before = list(store.sql.iterdump())
    assert what_if(store, PAPER).to_accepted == 1
    assert list(store.sql.iterdump()) == before


def test_a_missing_review_is_not_a_zero(store: Store) -> None:
    (only,) = fill(store, [([4, None], Verdict.CORRECT)])
    apply_policy(store, PAPER, who="ada")
    assert accepted(store) == {only}
    apply_policy(store, STUDIO, who="ada")
    assert accepted(store) == set()


def test_reviews_that_an_active_teacher_still_owes_are_expected(store: Store) -> None:
    fill(store, [([5, 5], Verdict.CORRECT)])
    assert what_if(store, STUDIO).accepted == 1
    for name in (*TEACHERS, "new"):
        store.put(TeacherRecord(name=name, model="m", base_url="http://127.0.0.1:1/v1"))
    assert what_if(store, STUDIO).accepted == 0


def test_every_change_can_be_taken_back_and_done_again_after_a_restart(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "p")
    ids = fill(store, [([5, 5], Verdict.CORRECT), ([2, 2], Verdict.WRONG)])
    apply_policy(store, STUDIO, who="ada")
    states = [accepted(store)]
    for step in (
        lambda: override(store, ids, "accept", who="ada"),
        lambda: override(store, ids[:1], "reject", who="ada"),
        lambda: apply_policy(store, PAPER, who="ada"),
        lambda: override(store, ids, "clear", who="ada"),
    ):
        step()
        states.append(accepted(store))
    store.close()
    store = Store(tmp_path / "p")
    for expected in reversed(states[:-1]):
        assert undo(store) is not None
        assert accepted(store) == expected
    for expected in states[1:]:
        assert redo(store) is not None
        assert accepted(store) == expected
    assert redo(store) is None
    store.close()


def test_a_new_change_ends_what_could_be_redone(store: Store) -> None:
    (only,) = fill(store, [([5, 5], Verdict.CORRECT)])
    override(store, [only], "accept", who="ada")
    undo(store)
    override(store, [only], "reject", who="ada")
    assert redo(store) is None
    undo(store)
    assert accepted(store) == set()


def test_an_unknown_rationale_is_named(store: Store) -> None:
    with pytest.raises(SpecError, match="no rationale abc"):
        override(store, ["abc"], "accept", who="ada")


rows = st.lists(
    st.tuples(
        st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=2, max_size=2),
        st.sampled_from(Verdict),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(rows=rows, threshold=st.sampled_from([0, 2.5, 3, 4.5]), gate=st.booleans())
def test_the_arrays_say_what_the_rule_says_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows, threshold: float, gate: bool
) -> None:
    store = Store.create(tmp_path_factory.mktemp("p") / "p")
    fill(store, rows)
    policy = Policy(threshold=threshold, answer_gate=gate)
    expected = [
        rule(policy, [s for s in scores if s is not None], expected=2, verdict=verdict).accepted
        for scores, verdict in rows
    ]
    assert Scorebook(store).final(policy).tolist() == expected
    assert Scorebook(store).tally(policy).accepted == sum(expected)
    store.close()


weights = st.dictionaries(st.sampled_from(TEACHERS), st.sampled_from([0, 0.5, 1, 3]))


@settings(max_examples=25, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(rows=rows, weights=weights, aggregate=st.sampled_from(Aggregate), least=st.integers(0, 2))
def test_weighed_reviewers_count_alike_in_arrays_one_by_one_and_after_an_edit(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows, weights: dict[str, float],
    aggregate: Aggregate, least: int,
) -> None:  # fmt: skip
    store = Store.create(tmp_path_factory.mktemp("p") / "p")
    ids = fill(store, rows)
    policy = Policy(
        weights=weights, aggregate=aggregate, min_reviews=least, answer_gate=False, threshold=2.5
    )
    expected = []
    for i, (scores, verdict) in enumerate(rows):
        others = [name for name in TEACHERS if name != TEACHERS[i % 3]]
        valid, due, times = seen(policy, dict(zip(others, scores, strict=True)))
        ruling = rule(policy, valid, expected=due, verdict=verdict, weights=times)
        expected.append(ruling.accepted)
    assert Scorebook(store).final(policy).tolist() == expected
    apply_policy(store, policy, who="ada")
    at_once = [tuple(row) for row in store.rows("SELECT * FROM decisions ORDER BY rationale_id")]
    for question in store.all(Question):
        redecide(store, question.id)
    again = [tuple(row) for row in store.rows("SELECT * FROM decisions ORDER BY rationale_id")]
    assert again == at_once
    assert accepted(store) == {rid for rid, yes in zip(ids, expected, strict=True) if yes}
    store.close()
