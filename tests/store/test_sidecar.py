"""A project that was copied after a crash without its sidecar says so; one that was closed never does."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.domain.errors import ProjectError
from studio.domain.records import Question
from studio.store import database
from studio.store.backups import make_backup, restore_backup
from studio.store.database import FILE_NAME
from studio.store.tables import Store

WORD = "the sidecar studio.db-wal is missing"
KILLED = """
import os, signal, sys
from pathlib import Path
from studio.domain.records import Question
from studio.store.tables import Store
store = Store(Path(sys.argv[1]))
for n in range(int(sys.argv[2])):
    store.add([Question(text=f"{n} " + "x" * 3000, gold="1")])
os.kill(os.getpid(), signal.SIGKILL)
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="ends processes by SIGKILL")


def kill_a_run(project: Path, rows: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(project), str(rows)], check=False)
    assert done.returncode == -signal.SIGKILL


def main_file_alone(project: Path, target: Path) -> Path:
    target.mkdir()
    shutil.copy(project / FILE_NAME, target / FILE_NAME)
    return target


def count(store: Store) -> int:
    return int(store.value("SELECT count(*) FROM questions"))


@pytest.mark.parametrize("rows", [1, 50, 600, 1500])
def test_a_copy_of_the_main_file_alone_says_that_it_may_lack(tmp_path: Path, rows: int) -> None:
    Store.create(tmp_path / "p").close()
    kill_a_run(tmp_path / "p", rows)
    copy = main_file_alone(tmp_path / "p", tmp_path / "copy")
    whole = Path(shutil.copytree(tmp_path / "p", tmp_path / "whole"))
    for _ in range(2):  # looking at it changes nothing
        reader = Store(copy, read_only=True)
        assert WORD in reader.remarks[0]
        reader.close()
    store = Store(copy)
    assert [WORD in one for one in store.remarks] == [True]
    assert count(store) <= rows
    assert store.value("PRAGMA integrity_check") == "ok"
    store.close()
    for project in (copy, tmp_path / "p", whole):  # closed by now, or with its sidecar beside it
        reader = Store(project, read_only=True)
        assert reader.remarks == []
        reader.close()
        store = Store(project)
        assert store.remarks == []
        if project != copy:
            assert count(store) == rows, "with its sidecar nothing lacks"
        store.close()


def test_what_is_not_whole_without_its_sidecar_is_refused_in_one_line(tmp_path: Path) -> None:
    Store.create(tmp_path / "p").close()
    kill_a_run(tmp_path / "p", 600)
    copy = main_file_alone(tmp_path / "p", tmp_path / "copy")
    data = bytearray((copy / FILE_NAME).read_bytes())
    half = len(data) // 2 // 4096 * 4096
    data[half : half + 40 * 4096] = bytes(40 * 4096)  # as if killed while it was folded in
    (copy / FILE_NAME).write_bytes(data)
    with pytest.raises(ProjectError, match="copy the whole folder anew") as told:
        Store(copy)
    assert WORD in str(told.value)
    assert (copy / FILE_NAME).read_bytes() == data, "it was not touched"


def test_a_project_at_work_a_backup_and_what_is_restored_give_no_such_word(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "p")
    store.add([Question(text="one", gold="1")])
    reader = Store(tmp_path / "p", read_only=True)
    assert reader.remarks == []
    made = make_backup(reader, tmp_path / "b.db")
    reader.close()
    copied = main_file_alone(tmp_path / "p", tmp_path / "copied at work")
    store.close()
    looked = Store(copied, read_only=True)
    assert WORD in looked.remarks[0], "it was copied while it was being written"
    looked.close()
    assert not list(tmp_path.glob("b.db?*"))
    restore_backup(tmp_path / "p", made)
    store = Store(tmp_path / "p")
    assert (store.remarks, count(store)) == ([], 1)
    store.close()


def test_at_rest_the_main_file_alone_is_whole(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "p")
    for n in range(3):
        alone = Store(main_file_alone(store.path, tmp_path / f"rest-{n}"), read_only=True)
        assert (alone.remarks, count(alone)) == ([], n), "nothing was written since"
        alone.close()
        store.add([Question(text=f"{n}", gold="1")])
        alone = Store(main_file_alone(store.path, tmp_path / f"work-{n}"), read_only=True)
        assert WORD in alone.remarks[0], "what was written lies in the sidecar"
        alone.close()
        store.rest()
        assert (store.path / f"{FILE_NAME}-wal").stat().st_size == 0
    store.close()


def test_a_rest_waits_for_no_reader_and_comes_later(tmp_path: Path) -> None:
    store, reader = Store.create(tmp_path / "p"), Store(tmp_path / "p", read_only=True)
    store.add([Question(text="a", gold="1")])
    reader.execute("BEGIN")
    assert count(reader) == 1
    begun = time.monotonic()
    store.rest()
    assert time.monotonic() - begun < 8, "a writer's patience is ten seconds"
    alone = Store(main_file_alone(store.path, tmp_path / "held up"), read_only=True)
    assert WORD in alone.remarks[0]
    alone.close()
    reader.close()
    store.add([Question(text="b", gold="1")])
    store.rest()
    alone = Store(main_file_alone(store.path, tmp_path / "at last"), read_only=True)
    assert (alone.remarks, count(alone)) == ([], 2)
    alone.close()
    store.close()


def test_who_reads_at_the_first_write_only_delays_the_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "MARK_AGAIN_S", 0.0)
    store, reader = Store.create(tmp_path / "p"), Store(tmp_path / "p", read_only=True)
    reader.execute("BEGIN")
    assert count(reader) == 0
    store.add([Question(text="a", gold="1")])
    reader.close()
    store.add([Question(text="b", gold="1")])
    alone = Store(main_file_alone(store.path, tmp_path / "copy"), read_only=True)
    assert WORD in alone.remarks[0]
    alone.close()
    store.close()


def test_a_locked_file_is_opened_without_waiting_for_its_mark(tmp_path: Path) -> None:
    Store.create(tmp_path / "p").close()
    other = sqlite3.connect(tmp_path / "p" / FILE_NAME)
    other.execute("BEGIN IMMEDIATE")
    store = Store(tmp_path / "p")
    other.rollback()
    other.close()
    assert store.remarks == []
    store.close()
