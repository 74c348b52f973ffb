"""Two colour schemes, one accent, one type scale, one 8-pixel grid.

Everything is Fusion with a palette and a small style sheet. Widgets that paint themselves ask
``scheme_now`` at paint time, so that a change of the desktop's scheme reaches them too.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from studio.prompts import resources

GRID = 8  #: pixels; every gap is a multiple or a half
SMALL, BODY, HEAD, TITLE = 11, 13, 15, 22  #: the type scale, pixels
Wish = Literal["light", "dark", "system"]


class Scheme(NamedTuple):
    """The colours of one scheme, as #rrggbb."""

    window: str  #: behind everything
    panel: str  #: cards, lists, text
    raised: str  #: rail, headers, buttons under the mouse
    line: str
    text: str
    dim: str
    accent: str
    on_accent: str
    chosen: str  #: behind the chosen row
    good: str
    bad: str
    warn: str
    tint: str  #: behind a row that would change
    name: str


LIGHT = Scheme(
    window="#f3f4f7", panel="#ffffff", raised="#e9ebf0", line="#d3d7df", text="#1b2230",
    dim="#5b6475", accent="#2d5bd0", on_accent="#ffffff", chosen="#dfe8fd", good="#17764a",
    bad="#b3261e", warn="#875400", tint="#fff1d2", name="light",
)  # fmt: skip
DARK = Scheme(
    window="#14171c", panel="#1b2027", raised="#252b34", line="#39414d", text="#e7eaef",
    dim="#9aa4b5", accent="#7ea4ff", on_accent="#10141b", chosen="#25355c", good="#5fca91",
    bad="#ff8d84", warn="#e8b75c", tint="#40361f", name="dark",
)  # fmt: skip


def apply_theme(app: QApplication, wish: Wish) -> None:
    """Give the application its colours; ``system`` follows the desktop, also when it changes."""
    hints = app.styleHints()
    wanted = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
    hints.setColorScheme(wanted.get(wish, Qt.ColorScheme.Unknown))
    dark = wish == "dark" or (wish == "system" and hints.colorScheme() is Qt.ColorScheme.Dark)
    scheme = DARK if dark else LIGHT
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(_palette(scheme))
    app.setStyleSheet(_sheet(scheme))


def scheme_now() -> Scheme:
    """Return the colours in force."""
    dark = QApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128
    return DARK if dark else LIGHT


def mixed(colour: str, share: float) -> QColor:
    """Return a colour thinned with the ground of panels; to draw it is cheaper than a sheer one."""
    one, ground = QColor(colour), QColor(scheme_now().panel)
    parts = ((one.red(), ground.red()), (one.green(), ground.green()), (one.blue(), ground.blue()))
    return QColor(*(round(a * share + b * (1 - share)) for a, b in parts))


def _palette(scheme: Scheme) -> QPalette:
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, scheme.window), (roles.Base, scheme.panel), (roles.Button, scheme.raised),
        (roles.AlternateBase, scheme.window), (roles.Text, scheme.text),
        (roles.WindowText, scheme.text), (roles.ButtonText, scheme.text),
        (roles.PlaceholderText, scheme.dim), (roles.Highlight, scheme.accent),
        (roles.HighlightedText, scheme.on_accent), (roles.ToolTipBase, scheme.raised),
        (roles.ToolTipText, scheme.text), (roles.Link, scheme.accent),
        (roles.Accent, scheme.accent), (roles.Mid, scheme.line), (roles.Dark, scheme.line),
        (roles.Light, scheme.raised), (roles.Midlight, scheme.line), (roles.Shadow, scheme.line),
    ):  # fmt: skip
        palette.setColor(role, QColor(colour))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(scheme.dim))
    return palette


def _sheet(s: Scheme) -> str:
    return _texts_and_buttons(s) + _inputs(s) + _lists_and_bars(s)


def _texts_and_buttons(s: Scheme) -> str:
    return f"""
    QWidget {{ font-size: {BODY}px; }}
    QToolTip {{ background: {s.raised}; color: {s.text}; border: 1px solid {s.line}; padding: 4px; }}
    QLabel[role="title"] {{ font-size: {TITLE}px; font-weight: 600; }}
    QLabel[role="section"] {{ font-size: {HEAD}px; font-weight: 600; }}
    QLabel[role="head"] {{ font-size: {SMALL}px; font-weight: 600; color: {s.dim}; }}
    QLabel[role="dim"] {{ color: {s.dim}; }}
    QLabel[role="small"] {{ color: {s.dim}; font-size: {SMALL}px; }}
    QLabel[role="big"] {{ font-size: {TITLE}px; font-weight: 600; }}
    QLabel[role="name"] {{ font-weight: 600; }}
    QLabel[role="good"] {{ color: {s.good}; font-weight: 600; }}
    QLabel[role="bad"] {{ color: {s.bad}; font-weight: 600; }}
    QLabel[role="warn"] {{ color: {s.warn}; }}
    QLabel[role="badge"] {{ color: {s.warn}; border: 1px solid {s.warn}; border-radius: 4px;
        padding: 0 4px; font-size: {SMALL}px; }}
    QFrame[role="card"] {{ background: {s.panel}; border: 1px solid {s.line}; border-radius: 6px; }}
    QFrame[role="pane"] {{ background: {s.panel}; border: 1px solid {s.line}; border-radius: 6px; }}
    QFrame[role="chosen"] {{ background: {s.panel}; border: 1px solid {s.accent};
        border-radius: 6px; }}
    QFrame[role="bar"] {{ background: {s.raised}; border-top: 1px solid {s.line}; }}
    QFrame[role="banner"] {{ background: {s.tint}; border-bottom: 1px solid {s.warn}; }}
    QFrame[role="toast"] {{ background: {s.raised}; border: 1px solid {s.accent};
        border-radius: 8px; }}
    QMenuBar {{ background: {s.raised}; color: {s.text}; padding: 2px 6px; }}
    QMenuBar::item {{ padding: 4px 10px; border-radius: 4px; background: transparent; }}
    QMenuBar::item:selected, QMenuBar::item:pressed {{ background: {s.panel}; color: {s.accent}; }}
    QMenu {{ background: {s.panel}; color: {s.text}; border: 1px solid {s.line}; padding: 4px; }}
    QMenu::item {{ padding: 5px 24px 5px 24px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {s.chosen}; color: {s.text}; }}
    QMenu::item:disabled {{ color: {s.dim}; }}
    QMenu::separator {{ height: 1px; background: {s.line}; margin: 4px 8px; }}
    QFrame[role="rail"] {{ background: {s.raised}; border-right: 1px solid {s.line}; }}
    QPushButton {{ padding: 5px 12px; border: 1px solid {s.line}; border-radius: 5px;
        background: {s.panel}; color: {s.text}; }}
    QPushButton:hover {{ background: {s.raised}; }}
    QPushButton:focus {{ border-color: {s.accent}; }}
    QPushButton:disabled {{ color: {s.dim}; background: {s.window}; }}
    QPushButton[role="main"] {{ background: {s.accent}; color: {s.on_accent}; font-weight: 600;
        border-color: {s.accent}; padding: 6px 16px; }}
    QPushButton[role="main"]:focus {{ border-color: {s.text}; }}
    QPushButton[role="main"]:disabled {{ background: {s.raised}; border-color: {s.line};
        color: {s.dim}; }}
    QPushButton[role="quiet"] {{ border: 1px solid transparent; background: transparent; color: {s.accent};
        padding: 2px 4px; text-align: left; }}
    QPushButton[role="quiet"]:hover, QPushButton[role="quiet"]:focus {{
        text-decoration: underline; background: transparent; }}
    QPushButton[role="chip"] {{ padding: 2px 8px; border-radius: 9px; background: {s.raised};
        font-size: {SMALL}px; }}
    QPushButton[role="chip"]:hover, QPushButton[role="chip"]:focus {{ border-color: {s.accent}; }}
    QPushButton[role="quiet"]:focus {{ border-color: {s.accent}; }}
    QPushButton[role="row"] {{ border: 1px solid transparent; border-radius: 4px; background: transparent;
        padding: 6px 8px; text-align: left; }}
    QPushButton[role="row"]:hover, QPushButton[role="row"]:focus {{ background: {s.raised}; }}
    QPushButton[role="row"]:focus {{ border-color: {s.accent}; }}
    QDialogButtonBox, QMessageBox, QInputDialog {{ button-layout: 3; }}
    QLabel[role="gone"] {{ color: {s.dim}; text-decoration: line-through; }}
    """


def _inputs(s: Scheme) -> str:
    icons = (resources() / "icons").as_posix()
    return f"""
    QPlainTextEdit, QTextEdit, QTableView, QListView, QLineEdit, QComboBox, QAbstractSpinBox {{
        background: {s.panel}; border: 1px solid {s.line}; border-radius: 5px; color: {s.text};
        selection-background-color: {s.accent}; selection-color: {s.on_accent}; }}
    QLineEdit, QAbstractSpinBox {{ padding: 4px 6px; }}
    QAbstractSpinBox {{ padding-right: 18px; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 16px; border: none;
        subcontrol-origin: border; }}
    QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
    QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
    QAbstractSpinBox::up-arrow {{ image: url({icons}/up-{s.name}.svg); width: 9px; height: 9px; }}
    QAbstractSpinBox::down-arrow {{ image: url({icons}/down-{s.name}.svg); width: 9px;
        height: 9px; }}
    QComboBox {{ padding: 4px 8px; }}
    QComboBox::drop-down {{ border: none; width: 22px; }}
    QComboBox::down-arrow {{ image: url({icons}/down-{s.name}.svg); width: 12px; height: 12px; }}
    QCheckBox {{ spacing: 6px; }}
    QCheckBox::indicator {{ width: 14px; height: 14px; border: 1px solid {s.dim};
        border-radius: 3px; background: {s.panel}; }}
    QCheckBox::indicator:checked {{ background: {s.accent}; border-color: {s.accent};
        image: url({icons}/tick-{s.name}.svg); }}
    QCheckBox::indicator:disabled {{ border-color: {s.line}; background: {s.window}; }}
    QCheckBox:focus {{ color: {s.accent}; }}
    QCheckBox::indicator:focus {{ border: 2px solid {s.accent}; }}
    """


def _lists_and_bars(s: Scheme) -> str:
    return f"""
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
    QScrollBar::handle {{ background: {s.line}; border-radius: 4px; margin: 1px; }}
    QScrollBar::handle:vertical {{ min-height: 32px; }}
    QScrollBar::handle:horizontal {{ min-width: 32px; }}
    QScrollBar::handle:hover {{ background: {s.dim}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QComboBox QAbstractItemView {{ border: 1px solid {s.line}; background: {s.panel}; }}
    QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus, QTableView:focus, QListView:focus,
    QPlainTextEdit:focus, QTextEdit:focus {{ border-color: {s.accent}; }}
    QPlainTextEdit[role="bare"], QTextEdit[role="bare"] {{ border: 1px solid transparent;
        background: transparent; }}
    QPlainTextEdit[role="bare"]:focus, QTextEdit[role="bare"]:focus {{ border-color: {s.accent}; }}
    QTableView {{ gridline-color: {s.line}; alternate-background-color: {s.window}; }}
    QTableView[role="matrix"], QTableView[role="matrix"] QHeaderView::section {{
        font-size: {SMALL + 1}px; }}
    QTableView[role="matrix"] QHeaderView::section {{ padding: 2px 6px; }}
    QTableView[role="sheet"] {{ outline: none; }}
    QTableView[role="sheet"]::item {{ padding: 0 5px; }}
    QListWidget::item {{ padding: 4px 6px; }}
    QTableView::item:selected, QListView::item:selected {{ background: {s.chosen};
        color: {s.text}; }}
    QHeaderView::section {{ background: {s.panel}; border: none; padding: 4px 8px;
        border-bottom: 1px solid {s.line}; color: {s.dim}; font-weight: 600; }}
    QTableCornerButton::section {{ background: {s.panel}; border: none; }}
    QScrollArea, QScrollArea > QWidget > QWidget {{ border: none; background: transparent; }}
    QScrollArea QFrame[role="card"], QScrollArea QFrame[role="chosen"] {{ background: {s.panel}; }}
    QProgressBar {{ border: none; border-radius: 4px; background: {s.line}; max-height: 8px;
        min-height: 8px; }}
    QProgressBar::chunk {{ background: {s.accent}; border-radius: 4px; }}
    QTabBar::tab {{ background: transparent; color: {s.dim}; padding: 6px 12px; border: none;
        border-bottom: 2px solid transparent; font-weight: 600; }}
    QTabBar::tab:selected {{ color: {s.text}; border-bottom-color: {s.accent}; }}
    QTabBar::tab:hover, QTabBar::tab:focus {{ color: {s.accent}; }}
    QSplitter::handle {{ background: transparent; }}
    """
