"""All verbs, gathered: the one place that knows which module offers which."""

from __future__ import annotations

import typer

from studio.cli import (
    batches,
    committee,
    curate,
    data,
    experiments,
    project,
    prompts,
    share,
    student,
)

app = typer.Typer(
    name="mapd-studio",
    help="Teach a small model to reason from its own mistakes.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _module in (project, data, committee, batches, prompts, curate, student, experiments, share):
    _module.register(app)


def is_verb(word: str) -> bool:
    """Return whether ``word`` names a verb (else it is taken for a project to open)."""
    names = [command.name for command in app.registered_commands]
    return word in names or word in [group.name for group in app.registered_groups]
