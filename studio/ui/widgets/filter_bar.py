"""What the desk shows: state, queue, teacher, dataset, and text."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QWidget

from studio.flow.queues import DOUBTFUL, QUEUES
from studio.ui.desk_filter import STATES, Filter
from studio.ui.parts import choice, choose, label, row

PAUSE_MS = 250  #: after the last letter, before searching


class FilterBar(QWidget):
    """The filters of the desk.

    Signals:
        changed(Filter): show something else.
        left(): the search field was left by Escape or Enter.
    """

    changed = Signal(object)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._state = choice([("Any decision", ""), *((t, n) for n, t in STATES.items())],
                             name="Filter by decision", tip="Show questions with such a rationale")  # fmt: skip
        queues = [(queue.title, name) for name, queue in QUEUES.items()]
        self._queue = choice([("No queue", ""), *queues, ("Doubtful mistakes", DOUBTFUL)],
                             name="Audit queue", tip="Show what deserves a second look")  # fmt: skip
        self._teacher = choice([("Any teacher", "")], name="Filter by teacher",
                               tip="Show questions this teacher has solved")  # fmt: skip
        self._dataset = choice([("Any dataset", "")], name="Filter by dataset",
                               tip="Show questions of one import")  # fmt: skip
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search questions and rationales  ( / )")
        self.search.setAccessibleName("Search questions and rationales")
        self.search.setToolTip("Text to find (/); Enter or Escape returns to the list")
        self.search.setClearButtonEnabled(True)
        self.search.setMaxLength(200)
        self.count = label("", "dim")
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._tell)
        self.search.textChanged.connect(lambda _: self._pause.start())
        self.search.returnPressed.connect(self.left)
        leave = QShortcut(QKeySequence("Escape"), self.search)
        leave.setContext(Qt.ShortcutContext.WidgetShortcut)
        leave.activated.connect(self.left)
        for box in (self._state, self._queue, self._teacher, self._dataset):
            box.activated.connect(lambda _: self._tell())
        layout = row(
            self._state, self._queue, self._teacher, self._dataset, self.search, self.count
        )
        layout.setStretch(4, 1)
        self.setLayout(layout)

    @property
    def filter(self) -> Filter:
        """What is chosen."""
        return Filter(
            state=self._state.currentData(), queue=self._queue.currentData(),
            teacher=self._teacher.currentData(), dataset=self._dataset.currentData(),
            text=self.search.text().strip(),
        )  # fmt: skip

    def set_filter(self, wanted: Filter) -> None:
        """Choose something, and tell."""
        for box, value in ((self._state, wanted.state), (self._queue, wanted.queue),
                           (self._teacher, wanted.teacher), (self._dataset, wanted.dataset)):  # fmt: skip
            choose(box, value)
        self.search.setText(wanted.text)
        self._pause.stop()
        self._tell()

    def show_names(self, teachers: Iterable[str], datasets: Iterable[str]) -> None:
        """Offer these teachers and datasets; what is chosen stays chosen."""
        for box, names in ((self._teacher, teachers), (self._dataset, datasets)):
            before = box.currentData()
            while box.count() > 1:
                box.removeItem(1)
            for name in names:
                box.addItem(name if len(name) <= 32 else f"{name[:31]}…", name)
            choose(box, before)

    def start_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus()
        self.search.selectAll()

    def _tell(self) -> None:
        self.changed.emit(self.filter)
