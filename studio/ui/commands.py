"""Copies what a form would do as the command that does it."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from studio.ui.parts import button
from studio.ui.texts import tr

PROGRAM = "mapd-studio"


def command_line(words: Sequence[str]) -> str:
    """Return ``mapd-studio`` with these words, quoted for the shell of this system."""
    whole = [PROGRAM, *words]
    return subprocess.list2cmdline(whole) if os.name == "nt" else shlex.join(whole)


def copy_button(words: Callable[[], Sequence[str]], told: Callable[[str], None]) -> QPushButton:
    """Return a button that copies the command made of ``words()``, and tells that it did."""

    def copy() -> None:
        text = command_line(words())
        QGuiApplication.clipboard().setText(text)
        told(f"Copied: {text}")

    return button(tr("Copy as command"), copy, role="quiet",
                  tip=tr("Copy the command line that does the same, for a terminal or a script"))  # fmt: skip
