"""What a person writes: a better rationale, the right gold answer, a note with tags.

What was there before stays a fact: an edit is a new revision beside the original, taken back it is
only *withdrawn*, and a corrected gold answer stands in the action log with the one before. Each
change is one logged action (``flow/undo.py``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from studio.domain import clock
from studio.domain.errors import SpecError
from studio.domain.grading import GRADER, grade_answer
from studio.domain.records import Grade, Question, Rationale
from studio.flow.checks import check_questions
from studio.flow.decisions import put_overrides, redecide
from studio.flow.grades import regrade
from studio.flow.latex import LatexWorkers
from studio.store import edit_views
from studio.store.tables import Store

MOST_TAGS = 20
LONGEST_TAG = 40


class Note(NamedTuple):
    """A person's remark on a question."""

    text: str = ""
    tags: tuple[str, ...] = ()
    who: str = ""
    at: float = 0.0


def edit_rationale(
    store: Store, rationale_id: str, text: str, *, who: str, accept: bool = False, why: str = ""
) -> Rationale:
    """Add a person's revision of a rationale; it takes the place of the original everywhere.

    It is graded at once and decided on by the policy in force, whose reviewers have not seen it:
    running the stage ``review`` sends it to them.

    Args:
        accept: accept it by hand in the same action.

    Raises:
        SpecError: no such rationale, or the text is empty or as it was.
    """
    original = store.get(Rationale, rationale_id)
    if original is None:
        raise SpecError(
            f"there is no rationale {rationale_id}: 'mapd-studio export … --all' lists ids"
        )
    if not text.strip():
        raise SpecError("an empty rationale teaches nothing: reject it instead")
    if text.strip() == original.text.strip():
        raise SpecError("the text is as it was: nothing was changed")
    newest = store.value(
        edit_views.NEWEST_REVISION, original.question_id, original.teacher, original.sample
    )
    edited = original.changed(
        text=text, revision=newest + 1, edited_by=who, call_id="", prompt_hash="", truncated=False
    )
    said = {"accepted": True, "reason": why or "edited by hand", "who": who, "at": clock.now()}
    state = {
        "id": edited.id,
        "question_id": edited.question_id,
        "override": said if accept else None,
    }
    with store.transaction():
        store.add([edited, _grade(store, edited)])
        check_questions(store, [edited.question_id])
        put_edit(store, {**state, "withdrawn": False})
        store.log(
            "edit", who=who, before={**state, "withdrawn": True, "override": None},
            after={**state, "withdrawn": False}, why=why,
        )  # fmt: skip
    return edited


def put_edit(store: Store, state: Mapping[str, Any]) -> None:
    """Let a revision count or withdraw it, with the override that came with it."""
    store.execute(
        edit_views.UNWITHDRAW if not state["withdrawn"] else edit_views.WITHDRAW, state["id"]
    )
    put_overrides(store, {state["id"]: state["override"]})
    redecide(store, state["question_id"])


def correct_gold(store: Store, question_id: str, gold: str, *, who: str, why: str = "") -> int:
    """Correct a question's gold answer and grade all answers to it anew.

    Returns how many grades changed. Raises SpecError when there is no such question, or the answer
    is empty, as it was, or none of the options.
    """
    question = store.get(Question, question_id)
    if question is None:
        raise SpecError(f"there is no question {question_id}")
    wanted = " ".join(gold.split())
    if not wanted:
        raise SpecError("a gold answer cannot be empty")
    if wanted == question.gold:
        raise SpecError(f"gold is {wanted!r} already")
    letters = [chr(ord("A") + n) for n in range(len(question.options))]
    if letters and wanted not in letters:
        raise SpecError(f"gold must be one of {', '.join(letters)}")
    with store.transaction():
        changed = put_gold(store, {question_id: wanted})
        store.log("gold", who=who, before={question_id: question.gold}, after={question_id: wanted},
                  why=why)  # fmt: skip
    return changed


def put_gold(store: Store, wanted: Mapping[str, str]) -> int:
    """Set gold answers by question id, grade and decide anew; returns how many grades changed."""
    for question_id, gold in wanted.items():
        store.execute(edit_views.SET_GOLD, gold, question_id)
    changed = regrade(store, list(wanted))
    check_questions(store, list(wanted))
    for question_id in wanted:
        redecide(store, question_id)
    return changed


def note_of(store: Store, question_id: str) -> Note:
    """Return the note on a question; an empty one where there is none."""
    row = store.one(edit_views.NOTE, question_id)
    if row is None:
        return Note()
    return Note(row["text"], tuple(json.loads(row["tags"])), row["who"], row["at"])


def write_note(
    store: Store, question_id: str, text: str, tags: Sequence[str] = (), *, who: str
) -> Note:
    """Leave a note with tags on a question; an empty one takes the note away.

    Raises SpecError when there is no such question, or the tags are too many or too long.
    """
    if store.get(Question, question_id) is None:
        raise SpecError(f"there is no question {question_id}")
    clean = tuple(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    if len(clean) > MOST_TAGS or any(len(tag) > LONGEST_TAG or "," in tag for tag in clean):
        raise SpecError(f"at most {MOST_TAGS} tags of {LONGEST_TAG} characters, without commas")
    before = note_of(store, question_id)
    if (before.text, before.tags) == (text.strip(), clean):
        return before
    after = Note(text.strip(), clean, who, clock.now())
    with store.transaction():
        put_notes(store, {question_id: after._asdict()})
        store.log("note", who=who, before={question_id: before._asdict()},
                  after={question_id: after._asdict()})  # fmt: skip
    return after


def put_notes(store: Store, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Set notes by question id; the log is the caller's."""
    for question_id, note in wanted.items():
        store.execute(edit_views.REMOVE_NOTE, question_id)
        if note["text"] or note["tags"]:
            tags = json.dumps(list(note["tags"]), ensure_ascii=False)
            store.execute(
                edit_views.ADD_NOTE, question_id, note["text"], tags, note["who"], note["at"]
            )


def _grade(store: Store, edited: Rationale) -> Grade:
    question = store.get(Question, edited.question_id)
    assert question is not None  # a foreign key says so
    with LatexWorkers() as latex:
        ours = grade_answer(edited.text, question=question, truncated=False, equal=latex.equal)
    return Grade(
        subject_id=edited.id, subject_kind="rationale", verdict=ours.verdict,
        extracted=ours.extracted, span=ours.span, doubts=ours.doubts, grader=GRADER,
    )  # fmt: skip
