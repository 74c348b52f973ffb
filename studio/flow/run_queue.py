"""Runs one after another: what is done already is passed over, what broke off is gone on with, and
one that fails is noted and does not keep the rest from being made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain import clock
from studio.domain.errors import RunError, StudioError
from studio.domain.records import digest
from studio.flow import pipeline
from studio.flow.job_folder import last_launch
from studio.flow.outlook import training_outlook, wanted_run
from studio.flow.stage import Bench, Progress
from studio.flow.training import result_of, settle_run
from studio.store import views

if TYPE_CHECKING:
    from studio.store.tables import Store

_WAITING = "runs_waiting"  #: in the project: entries of the window's queue, the first at work
_AT_WORK: set[Path] = set()  #: projects whose queue is being worked off in this process
_POLL_S = 1.0
_SETTING = "run_queue"  #: in the project: which run an entry became


class Entry(NamedTuple):
    """A run that is wanted: a name to tell it by, and its settings as ``train`` takes them."""

    name: str
    settings: Mapping[str, Any]
    student: str = ""
    method: str = "mapd"

    @property
    def key(self) -> str:
        """What makes it the same run when the queue is started again."""
        return digest(self.name, dict(self.settings), self.student, self.method)


class Outcome(NamedTuple):
    """What became of an entry: its run, or why there is none."""

    name: str
    run: str = ""
    student: str = ""
    state: str = ""
    message: str = ""


async def run_all(
    bench: Bench, entries: Sequence[Entry], *, evaluated: bool = False
) -> AsyncGenerator[Progress, None]:
    """Make every run that is not finished; cancelled, the one at work stops at a checkpoint.

    Args:
        evaluated: let each student sit the held-out exam as soon as it is made.

    Raises:
        RunError: some failed; the others are made.
    """
    failed: list[str] = []
    for n, entry in enumerate(entries, start=1):
        place = f"{entry.name} ({n} of {len(entries)})"
        try:
            async for progress in _one(bench, entry, evaluated=evaluated):
                note = f"{place}: {progress.note}" if progress.note else place
                yield progress._replace(note=note)
        except StudioError as error:
            _note(bench.store, entry, message=str(error))
            failed.append(f"{entry.name}: {error}")
            yield Progress("train", n, len(entries), note=f"{place}: failed: {error}")
    if failed:
        raise RunError(f"{len(failed)} of {len(entries)} runs failed ({failed[0]}): do it once"
                       " more, and it goes on with these")  # fmt: skip


async def run_queued(
    bench: Bench, student: str, settings: Mapping[str, Any]
) -> AsyncGenerator[Progress, None]:
    """Put a run behind those that wait, and make them all unless somebody is at it already.

    What waits is kept in the project: cancelled or killed, the next that is put there goes on with it.

    Raises:
        RunError: some failed; the others are made.
    """
    entry = Entry(f"queued {clock.now():.3f}", dict(settings), student)
    waiting = [*bench.store.setting(_WAITING, []), entry._asdict()]
    bench.store.set_setting(_WAITING, waiting)
    bench.changed({"settings"})
    yield Progress("train", 0, len(waiting), note=f"{len(waiting)} in the queue")
    if bench.project in _AT_WORK:
        return
    _AT_WORK.add(bench.project)
    try:
        async for progress in _drained(bench):
            yield progress
    finally:
        _AT_WORK.discard(bench.project)


async def _drained(bench: Bench) -> AsyncGenerator[Progress, None]:
    failed: list[str] = []
    while waiting := bench.store.setting(_WAITING, []):
        while _one_is_going(bench):
            yield Progress("train", 0, len(waiting), note="waits for the run that is going")
            await asyncio.sleep(_POLL_S)
        entry = Entry(**waiting[0])
        try:
            async for progress in _one(bench, entry, evaluated=False):
                note = f"{progress.note}, {len(waiting) - 1} waiting".removeprefix(", ")
                yield progress._replace(note=note)
        except StudioError as error:
            _note(bench.store, entry, message=str(error))
            failed.append(str(error))
        bench.store.set_setting(_WAITING, bench.store.setting(_WAITING, [])[1:])
        _forget(bench.store, entry)
        bench.changed({"settings"})
    if failed:
        raise RunError(f"of the runs in the queue {len(failed)} failed ({failed[0]}); the others are"
                       " made")  # fmt: skip


def _one_is_going(bench: Bench) -> bool:
    """Return whether a run is going; one that ended while nobody followed it is settled."""
    going = False
    for row in bench.store.rows(views.RUNS):
        if row["state"] == "running":
            started = last_launch(bench.project / "runs" / row["id"])
            alive = started is not None and started.is_alive(bench.launcher)
            going = going or alive
            if not alive:
                settle_run(bench, row["id"])
    return going


def outcomes(bench: Bench, entries: Sequence[Entry]) -> list[Outcome]:
    """Return what became of each entry, in their order."""
    return [_outcome(bench, entry) for entry in entries]


class EntryOutlook(NamedTuple):
    """What a run of a queue would be; ``message`` says why it cannot be, or what became of it."""

    name: str
    state: str  #: what its run is by now; empty: not begun
    student: str
    examples: int | None
    steps: int | None
    message: str


def outlooks(bench: Bench, entries: Sequence[Entry]) -> list[EntryOutlook]:
    """Return what each entry would be; starts nothing and writes nothing."""
    return [_outlook(bench, entry, _outcome(bench, entry)) for entry in entries]


def _outlook(bench: Bench, entry: Entry, known: Outcome) -> EntryOutlook:
    try:
        told = training_outlook(bench, entry.student, entry.settings, method=entry.method)
        student = wanted_run(bench, entry.student, entry.settings, method=entry.method).student.name
    except StudioError as error:
        return EntryOutlook(entry.name, known.state, entry.student, None, None, str(error))
    examples = sum(told["examples"].get("train", {}).values())
    return EntryOutlook(entry.name, known.state, student, examples, told["steps"], known.message)


async def _one(bench: Bench, entry: Entry, *, evaluated: bool) -> AsyncIterator[Progress]:
    known = _outcome(bench, entry)
    if known.state != "finished":
        work = (
            pipeline.resume(bench, known.run)
            if known.run
            else pipeline.train(
                bench, entry.student, entry.settings, method=entry.method,
                begun=lambda run: _note(bench.store, entry, run=run.id),
            )
        )  # fmt: skip
        async with aclosing(work) as steps:
            async for progress in steps:
                yield progress
        known = _outcome(bench, entry)
    if evaluated:
        async for progress in pipeline.evaluate_students(bench, known.student):
            yield progress


def _outcome(bench: Bench, entry: Entry) -> Outcome:
    noted = bench.store.setting(_SETTING, {}).get(entry.key, {})
    run, message = noted.get("run", ""), noted.get("message", "")
    if not run:
        return Outcome(entry.name, message=message)
    found = result_of(bench, run)
    state = str(found["state"])
    told = found["message"] or ("" if state == "finished" else message)
    return Outcome(entry.name, run, str(found["student"]), state, told)


def _note(store: Store, entry: Entry, **facts: str) -> None:
    noted = store.setting(_SETTING, {})
    noted[entry.key] = {**noted.get(entry.key, {}), "message": "", **facts}
    store.set_setting(_SETTING, noted)


def _forget(store: Store, entry: Entry) -> None:
    """Let go of what was noted of an entry that nobody can ask for again."""
    noted = store.setting(_SETTING, {})
    if noted.pop(entry.key, None) is not None:
        store.set_setting(_SETTING, noted)
