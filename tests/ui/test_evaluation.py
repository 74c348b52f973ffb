"""Evaluate: what was fixed and broken side by side, all runs in one table, the report by a button."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from studio.store.tables import Store
from studio.ui.pages.evaluation import EvaluationPage
from tests.flow.test_report import EVIL, fill
from tests.ui.conftest import Open


def test_fixed_and_broken_show_both_answers_in_full(
    open_window: Open, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    store = Store(empty)
    fill(store)
    store.close()
    window = open_window(empty)
    page = window.show_page("evaluate")
    assert isinstance(page, EvaluationPage)
    qtbot.waitUntil(lambda: page._stack.currentIndex() == 1)
    assert (
        "50.0% → 50.0% (15.0% to 85.0%) of 4 held-out questions right, +0.0 pp"
        in page._summary.text()
    )
    flips = page._flips
    assert flips._heads["fixed"].text().endswith("(1 of 4)")
    flips._lists["broken"].selectRow(0)
    assert flips._texts["before"].toPlainText().endswith("says small")
    assert flips._texts["after"].toPlainText().endswith("says small+1")
    assert EVIL not in flips._texts["after"].toPlainText()  # its reversing sign is made visible
    assert flips._names["after"].text() == "After ✗, read as 7"
    assert page._all._runs.sheet.rowCount() == page._all._rounds.sheet.rowCount() == 1
    assert page._words() == ["evaluate", str(empty), "--student", "small+1"]
    page._write_report(str(tmp_path / "round.html"))
    qtbot.waitUntil(lambda: (tmp_path / "round.html").is_file())
    qtbot.waitUntil(lambda: "Report written" in window.jobs.text)
