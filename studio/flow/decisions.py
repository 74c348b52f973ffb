"""Reviews and overrides become decisions: apply a policy, override it by hand.

The rule itself is ``domain/policy.py``. Every change is one row of the action log, so it can be
undone after a restart (``flow/undo.py``); a person's decision is never touched by a policy.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from studio.domain import clock
from studio.domain.checks import Flag
from studio.domain.errors import SpecError
from studio.domain.policy import Policy, rule, seen
from studio.domain.records import Override, Verdict
from studio.flow.checks import check_missing, found_in_unchecked
from studio.flow.stage import Bench, Progress, Scope
from studio.store import edit_views, views
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.flow.score_tallies import Tally
    from studio.flow.scorebook import Scorebook

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

    book = Scorebook(store)
    if policy.arithmetic_gate:
        book.take_checks(found_in_unchecked(store))
    return _sized(store, book, policy)


def apply_policy(
    store: Store, policy: Policy, *, who: str, log: bool = True, sized: bool = False
) -> Tally:
    """Make ``policy`` the newest version and decide every rationale by it.

    Overrides stay and outrank it. Returns the tally as it was against the decisions before, with
    the training steps it means if ``sized``.
    """
    from studio.flow.scorebook import Scorebook

    if policy.arithmetic_gate:
        check_missing(store)
    book = Scorebook(store)
    tally = _sized(store, book, policy) if sized else book.tally(policy)
    rulings = book.rulings(policy)
    with store.transaction():
        before_version, before = store.policy()
        version = store.add_policy(policy)
        store.set_decisions(
            ((rid, rulings[n]) for rid, n in zip(book.ids, book.patterns(policy).of, strict=True)),
            version,
        )
        if log and version != before_version:
            store.log(
                "policy", who=who, before=before.model_dump(mode="json"),
                after=policy.model_dump(mode="json"), why=f"version {version}",
            )  # fmt: skip
    return tally


def _sized(store: Store, book: Scorebook, policy: Policy) -> Tally:
    from studio.flow.training_size import TrainingSize

    tally = book.tally(policy)
    chosen = book.final(policy) == 1
    return tally._replace(steps=TrainingSize(store, book).steps(chosen, book.covered(chosen)))


def override(
    store: Store, rationale_ids: Sequence[str], wish: Wish, *, who: str, reason: str = ""
) -> int:
    """Accept, reject or clear by hand; one logged action however many rationales.

    Returns how many changed. Raises SpecError when an id is unknown.
    """
    accepted = _WISHES[wish]
    known = {row[0] for row in store.rows(edit_views.KNOWN_RATIONALES, json.dumps(rationale_ids))}
    for rid in rationale_ids:
        if rid not in known:
            raise SpecError(f"there is no rationale {rid}: 'mapd-studio export … --all' lists ids")
    now = clock.now()
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
        put_overrides(store, {rid: after[rid] for rid in changed})
        store.log(
            "override", who=who, before={rid: before[rid] for rid in changed},
            after={rid: after[rid] for rid in changed}, why=reason,
        )  # fmt: skip
    return len(changed)


def redecide(store: Store, question_id: str) -> None:
    """Let the policy in force rule again on the rationales of one question."""
    version, policy = store.policy()
    active = {teacher.name for teacher in store.teachers()}
    rulings = []
    for row in store.rows(edit_views.TO_BE_RULED, question_id):
        scores = json.loads(row["scores"])
        verdict = None if row["verdict"] is None else Verdict(row["verdict"])
        scores, expected, weights = seen(policy, scores, active - {row["teacher"]})
        bits = row["bits"]
        sums_hold = None if bits is None else not bits & Flag.SUM.bit
        ruling = rule(policy, scores, expected=expected, verdict=verdict, weights=weights,
                      sums_hold=sums_hold)  # fmt: skip
        rulings.append((row["id"], ruling))
    store.set_decisions(rulings, version)


def _overrides(store: Store, rationale_ids: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    found: dict[str, dict[str, Any] | None] = dict.fromkeys(rationale_ids)
    for row in store.rows(edit_views.OVERRIDES_OF, json.dumps(list(found))):
        found[row["rationale_id"]] = {
            "accepted": bool(row["accepted"]), "reason": row["reason"],
            "who": row["who"], "at": row["at"],
        }  # fmt: skip
    return found


def put_overrides(store: Store, wanted: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Set what a person says of these rationales; None clears. The log is the caller's."""
    store.set_overrides(
        {rid: None if fields is None else Override(rationale_id=rid, **fields)
         for rid, fields in wanted.items()}
    )  # fmt: skip


def _said(override: Mapping[str, Any] | None) -> bool | None:
    return None if override is None else bool(override["accepted"])
