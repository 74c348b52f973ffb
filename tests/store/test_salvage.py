"""What can be read of a damaged project is saved into a new, whole one; the damaged file stays as it is."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from studio.cli import main
from studio.domain.errors import ProjectError
from studio.domain.policy import PRESETS
from studio.domain.records import Override, Rationale, Review
from studio.flow.decisions import apply_policy
from studio.store import database
from studio.store.database import FILE_NAME
from studio.store.migrations import STEPS
from studio.store.salvage import salvage
from studio.store.tables import Store
from tests.fakes import add_mistakes
from tests.store.test_damage import (
    Damage,
    cut_short,
    flip,
    flip_in_a_head,
    write_over_a_sector,
    zero_the_tail,
)

TABLES = ("questions", "attempts", "grades", "rationales", "reviews", "calls", "overrides",
          "decisions", "policies")  # fmt: skip
TIMES = 6
Rows = dict[str, set[tuple[object, ...]]]


def rows_of(project: Path) -> Rows:
    sql = sqlite3.connect(f"file:{project / FILE_NAME}?mode=ro", uri=True)
    found = {table: set(sql.execute(f"SELECT * FROM {table}").fetchall()) for table in TABLES}
    sql.close()
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with rows of every kind, replies as bytes among them."""
    store = Store.create(tmp_path_factory.mktemp("whole") / "p")
    for n, question in enumerate(add_mistakes(store, 150)):
        call = f"call-{n}"
        store.intend_call(call, subject=f"solve/{n}", teacher="a", stage="solve", request_hash="r",
                          prompt_hash="p")  # fmt: skip
        store.settle_call(call, state="answered", outcome="answered", reply=b"\xff\x00 \x80" * n)
        rationale = Rationale(
            question_id=question.id, teacher="a", text=f"{n} ü" * 50, call_id=call
        )
        store.add([rationale, Review(subject_id=rationale.id, reviewer="b", score=n % 5 + 1),
                   Override(rationale_id=rationale.id, accepted=True, who="me", at=float(n))])  # fmt: skip
    apply_policy(store, PRESETS["paper"], who="me")
    store.close()
    return store.path


def test_of_a_whole_project_everything_is_saved(whole: Path, tmp_path: Path) -> None:
    found = salvage(whole, tmp_path / "new")
    assert (found.gaps, found.loose) == ({}, 0)
    assert rows_of(tmp_path / "new") == rows_of(whole)
    store = Store(tmp_path / "new")
    assert store.value("PRAGMA integrity_check") == "ok"
    assert store.remarks == []
    store.close()


@pytest.mark.parametrize(
    "damage", [flip, flip_in_a_head, cut_short, zero_the_tail, write_over_a_sector]
)
def test_what_can_be_read_is_saved_and_holds_together(
    whole: Path, tmp_path: Path, damage: Damage
) -> None:
    chance, before, saved = random.Random(damage.__name__), rows_of(whole), 0
    told: list[str] = []
    for n in range(TIMES):
        project, new = tmp_path / f"damaged-{n}", tmp_path / f"new-{n}"
        project.mkdir()
        data = bytearray((whole / FILE_NAME).read_bytes())
        damage(data, chance)
        (project / FILE_NAME).write_bytes(data)
        try:
            salvage(project, new)
        except ProjectError as error:
            told.append(str(error))
            assert not new.exists(), "nothing half made is left behind"
        else:
            store = Store(new)
            assert store.value("PRAGMA integrity_check") == "ok"
            assert store.rows("PRAGMA foreign_key_check") == []
            store.close()
            after = rows_of(new)
            strange = sum(len(after[table] - before[table]) for table in TABLES)
            assert strange <= 40, "of one damaged place, and of no other"
            saved += sum(len(after[table] & before[table]) for table in TABLES)
        assert (project / FILE_NAME).read_bytes() == data, "it was not touched"
    assert [line for line in told if "\n" in line] == []
    everything = sum(map(len, before.values()))
    assert saved > everything * TIMES * (0.05 if damage in (cut_short, zero_the_tail) else 0.6)


def test_an_older_project_is_saved_and_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as old:
        old.setattr(database, "STEPS", STEPS[:3])
        store = Store.create(tmp_path / "old")
        store.set_setting("student", "small")
        store.close()
    salvage(tmp_path / "old", tmp_path / "new")
    store = Store(tmp_path / "new")
    assert (store.setting("student"), store.value("PRAGMA user_version")) == ("small", len(STEPS))
    store.close()


def test_the_verb_tells_what_came_and_what_is_left_to_do(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["salvage", str(whole), str(tmp_path / "new")]) == 0
    told = capsys.readouterr().out
    assert "150 questions" in told
    assert "was not touched" in told
    (tmp_path / "nothing").mkdir()
    for project, says in (
        (tmp_path / "nothing", "is not a project"),
        (whole, "already holds a project"),
    ):
        assert main(["salvage", str(project), str(tmp_path / "new")]) == 1
        assert says in capsys.readouterr().err
    (tmp_path / "nothing" / FILE_NAME).write_bytes(b"no database at all" * 1000)
    assert main(["salvage", str(tmp_path / "nothing"), str(tmp_path / "other")]) == 1
    assert "restore a backup" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
