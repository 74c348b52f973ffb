"""Verbs of curation: decide and override."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from pydantic import ValidationError

from studio.app.workbench import Workbench
from studio.cli.output import print_json
from studio.cli.project import Json, Project
from studio.domain.errors import SpecError
from studio.domain.policy import Policy, preset
from studio.domain.specs import one_line
from studio.flow import decisions
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.flow.scorebook import Tally


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("decide")(decide)
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
    min_reviews: Annotated[
        int | None, typer.Option(help="Valid reviews needed; 0: all expected")
    ] = None,
    what_if: Annotated[bool, typer.Option(help="Show what it would change; store nothing")] = False,
    json_: Json = False,
) -> None:
    """Apply an acceptance policy to every rationale; overrides stay."""
    changes = {
        "aggregate": aggregate or None, "threshold": threshold,
        "answer_gate": answer_gate, "min_reviews": min_reviews,
    }  # fmt: skip
    if what_if:
        store = Store(project, read_only=True)
        try:
            tally = decisions.what_if(store, _policy(store, preset_, changes))
        finally:
            store.close()
    else:
        bench = Workbench(project)
        try:
            policy = _policy(bench.store, preset_, changes)
            tally = decisions.apply_policy(bench.store, policy, who=bench.who)
        finally:
            bench.close()
    if json_:
        print_json(tally.as_json())
    else:
        print(_in_words(tally, stored=not what_if))


def override(
    project: Project,
    rationale_id: Annotated[str, typer.Argument(help="As exports and the desk show it")],
    wish: Annotated[str, typer.Argument(help="accept, reject or clear")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the log and in exports")] = "",
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
    said = {"accept": "accepted", "reject": "rejected", "clear": "cleared"}[wish]
    print(f"{rationale_id}: {said} by {bench.who}." if changed else "Nothing to change.")


def _policy(store: Store, preset_name: str, changes: dict[str, Any]) -> Policy:
    """Return the policy in force (or the preset) with the options given put in."""
    base = preset(preset_name) if preset_name else store.policy()[1]
    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        return base
    try:
        policy = Policy.model_validate({**base.model_dump(), **given})
    except ValidationError as error:
        raise SpecError(f"policy: {one_line(error)}") from None
    return policy if policy == base else policy.model_copy(update={"name": "custom"})


def _in_words(tally: Tally, *, stored: bool) -> str:
    total = tally.accepted + tally.rejected
    teachers = " · ".join(f"{name} {n:,}" for name, n in tally.accepted_by_teacher.items())
    lines = [
        f"policy     {tally.policy.name}: {tally.policy.describe()}",
        f"accepted   {tally.accepted:,} of {total:,} rationales on {tally.questions_covered:,} "
        f"questions ({teachers or 'no teacher'}), about {tally.tokens:,} tokens",
        f"check      {tally.accepted_but_wrong:,} accepted but wrong answer · "
        f"{tally.rejected_but_right:,} rejected but right",
        f"changes    {tally.to_accepted:,} become accepted · {tally.to_rejected:,} become rejected",
        f"overrides  {tally.overridden:,} by hand stay, {tally.agreeing_overrides:,} of them agree "
        "with the policy",
    ]
    return "\n".join([*lines, "" if stored else "Nothing was stored (--what-if)."]).rstrip()
