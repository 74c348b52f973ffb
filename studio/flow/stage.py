"""What every arrow of the flow has in common.

A stage selects what is missing, makes it, and adds each record as it arrives. So it can be
interrupted anywhere, run again, and never does (or buys) a thing twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from studio.domain.records import TeacherRecord
from studio.prompts import Prompts
from studio.store import prompt_views
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.launch.base import Launcher
    from studio.teachers.base import Teacher


class Scope(NamedTuple):
    """Which part of the project a stage works on; None stands for all of it."""

    student: str | None = None
    round: int | None = None
    limit: int | None = None  #: at most so many new records; grading, which is free, takes all


class Progress(NamedTuple):
    """How far a stage is. ``failed`` counts items that ended as a recorded failure."""

    stage: str
    done: int
    total: int
    failed: int = 0
    cost_usd: float | None = None  #: None: no price known
    note: str = ""


def _ignore(tables: set[str]) -> None:
    del tables


@dataclass(frozen=True)
class Bench:
    """What a stage may use. Built by ``app/workbench.py``, and by nothing else."""

    store: Store
    project: Path  #: the project folder
    open_teacher: Callable[[TeacherRecord], Teacher]  #: the client of an endpoint, made once
    launcher: Launcher
    prompts: Prompts  #: as shipped; what is in force is in ``templates``
    spend_cap_usd: float | None = None  #: stop buying when the ledger's total reaches it
    changed: Callable[[set[str]], None] = field(default=_ignore)  #: which tables were written

    @property
    def templates(self) -> Prompts:
        """The templates in force: what was written in the project before what is in files."""
        return self.prompts.beneath(lambda name: self.store.value(prompt_views.IN_FORCE, name))


class Stage(Protocol):
    """One arrow of the flow."""

    name: str

    def todo(self, store: Store) -> int:
        """Return how many records are missing."""

    def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Make what is missing, adding each record as it arrives."""
