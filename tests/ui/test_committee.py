"""The committee page: teachers, and how far each reviewer can be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from studio.cli import main
from studio.domain.records import TeacherRecord
from studio.flow.quality import Quality, keep_quality, kept_quality, quality_of
from studio.flow.reviewer_warnings import Warned
from studio.flow.reviewers import flips_without
from studio.store import batch_views
from studio.store.tables import Store
from studio.ui.main_window import MainWindow
from studio.ui.pages.committee import CommitteePage
from studio.ui.pages.desk import DeskPage
from studio.ui.quality_form import QualityForm
from studio.ui.sheet import Sheet
from studio.ui.widgets.reviewer_card import ReviewerCard
from studio.ui.widgets.trust_panel import TrustPanel, in_words
from tests.ui.conftest import Open, desk_of


def committee_of(window: MainWindow, qtbot: QtBot) -> CommitteePage:
    """Return the page when the reviewers are measured and all else is read."""
    page = window.show_page("committee")
    assert isinstance(page, CommitteePage)
    qtbot.waitUntil(lambda: page.findChildren(TrustPanel)[0].report is not None)
    qtbot.waitUntil(lambda: page.reading.is_idle)
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


def test_how_it_is_asked_is_shown_and_kept(open_window: Open, project: Path, qtbot: QtBot) -> None:
    store = Store(project)
    keep_quality(store, {"revise": 2})
    store.close()
    window = open_window(project)
    page = committee_of(window, qtbot)
    next(b for b in page.findChildren(QPushButton) if b.text() == "How it is asked …").click()
    form = page.findChildren(QualityForm)[0]
    assert set(form.values()) == set(Quality.model_fields)
    assert form.values()["revise"] == 2
    shown = [label.text() for label in form.findChildren(QLabel) if label.isVisibleTo(form)]
    assert all(field.description in shown for field in Quality.model_fields.values())
    assert any("rule in force is the paper's" in text for text in shown)
    form.show_values(Quality(samples=3, target=2, blind=True, review_explanations=True))
    next(b for b in form.findChildren(QPushButton) if b.text() == "Keep").click()
    reader = Store(project, read_only=True)
    wanted = Quality(samples=3, target=2, blind=True, review_explanations=True)
    qtbot.waitUntil(lambda: kept_quality(reader) == wanted)
    assert quality_of(reader) == Quality(blind=True, review_explanations=True)
    reader.close()


def test_the_command_of_how_it_is_asked_is_one_the_verb_takes(
    project: Path, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    around = QWidget()
    qtbot.addWidget(around)
    form = QualityForm(around, Quality(), project=project, rests=False)
    form.show_values(Quality(samples=2, blind=True))
    assert main([*form._words(), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["quality"]
    assert said == Quality(samples=2, blind=True).model_dump()


def test_a_reviewer_of_the_authors_family_is_warned_of(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    for name, model in (("gpt", "gpt-5"), ("gemini", "gpt-5-mini"), ("mistral", "mistral-large")):
        store.put(TeacherRecord(name=name, model=model, base_url="http://localhost/v1"))
    store.close()
    page = committee_of(open_window(project), qtbot)
    said = [label for label in page.findChildren(QLabel) if label.text().startswith("⚠ ")]
    qtbot.waitUntil(lambda: all(label.isVisibleTo(page) for label in said))
    warned = [label.text() for label in said if "own family" in label.text()]
    assert sorted(text.split(" (")[0] for text in warned) == [
        "⚠ gemini judges gpt, a model of its own family",
        "⚠ gpt judges gemini, a model of its own family",
    ]
    assert all("too few shared ones" in text for text in warned), "there are four questions"


def test_each_kind_of_warning_reads_as_a_sentence() -> None:
    kin = Warned("self-family", "a", "b", 0.4, 1200, "")
    milder = Warned("drift", "a", "", 0.5, 90, "")
    other = Warned("other-model", "a", "", None, 1, "", "big", "small\nand evil")
    assert in_words(kin) == (
        "a judges b, a model of its own family, and gives it +0.40 points beyond what it gives "
        "others (1,200 reviews)"
    )
    assert in_words(milder).startswith("a got milder as it went on: +0.50 points")
    assert in_words(milder._replace(gap=-0.5)).startswith("a got stricter as it went on: −0.50")
    assert in_words(other) == (
        "a was asked for the model big, and small and evil answered (1 call)"
    )


def test_a_batch_that_is_out_is_told_until_it_is_collected(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    store.put(TeacherRecord(name="gpt", model="gpt-5", base_url="http://localhost/v1", batch=True))
    store.execute(batch_views.BEGIN, "b1", "gpt", 546, 1.0, 1.7e9)
    store.execute(batch_views.HANDED_OVER, "remote", "b1")
    store.execute(batch_views.HOW_FAR, 12, "b1")
    store.close()
    window = open_window(project)
    page = committee_of(window, qtbot)
    qtbot.waitUntil(page._out.isVisible)
    assert page._out.text().startswith("gpt: batch of 546 with its endpoint, 12 done, sent ")
    write = window.workbench.background.call
    write(
        lambda: window.workbench.store.execute(batch_views.END, "collected", "", 1.7e9, "b1")
    ).result()
    page._look_for_batches()
    qtbot.waitUntil(page._out.isHidden)
