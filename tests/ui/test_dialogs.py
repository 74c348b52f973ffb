"""Every dialog, without a mouse: names for all controls, Tab everywhere and round, Esc closes it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QDialog, QPushButton
from pytestqt.qtbot import QtBot

from studio.domain.records import TeacherRecord
from studio.flow.outlook import Piece, Tokens
from studio.flow.outlook import Shown as TokensShown
from studio.store.tables import Store
from studio.ui.curve_window import CurveWindow
from studio.ui.main_window import MainWindow
from studio.ui.token_view import TokenView
from tests.ui.conftest import Open, desk_of
from tests.ui.controls import missed_by_tab, nameless

Opener = Callable[[MainWindow, QtBot], object]


def on_page(name: str, method: str) -> Opener:
    """Return what calls a page's method once it has read all."""

    def open_(window: MainWindow, qtbot: QtBot) -> None:
        page = window.show_page(name)
        qtbot.waitUntil(lambda: page.reading.is_idle)
        getattr(page, method)()

    return open_


def on_teacher(method: str) -> Opener:
    """Return what calls a method of the Committee page with its first teacher chosen."""

    def open_(window: MainWindow, qtbot: QtBot) -> None:
        page = window.show_page("committee")
        qtbot.waitUntil(lambda: page.reading.is_idle)
        page._teachers.selectRow(0)  # type: ignore[attr-defined]
        getattr(page, method)()

    return open_


def on_desk(verb: str) -> Opener:
    return lambda window, qtbot: desk_of(window, qtbot).do(verb)


def on_panel(method: str) -> Opener:
    return lambda window, qtbot: getattr(desk_of(window, qtbot).panel, method)()


def from_menu(name: str) -> Opener:
    return lambda window, qtbot: window.actions_.menus[name].trigger()


def question(window: MainWindow, qtbot: QtBot) -> None:
    page = window.show_page("data")
    qtbot.waitUntil(lambda: page.reading.is_idle)
    page._on_opened(window.workbench.reader.value("SELECT id FROM questions"))  # type: ignore[attr-defined]


def files(window: MainWindow, qtbot: QtBot) -> None:
    file = window.workbench.project.parent / "more.csv"
    file.write_text("q,a\nHow many?,3\n", encoding="utf-8")
    window.import_files([file])


def tokens(window: MainWindow, qtbot: QtBot) -> None:
    shown = TokensShown("train", "rationale", 9, 4, 1, False, (Piece("What is 1?", 0, 3),))
    roles = {
        "train rationale": {"examples": 2, "tokens": 20, "supervised": 9, "over": 1, "longest": 11}
    }
    TokenView(window, Tokens(8, "</s>", False, True, roles, (shown,))).open()


def curve(window: MainWindow, qtbot: QtBot) -> None:
    steps = np.arange(4.0)
    CurveWindow(window, "Loss", [("training", "#2d5bd0", steps, steps)]).open()


DIALOGS: dict[str, tuple[str, Opener]] = {
    "run": ("RunDialog", on_page("overview", "_on_run")),
    "round": ("RunDialog", on_page("overview", "_on_round")),
    "hold-out": ("HoldOutForm", on_page("data", "_on_hold_out")),
    "pairs": ("PairsList", on_page("data", "_on_pairs")),
    "question": ("QuestionDialog", question),
    "import": ("ImportForm", files),
    "add-teacher": ("TeacherForm", on_page("committee", "_on_add")),
    "edit-teacher": ("TeacherForm", on_teacher("_on_edit")),
    "key": ("KeyForm", on_teacher("_on_key")),
    "how": ("QualityForm", on_page("committee", "_on_how")),
    "prompts": ("PromptsDialog", on_page("committee", "_on_prompts")),
    "edit": ("EditForm", on_desk("edit")),
    "note": ("NoteForm", on_desk("note")),
    "gold": ("GoldForm", on_desk("gold")),
    "diff": ("DiffView", on_desk("diff")),
    "history": ("HistoryList", on_desk("history")),
    "whole": ("TextViewer", on_desk("whole")),
    "weights": ("WeightsDialog", on_panel("_on_reviewers")),
    "rules": ("RulesDialog", on_panel("_on_compare")),
    "ablation": ("AblationDialog", on_page("evaluate", "_on_ablation")),
    "tokens": ("TokenView", tokens),
    "curve": ("CurveWindow", curve),
    "palette": ("CommandPalette", from_menu("palette")),
    "keys": ("KeySheet", from_menu("keys")),
    "change-keys": ("KeyEditor", from_menu("change-keys")),
}


def test_all_dialogs_there_are_stand_in_the_list() -> None:
    found = {
        node.name
        for file in (Path(__file__).parents[2] / "studio" / "ui").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(
            isinstance(base, ast.Name) and base.id in ("QDialog", "Form") for base in node.bases
        )
    } - {"Form"}  # what three of them have in common
    assert found == {kind for kind, _ in DIALOGS.values()}


@pytest.fixture
def opened(
    request: pytest.FixtureRequest, open_window: Open, project: Path, qtbot: QtBot
) -> QDialog:
    """A dialog by its name in ``DIALOGS``, open and loaded."""
    kind, open_ = DIALOGS[request.param]
    store = Store(project)
    store.put(
        TeacherRecord(name="gemini", model="m", base_url="http://localhost/v1", api_key_env="K")
    )
    store.close()
    window = open_window(project)
    open_(window, qtbot)

    def there() -> list[QDialog]:
        return [one for one in window.findChildren(QDialog) if type(one).__name__ == kind
                and one.isVisible()]  # fmt: skip

    qtbot.waitUntil(lambda: bool(there()))
    for page in window._pages.values():
        qtbot.waitUntil(lambda page=page: page.reading.is_idle)
    qtbot.wait(20)
    return there()[0]


@pytest.mark.parametrize("opened", DIALOGS, indirect=True)
def test_a_dialog_can_be_used_without_a_mouse(opened: QDialog, qtbot: QtBot) -> None:
    assert opened.windowTitle()
    assert not nameless(opened)
    shown = [one for one in opened.findChildren(QPushButton) if one.isVisibleTo(opened)]
    assert shown or type(opened).__name__ == "CommandPalette"
    assert sum(one.property("role") == "main" for one in shown) <= 1, "one way forward"
    focus = QApplication.focusWidget()
    assert focus is not None
    assert opened.isAncestorOf(focus)
    missed = missed_by_tab(opened, qtbot)
    assert not missed
    assert not [one for one in opened.findChildren(QAbstractSpinBox)
                if one.lineEdit() and not one.lineEdit().textMargins().left()], "room before the number"  # fmt: skip
    qtbot.keyClick(opened, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not _is_open(opened))


@pytest.mark.parametrize("opened", DIALOGS, indirect=True)
def test_the_way_forward_stands_last_in_its_row(opened: QDialog) -> None:
    shown = [one for one in opened.findChildren(QPushButton) if one.isVisibleTo(opened)]
    main = next((one for one in shown if one.property("role") == "main"), None)
    cancel = next(
        (one for one in shown if one.text().replace("&", "") in ("Cancel", "Close")), None
    )
    if main is None or cancel is None or _middle(main)[1] != _middle(cancel)[1]:
        return
    assert _middle(cancel)[0] < _middle(main)[0]


def _middle(one: QPushButton) -> tuple[int, int]:
    place = one.mapTo(one.window(), one.rect().center())
    return place.x(), place.y() // 8


def _is_open(dialog: QDialog) -> bool:
    try:
        return dialog.isVisible()
    except RuntimeError:  # gone, as it was told to be when closed
        return False
