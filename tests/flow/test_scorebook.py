"""The scorebook reads tables in one pass each; it must see what the views of the schema see."""

from __future__ import annotations

import random

import numpy as np

from studio.domain.policy import PRESETS, Policy, rule
from studio.domain.records import Grade, Question, Rationale, Review, TeacherRecord, Verdict
from studio.flow.decisions import apply_policy, override
from studio.flow.queues import QUEUES, queue_counts
from studio.flow.scorebook import Scorebook
from studio.store.tables import Store

TEACHERS = ("gemini", "gpt", "mistral")

#: The same reading, written with the views; slow, and plainly right.
BY_VIEWS = """
SELECT r.id, (SELECT group_concat(v.score) FROM current_reviews v WHERE v.subject_id = r.id),
       (SELECT count(*) FROM current_reviews v WHERE v.subject_id = r.id),
       (SELECT g.verdict FROM current_grades g WHERE g.subject_id = r.id),
       f.human, f.accepted, length(r.text)
FROM current_rationales r LEFT JOIN final_decisions f ON f.rationale_id = r.id ORDER BY r.rowid"""


def fill(store: Store, n: int, seed: int = 7) -> None:
    """Add rationales with edits, reviews tried again, missing ones, and grades by rule and hand."""
    chance = random.Random(seed)
    for i in range(n):
        question = Question(text=f"question {i}", gold="1")
        store.add([question])
        for teacher in TEACHERS:
            for revision in range(chance.choice((1, 1, 1, 3))):
                rationale = Rationale(question_id=question.id, teacher=teacher, revision=revision,
                                      text="é" * chance.randint(1, 90))  # fmt: skip
                store.add([rationale, *_reviews(chance, rationale), *_grades(chance, rationale)])


def _reviews(chance: random.Random, rationale: Rationale) -> list[Review]:
    return [
        Review(subject_id=rationale.id, reviewer=reviewer, tries=tries, missing="" if score else "?",
               score=score)
        for reviewer in TEACHERS if reviewer != rationale.teacher
        for tries in range(chance.choice((0, 1, 1, 3)))
        for score in [chance.choice((None, 1, 2, 3, 4, 5))]
    ]  # fmt: skip


def _grades(chance: random.Random, rationale: Rationale) -> list[Grade]:
    graders = chance.sample(("rules:1", "person:5", "rules:2", "person:9"), chance.randint(0, 4))
    return [
        Grade(subject_id=rationale.id, subject_kind="rationale", grader=grader,
              verdict=chance.choice(list(Verdict)))
        for grader in graders
    ]  # fmt: skip


def test_one_pass_a_table_sees_what_the_views_see(store: Store) -> None:
    fill(store, 40)
    apply_policy(store, PRESETS["paper"], who="ada")
    ids = Scorebook(store).ids
    override(store, ids[:7], "accept", who="ada")
    override(store, ids[5:12], "reject", who="ada")
    book = Scorebook(store)
    kinds, of = book.patterns(Policy())
    rows = store.rows(BY_VIEWS)
    assert book.ids == [row[0] for row in rows]
    for i, (_, scores, asked, verdict, human, accepted, chars) in enumerate(rows):
        pattern = kinds[of[i]]
        valid = sorted(int(score) for score in scores.split(",")) if scores else []
        assert list(pattern.scores) == valid
        assert pattern.expected == asked
        assert pattern.verdict == (None if verdict is None else Verdict(verdict))
        assert book.human[i] == (-1 if human is None else human)
        assert book.current[i] == accepted
        assert book.chars[i] == chars


def test_an_override_is_taken_over_as_if_it_were_read_again(store: Store) -> None:
    fill(store, 10)
    apply_policy(store, PRESETS["paper"], who="ada")
    book = Scorebook(store)
    chosen = book.ids[:6]
    override(store, chosen, "reject", who="ada")
    override(store, chosen[:2], "accept", who="ada")
    override(store, chosen[2:4], "clear", who="ada")
    book.take(book.said(store))
    read = Scorebook(store)
    np.testing.assert_array_equal(book.human, read.human)
    np.testing.assert_array_equal(book.current, read.current)
    assert book.standing.counts == read.standing.counts
    assert book.tally(PRESETS["studio"]) == read.tally(PRESETS["studio"])


def test_counting_by_cell_says_what_counting_each_rationale_says(store: Store) -> None:
    fill(store, 60)
    store.put(TeacherRecord(name="gpt", model="gpt", base_url="http://127.0.0.1:9/v1"))
    apply_policy(store, PRESETS["paper"], who="ada")
    ids = Scorebook(store).ids
    override(store, ids[:40], "accept", who="ada")
    override(store, ids[20:70], "reject", who="ada")
    book = Scorebook(store)
    for policy in (PRESETS["paper"], PRESETS["studio"], Policy(weights={"gpt": 0.0}, threshold=2)):
        kinds, of = book.patterns(policy)
        ruled = [rule(policy, kinds[n].scores, expected=kinds[n].expected, verdict=kinds[n].verdict,
                      weights=kinds[n].weights).accepted for n in of.tolist()]  # fmt: skip
        final = np.where(book.human >= 0, book.human, np.array(ruled, dtype=np.int8))
        yes, tally = final == 1, book.tally(policy)
        assert book.final(policy).tolist() == final.tolist()
        assert (tally.accepted, tally.rejected) == (int(yes.sum()), int((~yes).sum()))
        assert tally.questions_covered == len(set(book.question[yes].tolist()))
        assert tally.tokens == int(book.chars[yes].sum()) // 4
        assert tally.accepted_but_wrong == int((yes & book.has_verdict(Verdict.WRONG)).sum())
        assert tally.rejected_but_right == int((~yes & book.has_verdict(Verdict.CORRECT)).sum())
        assert tally.to_accepted == int((yes & (book.current != 1)).sum())
        assert tally.to_rejected == int((~yes & (book.current == 1)).sum())
        assert tally.overridden == 70
        said = (book.human >= 0) & (book.human == np.array(ruled))
        assert tally.agreeing_overrides == int(said.sum())
        assert tally.accepted_by_teacher == {
            name: int((yes & (book.teacher == n)).sum()) for n, name in enumerate(book.teachers)
        }


def test_queues_count_what_they_hold(store: Store) -> None:
    fill(store, 30)
    apply_policy(store, PRESETS["paper"], who="ada")
    book = Scorebook(store)
    tally = book.tally(PRESETS["paper"])
    kinds, of = book.patterns(Policy())
    counts = queue_counts(book)
    assert counts["accepted-wrong"] == tally.accepted_but_wrong
    assert counts["rejected-right"] == tally.rejected_but_right
    assert counts["none-accepted"] == len(book.question_ids) - tally.questions_covered
    apart = [p for p in (kinds[code] for code in of)
             if p.scores and max(p.scores) - min(p.scores) >= 2]  # fmt: skip
    assert counts["disagree"] == len(apart) > 0
    assert 0 < counts["missing"] < len(book)


def test_an_empty_project_has_empty_queues(store: Store) -> None:
    book = Scorebook(store)
    assert queue_counts(book) == dict.fromkeys(QUEUES, 0)
    assert book.tally(PRESETS["studio"]).accepted == 0
