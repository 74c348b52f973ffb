"""A project file that was damaged, cut short or is held by another program: told in one line."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.domain.errors import StorageError, StudioError
from studio.domain.records import Attempt, Grade, Question
from studio.store.database import FILE_NAME
from studio.store.tables import Store
from tests.fakes import add_mistakes

TIMES = int(os.environ.get("MAPD_TEST_DAMAGES", "80"))
Damage = Callable[[bytearray, random.Random], None]


def flip(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def flip_in_a_head(data: bytearray, chance: random.Random) -> None:
    page = chance.randrange(len(data) // 4096)
    data[page * 4096 + chance.randrange(100)] ^= 1 << chance.randrange(8)


def cut_short(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(1, len(data)) :]


def zero_the_tail(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(1, len(data))
    data[start:] = bytes(len(data) - start)


def write_over_a_sector(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) // 512) * 512
    data[start : start + 512] = chance.randbytes(512)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    store = Store.create(tmp_path_factory.mktemp("whole") / "p")
    add_mistakes(store, 200)
    store.close()
    return (store.path / FILE_NAME).read_bytes()


@pytest.mark.parametrize(
    "damage", [flip, flip_in_a_head, cut_short, zero_the_tail, write_over_a_sector]
)
def test_a_damaged_file_is_refused_in_one_line_or_read_in_what_is_whole(
    tmp_path: Path, whole: bytes, damage: Damage
) -> None:
    chance, told = random.Random(damage.__name__), list[str]()
    folder = tmp_path / "p"
    folder.mkdir()
    for _ in range(TIMES):
        data = bytearray(whole)
        damage(data, chance)
        (folder / FILE_NAME).write_bytes(data)
        try:
            read_all(folder)
        except StudioError as error:
            told.append(str(error))
        assert (folder / FILE_NAME).read_bytes() == data, "looking changes nothing"
    assert [line for line in told if not line or "\n" in line] == []
    assert damage is flip or len(told) > TIMES // 10, "a flipped bit may well lie where nothing is"


def read_all(folder: Path) -> None:
    """Read every record of a project that nobody may change."""
    store = Store(folder, read_only=True)
    try:
        for kind in (Question, Attempt, Grade):
            assert len(list(store.all(kind))) <= 200
        store.rows("SELECT * FROM mistakes")
    finally:
        store.close()


def test_a_lock_of_another_program_is_told_and_loses_nothing(store: Store) -> None:
    store.sql.execute("PRAGMA busy_timeout=200")
    other = sqlite3.connect(store.path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match="cannot be written") as caught:
        add_mistakes(store, 1)
    assert "\n" not in str(caught.value)
    other.execute("ROLLBACK")
    other.close()
    add_mistakes(store, 1)
    assert store.count(Question) == 1
