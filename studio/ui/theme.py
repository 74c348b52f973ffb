"""Two colour schemes, one accent, one 8-pixel grid; state by colour and by sign."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

GRID = 8  #: pixels; every gap is a multiple


class Scheme(NamedTuple):
    """The colours of one scheme, as #rrggbb."""

    window: str
    panel: str
    raised: str
    line: str
    text: str
    dim: str
    accent: str
    good: str
    bad: str
    warn: str


LIGHT = Scheme("#f4f5f7", "#ffffff", "#eceef2", "#d5d9e0", "#1c2330", "#5d6778", "#2f5fd0",
               "#1b7f4b", "#b3261e", "#8a5a00")  # fmt: skip
DARK = Scheme("#15181e", "#1c2129", "#272d37", "#363e4a", "#e6e9ee", "#98a2b3", "#7aa2ff",
              "#58c48a", "#ff8a80", "#e5b454")  # fmt: skip


def apply_theme(app: QApplication, wish: str) -> Scheme:
    """Give the application its colours; ``system`` follows the desktop's own scheme."""
    dark = wish == "dark" or (
        wish == "system" and app.styleHints().colorScheme() is Qt.ColorScheme.Dark
    )
    scheme = DARK if dark else LIGHT
    app.setStyle("Fusion")
    app.setPalette(_palette(scheme))
    app.setStyleSheet(_sheet(scheme))
    app.setProperty("scheme", scheme)
    return scheme


def scheme_of(app: QApplication) -> Scheme:
    """Return the colours in force."""
    found = app.property("scheme")
    return Scheme(*found) if found else LIGHT


def _palette(scheme: Scheme) -> QPalette:
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, scheme.window), (roles.Base, scheme.panel), (roles.Button, scheme.raised),
        (roles.AlternateBase, scheme.window), (roles.Text, scheme.text),
        (roles.WindowText, scheme.text), (roles.ButtonText, scheme.text),
        (roles.PlaceholderText, scheme.dim), (roles.Highlight, scheme.accent),
        (roles.HighlightedText, scheme.panel), (roles.ToolTipBase, scheme.raised),
        (roles.ToolTipText, scheme.text), (roles.Link, scheme.accent),
    ):  # fmt: skip
        palette.setColor(role, QColor(colour))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(scheme.dim))
    return palette


def _sheet(s: Scheme) -> str:
    return f"""
    * {{ font-size: 13px; }}
    QLabel[role="title"] {{ font-size: 20px; font-weight: 600; }}
    QLabel[role="head"] {{ font-size: 11px; font-weight: 600; color: {s.dim}; }}
    QLabel[role="dim"] {{ color: {s.dim}; }}
    QLabel[role="big"] {{ font-size: 22px; font-weight: 600; }}
    QLabel[role="good"] {{ color: {s.good}; font-weight: 600; }}
    QLabel[role="bad"] {{ color: {s.bad}; font-weight: 600; }}
    QLabel[role="warn"] {{ color: {s.warn}; }}
    QFrame[role="card"] {{ background: {s.panel}; border: 1px solid {s.line}; border-radius: 6px; }}
    QFrame[role="chosen"] {{ background: {s.panel}; border: 2px solid {s.accent};
        border-radius: 6px; }}
    QListWidget[role="rail"] {{ background: {s.raised}; border: none; outline: none;
        padding-top: 8px; }}
    QListWidget[role="rail"]::item {{ padding: 10px 16px; color: {s.text}; }}
    QListWidget[role="rail"]::item:selected {{ background: {s.panel}; color: {s.accent};
        border-left: 3px solid {s.accent}; }}
    QPushButton {{ padding: 6px 14px; border: 1px solid {s.line}; border-radius: 5px;
        background: {s.panel}; }}
    QPushButton:hover, QPushButton:focus {{ border-color: {s.accent}; }}
    QPushButton:disabled {{ color: {s.dim}; background: {s.window}; }}
    QPushButton[role="main"] {{ background: {s.accent}; color: {s.panel}; font-weight: 600;
        border-color: {s.accent}; }}
    QPushButton[role="main"]:disabled {{ background: {s.line}; border-color: {s.line};
        color: {s.dim}; }}
    QPlainTextEdit, QTableView, QTableWidget, QListView, QLineEdit, QComboBox, QSpinBox,
    QDoubleSpinBox {{ background: {s.panel}; border: 1px solid {s.line}; border-radius: 5px; }}
    QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox {{ padding: 4px 6px; }}
    QLineEdit:focus, QComboBox:focus, QTableView:focus {{ border-color: {s.accent}; }}
    QHeaderView::section {{ background: {s.window}; border: none; padding: 6px;
        border-bottom: 1px solid {s.line}; color: {s.dim}; font-weight: 600; }}
    QScrollArea {{ border: none; background: transparent; }}
    QProgressBar {{ border: 1px solid {s.line}; border-radius: 4px; text-align: center;
        background: {s.panel}; max-height: 16px; }}
    QProgressBar::chunk {{ background: {s.accent}; border-radius: 3px; }}
    """
