"""The window of a project, every action of its menus done once: ``python -m tests.whole_window PROJECT``.

Prints each action, and every text that was on screen, in a dialog or on the clipboard by then. At
the end something of ours goes wrong, with the key at hand.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from studio.flow import pipeline
from studio.ui.main import make_application
from studio.ui.main_window import MainWindow
from studio.ui.studio import Studio

#: What leads away from this window, or out of this program.
ELSEWHERE = ("new", "open", "start", "close", "folder", "recent-", "zoom-")


def main(project: Path) -> None:
    """Do everything once."""
    app = make_application()
    studio = Studio(app, "light", None, keeps_state=False)
    window = studio.open_project(project)
    ask_committee(app, window)
    for _, name, action in window.actions_.menus.in_order():
        if not name.startswith(ELSEWHERE):
            window.show_page("desk") if name.startswith("desk-") else None
            settle(app, 0.2)
            action.trigger()
            settle(app, 0.15)
            tell(name, window)
            for dialog in app.topLevelWidgets():
                if isinstance(dialog, QDialog) and dialog.isVisible():
                    tell(f"{name}: {type(dialog).__name__}", dialog)
                    dialog.reject()
    print("clipboard:", QGuiApplication.clipboard().text())
    try:
        raise RuntimeError(f"a mistake of ours near {os.environ['OUR_ACCOUNT']}")
    except RuntimeError as error:
        studio.show_crash(error)
    settle(app, 0.3)
    for dialog in app.topLevelWidgets():
        if isinstance(dialog, QDialog) and dialog.isVisible():
            tell("crash", dialog)
            dialog.reject()
    studio.close()


def ask_committee(app: QApplication, window: MainWindow) -> None:
    """Try every teacher, and let the window run what is missing."""
    bench = window.workbench
    for teacher in bench.store.teachers():
        bench.endpoints.try_out(teacher).result(30)
    bench.run_flow(pipeline.plan(bench.bench, ("explain", "solve", "review")))
    until = time.monotonic() + 60
    while bench.background.tasks and time.monotonic() < until:
        settle(app, 0.1)
    tell("run", window)


def settle(app: QApplication, seconds: float) -> None:
    """Let what was begun come to its end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        app.processEvents()
        time.sleep(0.01)


def tell(name: str, widget: QWidget) -> None:
    """Print every text of a widget, and its tooltips."""
    print(f"did: {name}")
    for child in (widget, *widget.findChildren(QWidget)):
        print(child.toolTip(), child.accessibleName(), child.windowTitle())
        if isinstance(child, QLabel | QLineEdit | QAbstractButton):
            print(child.text())
        elif isinstance(child, QPlainTextEdit):
            print(child.toPlainText())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
