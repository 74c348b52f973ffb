"""Reading off the drawing thread: the newest question counts, and nothing is left running."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.domain.errors import SpecError
from studio.store.tables import Store
from studio.ui.reading import Reading
from studio.ui.sheet import Sheet
from tests.ui.conftest import Open


def test_the_answer_to_an_older_question_is_dropped(project: Path, qtbot: QtBot) -> None:
    reading, gate = Reading(project), threading.Event()
    told: list[str] = []

    def slow(store: Store) -> str:
        gate.wait(5)
        return f"old {store.value('SELECT count(*) FROM questions')}"

    reading.ask("n", slow, told.append)
    reading.ask("n", lambda store: "between", told.append)
    reading.ask(
        "n", lambda store: f"new {store.value('SELECT count(*) FROM questions')}", told.append
    )
    gate.set()
    qtbot.waitUntil(lambda: bool(told))
    reading.close()
    assert told == ["new 4"]


def test_it_reads_on_a_thread_of_its_own_and_cannot_write(project: Path, qtbot: QtBot) -> None:
    reading = Reading(project)
    told: list[object] = []
    reading.ask("thread", lambda store: threading.current_thread(), told.append)
    reading.ask("write", lambda store: store.set_setting("a", 1), told.append, failed=told.append)
    qtbot.waitUntil(lambda: len(told) == 2)
    reading.close()
    assert told[0] is not threading.current_thread()
    assert "nothing was changed" in str(told[1])
    assert threading.current_thread() is threading.main_thread()


def test_a_change_that_fails_is_told_in_one_line(project: Path, qtbot: QtBot) -> None:
    reading, change = Reading(project), Future[int]()
    told: list[str] = []
    reading.failed.connect(told.append)
    reading.when(change)
    change.set_exception(SpecError("choose another"))
    qtbot.waitUntil(lambda: told == ["choose another"])
    reading.close()


def test_a_bug_is_not_hidden(project: Path, qtbot: QtBot) -> None:
    reading = Reading(project)
    with qtbot.captureExceptions() as caught:
        reading.ask("bug", lambda store: 1 // 0, lambda _: None)
        qtbot.waitUntil(lambda: bool(caught))
    reading.close()
    assert caught[0][0] is ZeroDivisionError


@pytest.mark.parametrize("asked", [0, 3])
def test_closing_leaves_no_thread(project: Path, asked: int) -> None:
    before = set(threading.enumerate())
    reading = Reading(project)
    for _ in range(asked):
        reading.ask("n", lambda store: store.value("SELECT 1"), lambda _: None)
    reading.close()
    assert {thread for thread in threading.enumerate() if thread.is_alive()} <= before


def test_what_could_not_be_read_is_told_to_the_view_too(project: Path, qtbot: QtBot) -> None:
    reading, change = Reading(project), Future[int]()
    told: list[str] = []
    unread: list[str] = []
    reading.failed.connect(told.append)
    reading.unread.connect(unread.append)

    def fail(store: Store) -> None:
        raise SpecError("no such thing")

    reading.ask("a", fail, lambda _: None)
    reading.when(change)
    change.set_exception(SpecError("not written"))
    qtbot.waitUntil(lambda: len(told) == 2)
    reading.close()
    assert sorted(told) == ["no such thing", "not written"]
    assert unread == ["no such thing"]


@pytest.mark.parametrize("name", ["overview", "data", "desk", "evaluate", "export", "settings"])
def test_a_view_that_cannot_be_read_says_why_instead_of_waiting_for_ever(
    open_window: Open, empty: Path, name: str, qtbot: QtBot
) -> None:
    window = open_window(empty)
    page = window.show_page(name)  # nothing is read yet
    page.reading.unread.emit("the disk does not answer")
    said = [one.text() for one in page.findChildren(QLabel) if one.isVisibleTo(page)]
    said += [one._empty for one in page.findChildren(Sheet)]
    assert any("he disk does not answer" in text for text in said)
    qtbot.waitUntil(lambda: page.reading.is_idle)
