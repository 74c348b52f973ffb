"""Backups: consistent while a run writes, checked by opening them, put back without a loss."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from studio.cli import main
from studio.domain.errors import InUseError, ProjectError, StorageError
from studio.domain.records import Question
from studio.store.backups import check_backup, make_backup, restore_backup
from studio.store.database import FILE_NAME
from studio.store.tables import Store


def project(path: Path, *texts: str) -> Path:
    store = Store.create(path)
    store.add([Question(text=text, gold="1") for text in texts])
    store.close()
    return path


def texts(path: Path) -> list[str]:
    store = Store(path, read_only=True)
    try:
        return [question.text for question in store.all(Question)]
    finally:
        store.close()


def test_a_backup_taken_while_another_writes_is_whole(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "first")
    writer, ended, written = Store(folder), threading.Event(), 0

    def write() -> None:
        nonlocal written
        while not ended.is_set():
            with writer.transaction():
                writer.add([Question(text=f"{written} {half}", gold="1") for half in "ab"])
            written += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for n in range(5):
            while written < 20 * (n + 1):
                time.sleep(0.001)
            assert main(["backup", str(folder), str(tmp_path / f"b{n}.db")]) == 0
    finally:
        ended.set()
        thread.join()
        writer.close()
    counts = []
    for n in range(5):
        check_backup(tmp_path / f"b{n}.db")
        restore_backup(folder, tmp_path / f"b{n}.db")
        counts.append(len(texts(folder)))
    assert all(count % 2 for count in counts), "each pair is there whole, or not at all"
    assert counts == sorted(counts)
    assert counts[0] >= 41


def test_what_a_backup_replaces_is_kept_with_its_log(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "old")
    assert main(["backup", str(folder), str(tmp_path / "b.db")]) == 0
    code = f"""
import os, signal
from pathlib import Path
from studio.domain.records import Question
from studio.store.tables import Store
store = Store(Path({str(folder)!r}))
store.add([Question(text="new", gold="1")])
os.kill(os.getpid(), signal.SIGKILL)
"""
    if os.name != "nt":
        done = subprocess.run([sys.executable, "-c", code], check=False)
        assert done.returncode == -signal.SIGKILL
        assert (folder / "studio.db-wal").stat().st_size > 0, "the new row is in the log alone"
    assert main(["restore", str(folder), str(tmp_path / "b.db")]) == 0
    assert texts(folder) == ["old"], "the log of the former file was not played into this one"
    (kept,) = folder.glob("studio-before-restore-*.db")
    aside = tmp_path / "aside"
    aside.mkdir()
    for end in ("", "-wal"):
        part = kept.with_name(kept.name + end)
        if part.exists():
            part.rename(aside / (FILE_NAME + end))
    assert "new" in texts(aside) or os.name == "nt"


def test_a_backup_is_not_restored_under_somebody_at_work(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "old")
    assert main(["backup", str(folder), str(tmp_path / "b.db")]) == 0
    store = Store(folder)
    with pytest.raises(InUseError, match="in use"):
        restore_backup(folder, tmp_path / "b.db")
    store.close()


@pytest.mark.parametrize("spoilt", ["cut", "flipped", "foreign", "newer", "nothing"])
def test_a_backup_that_is_no_good_changes_nothing(tmp_path: Path, spoilt: str) -> None:
    import sqlite3

    folder = project(tmp_path / "p", *map(str, range(300)))
    backup = tmp_path / "b.db"
    assert main(["backup", str(folder), str(backup)]) == 0
    whole = backup.read_bytes()
    if spoilt == "cut":
        backup.write_bytes(whole[: len(whole) // 2])
    elif spoilt == "flipped":
        middle = len(whole) // 2
        backup.write_bytes(whole[:middle] + bytes(4096) + whole[middle + 4096 :])
    elif spoilt == "nothing":
        backup.write_bytes(b"")
    else:
        sql = sqlite3.connect(backup)
        sql.execute("PRAGMA application_id=7" if spoilt == "foreign" else "PRAGMA user_version=999")
        sql.close()
    before = (folder / FILE_NAME).read_bytes()
    with pytest.raises(ProjectError):
        restore_backup(folder, backup)
    assert (folder / FILE_NAME).read_bytes() == before
    assert len(list(folder.glob("*.db"))) == 1


def test_a_backup_that_cannot_be_written_says_so_and_leaves_what_was_there(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "old")
    store = Store(folder, read_only=True)
    with pytest.raises(StorageError, match="no backup was made"):
        make_backup(store, tmp_path / "no such folder" / "b.db")
    store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="limits file sizes by RLIMIT_FSIZE")
def test_a_full_backup_disk_is_one_line_and_the_older_backup_stays(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", *(f"{n} " + "x" * 2000 for n in range(300)))
    target = tmp_path / "b.db"
    assert main(["backup", str(folder), str(target)]) == 0
    before = target.read_bytes()
    code = f"""
import resource, signal, sys
from studio.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
sys.exit(main(["backup", {str(folder)!r}, {str(target)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert target.read_bytes() == before
    assert list(tmp_path.glob("*.part")) == []


def test_a_backup_never_takes_the_place_of_a_project(tmp_path: Path) -> None:
    folder, other = project(tmp_path / "p", "mine"), project(tmp_path / "q", "yours")
    store = Store(folder, read_only=True)
    for target in (folder / FILE_NAME, other / FILE_NAME, folder / "studio.db-wal"):
        with pytest.raises(StorageError, match="a project's own file"):
            make_backup(store, target)
    store.close()
    assert (texts(folder), texts(other)) == (["mine"], ["yours"])


def test_a_backup_touches_nothing_but_its_own_name(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "mine")
    bystander = tmp_path / "b.part"
    bystander.write_text("somebody's", encoding="utf-8")
    store = Store(folder, read_only=True)
    assert make_backup(store, tmp_path / "b.db") == tmp_path / "b.db"
    assert bystander.read_text(encoding="utf-8") == "somebody's"
    check_backup(make_backup(store, bystander))
    store.close()
    assert {one.name for one in tmp_path.iterdir()} == {"p", "b.db", "b.part"}
