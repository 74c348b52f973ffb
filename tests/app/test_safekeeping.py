"""Backups that nobody asks for: made in time, of the right moment, thinned, and never in the way."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.app import background, safekeeping
from studio.app.safekeeping import DAYS, FOLDER, NEWEST, WEEKS, Safekeeping, backups_in, to_keep
from studio.app.workbench import Workbench
from studio.cli import main
from studio.domain.policy import PRESETS
from studio.domain.records import Question
from studio.store.backups import check_backup
from studio.store.tables import Store
from tests.curated import add_case


@pytest.fixture
def project(store: Store) -> Path:
    """A closed project with something in it that no import brings back."""
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    store.log("a note", who="me", before=None, after=None)
    store.close()
    return store.path


def made_by(project: Path) -> list[Path]:
    return backups_in(project / FOLDER)


def let_pass(project: Path, seconds: float) -> None:
    """Make all backups as much older."""
    for file in made_by(project):
        at = file.stat().st_mtime - seconds
        os.utime(file, (at, at))
        file.rename(file.with_name(f"studio-{datetime.fromtimestamp(at):%Y%m%d-%H%M%S}.db"))


def change(project: Path, n: int = 0) -> None:
    with closing(Store(project)) as store:
        store.add([Question(text=f"another {n} {time.time()}", gold="1")])


def count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as sql:
        return int(sql.execute("SELECT count(*) FROM questions").fetchone()[0])


def test_one_a_day_and_only_where_something_changed(project: Path) -> None:
    keeping = Safekeeping(project)
    assert keeping.daily()
    keeping.close()
    (first,) = made_by(project)
    check_backup(first)
    change(project)
    assert not keeping.daily(), "the newest is younger than a day"
    let_pass(project, 25 * 3600)
    assert keeping.daily()
    keeping.close()
    assert len(made_by(project)) == 2
    let_pass(project, -10)  # newer than the last change, to the second
    let_pass(project, 25 * 3600 + 10)
    shutil.copystat(made_by(project)[-1], project / "studio.db")
    assert not keeping.daily(), "nothing has changed since"


def test_an_empty_project_is_not_worth_one(tmp_path: Path) -> None:
    Store.create(tmp_path / "p").close()
    change(tmp_path / "p")
    assert not Safekeeping(tmp_path / "p").daily(), "an import brings all of it back"


def test_what_is_changed_while_it_is_written_is_not_in_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safekeeping, "_PAGES", 2)
    with closing(Store(project)) as store:
        before = store.count(Question)
        keeping = Safekeeping(project)
        assert keeping.before_much()
        for n in range(200):  # while the copy is being made
            store.add([Question(text=f"{n} " + "x" * 5000, gold="1")])
        keeping.close()
        (made,) = made_by(project)
        assert count(made) == before
        assert store.count(Question) == before + 200


def test_no_room_is_said_once_and_work_goes_on(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(NamedTuple):
        free: int = 1 << 20

    told: list[str] = []
    keeping = Safekeeping(project, told.append)
    with monkeypatch.context() as full:
        full.setattr(safekeeping.shutil, "disk_usage", lambda _: Full())
        with caplog.at_level(logging.WARNING):
            assert not keeping.daily()
            assert not keeping.daily()
    said = [record.getMessage() for record in caplog.records]
    caplog.clear()
    assert said == ["mapd-studio: no backup was made: the disk has only 1 MB left; work goes on"
                    " without one"]  # fmt: skip
    assert told == [one.removeprefix("mapd-studio: ") for one in said]
    assert keeping.trouble
    assert keeping.daily()
    keeping.close()
    assert (keeping.trouble, len(made_by(project))) == ("", 1)


@given(st.lists(st.integers(0, 200 * 24), max_size=60, unique=True))
def test_thinned_the_newest_days_and_weeks_stay(hours: list[int]) -> None:
    now = datetime(2026, 3, 31, 12)
    times = sorted(now - timedelta(hours=h) for h in hours)
    made = [Path(f"studio-{at:%Y%m%d-%H%M%S}.db") for at in times]
    kept = to_keep(made)
    assert set(kept) <= set(made)
    assert len(kept) <= NEWEST + DAYS + WEEKS
    assert kept[-1:] == made[-1:], "the newest always stays"
    assert to_keep(kept) == kept
    if made:
        span = {at.isocalendar()[:2] for at in times}
        assert len({datetime.strptime(f.stem[7:], "%Y%m%d-%H%M%S").isocalendar()[:2]
                    for f in kept}) >= min(WEEKS, len(span))  # fmt: skip


def test_a_half_backup_of_a_process_that_ended_is_cleared_away(project: Path) -> None:
    (project / FOLDER).mkdir()
    half = project / FOLDER / ".studio-20260101-000000.db.part"
    half.write_bytes(b"half")
    keeping = Safekeeping(project)
    assert keeping.daily()
    keeping.close(30)
    assert not half.exists()
    assert len(made_by(project)) == 1


def test_older_ones_go_when_a_new_one_is_whole(project: Path) -> None:
    keeping = Safekeeping(project)
    for n in range(8):
        change(project, n)
        assert keeping.daily()
        keeping.close()
        let_pass(project, 26 * 3600)
    mine = project / FOLDER / "studio-mine.db"
    mine.write_bytes(b"a person's own")
    change(project)
    assert keeping.daily()
    keeping.close()
    assert len(made_by(project)) <= NEWEST + DAYS + WEEKS
    assert mine.exists()


def test_the_window_keeps_one_at_rest_and_before_a_rule_is_applied(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "REST_AFTER_S", 0.2)
    bench = Workbench(project)
    try:
        bench.set_setting("a", 1).result(10)
        until = time.monotonic() + 60
        while not made_by(project) and time.monotonic() < until:
            time.sleep(0.02)
        assert len(made_by(project)) == 1
        while (project / "studio.db-wal").stat().st_size and time.monotonic() < until:
            time.sleep(0.02)
        assert (project / "studio.db-wal").stat().st_size == 0, "at rest all is folded in"
        bench.safekeeping.close()
        let_pass(project, 2 * 3600)
        bench.apply_policy(PRESETS["paper"]).result(10)
    finally:
        bench.close()
    assert len(made_by(project)) == 2
    with closing(sqlite3.connect(made_by(project)[-1])) as sql:
        assert sql.execute("SELECT count(*) FROM policies").fetchone()[0] == 0


def test_the_command_line_keeps_one_before_a_rule_is_applied(project: Path) -> None:
    assert main(["decide", str(project), "--preset", "paper"]) == 0
    assert len(made_by(project)) == 1
    assert main(["decide", str(project), "--preset", "studio"]) == 0
    assert len(made_by(project)) == 1, "what follows upon each other is one piece of work"
