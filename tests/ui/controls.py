"""What a person can act on in a part of the window, and where Tab leads in it."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QSplitterHandle,
    QTableView,
    QWidget,
)
from pytestqt.qtbot import QtBot

#: Parts that Qt makes itself and speaks for: fields inside of boxes, lists that drop down, headers.
_QT_OWN = (QHeaderView, QScrollBar, QSplitterHandle)
_BOXES = (QComboBox, QAbstractSpinBox, QLineEdit, QTableView, QKeySequenceEdit)


def is_inside(one: QWidget, kinds: tuple[type[QWidget], ...]) -> bool:
    parent = one.parentWidget()
    while parent is not None:
        if isinstance(parent, kinds):
            return True
        parent = parent.parentWidget()
    return False


def controls(page: QWidget) -> Iterator[QWidget]:
    """Yield what a person can act on."""
    kinds = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit, QPlainTextEdit,
             QAbstractItemView, QAbstractSlider)  # fmt: skip
    for one in page.findChildren(QWidget):
        if type(one) is QWidget or isinstance(one, _QT_OWN) or is_inside(one, _BOXES):
            continue
        if isinstance(one, kinds) or one.focusPolicy() & Qt.FocusPolicy.TabFocus:
            yield one


def nameless(part: QWidget) -> list[str]:
    """Return the controls that have no name or do not say their effect."""
    return [
        f"{type(one).__name__} {one.accessibleName() or '(no name)'}: {one.toolTip() or '(no tip)'}"
        for one in controls(part)
        if not (one.accessibleName() or getattr(one, "text", str)()) or not one.toolTip()
    ]


def missed_by_tab(part: QWidget, qtbot: QtBot) -> list[str]:
    """Press Tab until it comes round; return the controls it never reached."""
    reached: list[QWidget] = []
    for _ in range(300):
        now = QApplication.focusWidget()
        assert now is not None
        if now in reached:
            break
        reached.append(now)
        qtbot.keyClick(now, Qt.Key.Key_Tab)
    wanted = {one for one in controls(part) if one.isVisible() and one.isEnabled() and one.focusProxy() is None
              and one.focusPolicy() & Qt.FocusPolicy.TabFocus}  # fmt: skip
    wanted -= {one for one in wanted if isinstance(one, QAbstractButton) and one.group()
               and not one.isChecked()}  # fmt: skip
    return [f"{type(one).__name__} {one.accessibleName()}" for one in wanted - {*reached}]


def unmarked(part: QWidget, elsewhere: QWidget) -> list[str]:
    """Return the controls that look the same with the focus as without."""
    found = []
    for one in controls(part):
        if one.isVisible() and one.isEnabled() and one.focusPolicy() & Qt.FocusPolicy.TabFocus:
            elsewhere.setFocus()
            before = one.grab().toImage()
            one.setFocus(Qt.FocusReason.TabFocusReason)
            if one.hasFocus() and one.grab().toImage() == before:
                found.append(f"{type(one).__name__} {one.accessibleName()}")
    return found
