"""The verb that tells how far each reviewer can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from studio.cli.output import print_json, sentence, table
from studio.cli.project import Json, Project
from studio.domain.percent import signed
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.flow.reviewers import Report

_CARD = ("reviewer", "reviews", "missing", "mean", "severity", "fitted", "5 | wrong", "4+ | wrong",
         "n wrong", "AUC [95 %]", "flips")  # fmt: skip


def reviewers(
    project: Project,
    *,
    flips: Annotated[
        str, typer.Option(help="List the rationales decided otherwise without this reviewer")
    ] = "",
    rationales: Annotated[
        bool, typer.Option(help="List each rationale's mean, as given and corrected for severity")
    ] = False,
    json_: Json = False,
) -> None:
    """Show how far each reviewer can be trusted: calibration, agreement, leave-one-out."""
    from studio.flow.reviewers import calibrate, flips_without
    from studio.flow.score_values import rationale_scores
    from studio.flow.scorebook import Scorebook

    store = Store(project, read_only=True)
    try:
        report = calibrate(store)
        listed = flips_without(store, flips) if flips else []
        each = rationale_scores(Scorebook(store)) if rationales else []
    finally:
        store.close()
    if json_:
        asked = {**({"flips": {flips: listed}} if flips else {}),
                 **({"rationales": [one._asdict() for one in each]} if rationales else {})}  # fmt: skip
        print_json({**report.as_json(), **asked})
    elif rationales:
        rows = [(one.rationale, one.author, _two(one.mean), _two(one.corrected),
                 ", ".join(f"{name} {score}" for name, score in one.given.items())) for one in each]  # fmt: skip
        print(table(rows, head=("rationale", "author", "mean", "corrected", "given")))
    else:
        print("\n".join(listed) if flips else _measured(report))


def _measured(report: Report) -> str:
    """Return the cards as a table, and the notes below it."""
    notes = "\n".join(sentence(line) for line in report.notes())
    if not report.cards:
        return notes
    rows = [
        (one.reviewer, one.n_valid, one.n_missing, _two(one.mean), _signed(one.severity),
         _signed(one.severity_fitted), _two(one.fives_on_wrong), _two(one.high_on_wrong), one.n_wrong,
         "–" if one.auc.value is None else
         f"{_two(one.auc.value)} [{_two(one.auc.low)}, {_two(one.auc.high)}]", one.flips_without)
        for one in report.cards
    ]  # fmt: skip
    return f"{table(rows, head=_CARD)}\n\n{notes}"


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else signed(value)
