"""The power goes at any moment: what was promised is there, and the file is whole."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("apsw", reason="a virtual file system needs apsw, of the dev extra")

import apsw

from studio.domain.errors import StorageError
from studio.domain.records import Question
from studio.flow.rationales import SolveStage
from studio.flow.reviews import ReviewStage
from studio.store import database
from studio.store.migrations import STEPS
from studio.store.tables import Store
from tests import killing
from tests.fakes import FaultyEndpoint, some_faults
from tests.ledger import check_ledger
from tests.power import PROMISED, Disk, cuts, on_disk
from tests.power_cuts import losses, work


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint(killing.answer, fault=some_faults(0.1, seed=2))
    yield made
    made.close()


def test_two_hundred_cuts_lose_nothing_that_was_promised(
    tmp_path: Path, endpoint: FaultyEndpoint
) -> None:
    found = losses(tmp_path, endpoint.url, "WAL, EXTRA (ours)", n=200, questions=40)
    assert (found.lost, found.damaged) == (0, 0)
    assert found.promised > 10_000


def test_the_simulator_does_lose_where_less_is_synced(
    tmp_path: Path, endpoint: FaultyEndpoint
) -> None:
    found = losses(tmp_path, endpoint.url, "WAL, NORMAL", n=40, questions=12)
    assert found.cuts_with_a_loss > 10


@pytest.mark.parametrize(
    ("error", "words"),
    [(apsw.FullError, "the disk is full"), (apsw.IOError, "cannot be written")],
)
def test_a_disk_that_fails_at_any_write_stops_the_run_with_one_line(
    tmp_path: Path, endpoint: FaultyEndpoint, error: type[Exception], words: str
) -> None:
    """Nothing promised is lost, and with space again the run goes on where it stood."""
    calm, url = Disk(), endpoint.url
    work(tmp_path / "calm", calm, url=url, instead={}, questions=4)
    chance = random.Random(4)
    for n in sorted(chance.randrange(60, calm.asked * 2 // 3) for _ in range(6)):
        disk, project = Disk(), tmp_path / f"failed-{n}"
        disk.fail_at = (n, error)
        with pytest.raises(StorageError, match=words) as caught:
            work(project, disk, url=url, instead={}, questions=4)
        assert "\n" not in str(caught.value)
        promised = next((did.mark for did in reversed(disk.log) if did.what == "mark"), ())
        if not project.exists():  # it could not be made whole, and was taken back
            assert not any(promised)
            continue
        store = Store(project)
        check_ledger(store, ended=False)
        row = store.one(PROMISED)
        assert row is not None
        assert all(here >= said for here, said in zip(row, promised, strict=False))
        store.close()
        killing.finish(project)
        store = Store(project)
        check_ledger(store)
        assert ReviewStage().todo(store) == SolveStage().todo(store) == 0
        store.close()


def _add_old_attempts(store: Store, n: int) -> None:
    """Fill the tables as the first version of the schema had them."""
    for i in range(n):
        question = Question(text=f"What is {i} and 1?", gold=str(i + 1))
        store.add([question])
        store.execute(
            "INSERT INTO attempts VALUES (?, ?, 'small', '7', 0, 0, 0, 0, '', '', '')",
            f"{i:016}", question.id,
        )  # fmt: skip


def test_a_schema_change_is_whole_or_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power goes at any moment of the migrations: the old project opens, or the new one."""
    with monkeypatch.context() as old:
        old.setattr(database, "STEPS", STEPS[:1])
        store = Store.create(tmp_path / "old")
        _add_old_attempts(store, 30)
        before = store.one("SELECT count(*), max(rowid) FROM attempts")
        store.close()
    whole = (tmp_path / "old" / "studio.db").read_bytes()
    disk = Disk()
    with on_disk(disk):
        Store(tmp_path / "old").close()
    assert len(STEPS) > 1, "there is nothing to migrate yet"
    for i, cut in enumerate(cuts(disk, 40, before={"studio.db": whole})):
        folder = tmp_path / f"cut-{i}"
        folder.mkdir()
        for name, data in cut.files.items():
            (folder / name).write_bytes(data)
        store = Store(folder)
        assert store.value("PRAGMA integrity_check") == "ok"
        assert store.value("PRAGMA user_version") == len(STEPS)
        after = store.one("SELECT count(*), max(rowid) FROM attempts")
        assert before is not None
        assert after is not None
        assert tuple(after) == tuple(before)
        store.close()
