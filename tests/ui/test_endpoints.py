"""The Committee page tries teachers out, keeps their keys, and asks before a key goes anywhere new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from studio.domain.records import TeacherRecord
from studio.store.tables import Store
from studio.ui.key_form import KeyForm
from studio.ui.pages.committee import CommitteePage
from tests.app.test_settings import KEY, LockedKeyring, MemoryKeyring
from tests.fakes import FaultyEndpoint, teacher
from tests.ui.conftest import Open


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint(lambda request: "ready")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _own_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    yield
    keyring.set_keyring(before)


def page_with(open_window: Open, empty: Path, record: TeacherRecord) -> CommitteePage:
    store = Store(empty)
    store.put(record)
    store.close()
    page = open_window(empty).show_page("committee")
    assert isinstance(page, CommitteePage)
    page._teachers.selectRow(0)
    return page


def told(page: CommitteePage) -> list[tuple[str, bool]]:
    lines: list[tuple[str, bool]] = []
    page.told.connect(lambda text, bad: lines.append((text, bad)))
    return lines


def test_a_teacher_is_tried_out(
    open_window: Open, empty: Path, endpoint: FaultyEndpoint, qtbot: QtBot
) -> None:
    page = page_with(open_window, empty, teacher("a", endpoint.url))
    lines = told(page)
    page._test.click()
    qtbot.waitUntil(lambda: ("✓ a answered as fake-1: “ready” (10+5 tokens)", False) in lines)
    assert page._test.isEnabled()


def test_an_endpoint_that_is_not_there_says_what_to_look_at(
    open_window: Open, empty: Path, qtbot: QtBot
) -> None:
    page = page_with(open_window, empty, teacher("a", "http://127.0.0.1:9/v1"))
    lines = told(page)
    page._test.click()
    qtbot.waitUntil(lambda: any("is the server running" in text and bad for text, bad in lines))


def test_a_key_goes_to_a_new_address_only_after_a_question(
    open_window: Open,
    empty: Path,
    endpoint: FaultyEndpoint,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_STRANGER_S_KEY", KEY)
    page = page_with(open_window, empty, teacher("a", endpoint.url, api_key_env="A_STRANGER_S_KEY"))
    lines = told(page)
    page._test.click()
    qtbot.waitUntil(lambda: len(page.findChildren(QMessageBox)) == 1)
    assert endpoint.headers == []
    (box,) = page.findChildren(QMessageBox)
    assert "A_STRANGER_S_KEY sent to http://127.0.0.1" in box.text()
    next(one for one in box.buttons() if one.text() == "Allow and test").click()
    qtbot.waitUntil(lambda: any(text.startswith("✓ a answered") for text, _ in lines))
    assert KEY in str(endpoint.headers)


@pytest.mark.parametrize("lasting", [True, False])
def test_a_key_is_kept_in_the_keyring_or_said_to_last_for_the_session(
    open_window: Open, empty: Path, endpoint: FaultyEndpoint, qtbot: QtBot, lasting: bool
) -> None:
    keyring.set_keyring(MemoryKeyring() if lasting else LockedKeyring())
    page = page_with(open_window, empty, teacher("a", endpoint.url))
    lines = told(page)
    page._key.click()
    (form,) = page.findChildren(KeyForm)
    assert not form._go.isEnabled()
    form._key.setText(f" {KEY} ")
    form._go.click()
    said = "is in the system's keyring" if lasting else "lasts until the studio is closed"
    qtbot.waitUntil(lambda: any(said in text for text, _ in lines))
    page._test.click()
    qtbot.waitUntil(lambda: any(text.startswith("✓ a answered") for text, _ in lines))
    assert KEY in str(endpoint.headers)
    for file in empty.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()
