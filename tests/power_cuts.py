"""A project made, asked about and decided on a disk that then loses power, many times over."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from studio.domain.errors import ProjectError, StorageError
from studio.domain.policy import PRESETS
from studio.flow import decisions
from studio.flow.rationales import SolveStage
from studio.flow.reviews import ReviewStage
from studio.store.database import SYNCED
from studio.store.tables import Store
from tests import killing
from tests.fakes import add_mistakes, teacher
from tests.ledger import check_ledger
from tests.power import PROMISED, Cut, Disk, cuts, on_disk

MODES: dict[str, Mapping[str, str]] = {
    "WAL, EXTRA (ours)": {},
    "WAL, NORMAL": {SYNCED: "PRAGMA synchronous=NORMAL"},
    "WAL, OFF": {SYNCED: "PRAGMA synchronous=OFF"},
    "DELETE, EXTRA": {"journal_mode=WAL": "journal_mode=DELETE"},
}


class Losses(NamedTuple):
    """What a number of cuts did."""

    cuts: int
    promised: int  #: rows promised before each cut, added up
    lost: int  #: of these
    cuts_with_a_loss: int
    damaged: int  #: files that do not open or are not whole


def work(path: Path, disk: Disk, *, url: str, instead: Mapping[str, str], questions: int) -> None:
    """Make a project on ``disk``, import, ask a committee over HTTP, decide, close."""
    with on_disk(disk, instead=instead):
        store = Store.create(path)
        try:
            store.add([teacher(name, url, concurrency=8) for name in ("a", "b")])
            add_mistakes(store, questions)
            asyncio.run(killing.run(store, SolveStage(), ReviewStage()))
            decisions.apply_policy(store, PRESETS["paper"], who="somebody")
        finally:
            store.close()


def look(folder: Path, cut: Cut) -> tuple[int, int, bool]:
    """Return the rows promised, how many of them are gone, and whether the file is damaged."""
    folder.mkdir()
    for name, data in cut.files.items():
        (folder / name).write_bytes(data)
    promised = sum(cut.promised or ())
    if cut.promised is None and not (folder / "studio.db").exists():
        return 0, 0, False
    try:
        store = Store(folder)
    except (ProjectError, StorageError, sqlite3.Error):
        return promised, promised, cut.promised is not None
    try:
        check_ledger(store, ended=False)
        row = store.one(PROMISED)
        assert row is not None
        found = tuple(row)
    except (AssertionError, ProjectError, sqlite3.Error):
        return promised, 0, True
    finally:
        store.close()
    lost = sum(max(0, said - here) for said, here in zip(cut.promised or (), found, strict=False))
    return promised, lost, False


def losses(tmp_path: Path, url: str, mode: str, *, n: int, questions: int) -> Losses:
    """Work once in ``mode`` and cut the power ``n`` times."""
    disk = Disk()
    work(tmp_path / "worked", disk, url=url, instead=MODES[mode], questions=questions)
    seen = [look(tmp_path / f"cut-{i}", cut) for i, cut in enumerate(cuts(disk, n))]
    return Losses(n, sum(s[0] for s in seen), sum(s[1] for s in seen),
                  sum(s[1] > 0 for s in seen), sum(s[2] for s in seen))  # fmt: skip
