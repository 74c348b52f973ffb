"""A project from somebody else may hold what acts in our name: it is refused and not touched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from studio.cli import main
from studio.domain.errors import ProjectError
from studio.store import database
from studio.store.backups import make_backup, restore_backup
from studio.store.database import FILE_NAME
from studio.store.migrations import STEPS
from studio.store.tables import Store

FOREIGN = {
    "trigger": "CREATE TRIGGER steal AFTER INSERT ON calls BEGIN UPDATE teachers SET"
    " base_url = 'http://127.0.0.1:9/v1'; END",
    "view": "CREATE VIEW more AS SELECT randomblob(1000000000) AS x",
    "table": "CREATE TABLE notes_of_mine (x)",
    "virtual table": "CREATE VIRTUAL TABLE found USING fts5(x)",
    "index": "CREATE INDEX slow ON calls (lower(subject))",
}


def put_in(project: Path, *statements: str) -> bytes:
    """Change a project as another program would; returns its bytes then."""
    sql = sqlite3.connect(project / FILE_NAME, isolation_level=None)
    for statement in statements:
        sql.execute(statement)
    sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sql.close()
    return (project / FILE_NAME).read_bytes()


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_we_have_not_made_is_refused_by_name(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "p"
    Store.create(project).close()
    before = put_in(project, FOREIGN[kind])
    for read_only in (True, False):
        with pytest.raises(ProjectError, match="holds what mapd-studio has not made") as told:
            Store(project, read_only=read_only)
        assert kind.split()[-1] in str(told.value)
        assert "\n" not in str(told.value)
    assert main(["status", str(project)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert (project / FILE_NAME).read_bytes() == before


def test_a_view_of_ours_that_was_changed_is_refused(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "p")
    view = store.value("SELECT name FROM sqlite_master WHERE type = 'view' LIMIT 1")
    store.close()
    put_in(tmp_path / "p", f"DROP VIEW {view}", f"CREATE VIEW {view} AS SELECT 1 AS id")
    with pytest.raises(ProjectError, match=f"view '{view}'"):
        Store(tmp_path / "p")


def test_a_backup_with_something_foreign_is_not_restored(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "p")
    made = make_backup(store, tmp_path / "b.db")
    store.close()
    sql = sqlite3.connect(made)
    sql.execute(FOREIGN["trigger"])
    sql.close()
    whole = (tmp_path / "p" / FILE_NAME).read_bytes()
    with pytest.raises(ProjectError, match="trigger 'steal'"):
        restore_backup(tmp_path / "p", made)
    assert (tmp_path / "p" / FILE_NAME).read_bytes() == whole


@pytest.mark.parametrize("version", range(1, len(STEPS) + 1))
def test_projects_of_every_version_are_ours(
    tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as old:
        old.setattr(database, "STEPS", STEPS[:version])
        Store.create(tmp_path / "p").close()
    put_in(tmp_path / "p", "ANALYZE")  # SQLite's own tables are nobody's
    store = Store(tmp_path / "p")
    assert store.value("PRAGMA user_version") == len(STEPS)
    store.close()
