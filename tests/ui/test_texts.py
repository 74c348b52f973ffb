"""Texts can be translated: all stand in one file, and a made-up language leaves none of them English."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

import studio
from studio.ui.pages.start import StartPage
from studio.ui.texts import Catalogue, mark, tr, use_language
from studio.ui.words import things
from tests.ui.conftest import Open

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", PACKAGING / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def made_up(qapp: QApplication) -> Iterator[None]:
    """A language in which every text stands in brackets."""
    texts = json.loads(script("texts").CATALOGUE.read_text(encoding="utf-8"))
    language = Catalogue({text: f"⟦{text}⟧" for text in texts})
    qapp.installTranslator(language)
    yield
    qapp.removeTranslator(language)


def test_the_catalogue_holds_every_text_of_the_window() -> None:
    texts = script("texts")
    written = texts.CATALOGUE.read_text(encoding="utf-8")
    assert written == texts.as_json(texts.texts()), "run: python packaging/texts.py"


MODULES = sorted((Path(studio.__file__).parent / "ui").rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda one: one.stem)
def test_no_text_on_screen_is_forgotten(module: Path) -> None:
    assert script("texts").bare_texts([module]) == []


def test_values_are_filled_in_and_never_looked_up(made_up: None) -> None:
    assert tr("Open {name}", name="{evil}") == "⟦Open {evil}⟧"
    assert tr("Open {name}", name=mark("Close")) == "⟦Open Close⟧"
    assert tr("nobody ever wrote this") == "nobody ever wrote this"
    assert things(2, "task") == "2 ⟦tasks⟧"


def test_a_language_without_a_file_stays_english(qapp: QApplication) -> None:
    assert use_language(qapp, "xx") is None
    assert tr("Close") == "Close"


def shown(part: QWidget) -> Iterator[str]:
    for one in part.findChildren(QWidget):
        if isinstance(one, QLabel | QAbstractButton):
            yield one.text()
        if isinstance(one, QComboBox):
            yield from (one.itemText(n) for n in range(one.count()))
        if isinstance(one, QLineEdit):
            yield one.placeholderText()
        if one.parentWidget() is not None and not isinstance(one.parentWidget(), QComboBox):
            yield one.toolTip()


#: What Qt, the keyboard or a person wrote, and what has no words.
_FOREIGN = ("?, F1", "Press shortcut", "Ctrl+", "F11", "F1", "J  or", "K  or", "A", "R", "C", "← →", "1 – 9",
            "1 / 7")  # fmt: skip


#: What a person or a model wrote, a stage's name, numbers with their n, and Qt's own.
_DATA = re.compile(r"gemini|gpt|mistral|project|small|set |grade: |[-−+]?[\d.]+ (%|of|\(n)|Scroll ")


def is_translated(text: str) -> bool:
    return ("⟦" in text or not any(sign.isalpha() for sign in text)
            or text.startswith(_FOREIGN) or text == "%"
            or (text.isupper() and len(text) == 1) or text == "Shift+M")  # fmt: skip


def test_a_made_up_language_reaches_the_whole_shell(
    made_up: None, open_window: Open, empty: Path, qtbot: QtBot
) -> None:
    window = open_window(empty)
    for _, name, action in window.actions_.menus.in_order():
        if not name.startswith(("zoom", "recent")):
            assert is_translated(action.text()), name
        assert is_translated(action.toolTip()), name
    for name in ("palette", "keys", "change-keys"):
        window.actions_.menus[name].trigger()
    settings = window.show_page("settings")
    start = StartPage()
    qtbot.waitUntil(lambda: settings.reading.is_idle, timeout=20_000)
    for part in (*window.findChildren(QDialog), window._rail, window.jobs, settings, start):
        english = [text for text in shown(part) if not is_translated(text)]
        assert english == [], type(part).__name__
    start.deleteLater()


@pytest.mark.parametrize("page", ["overview", "data", "committee", "evaluate"])
def test_a_made_up_language_reaches_every_page(
    made_up: None, open_window: Open, project: Path, qtbot: QtBot, page: str
) -> None:
    shows = open_window(project).show_page(page)
    qtbot.waitUntil(lambda: shows.reading.is_idle, timeout=20_000)
    english = {text for text in shown(shows) if not is_translated(text)}
    assert {text for text in english if not _DATA.match(text)} == set()


def test_colours_of_a_picture_are_reduced_without_being_seen(tmp_path: Path) -> None:
    picture = tmp_path / "many.png"
    image = QImage(400, 100, QImage.Format.Format_RGB32)
    image.fill(QColor("#f3f4f7"))
    for n in range(300):  # more shades than a palette holds, the seldom ones close to others
        image.setPixelColor(n, 10, QColor(n % 200, 80 + n // 200, 128))
    image.save(str(picture))
    script("screenshots").reduce_colours(picture)
    small = QImage(str(picture))
    assert (small.width(), small.height()) == (400, 100)
    assert small.format() is QImage.Format.Format_Indexed8
    assert small.pixelColor(399, 99) == QColor("#f3f4f7")
    for n in range(300):
        found = small.pixelColor(n, 10)
        assert abs(found.red() - n % 200) + abs(found.green() - 80 - n // 200) <= 60
