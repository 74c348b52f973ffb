"""Reviews and overrides become decisions: apply a policy, override it, undo and redo both.

The rule itself is ``domain/policy.py``. Every change is one row of the action log, so it can be
undone after a restart; a person's decision is never touched by a policy.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from studio.domain.errors import SpecError
from studio.domain.policy import Policy
from studio.domain.records import Grade, Override, Rationale
from studio.flow.splits import put_splits
from studio.flow.stage import Bench, Progress, Scope
from studio.store import views
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.flow.scorebook import Tally

Wish = Literal["accept", "reject", "clear"]
_WISHES: dict[Wish, bool | None] = {"accept": True, "reject": False, "clear": None}


class DecideStage:
    """Apply the policy in force to every rationale; its decisions follow new reviews and grades."""

    name = "decide"

    def __init__(self, scope: Scope = Scope()) -> None:
        del scope  # a policy is for the whole project

    def todo(self, store: Store) -> int:
        """Return how many rationales have no decision yet."""
        return int(store.value(views.UNDECIDED))

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Rule on everything; what did not change stays as it is."""
        _, policy = bench.store.policy()
        tally = apply_policy(bench.store, policy, who="policy", log=False)
        bench.changed({"decisions", "policies"})
        total = tally.accepted + tally.rejected
        yield Progress(self.name, total, total)


def what_if(store: Store, policy: Policy) -> Tally:
    """Return what ``policy`` would do; stores nothing."""
    from studio.flow.scorebook import Scorebook  # brings numpy: not before it is needed

    return Scorebook(store).tally(policy)


def apply_policy(store: Store, policy: Policy, *, who: str, log: bool = True) -> Tally:
    """Make ``policy`` the newest version and decide every rationale by it.

    Overrides stay and outrank it. Returns the tally as it was against the decisions before.
    """
    from studio.flow.scorebook import Scorebook

    book = Scorebook(store)
    tally = book.tally(policy)
    rulings = book.rulings(policy)
    with store.transaction():
        before_version, before = store.policy()
        version = store.add_policy(policy)
        store.set_decisions(
            ((rid, rulings[code]) for rid, code in zip(book.ids, book.pattern, strict=True)),
            version,
        )
        if log and version != before_version:
            store.log(
                "policy", who=who, before=before.model_dump(mode="json"),
                after=policy.model_dump(mode="json"), why=f"version {version}",
            )  # fmt: skip
    return tally


def override(
    store: Store, rationale_ids: Sequence[str], wish: Wish, *, who: str, reason: str = ""
) -> int:
    """Accept, reject or clear by hand; one logged action however many rationales.

    Returns how many changed. Raises SpecError when an id is unknown.
    """
    accepted = _WISHES[wish]
    for rid in rationale_ids:
        if store.get(Rationale, rid) is None:
            raise SpecError(f"there is no rationale {rid}: 'mapd-studio export … --all' lists ids")
    now = time.time()
    after: dict[str, dict[str, Any] | None] = {
        rid: None
        if accepted is None
        else {"accepted": accepted, "reason": reason, "who": who, "at": now}
        for rid in rationale_ids
    }
    before = _overrides(store, rationale_ids)
    changed = [
        rid for rid in after
        if _said(before[rid]) != _said(after[rid]) or (after[rid] and reason)
    ]  # fmt: skip
    if not changed:
        return 0
    with store.transaction():
        _put_overrides(store, {rid: after[rid] for rid in changed})
        store.log(
            "override", who=who, before={rid: before[rid] for rid in changed},
            after={rid: after[rid] for rid in changed}, why=reason,
        )  # fmt: skip
    return len(changed)


def undo(store: Store) -> str | None:
    """Take the newest change back; returns what it was in words, or None when there is none."""
    action = store.next_undo()
    if action is None:
        return None
    with store.transaction():
        _restore(store, action["what"], json.loads(action["before"]), json.loads(action["after"]))
        store.mark_undone(action["id"], True)
    return _in_words(action["what"], json.loads(action["after"]))


def redo(store: Store) -> str | None:
    """Do the newest undone change again; returns what it was in words, or None."""
    action = store.next_redo()
    if action is None:
        return None
    with store.transaction():
        _restore(store, action["what"], json.loads(action["after"]), json.loads(action["before"]))
        store.mark_undone(action["id"], False)
    return _in_words(action["what"], json.loads(action["after"]))


def _restore(store: Store, what: str, wanted: Any, other: Any) -> None:
    """Make the logged state ``wanted`` the one in force again, in place of ``other``."""
    if what == "override":
        _put_overrides(store, wanted)
    elif what == "policy":
        apply_policy(store, Policy.model_validate(wanted), who="undo", log=False)
    elif what == "split":
        put_splits(store, wanted)
    elif what == "grade":
        for grade in other:
            store.remove(Grade, Grade.model_validate(grade).id)
        store.add(Grade.model_validate(grade) for grade in wanted)
    else:
        raise SpecError(f"a change of kind {what!r} cannot be undone by this version")


def _overrides(store: Store, rationale_ids: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    found: dict[str, dict[str, Any] | None] = {}
    for rid in rationale_ids:
        row = store.one("SELECT * FROM overrides WHERE rationale_id = ?", rid)
        found[rid] = None if row is None else {
            "accepted": bool(row["accepted"]), "reason": row["reason"],
            "who": row["who"], "at": row["at"],
        }  # fmt: skip
    return found


def _put_overrides(store: Store, wanted: Mapping[str, Mapping[str, Any] | None]) -> None:
    for rid, fields in wanted.items():
        store.set_override(rid, None if fields is None else Override(rationale_id=rid, **fields))


def _said(override: Mapping[str, Any] | None) -> bool | None:
    return None if override is None else bool(override["accepted"])


def _in_words(what: str, after: Any) -> str:
    if what == "override":
        first = next(iter(after.values()))
        verb = "cleared" if first is None else "accepted" if first["accepted"] else "rejected"
        return f"{len(after)} rationale{'s' if len(after) > 1 else ''} {verb} by hand"
    if what == "policy":
        return f"policy “{Policy.model_validate(after).describe()}”"
    if what == "split":
        return f"{len(after):,} question{'s' if len(after) > 1 else ''} held out"
    return f"{len(after)} attempt{'s' if len(after) > 1 else ''} graded by hand"
