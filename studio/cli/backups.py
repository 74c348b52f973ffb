"""The verbs backup, restore and salvage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.cli.output import print_json
from studio.cli.project import Json, Project
from studio.store.backups import make_backup, restore_backup
from studio.store.salvage import salvage as save_what_can_be_read
from studio.store.tables import Store


def register(app: typer.Typer) -> None:
    """Put these verbs on ``app``."""
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("salvage")(salvage)


def backup(
    project: Project,
    target: Annotated[Path, typer.Argument(help="File to write, or a folder to put it in")],
    *,
    json_: Json = False,
) -> None:
    """Write a checked copy of the records, also during a run."""
    store = Store(project, read_only=True)
    try:
        made = make_backup(store, target)
    finally:
        store.close()
    if json_:
        print_json({"file": str(made), "bytes": made.stat().st_size})
        return
    print(f"{made} holds the records, and opens. Back: mapd-studio restore {project} {made}")


def restore(
    project: Project,
    file: Annotated[Path, typer.Argument(help="A backup of this project", exists=True)],
    *,
    json_: Json = False,
) -> None:
    """Put a backup in place; what was there is kept beside."""
    kept = restore_backup(project, file)
    if json_:
        print_json({"project": str(project), "file": str(file), "kept": kept and str(kept)})
        return
    print(
        f"{project} is as {file} has it." + (f" What was there is kept as {kept}." if kept else "")
    )


def salvage(
    project: Project,
    new: Annotated[Path, typer.Argument(help="Folder of the new project")],
    *,
    json_: Json = False,
) -> None:
    """Save what can be read of a damaged project."""
    found = save_what_can_be_read(project, new)
    if json_:
        print_json({"project": str(project), "new": str(new), **found._asdict()})
        return
    print(
        f"{found.describe()}\n{project} was not touched. Its folders runs, exports and prompts were not"
        f" copied: put them into {new}, then open it."
    )
