"""All verbs, gathered: the one place that knows which module offers which."""

from __future__ import annotations

from difflib import get_close_matches

import typer

from studio.cli import (
    backups,
    batches,
    committee,
    curate,
    data,
    experiments,
    ledger,
    project,
    prompts,
    share,
    student,
)

_HELP = """Teach a small model to reason from its own mistakes.

With a project folder, or nothing, in place of a command the window opens; --version tells which
version this is.
"""
app = typer.Typer(
    name="mapd-studio",
    help=_HELP,
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _module in (
    project,
    backups,
    data,
    committee,
    batches,
    ledger,
    prompts,
    curate,
    student,
    experiments,
    share,
):
    _module.register(app)


def is_verb(word: str) -> bool:
    """Return whether ``word`` names a verb (else it is taken for a project to open)."""
    return word in _names()


def like_verb(word: str) -> str:
    """Return the verb that ``word`` was probably meant to be; empty where none is near."""
    return next(iter(get_close_matches(word.lower(), _names(), n=1, cutoff=0.75)), "")


def _names() -> list[str]:
    verbs = [verb.name for verb in app.registered_commands]
    return [str(name) for name in (*verbs, *(group.name for group in app.registered_groups))]
