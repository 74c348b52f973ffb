"""Undo and redo: the action log walked backwards and forwards, also after a restart.

Undo never takes a paid reply away: a revision is withdrawn, and what was bought for it stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from studio.domain.errors import SpecError
from studio.domain.policy import Policy
from studio.domain.records import Grade
from studio.flow.decisions import apply_policy, put_overrides
from studio.flow.edits import put_edit, put_gold, put_notes
from studio.flow.prompt_versions import put_in_force
from studio.flow.splits import put_splits
from studio.store import edit_views
from studio.store.tables import Store

#: What undo may change.
TABLES = {
    "overrides", "decisions", "policies", "grades", "questions", "rationales", "notes", "prompts",
}  # fmt: skip


class Action(NamedTuple):
    """One change by a person or a policy."""

    at: float
    who: str
    words: str  #: what was done
    why: str
    undone: bool

    @property
    def when(self) -> str:
        """The time of this machine's clock, to the minute."""
        return datetime.fromtimestamp(self.at).strftime("%Y-%m-%d %H:%M")


def undo(store: Store) -> str | None:
    """Take the newest change back; returns what it was in words, or None when there is none."""
    return _step(store, store.next_undo(), back=True)


def redo(store: Store) -> str | None:
    """Do the newest undone change again; returns what it was in words, or None."""
    return _step(store, store.next_redo(), back=False)


def next_changes(store: Store) -> tuple[str | None, str | None]:
    """Return in words what undo would take back and what redo would do again."""
    found = (store.next_undo(), store.next_redo())
    undo_, redo_ = (None if row is None else in_words(row["what"], json.loads(row["after"]))
                    for row in found)  # fmt: skip
    return undo_, redo_


def actions_about(store: Store, question_id: str) -> list[Action]:
    """Return the changes that touched a question or a rationale of it, oldest first."""
    ids = [
        question_id,
        *(row[0] for row in store.rows(edit_views.RATIONALES_AND_ATTEMPTS, question_id)),
    ]
    found = []
    for row in store.rows(edit_views.ACTIONS_ABOUT, json.dumps(ids)):
        after = json.loads(row["after"])
        mine = {i: after[i] for i in ids if i in after} if isinstance(after, dict) else {}
        words = in_words(row["what"], mine or after)
        found.append(Action(row["at"], row["who"], words, row["why"], bool(row["undone"])))
    return found


def _step(store: Store, action: Any, *, back: bool) -> str | None:
    if action is None:
        return None
    before, after = json.loads(action["before"]), json.loads(action["after"])
    restore = _RESTORE.get(action["what"])
    if restore is None:
        raise SpecError(f"a change of kind {action['what']!r} cannot be undone by this version")
    with store.transaction():
        if back:
            restore(store, before, after)
        else:
            restore(store, after, before)
        store.mark_undone(action["id"], back)
    return in_words(action["what"], after)


def _restore_policy(store: Store, wanted: Any, other: Any) -> None:
    del other
    apply_policy(store, Policy.model_validate(wanted), who="undo", log=False)


def _restore_grades(store: Store, wanted: Any, other: Any) -> None:
    for grade in other:
        store.remove(Grade, Grade.model_validate(grade).id)
    store.add(Grade.model_validate(grade) for grade in wanted)


#: Makes the state named first the one in force again, in place of the other.
_RESTORE: Mapping[str, Callable[[Store, Any, Any], object]] = {
    "override": lambda store, wanted, other: put_overrides(store, wanted),
    "policy": _restore_policy,
    "grade": _restore_grades,
    "split": lambda store, wanted, other: put_splits(store, wanted),
    "edit": lambda store, wanted, other: put_edit(store, wanted),
    "gold": lambda store, wanted, other: put_gold(store, wanted),
    "note": lambda store, wanted, other: put_notes(store, wanted),
    "prompt": lambda store, wanted, other: put_in_force(store, wanted),
}


def in_words(what: str, after: Any) -> str:
    """Return what a change did, in a few words."""
    if what == "override":
        first = next(iter(after.values()))
        verb = "cleared" if first is None else "accepted" if first["accepted"] else "rejected"
        return f"{len(after):,} rationale{'s' if len(after) > 1 else ''} {verb} by hand"
    if what == "policy":
        return f"policy “{Policy.model_validate(after).describe()}”"
    if what == "split":
        return f"{len(after):,} question{'s' if len(after) > 1 else ''} held out"
    if what == "edit":
        return "a rationale edited" + (" and accepted" if after.get("override") else "")
    if what == "gold":
        return f"gold corrected to {next(iter(after.values()))}"
    if what == "prompt":
        return f"another version of the prompt {next(iter(after))}"
    if what == "note":
        return "a note written"
    return f"{len(after)} attempt{'s' if len(after) > 1 else ''} graded by hand"
