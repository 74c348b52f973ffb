"""The verb batches: what is with the endpoints' batch interfaces, and ending one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated

import typer

from studio.app.workbench import Workbench
from studio.cli.output import print_json, table, when
from studio.cli.project import Json, Project
from studio.domain.errors import SpecError, TeacherError
from studio.domain.records import StudentRecord, TeacherRecord
from studio.flow.batches import Batch, all_batches
from studio.flow.exam import asked_as
from studio.flow.students import is_endpoint
from studio.store.tables import Store
from studio.teachers.base import EndpointFault


def register(app: typer.Typer) -> None:
    """Put this verb on ``app``."""
    app.command("batches", short_help="List the batches handed to endpoints.")(batches)


def batches(
    project: Project,
    *,
    cancel: Annotated[
        str, typer.Option(help="Ask the endpoint to end this one; its id, or how it begins")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option(help="With --cancel: say which one that is, and ask for nothing")
    ] = False,
    json_: Json = False,
) -> None:
    """List the batches handed to endpoints; 'run' collects what they bring."""
    bench = Workbench(project, read_only=dry_run or not cancel)
    try:
        known = all_batches(bench.store)
        if cancel and dry_run:
            known = [_chosen(known, cancel)]
        elif cancel:
            chosen = _chosen(known, cancel)
            asyncio.run(_cancel(bench, chosen))
            if not json_:
                print(
                    "The endpoint was asked to end it; 'run' ('evaluate', of an exam) collects what was"
                    " answered by then."
                )
                return
    finally:
        bench.close()
    if json_:
        print_json({"batches": [one._asdict() for one in known]})
        return
    rows = [(one.id[:8], one.teacher, one.state, one.n, one.done, when(one.sent_at), one.detail)
            for one in known]  # fmt: skip
    print(table(rows, head=("id", "teacher", "state", "calls", "done", "sent", "remark"))
          if rows else "No batch was handed over yet: 'teacher add … --batch' asks a teacher so.")  # fmt: skip


def _chosen(known: list[Batch], wanted: str) -> Batch:
    found = [one for one in known if one.id.startswith(wanted) and one.state == "waiting"]
    if len(found) != 1:
        out = [one.id[:8] for one in known if one.state == "waiting"]
        raise SpecError(
            f"{len(found)} batches that are out begin with {wanted!r}: "
            f"{'name one of ' + ', '.join(out) if out else 'none is out'}"
        )
    return found[0]


async def _cancel(bench: Workbench, batch: Batch) -> None:
    asked = next((one for one in _all_asked(bench.store) if one.name == batch.teacher), None)
    try:
        if asked is None:
            raise TeacherError(f"there is no teacher {batch.teacher!r} any more")
        await bench.opener.open(asked).in_batches().cancel(batch.remote_id)
    except EndpointFault as fault:
        raise TeacherError(f"the endpoint did not end it: {fault.raw.detail}") from None
    finally:
        await bench.opener.aclose()


def _all_asked(store: Store) -> Iterator[TeacherRecord]:
    """Yield whom a batch may be with: the teachers, and the students that sit exams at endpoints."""
    yield from store.teachers(active=False)
    for student in store.all(StudentRecord):
        if is_endpoint(student):
            yield asked_as(store, student)
