"""The stages as a person calls them: the verbs of the command line stay on the command line."""

from __future__ import annotations

from studio.ui.texts import mark, tr

_NAMES = {
    "attempt": mark("exam"),
    "grade": mark("grades"),
    "check": mark("text checks"),
    "explain": mark("explanations"),
    "solve": mark("rationales"),
    "review": mark("reviews"),
    "review explanations": mark("reviews of explanations"),
    "revise": mark("revisions"),
    "solve more": mark("further rationales"),
    "review more": mark("reviews of these"),
    "decide": mark("decisions"),
    "evaluate": mark("evaluation"),
    "all": mark("all"),
}
_WORK = {
    "attempt": (mark("Let the student answer {n} question"), mark("Let the student answer {n} questions")),
    "grade": (mark("Grade {n} answer"), mark("Grade {n} answers")),
    "check": (
        mark("Look through the texts of {n} question or mistake: sums, oddities, duplicates"),
        mark("Look through the texts of {n} questions and mistakes: sums, oddities, duplicates"),
    ),
    "explain": (mark("Ask for {n} explanation"), mark("Ask for {n} explanations")),
    "solve": (mark("Ask for {n} rationale"), mark("Ask for {n} rationales")),
    "review": (mark("Ask for {n} review"), mark("Ask for {n} reviews")),
    "review explanations": (
        mark("Ask for {n} review of an explanation"), mark("Ask for {n} reviews of explanations"),
    ),
    "revise": (mark("Ask for {n} revision"), mark("Ask for {n} revisions")),
    "solve more": (mark("Ask for {n} further rationale"), mark("Ask for {n} further rationales")),
    "review more": (mark("Ask for {n} review of these"), mark("Ask for {n} reviews of these")),
    "decide": (mark("Decide on {n} rationale"), mark("Decide on {n} rationales")),
}  # fmt: skip


def stage_name(stage: str) -> str:
    """Return what a stage makes; one that is not known keeps its name."""
    return tr(_NAMES[stage]) if stage in _NAMES else stage


def stage_work(stage: str, records: int) -> str:
    """Return what running a stage on so many records would do."""
    if stage not in _WORK:
        return f"{stage}: {records:,}"
    one, many = _WORK[stage]
    return tr(one if records == 1 else many, n=f"{records:,}")
