"""The project file: who may open it, and what happens when it is not what it should be."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from studio.domain.errors import ProjectError, StorageError
from studio.domain.records import Doubt, Grade, Override, Question, Rationale, Verdict
from studio.flow.rationales import SolveStage
from studio.store import database
from studio.store.database import FILE_NAME
from studio.store.tables import Store
from tests.fakes import FaultyEndpoint, add_mistakes, teacher
from tests.killing import run


def test_a_second_writer_is_told_who_has_the_project(store: Store) -> None:
    with pytest.raises(ProjectError, match=r"in use by mapd-studio, process \d+"):
        Store(store.path)


def test_a_reader_may_look_while_it_is_written_but_not_write(store: Store) -> None:
    reader = Store(store.path, read_only=True)
    store.add([Question(text="q", gold="1")])
    assert reader.count(Question) == 1
    with pytest.raises(StorageError, match="reading only"):
        reader.set_setting("a", 1)
    reader.close()


def test_the_lock_of_a_killed_process_does_not_stay(tmp_path: Path) -> None:
    code = (
        "import os, signal, pathlib; from studio.store.tables import Store;"
        f"s = Store.create(pathlib.Path({str(tmp_path / 'p')!r})); s.set_setting('a', 7);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    store = Store(tmp_path / "p")
    assert store.setting("a") == 7
    store.close()


def test_a_newer_project_is_left_alone(store: Store) -> None:
    path = store.path
    store.execute("PRAGMA user_version=99")
    store.close()
    before = (path / FILE_NAME).read_bytes()
    with pytest.raises(ProjectError, match="newer version"):
        Store(path)
    assert (path / FILE_NAME).read_bytes() == before


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE_NAME)
    other.execute("CREATE TABLE t (a)")
    other.close()
    with pytest.raises(ProjectError, match="another program"):
        Store(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_what_is_no_database_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ProjectError) as caught:
        Store(tmp_path)
    assert "\n" not in str(caught.value)
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_folder_without_a_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="mapd-studio new"):
        Store(tmp_path)


def test_new_refuses_a_folder_in_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ProjectError, match="not an empty folder"):
        Store.create(tmp_path)


def test_the_same_record_twice_is_one_row(store: Store) -> None:
    question = Question(text="one  two", gold="1", options=("a", "b"))
    assert store.add([question, question.changed(text="one two", gold="2")]) == 1
    assert store.add([question]) == 0
    assert store.get(Question, question.id) == question


def test_records_come_back_as_they_went_in(store: Store) -> None:
    question = Question(text="ünïcode\n= 1", gold="1")
    grade = Grade(
        subject_id=question.id, verdict=Verdict.WRONG, span=(1, 2), grader="rules:1",
        doubts=(Doubt(name="empty", evidence="nothing"),),
    )  # fmt: skip
    store.add([question, grade])
    assert list(store.all(Grade)) == [grade]
    assert list(store.all(Question)) == [question]


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    def half() -> None:
        with store.transaction():
            store.add([Question(text="a", gold="1")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert store.count(Question) == 0


def test_a_persons_grade_outranks_newer_rules(store: Store) -> None:
    for grader in ("rules:1", "person:1", "rules:2"):
        verdict = Verdict.CORRECT if grader.startswith("person") else Verdict.WRONG
        store.add([Grade(subject_id="s", verdict=verdict, grader=grader)])
    current = store.one("SELECT grader FROM current_grades WHERE subject_id = 's'")
    assert current is not None
    assert current["grader"] == "person:1"
    assert store.count(Grade) == 3


def test_a_backup_taken_while_writing_opens(store: Store, tmp_path: Path) -> None:
    store.add([Question(text="a", gold="1")])
    (tmp_path / "copy").mkdir()
    store.backup(tmp_path / "copy" / FILE_NAME)
    copy = Store(tmp_path / "copy")
    assert copy.count(Question) == 1
    copy.close()


@pytest.mark.skipif(sys.platform != "linux", reason="limits file sizes by RLIMIT_FSIZE")
def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    code = f"""
import pathlib, resource, signal
from studio.domain.errors import StorageError
from studio.domain.records import Question
from studio.store.tables import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store.create(pathlib.Path({str(tmp_path / "p")!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
kept = 0
try:
    for i in range(10_000):
        kept += store.add([Question(text=f"{{i}} " + "x" * 5000, gold="1")])
except StorageError as error:
    print(kept, str(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          timeout=120, check=True)  # fmt: skip
    kept, _, message = done.stdout.strip().partition(" ")
    assert message, done.stderr
    assert "\n" not in message
    store = Store(tmp_path / "p")
    assert store.count(Question) == int(kept)
    assert store.value("PRAGMA integrity_check") == "ok"
    store.close()


def test_closing_folds_everything_into_the_main_file(store: Store, tmp_path: Path) -> None:
    store.add([Question(text="a", gold="1")])
    store.close()
    (tmp_path / "moved").mkdir()
    shutil.copy(store.path / FILE_NAME, tmp_path / "moved")
    moved = Store(tmp_path / "moved")
    assert moved.count(Question) == 1
    moved.close()


def test_calls_of_a_dead_process_become_unknown_and_are_counted(store: Store) -> None:
    for call_id in ("a", "b"):
        store.intend_call(call_id, subject="s", teacher="t", stage="solve", request_hash="r",
                          prompt_hash="p")  # fmt: skip
    store.settle_call("a", state="answered", outcome="answered", reply=b"{}")
    assert store.orphan_calls() == 1
    answered = store.answered_call("s")
    assert answered is not None
    assert answered.id == "a"


def test_a_record_taken_back_while_others_are_read_is_passed_over(store: Store) -> None:
    question = Question(text="one", gold="1")
    rationales = [Rationale(question_id=question.id, teacher=name, text="x") for name in "ab"]
    overrides = [Override(rationale_id=one.id, accepted=True) for one in rationales]
    store.add([question, *rationales, *overrides])
    reading = store.all(Override)  # its ids are read at once, its records page by page
    store.set_overrides({rationales[0].id: None})
    assert list(reading) == overrides[1:]


def test_with_a_disk_nearly_full_nothing_more_is_bought(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = FaultyEndpoint()
    store.put(teacher("a", endpoint.url))
    add_mistakes(store, 3)
    monkeypatch.setattr(database, "LEAST_FREE", 1 << 60)
    with pytest.raises(StorageError, match="MB are free on the disk") as caught:
        asyncio.run(run(store, SolveStage()))
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert endpoint.requests == 0
    asyncio.run(run(store, SolveStage()))
    endpoint.close()
    assert endpoint.requests == store.count(Rationale) == 3


def test_a_commit_that_fails_leaves_no_transaction_open(store: Store) -> None:
    store.sql.execute("CREATE TABLE parents (id TEXT PRIMARY KEY)")
    store.sql.execute("CREATE TABLE children (parent TEXT REFERENCES parents (id)"
                      " DEFERRABLE INITIALLY DEFERRED)")  # fmt: skip
    with pytest.raises(sqlite3.IntegrityError), store.transaction():
        store.execute("INSERT INTO children VALUES ('nobody')")
    assert not store.sql.in_transaction
    assert store.add([Question(text="How many?", gold="1")]) == 1
    assert store.value("SELECT count(*) FROM children") == 0
