"""The Export page shows what would be written before it is written."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.ui.pages.export import ExportPage
from studio.ui.parts import choose
from studio.ui.report_dialog import write_and_show
from tests.ui.conftest import Open


def test_each_file_can_be_seen_and_the_command_copied(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    page = open_window(project).show_page("export")
    assert isinstance(page, ExportPage)
    qtbot.waitUntil(lambda: '"role": "user"' in page._text.toPlainText())
    assert page._state.text() == "7 rows"
    page._files.setCurrentIndex(page._files.findText("README.md"))
    page._show_file()
    assert "mean of valid scores" in page._text.toPlainText()
    page._all.setChecked(True)
    qtbot.waitUntil(lambda: page._state.text() == "12 rows")
    next(b for b in page.findChildren(QPushButton) if b.text() == "Copy as command").click()
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith(f"mapd-studio export {project} ")
    assert copied.endswith("--format messages --all")


def test_what_cannot_be_shown_says_why(open_window: Open, empty: Path, qtbot: QtBot) -> None:
    page = open_window(empty).show_page("export")
    assert isinstance(page, ExportPage)
    qtbot.waitUntil(lambda: "No rationale is accepted" in page._state.text())
    choose(page._format, "model")
    page._on_format()
    qtbot.waitUntil(lambda: "No model was written there yet" in page._state.text())
    assert page._text.toPlainText() == ""


def test_the_report_of_the_newest_round_is_written(
    open_window: Open, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    write_and_show(window, tmp_path / "r.html", show=False)
    qtbot.waitUntil(lambda: window.jobs.text.startswith("✓ Wrote"))
    assert "round 0" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_says_why(
    open_window: Open, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_window(empty)
    (tmp_path / "taken").write_text("a file where a folder is wanted")
    write_and_show(window, tmp_path / "taken" / "r.html", show=False)
    qtbot.waitUntil(lambda: "cannot write" in window.jobs.text)


def test_a_written_model_says_how_alike_its_forms_answer(
    open_window: Open, empty: Path, qtbot: QtBot
) -> None:
    page = open_window(empty).show_page("export")
    assert isinstance(page, ExportPage)
    out = Path(page._out.text()).parent / "model"
    out.mkdir(parents=True)
    told = {"prompts": 5, "same": {"merged": 5, "gguf": 4}, "answers": []}
    (out / "parity.json").write_text(json.dumps(told))
    (out / "Modelfile").write_text("FROM ./model.gguf\n")
    choose(page._format, "model")
    page._on_format()
    qtbot.waitUntil(
        lambda: page._state.text() == "answers like ours to the letter, of 5: merged 5, gguf 4"
    )
    assert [page._files.itemText(n) for n in range(page._files.count())] == [
        "parity.json", "Modelfile",
    ]  # fmt: skip
    page._files.setCurrentIndex(1)
    page._show_file()
    assert page._text.toPlainText() == "FROM ./model.gguf\n"


def test_a_folder_of_ones_own_stays_when_another_format_is_chosen(
    open_window: Open, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    page = window.show_page("export")
    assert isinstance(page, ExportPage)
    go = next(b for b in page.findChildren(QPushButton) if b.text() == "Export")
    for out, then in (
        (str(project / "exports" / "messages"), str(project / "exports" / "alpaca")),
        (str(tmp_path / "mine" / "messages"), str(tmp_path / "mine" / "alpaca")),
        (str(tmp_path / "mine" / "data"), str(tmp_path / "mine" / "data")),
    ):
        choose(page._format, "messages")
        page._on_format()
        page._out.setText(out)
        choose(page._format, "alpaca")
        page._on_format()
        assert page._out.text() == then
    page._out.setText(" ")
    go.click()
    assert window.jobs.text == "✗ Name the folder to write into"
    assert not window.workbench.background.tasks
    qtbot.waitUntil(lambda: page.reading.is_idle)


def test_the_preview_stays_where_it_is_read_when_it_is_made_anew(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    page = open_window(project).show_page("export")
    assert isinstance(page, ExportPage)
    qtbot.waitUntil(lambda: '"role": "user"' in page._text.toPlainText())
    page._text.selectAll()
    page.reload({"decisions"})
    qtbot.waitUntil(lambda: page.reading.is_idle)
    assert page._text.textCursor().hasSelection()
