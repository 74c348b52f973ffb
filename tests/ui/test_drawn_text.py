"""Markup and formulas are drawn; marks fall where they belong, and what is copied is what was written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QTextCursor
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from studio.domain.records import Question, Rationale
from studio.store.tables import Store
from studio.ui.drawn_text import DrawnText, Mark
from studio.ui.formulas import Formulas, draw_formula
from studio.ui.reading import Reading
from studio.ui.theme import DARK, LIGHT, apply_theme
from tests.ui.conftest import Open, desk_of

PICTURE = "\ufffc"


@pytest.fixture
def formulas(empty: Path, qapp: QApplication) -> Iterator[Formulas]:
    reading = Reading(empty)
    yield Formulas(reading)
    reading.close()


@pytest.fixture
def view(formulas: Formulas, qtbot: QtBot) -> DrawnText:
    made = DrawnText("Text", formulas)
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    return made


def find(view: DrawnText, text: str) -> QTextCursor:
    cursor = view.document().find(text)
    assert cursor.hasSelection(), text
    return cursor


def copied(view: DrawnText) -> str:
    QGuiApplication.clipboard().clear()
    view.copy()
    return QGuiApplication.clipboard().text()


def test_markup_is_drawn_and_copied_as_it_was_written(view: DrawnText) -> None:
    text = "# So\nthis is **bold** and `code`\n* one\n2. two"
    view.show_text(text)
    assert view.toPlainText() == "So\nthis is bold and code\n• one\n2. two"
    assert find(view, "bold").charFormat().fontWeight() == QFont.Weight.DemiBold
    assert find(view, "this").charFormat().fontWeight() == QFont.Weight.Normal
    assert find(view, "one").blockFormat().leftMargin() > 0
    view.selectAll()
    assert copied(view) == text
    view.setTextCursor(find(view, "is bold"))
    assert copied(view) == "is **bold"


def test_html_links_and_pictures_stay_text(view: DrawnText, tmp_path: Path) -> None:
    picture = tmp_path / "x.png"
    QImage(4, 4, QImage.Format.Format_RGB32).save(str(picture))
    text = f'<b>x</b> <img src="{picture}"> ![]({picture}) [a](http://example.org) &amp;'
    view.show_text(text)
    assert view.toPlainText() == text
    assert not view.textCursor().charFormat().isAnchor()
    assert PICTURE not in view.toPlainText()


def test_marks_fall_on_what_they_mean(view: DrawnText) -> None:
    text = "😀 **So** it is *not* 12 but 13"
    view.show_text(text, [Mark((text.index("12"), text.index("12") + 2), LIGHT.bad),
                          Mark((2, 8), LIGHT.warn), Mark((2, 4), LIGHT.warn)])  # fmt: skip
    shown = [one.cursor.selectedText() for one in view.extraSelections()]  # type: ignore[attr-defined]
    assert shown == ["12", "So"]  # of the third nothing is shown
    assert view.marked == ["12", "So"]


def test_formulas_are_drawn_when_they_are_ready(view: DrawnText, qtbot: QtBot) -> None:
    text = r"Half is \(\frac{1}{2}\), and $x^2 = 4$; it costs $5 or $6."
    view.show_text(text)
    assert view.toPlainText() == text  # until then as it is written
    qtbot.waitUntil(lambda: view.toPlainText().count(PICTURE) == 2)
    assert view.toPlainText() == f"Half is {PICTURE}, and {PICTURE}; it costs $5 or $6."
    view.selectAll()
    assert copied(view) == text
    form = find(view, f"is {PICTURE}").charFormat().toImageFormat()
    assert form.height() > 20


def test_a_formula_wider_than_the_pane_stays_text_until_there_is_room(
    formulas: Formulas, qtbot: QtBot
) -> None:
    latex = "1" + " + 1" * 30 + " = 31"
    holder = QWidget()
    view = DrawnText("Text", formulas, most_lines=9)
    QVBoxLayout(holder).addWidget(view)
    qtbot.addWidget(holder)
    holder.resize(260, 300)
    holder.show()
    view.show_text(f"So ${latex}$.")
    qtbot.waitUntil(lambda: bool(view._drawn))
    assert latex in view.toPlainText()
    holder.resize(1_200, 300)
    qtbot.waitUntil(lambda: view.toPlainText() == f"So {PICTURE}.")
    holder.resize(260, 300)
    qtbot.waitUntil(lambda: latex in view.toPlainText())


@pytest.mark.parametrize(
    "latex", ["x^", r"\frac{1", r"\sqrt", r"\begin{cases}", "^", "&", r"\left("]
)
def test_what_cannot_be_drawn_is_none_and_no_error(latex: str) -> None:
    drawing = draw_formula(latex, 15)
    assert drawing is None or drawing.width > 0


def test_a_broken_formula_stays_as_it_was_written(view: DrawnText, qtbot: QtBot) -> None:
    view.show_text(r"So \(x^\) and \(y\)")
    qtbot.waitUntil(lambda: PICTURE in view.toPlainText())
    assert view.toPlainText() == rf"So \(x^\) and {PICTURE}"


def ink(drawing_colour: str) -> QColor:
    drawing = draw_formula("x", 40)
    assert drawing is not None
    image = drawing.picture(drawing_colour, ratio=1, x_height=7)
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return max(pixels, key=QColor.alpha)


def test_formulas_take_the_colour_of_the_text(
    qapp: QApplication, view: DrawnText, qtbot: QtBot
) -> None:
    assert ink(DARK.text).name() == DARK.text
    assert ink(LIGHT.text).name() == LIGHT.text
    view.show_text(r"\(x\)")
    qtbot.waitUntil(lambda: view.toPlainText() == PICTURE)
    apply_theme(qapp, "dark")
    assert view.toPlainText() == PICTURE
    apply_theme(qapp, "light")


def test_long_and_odd_texts_are_shown_at_once(view: DrawnText) -> None:
    for text in ("x" * 1_000_000, "**a** " * 100_000, "$x$ " * 100_000, "* a\n" * 100_000,
                 "`a" * 100_000, "\n" * 100_000):  # fmt: skip
        begun = time.process_time()  # not the clock's: others may have the processor
        view.show_text(text)
        assert time.process_time() - begun < 2, text[:6]


def test_the_desk_draws_what_teachers_wrote(open_window: Open, project: Path, qtbot: QtBot) -> None:
    store = Store(project)
    question = next(iter(store.all(Question)))
    text = "**Sum:** 2 + 2 = 5, so $x = 5$."
    store.add([Rationale(question_id=question.id, teacher="zoe", text=text)])
    store.close()
    desk = desk_of(open_window(project), qtbot)
    cards = [card for card in desk.case_view._cards if "zoe" in card.accessibleName()]
    assert len(cards) == 1
    (view,) = cards[0].findChildren(DrawnText)
    qtbot.waitUntil(lambda: view.toPlainText() == f"Sum: 2 + 2 = 5, so {PICTURE}.")
    assert view.marked == ["2 + 2 = 5"]
