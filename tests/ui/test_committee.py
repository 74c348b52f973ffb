"""The committee page: teachers, and how far each reviewer can be trusted."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from studio.flow.reviewers import flips_without
from studio.store.tables import Store
from studio.ui.main_window import MainWindow
from studio.ui.pages.committee import CommitteePage
from studio.ui.pages.desk import DeskPage
from studio.ui.sheet import Sheet
from studio.ui.widgets.reviewer_card import ReviewerCard
from studio.ui.widgets.trust_panel import TrustPanel
from tests.ui.conftest import Open, desk_of


def committee_of(window: MainWindow, qtbot: QtBot) -> CommitteePage:
    """Return the page when the reviewers are measured."""
    page = window.show_page("committee")
    assert isinstance(page, CommitteePage)
    qtbot.waitUntil(lambda: page.findChildren(TrustPanel)[0].report is not None)
    return page


def test_each_reviewer_has_a_card_with_its_numbers(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    page = committee_of(open_window(project), qtbot)
    cards = {card.accessibleName(): card for card in page.findChildren(ReviewerCard)}
    assert list(cards) == [f"Reviewer {name}" for name in ("gemini", "gpt", "mistral")]
    said = " | ".join(label.text() for label in cards["Reviewer gpt"].findChildren(QLabel))
    assert "8 reviews" in said
    assert "no override yet" in said
    matrix = next(s for s in page.findChildren(Sheet) if "author" in s.accessibleName())
    assert matrix.sheet.rowCount() == 3


def test_the_list_of_flips_opens_on_the_desk(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    reader = Store(project, read_only=True)
    expected = {name: flips_without(reader, name) for name in ("gemini", "gpt", "mistral")}
    reader.close()
    name = max(expected, key=lambda one: len(expected[one]))
    assert expected[name]
    desk_of(window, qtbot)
    page = committee_of(window, qtbot)
    card = next(c for c in page.findChildren(ReviewerCard) if name in c.accessibleName())
    flips = next(b for b in card.findChildren(QPushButton) if "turn" in b.text())
    assert f"{len(expected[name]):,} decision" in flips.text()
    flips.click()
    desk = window.show_page("desk")
    assert isinstance(desk, DeskPage)
    assert desk.filters.filter.without == name
    qtbot.waitUntil(lambda: desk.reading.is_idle)
    assert desk._found.rationale_ids(desk._book) == expected[name]  # type: ignore[arg-type]


def test_without_reviews_the_page_says_what_makes_them(
    open_window: Open, empty: Path, qtbot: QtBot
) -> None:
    page = committee_of(open_window(empty), qtbot)
    assert not page.findChildren(ReviewerCard)
    assert any("No reviews yet" in label.text() for label in page.findChildren(QLabel))
