"""Verbs of curation: decide, policies and override."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from pydantic import ValidationError

from studio.app.workbench import Workbench
from studio.cli.output import named, print_json, table, when
from studio.cli.project import Json, Project
from studio.domain.errors import SpecError
from studio.domain.misfits import one_line
from studio.domain.policy import Policy
from studio.flow import decisions
from studio.store import edit_views
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.flow.score_tallies import Tally
    from studio.flow.versions import Difference


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("decide", short_help="Apply an acceptance policy; decisions by hand stay.")(decide)
    app.command("policies", short_help="List the versions of the policy, or compare two.")(policies)
    app.command("override")(override)


def decide(
    project: Project,
    *,
    preset_: Annotated[str, typer.Option("--preset", help="paper or studio")] = "",
    aggregate: Annotated[str, typer.Option(help="mean, min or median")] = "",
    threshold: Annotated[float | None, typer.Option(help="Accept above this (strictly)")] = None,
    answer_gate: Annotated[
        bool | None, typer.Option("--answer-gate/--no-answer-gate", help="Own answer equals gold")
    ] = None,
    arithmetic_gate: Annotated[
        bool | None,
        typer.Option("--arithmetic-gate/--no-arithmetic-gate", help="Every sum in it adds up"),
    ] = None,
    min_reviews: Annotated[
        int | None, typer.Option(help="Valid reviews needed; 0: all expected")
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Let this reviewer not count; may be given again")
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=W: count this reviewer W times, 1 as all others; may be given again"
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Call this version so")] = "",
    version: Annotated[str, typer.Option(help="Start from this version: number or name")] = "",
    what_if: Annotated[bool, typer.Option(help="Show what it would change; store nothing")] = False,
    json_: Json = False,
) -> None:
    """Apply an acceptance policy to every rationale; overrides stay."""
    if preset_ and version:
        raise SpecError("--preset and --version both say where to start from: name one of them")
    changes = {
        "aggregate": aggregate or None, "threshold": threshold,
        "answer_gate": answer_gate, "arithmetic_gate": arithmetic_gate, "min_reviews": min_reviews, "name": name or None,
    }  # fmt: skip
    counts = {**_weights(weight or ()), **dict.fromkeys(leave_out or (), 0.0)}
    if what_if:
        store = Store(project, read_only=True)
        try:
            policy = _policy(store, preset_ or version, changes, counts)
            tally = decisions.what_if(store, policy)
        finally:
            store.close()
    else:
        bench = Workbench(project)
        try:
            policy = _policy(bench.store, preset_ or version, changes, counts)
            bench.safekeeping.before_much()
            tally = decisions.apply_policy(bench.store, policy, who=bench.who, sized=True)
        finally:
            bench.close()
    if json_:
        print_json(tally.as_json())
    else:
        print(_in_words(tally, stored=not what_if))


def policies(
    project: Project,
    before: Annotated[str, typer.Argument(help="A version's number or name, or a preset")] = "",
    after: Annotated[str, typer.Argument(help="Compare with this one")] = "",
    *,
    json_: Json = False,
) -> None:
    """List the versions of the policy, or say what sets two of them apart."""
    from studio.flow import versions
    from studio.flow.scorebook import Scorebook

    if before and not after:
        raise SpecError("name two versions to compare, or none to list them")
    store = Store(project, read_only=True)
    try:
        known = versions.versions(store)
        found = None
        if before:
            ends = versions.find(store, before), versions.find(store, after)
            found = versions.compare(Scorebook(store), *ends)
    finally:
        store.close()
    if json_:
        listed = {"policies": [versions.as_json(one) for one in known]}
        print_json(listed if found is None else found.as_json())
    elif found is None:
        print(table([(one.key, one.policy.name, when(one.at), one.policy.describe()) for one in known],
                    head=("version", "name", "since", "rule")))  # fmt: skip
    else:
        print(_difference(found))


def _difference(found: Difference) -> str:
    rows = table([tuple(one) for one in found.settings],
                 head=("setting", found.before.title, found.after.title))  # fmt: skip
    return (
        f"{rows if found.settings else 'The same rule.'}\n"
        f"{found.to_accepted:,} rationales become accepted, {found.to_rejected:,} rejected; "
        f"{found.by_hand:,} of them were decided by hand and stay."
    )


def _weights(given: Sequence[str]) -> dict[str, float]:
    found = {}
    for one in given:
        name, _, weight = one.rpartition("=")
        try:
            found[name] = float(weight)
        except ValueError:
            raise SpecError(f"--weight {one}: write it as NAME=2 or NAME=0.5") from None
    return found


def override(
    project: Project,
    rationale_id: Annotated[str, typer.Argument(help="As exports and the desk show it")],
    wish: Annotated[str, typer.Argument(help="accept, reject or clear")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the log and in exports")] = "",
    json_: Json = False,
) -> None:
    """Decide one rationale by hand; a person outranks the policy."""
    wishes: dict[str, decisions.Wish] = {w: w for w in get_args(decisions.Wish)}
    if wish not in wishes:
        raise SpecError(f"{wish!r} is not a decision: write accept, reject or clear")
    bench = Workbench(project)
    try:
        changed = decisions.override(
            bench.store, [rationale_id], wishes[wish], who=bench.who, reason=reason
        )
    finally:
        bench.close()
    if json_:
        print_json({"rationale_id": rationale_id, "wish": wish, "changed": changed})
        return
    said = {"accept": "accepted", "reject": "rejected", "clear": "cleared"}[wish]
    print(f"{rationale_id}: {said} by {bench.who}." if changed else "Nothing to change.")


def _policy(
    store: Store, start: str, changes: dict[str, Any], counts: Mapping[str, float]
) -> Policy:
    """Return the policy in force (or the preset or version) with the options given put in."""
    from studio.flow.versions import CUSTOM, find

    base = find(store, start).policy if start else store.policy()[1]
    given = {name: value for name, value in changes.items() if value is not None}
    if counts:
        _check_reviewers(store, counts)
        given["weights"] = {**base.weights, **counts}
    if not given:
        return base
    try:
        policy = Policy.model_validate({**base.model_dump(), **given})
    except ValidationError as error:
        raise SpecError(f"policy: {one_line(error)}") from None
    unnamed = policy.id != base.id and "name" not in given
    return policy.model_copy(update={"name": CUSTOM}) if unnamed else policy


def _check_reviewers(store: Store, names: Iterable[str]) -> None:
    known = {row[0] for row in store.rows(edit_views.REVIEWERS)}
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known)) or "nobody yet"
            raise SpecError(f"{name!r} has reviewed nothing; reviewers are: {listed}")


def _flags(flagged: Mapping[str, int]) -> str:
    said = [f"{n:,} {flag}" for flag, n in flagged.items() if n]
    return f"accepted with a mark: {' · '.join(said)}" if said else "nothing accepted has a mark"


def _check(tally: Tally) -> str:
    """Return how far decisions and own answers agree, as far as anybody knows."""
    ungraded = f"{tally.ungraded:,} own answers not graded yet: run 'mapd-studio run PROJECT grade'"
    if 0 < tally.ungraded == tally.accepted + tally.rejected:
        return ungraded
    said = (
        f"{tally.accepted_but_wrong:,} accepted but wrong answer · "
        f"{tally.rejected_but_right:,} rejected but right"
    )
    return f"{said} · {ungraded}" if tally.ungraded else said


def _in_words(tally: Tally, *, stored: bool) -> str:
    total = tally.accepted + tally.rejected
    teachers = " · ".join(f"{name} {n:,}" for name, n in sorted(tally.accepted_by_teacher.items()))
    told = named((
        ("policy", f"{tally.policy.name}: {tally.policy.describe()}"),
        ("accepted", f"{tally.accepted:,} of {total:,} rationales on {tally.questions_covered:,} "
         f"questions ({teachers or 'no teacher'}), about {tally.tokens:,} tokens"),
        ("check", _check(tally)),
        ("marked", _flags(tally.flagged)),
        ("changes", f"{tally.to_accepted:,} become accepted · {tally.to_rejected:,} become rejected"),
        ("overrides", f"{tally.overridden:,} by hand stay, {tally.agreeing_overrides:,} of them agree "
         "with the policy"),
        ("training", f"about {tally.steps:,} steps with the project's settings"),
    ))  # fmt: skip
    return told if stored else f"{told}\nNothing was stored (--what-if)."
