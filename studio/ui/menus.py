"""The menu bar, made of a table of verbs; the command palette and the key sheet read the same table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from studio.ui.keymap import keys_of, shown
from studio.ui.plain_text import as_tip


class Verb(NamedTuple):
    """One thing that can be done from anywhere in a window.

    Attributes:
        name: what it is called in the settings and by the code; never shown.
        text: what it is called on screen; "&" stands before the letter to type.
        tip: its effect.
        group: verbs of one group are choices of which one is in force.
    """

    name: str
    text: str
    keys: str
    tip: str
    do: Callable[[], object]
    group: str = ""


Menu = Iterable["Verb | tuple[str, Iterable[Verb]] | None"]  #: a verb, a menu in a menu, a line


class Menus(QObject):
    """The menus of one window; ``actions`` are its verbs by name, in the order of the menus."""

    def __init__(self, window: QMainWindow, table: Mapping[str, Menu]) -> None:
        super().__init__(window)
        self.actions: dict[str, QAction] = {}
        self.titles: dict[str, str] = {}  #: of each verb, the menu it stands in
        self._own: dict[str, str] = {}
        self._groups: dict[str, QActionGroup] = {}
        for title, entries in table.items():
            self._fill(window.menuBar().addMenu(title), title.replace("&", ""), entries)

    def __getitem__(self, name: str) -> QAction:
        return self.actions[name]

    def rebind(self) -> None:
        """Take over keys that were changed in the settings."""
        for name, action in self.actions.items():
            self._bind(name, action)

    def in_order(self) -> Iterator[tuple[str, str, QAction]]:
        """Yield menu, name and action of every verb."""
        for name, action in self.actions.items():
            yield self.titles[name], name, action

    def _fill(self, menu: QMenu, title: str, entries: Menu) -> None:
        menu.setToolTipsVisible(True)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
            elif isinstance(entry, Verb):
                menu.addAction(self._action(entry, title))
            else:
                self._fill(
                    menu.addMenu(entry[0]), f"{title} › {entry[0].replace('&', '')}", entry[1]
                )

    def _action(self, verb: Verb, title: str) -> QAction:
        made = QAction(verb.text, self)
        made.setProperty("tip", verb.tip)
        made.triggered.connect(lambda: verb.do())
        if verb.group:
            made.setCheckable(True)
            group = self._groups.setdefault(verb.group, QActionGroup(self))
            group.addAction(made)
        self.actions[verb.name] = made
        self.titles[verb.name] = title
        self._own[verb.name] = verb.keys
        self._bind(verb.name, made)
        return made

    def _bind(self, name: str, action: QAction) -> None:
        keys = keys_of(name, self._own[name])
        action.setShortcuts([QKeySequence(one) for one in keys.split(" | ") if one])
        tip = as_tip(str(action.property("tip")))
        action.setToolTip(f"{tip} ({in_words(action)})" if keys else tip)
        action.setStatusTip(tip)


def in_words(action: QAction) -> str:
    """Return the keys of an action as they are shown."""
    return ", ".join(shown(one.toString()) for one in action.shortcuts())


def plain(action: QAction) -> str:
    """Return the text of an action without its mark for the keyboard."""
    return action.text().replace("&", "")
