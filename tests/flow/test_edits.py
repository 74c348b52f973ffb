"""A person's edits: what was there stays a fact, everything can be taken back, also after a restart."""

from __future__ import annotations

import pytest

from studio.domain.errors import SpecError
from studio.domain.policy import PRESETS, Policy
from studio.domain.records import (
    Attempt,
    Grade,
    Question,
    Rationale,
    Review,
    TeacherRecord,
    Verdict,
)
from studio.flow.decisions import apply_policy, override
from studio.flow.edits import Note, correct_gold, edit_rationale, note_of, write_note
from studio.flow.grades import GRADER, mark_not_a_mistake
from studio.flow.reviewers import calibrate
from studio.flow.reviews import ReviewStage
from studio.flow.scorebook import Scorebook
from studio.flow.status import status
from studio.flow.undo import actions_about, next_changes, redo, undo
from studio.store.tables import Store

QUESTION = Question(text="How many are 3 and 4?", gold="7")
ATTEMPT = Attempt(question_id=QUESTION.id, student="small", text="Answer: 8")
OURS = Rationale(question_id=QUESTION.id, teacher="a", text="3 + 4 = 8.\nAnswer: 8", call_id="c1")


@pytest.fixture
def filled(store: Store) -> Store:
    """One question, a mistake, a wrong rationale that both reviewers let pass."""
    for name in ("a", "b", "c"):
        store.put(TeacherRecord(name=name, model="m", base_url="http://localhost/v1"))
    store.add([QUESTION, ATTEMPT, OURS])
    store.add([
        Grade(subject_id=ATTEMPT.id, verdict=Verdict.WRONG, extracted="8", grader=GRADER),
        Grade(subject_id=OURS.id, subject_kind="rationale", verdict=Verdict.WRONG, extracted="8",
              grader=GRADER),
        *(Review(subject_id=OURS.id, reviewer=name, score=5) for name in ("b", "c")),
    ])  # fmt: skip
    apply_policy(store, PRESETS["studio"], who="ada")
    return store


def current(store: Store) -> Rationale:
    (only,) = store.all(Rationale, view="current_rationales")
    return only


def decided(store: Store, rationale_id: str) -> tuple[int | None, int | None, str]:
    row = store.one("SELECT * FROM final_decisions WHERE rationale_id = ?", rationale_id)
    assert row is not None
    return row["automatic"], row["human"], row["reason"]


def verdict(store: Store, subject_id: str) -> str:
    return str(store.value("SELECT verdict FROM current_grades WHERE subject_id = ?", subject_id))


def test_an_edit_is_a_record_of_its_own_and_the_original_stays(filled: Store) -> None:
    edited = edit_rationale(filled, OURS.id, "3 + 4 = 7.\nAnswer: 7", who="ada")
    assert current(filled) == edited
    assert (edited.revision, edited.edited_by, edited.call_id) == (1, "ada", "")
    assert filled.get(Rationale, OURS.id) == OURS
    assert verdict(filled, edited.id) == "correct"
    assert decided(filled, edited.id) == (0, None, "no valid review")
    assert Scorebook(filled).ids == [edited.id]


def test_an_edit_can_be_sent_to_review_again(filled: Store) -> None:
    assert ReviewStage().todo(filled) == 0
    edited = edit_rationale(filled, OURS.id, "3 + 4 = 7.\nAnswer: 7", who="ada")
    assert ReviewStage().todo(filled) == 2
    filled.add(Review(subject_id=edited.id, reviewer=name, score=4) for name in ("b", "c"))
    apply_policy(filled, PRESETS["studio"], who="ada")
    assert decided(filled, edited.id)[0] == 1


def test_reviews_of_what_an_edit_replaced_are_counted_nowhere(filled: Store) -> None:
    def counted() -> tuple[int, int]:
        return status(filled)["reviews"]["valid"], sum(
            card.n_valid for card in calibrate(filled).cards
        )

    assert counted() == (2, 2)
    edited = edit_rationale(filled, OURS.id, "3 + 4 = 7.\nAnswer: 7", who="ada")
    assert counted() == (0, 0)
    filled.add([Review(subject_id=edited.id, reviewer="b", score=4)])
    assert counted() == (1, 1)
    undo(filled)
    assert counted() == (2, 2)


def test_an_edit_with_its_acceptance_is_one_action_undone_and_redone(filled: Store) -> None:
    edited = edit_rationale(filled, OURS.id, "It is 7.\nAnswer: 7", who="ada", accept=True)
    assert decided(filled, edited.id)[:2] == (0, 1)
    assert next_changes(filled) == ("a rationale edited and accepted", None)
    filled.add([Review(subject_id=edited.id, reviewer="b", score=5)])  # bought meanwhile
    path = filled.path
    filled.close()
    again = Store(path)
    assert undo(again) == "a rationale edited and accepted"
    assert current(again) == OURS
    assert Scorebook(again).ids == [OURS.id]
    assert again.get(Rationale, edited.id) == edited  # withdrawn, with what was paid for it
    assert again.value("SELECT count(*) FROM reviews WHERE subject_id = ?", edited.id) == 1
    assert again.value("SELECT count(*) FROM overrides") == 0
    redo(again)
    assert current(again) == edited
    assert decided(again, edited.id)[1] == 1
    again.close()


def test_an_edit_of_an_edit_goes_back_step_by_step(filled: Store) -> None:
    first = edit_rationale(filled, OURS.id, "Answer: 7", who="ada")
    second = edit_rationale(filled, first.id, "It is 7. Answer: 7", who="bob")
    assert current(filled) == second
    undo(filled)
    assert current(filled) == first
    third = edit_rationale(filled, first.id, "So: 7. Answer: 7", who="bob")
    assert third.revision == 3  # the number of what was taken back is not given again
    undo(filled)
    undo(filled)
    assert current(filled) == OURS


@pytest.mark.parametrize("text", ["", "  \n", OURS.text, f"  {OURS.text}\n"])
def test_an_edit_that_changes_nothing_is_refused(filled: Store, text: str) -> None:
    with pytest.raises(SpecError):
        edit_rationale(filled, OURS.id, text, who="ada")
    assert filled.count(Rationale) == 1


def test_a_corrected_gold_answer_grades_and_decides_everything_anew(filled: Store) -> None:
    assert decided(filled, OURS.id) == (0, None, "own answer is wrong")
    assert correct_gold(filled, QUESTION.id, " 8 ", who="ada", why="misprint") == 2
    assert (verdict(filled, ATTEMPT.id), verdict(filled, OURS.id)) == ("correct", "correct")
    assert decided(filled, OURS.id)[0] == 1
    assert filled.count(Grade) == 4  # the history is kept
    undo(filled)
    question = filled.get(Question, QUESTION.id)
    assert question is not None
    assert question.gold == "7"
    assert (verdict(filled, ATTEMPT.id), decided(filled, OURS.id)[0]) == ("wrong", 0)
    redo(filled)
    assert (verdict(filled, ATTEMPT.id), decided(filled, OURS.id)[0]) == ("correct", 1)


def test_gold_of_a_choice_is_one_of_its_letters(store: Store) -> None:
    question = Question(text="Which?", gold="A", answer_kind="choice", options=("red", "blue"))
    store.add([question])
    with pytest.raises(SpecError, match="A, B"):
        correct_gold(store, question.id, "C", who="ada")
    correct_gold(store, question.id, "B", who="ada")


def test_notes_and_tags_are_written_changed_and_undone(filled: Store) -> None:
    write_note(filled, QUESTION.id, "odd wording", ["Wording", "wording ", "later"], who="ada")
    note = note_of(filled, QUESTION.id)
    assert (note.text, note.tags, note.who) == ("odd wording", ("wording", "later"), "ada")
    write_note(filled, QUESTION.id, "", [], who="ada")
    assert note_of(filled, QUESTION.id) == Note()
    undo(filled)
    assert note_of(filled, QUESTION.id) == note
    undo(filled)
    assert note_of(filled, QUESTION.id) == Note()
    with pytest.raises(SpecError):
        write_note(filled, QUESTION.id, "", ["a,b"], who="ada")


def test_the_history_of_a_row_names_only_what_touched_it(filled: Store) -> None:
    other = Question(text="How many are 1 and 1?", gold="2")
    theirs = Rationale(question_id=other.id, teacher="a", text="Answer: 2")
    filled.add([other, theirs])
    override(filled, [OURS.id, theirs.id], "accept", who="ada", reason="clear")
    override(filled, [theirs.id], "reject", who="bob")
    mark_not_a_mistake(filled, ATTEMPT.id, who="ada")
    undo(filled)
    told = [(a.who, a.words, a.why, a.undone) for a in actions_about(filled, QUESTION.id)]
    assert told[1:] == [
        ("ada", "1 rationale accepted by hand", "clear", False),
        ("ada", "1 attempt graded by hand", "", True),
    ]
    assert told[0][1].startswith("policy")


def test_an_older_project_gets_the_new_tables(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import sqlite3

    from studio.store.migrations import m001_first_schema

    Store.create(tmp_path / "p").close()
    file = tmp_path / "p" / "studio.db"
    app_id = sqlite3.connect(file).execute("PRAGMA application_id").fetchone()[0]
    file.unlink()
    old = sqlite3.connect(file)
    m001_first_schema(old)
    old.execute(f"PRAGMA application_id = {app_id}")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    names = [f"before-{n}-2026010{n}-000000" for n in range(2, 7)]
    for name in (*names, "before-restore-20250101-000000", "20250101-000000"):
        (tmp_path / "p" / f"studio-{name}.db").write_bytes(b"an older one")
    reader = Store(tmp_path / "p", read_only=True)  # a look brings it up to date, too
    assert reader.count(Rationale) == 0
    reader.close()
    made = {one.stem.removeprefix("studio-") for one in (tmp_path / "p").glob("studio-*.db")}
    stay = {*names[-2:], "before-restore-20250101-000000", "20250101-000000"}
    assert stay < made, "thinned by age, and a person's own are let be"
    assert len(made - stay) == 1, "the newest three of those made before a change of the schema"
    store = Store(tmp_path / "p")
    store.add([QUESTION, OURS])
    edit_rationale(store, OURS.id, "Answer: 7", who="ada")
    assert current(store).edited_by == "ada"
    assert store.policy()[1] == Policy()
    store.close()
