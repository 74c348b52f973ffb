"""Which keys an action has: its own, or those a person gave it instead."""

from __future__ import annotations

from PySide6.QtCore import QSettings
from PySide6.QtGui import QKeySequence

_GROUP = "keys"


def keys_of(name: str, own: str) -> str:
    """Return the keys of the action ``name``: a person's, else its ``own``; "" is none."""
    found = QSettings().value(f"{_GROUP}/{name}")
    return own if found is None else str(found)


def give_keys(name: str, keys: str | None) -> None:
    """Give an action other keys, or none (""); None gives it its own again."""
    settings = QSettings()
    if keys is None:
        settings.remove(f"{_GROUP}/{name}")
    else:
        settings.setValue(f"{_GROUP}/{name}", keys)


def forget_all_keys() -> None:
    """Give every action its own keys again."""
    QSettings().remove(_GROUP)


def shown(keys: str) -> str:
    """Return keys as this desktop writes them."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
