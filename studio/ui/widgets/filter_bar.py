"""What the desk shows: decision, queue, any other column, order, saved views, and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QInputDialog,
    QLineEdit,
    QMenu,
    QPushButton,
    QWidget,
)

from studio.ui.desk_filter import SORTS, STATES, Filter
from studio.ui.filter_words import COLUMNS, QUEUE_NAMES, SPANS, Offer, chips, entries
from studio.ui.parts import ShortLabel, button, choice, choose, column, row
from studio.ui.plain_text import as_tip, one_line
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.widgets.chips import Chip, Chips

PAUSE_MS = 250  #: after the last letter, before searching
NAME_LETTERS = 40
_SHORT = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon


class FilterBar(QWidget):
    """The filters of the desk.

    Signals:
        changed(Filter): show something else.
        left(): the search field was left by Escape or Enter.
        view_saved(str, object): keep this Filter under a name.
        view_deleted(str): forget the view of this name.
    """

    changed = Signal(object)
    left = Signal()
    view_saved = Signal(str, object)
    view_deleted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._rest = Filter()  #: what the boxes and the search field do not show
        self._offer = Offer()
        self._tags: tuple[str, ...] = ()
        self._views: dict[str, Filter] = {}
        self._state = choice([(tr("Any decision"), ""), *((tr(t), n) for n, t in STATES.items())],
                             name=tr("Filter by decision"), tip=tr("Show questions with such a rationale"))  # fmt: skip
        self._queue = choice([(tr("No queue"), ""), *((tr(t), n) for n, t in QUEUE_NAMES.items())],
                             name=tr("Audit queue"), tip=tr("Show what deserves a second look"))  # fmt: skip
        self._more = self._menu_button(tr("Filter"), self._fill_columns,
                                       tip=tr("Filter by any other column; conditions add up"))  # fmt: skip
        self._order = self._menu_button(tr("Sort"), self._fill_sorts,
                                        tip=tr("Sort by one column, then by a second one"))  # fmt: skip
        self._saved = self._menu_button(tr("Views"), self._fill_views,
                                        tip=tr("Open, save or delete a view: filter and order"))  # fmt: skip
        self.search = self._make_search()
        self.count = ShortLabel(role="dim", least=GRID * 7)
        self.chips = Chips()
        self.chips.removed.connect(self._on_removed)
        for box in (self._state, self._queue):
            box.setSizeAdjustPolicy(_SHORT)
            box.setMinimumContentsLength(12)
            box.activated.connect(lambda _: self._tell())
        line = row(
            self._state, self._queue, self._more, self._order, self._saved, self.search, self.count
        )
        line.setStretch(5, 1)
        self.setLayout(column(line, self.chips))

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText(tr("Search all texts  ( / )"))
        search.setAccessibleName(
            tr("Search questions, answers, rationales, explanations, comments and notes")
        )
        search.setToolTip(tr(
            "Find texts that hold all these words (/); “in quotes” they must follow each other.\n"
            "Searched: questions, answers, rationales, explanations, comments, notes.\n"
            "Enter or Escape returns to the list"
        ))  # fmt: skip
        search.setClearButtonEnabled(True)
        search.setMaxLength(200)
        search.setMinimumWidth(GRID * 16)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._tell)
        search.textChanged.connect(lambda _: self._pause.start())
        search.returnPressed.connect(self.left)
        leave = QShortcut(QKeySequence("Escape"), search)
        leave.setContext(Qt.ShortcutContext.WidgetShortcut)
        leave.activated.connect(self.left)
        return search

    @property
    def filter(self) -> Filter:
        """What is chosen."""
        return self._rest._replace(
            state=self._state.currentData(), queue=self._queue.currentData(),
            text=self.search.text().strip(),
        )  # fmt: skip

    def set_filter(self, wanted: Filter) -> None:
        """Choose something, and tell."""
        choose(self._state, wanted.state)
        choose(self._queue, wanted.queue)
        self._rest = wanted
        self.search.setText(wanted.text)
        self._pause.stop()
        self._tell()

    def show_offer(self, offer: Offer) -> None:
        """Offer these values; what is chosen stays chosen."""
        self._offer = offer

    def show_tags(self, tags: Sequence[str]) -> None:
        """Offer these tags; where one is chosen, what it stands on may have changed."""
        self._tags = tuple(tags)
        if self._rest.tag:
            self._tell()

    def show_views(self, views: Mapping[str, Filter]) -> None:
        """Offer these saved views."""
        self._views = dict(views)

    def start_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus()
        self.search.selectAll()

    def _tell(self) -> None:
        wanted = self.filter
        boxes = ("state", "queue")
        self.chips.show_chips(Chip(text, what) for text, what in chips(wanted) if what not in boxes)
        self.changed.emit(wanted)

    def _on_removed(self, what: str) -> None:
        if what.startswith("sort:"):
            left = tuple(one for one in self._rest.sort if one[0] != what[5:])
            self._change(sort=left)
        else:
            self._change(**{what: Filter._field_defaults[what]})

    def _change(self, **fields: Any) -> None:
        self._rest = self._rest._replace(**fields)
        self._tell()

    # -- the menus, filled when they are opened -------------------------------------------------

    def _menu_button(self, text: str, fill: Any, *, tip: str) -> QPushButton:
        made = button(text, lambda: None, tip=tip)
        menu = QMenu(made)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(partial(self._refill, menu, fill))
        made.setMenu(menu)
        return made

    def _refill(self, menu: QMenu, fill: Any) -> None:
        menu.clear()
        fill(menu)

    def _fill_columns(self, menu: QMenu) -> None:
        for field, (title, _) in COLUMNS.items():
            values = list(entries(field, self._offer._replace(tag=self._tags)))
            if (
                len(values) < (1 if field == "tag" else 2)
                and field not in SPANS
                and not getattr(self._rest, field)
            ):
                continue  # one value filters nothing
            inner = menu.addMenu(f"{tr(title)} …" if field in SPANS else tr(title))
            for text, value in values:
                self._entry(inner, text, value == getattr(self._rest, field),
                            partial(self._change, **{field: value}))  # fmt: skip
            if field in SPANS:
                inner.addAction(tr("Another number …"), partial(self._ask_number, field, title))
        if any(what in COLUMNS for what in self._rest.chosen):
            menu.addSeparator()
            menu.addAction(
                tr("Take all filters away"), lambda: self.set_filter(Filter(sort=self._rest.sort))
            )

    def _fill_sorts(self, menu: QMenu) -> None:
        now = dict(self._rest.sort)
        for name, (title, _) in SORTS.items():
            inner = menu.addMenu(tr(title))
            for text, down in ((tr("Smallest first ↑"), False), (tr("Largest first ↓"), True)):
                kept = tuple(one for one in self._rest.sort if one[0] != name)
                self._entry(inner, text, now.get(name) == down,
                            partial(self._change, sort=(*kept, (name, down))))  # fmt: skip
        if now:
            menu.addSeparator()
            menu.addAction(tr("In order of import only"), partial(self._change, sort=()))

    def _fill_views(self, menu: QMenu) -> None:
        for name, view in self._views.items():
            self._entry(menu, name, view == self.filter, partial(self.set_filter, view))
        if self._views:
            menu.addSeparator()
        menu.addAction(tr("Save this view …"), self._ask_name)
        if self._views:
            inner = menu.addMenu(tr("Delete"))
            for name in self._views:
                inner.addAction(_shown(name), partial(self.view_deleted.emit, name))

    def _entry(self, menu: QMenu, text: str, chosen: bool, act: Any) -> None:
        action = menu.addAction(_shown(text), act)
        action.setToolTip(as_tip(one_line(text)))
        action.setCheckable(True)
        action.setChecked(chosen)

    def _ask_number(self, field: str, title: str) -> None:
        span, now = SPANS[field], getattr(self._rest, field)
        asked = QInputDialog(self)
        asked.setInputMode(
            QInputDialog.InputMode.DoubleInput if span.digits else QInputDialog.InputMode.IntInput
        )
        asked.setWindowTitle(tr("Filter"))
        asked.setLabelText(tr(title))
        if span.digits:
            asked.setDoubleRange(span.lowest, span.highest)
            asked.setDoubleDecimals(span.digits)
            asked.setDoubleValue(span.usual[0] if now is None else now)
            asked.doubleValueSelected.connect(lambda value: self._change(**{field: value}))
        else:
            asked.setIntRange(int(span.lowest), int(span.highest))
            asked.setIntValue(int(span.usual[0] if now is None else now))
            asked.intValueSelected.connect(lambda value: self._change(**{field: value}))
        _open(asked)

    def _ask_name(self) -> None:
        asked = QInputDialog(self)
        asked.setWindowTitle(tr("Save this view"))
        asked.setLabelText(tr("Name; a view of the same name is replaced"))
        asked.textValueSelected.connect(
            lambda name: self.view_saved.emit(name, self.filter) if name.strip() else None
        )
        _open(asked)


def _open(asked: QInputDialog) -> None:
    asked.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    asked.open()


def _shown(name: str) -> str:
    """Return a name as a menu shows it: on one line, and no letter of it underlined."""
    return one_line(name, most=NAME_LETTERS).replace("&", "&&")
