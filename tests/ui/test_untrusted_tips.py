"""What a tooltip says of other people's texts is never read as markup by Qt."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.ui.parts import ShortLabel, button, label
from studio.ui.plain_text import as_tip
from studio.ui.sheet import Sheet

MARKUP = (
    "<img src='file:///etc/hostname'>x",
    "is a<b and c>d?",
    "<b>accepted</b> by hand",
    "5 &lt; 6",
    "see <a href='http://x'>b</a>",
)


def drawn(text: str, qtbot: QtBot) -> str:
    """Return what a label shows that takes for markup what looks so, as Qt's tooltips do."""
    shown = QLabel(text)
    qtbot.addWidget(shown)
    assert shown.textFormat() == Qt.TextFormat.AutoText
    shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    shown.setSelection(0, len(text))
    return shown.selectedText()


@pytest.mark.qt_log_ignore("out of range")  # what is drawn is shorter than what was written
@pytest.mark.parametrize("text", MARKUP)
def test_a_tooltip_shows_the_text_as_it_is(text: str, qtbot: QtBot) -> None:
    assert drawn(text, qtbot) != text  # else nothing would be shown by what follows
    assert drawn(as_tip(text), qtbot).replace("\u2060", "") == text


@pytest.mark.parametrize("text", MARKUP)
def test_parts_that_take_a_tip_make_it_plain(text: str, qtbot: QtBot) -> None:
    sheet = Sheet(("one",), name="rows")
    sheet.show_rows([(text,)])
    parts = [label("", tip=text), ShortLabel(text), button("go", lambda: None, tip=text), sheet]
    for part in parts:
        qtbot.addWidget(part)
    cell = sheet.sheet.data(sheet.sheet.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    for tip in (*(part.toolTip() for part in parts[:3]), cell):
        assert tip == as_tip(text)
