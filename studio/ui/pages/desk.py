"""The desk: decide, row by row or by rule, which rationales teach the student."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QSplitter, QStackedWidget, QVBoxLayout

from studio.app.workbench import Workbench
from studio.domain.policy import Policy
from studio.flow.decisions import Wish
from studio.flow.scorebook import Scorebook
from studio.store.tables import Store
from studio.ui.desk_filter import Filter, Found, find
from studio.ui.desk_work import DeskWork
from studio.ui.page import Page
from studio.ui.parts import Notice, button, row
from studio.ui.table_model import DeskModel
from studio.ui.theme import GRID
from studio.ui.what_if import Trial
from studio.ui.widgets.case_view import CaseView
from studio.ui.widgets.filter_bar import FilterBar
from studio.ui.widgets.question_list import QuestionList
from studio.ui.widgets.threshold_panel import ThresholdPanel
from studio.ui.words import things

_SCORES = frozenset({"rationales", "reviews", "grades", "decisions", "policies", "teachers"})
_ROWS = frozenset({"questions", "attempts", "rationales"})


class DeskPage(Page):
    """List, three panes and the acceptance rule."""

    title = "Desk"
    watches: ClassVar = _SCORES | _ROWS | {"overrides", "explanations", "notes"}

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._book: Scorebook | None = None
        self._found = Found([])
        self._build()
        self._make_verbs()
        self.reload()

    def _build(self) -> None:
        reader = self.workbench.reader
        self.model = DeskModel(reader, self)
        self.questions = QuestionList(self.model)
        self.questions.selectionModel().currentRowChanged.connect(self._on_row)
        self.filters = FilterBar()
        self.filters.changed.connect(lambda _: self._search())
        self.filters.left.connect(self.questions.setFocus)
        self.case_view = CaseView(reader)
        self.case_view.wished.connect(self._on_wished)
        self.panel = ThresholdPanel()
        self.panel.tried.connect(self._on_tried)
        self.panel.apply_requested.connect(self._on_apply)
        self._notice = Notice()
        middle = QSplitter(Qt.Orientation.Horizontal)
        middle.addWidget(self.questions)
        middle.addWidget(self.case_view)
        middle.setSizes([256, 840])
        middle.setStretchFactor(1, 1)
        middle.setChildrenCollapsible(False)
        middle.setHandleWidth(GRID)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._notice)
        self._stack.addWidget(middle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID)
        layout.addLayout(row(self.filters))
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.panel)
        self._notice.show_text("Reading the questions …")

    def _make_verbs(self) -> None:
        self._work = DeskWork(self, self.case_view)
        self.case_view.requested.connect(self.do)
        self.case_view.raw_reply_requested.connect(self._work.raw_reply)
        self._verbs: dict[str, Callable[[], object]] = {
            "next": partial(self._move, 1), "previous": partial(self._move, -1),
            "accept": partial(self._decide, "accept"), "reject": partial(self._decide, "reject"),
            "clear": partial(self._decide, "clear"), "confirm": self._confirm,
            "search": self.filters.start_search, **self._work.verbs,
            **{f"teacher-{n}": partial(self.case_view.choose, n - 1) for n in range(1, 10)},
        }  # fmt: skip

    def do(self, verb: str) -> None:
        """Do what a key or a menu of the desk says (see ``desk_keys``), unless it was typed into a field."""
        if not isinstance(QApplication.focusWidget(), QLineEdit):
            self._verbs[verb]()

    # -- what is shown ---------------------------------------------------------------------

    def reload(self, tables: set[str] | None = None) -> None:
        """Read list and scores anew, as far as it is needed; the place is kept."""
        if tables is None or tables & {"teachers", "questions"}:
            self.filters.show_names(*self._names())
        if tables is None or tables & _ROWS:
            self._search()
        if tables is None or tables & _SCORES:
            self.reading.ask("scores", _read_scores, self._take_scores)
        elif "overrides" in tables:
            self.reading.ask("overrides", _read_overrides, self._take_overrides)
        if tables is not None:
            self.model.reread()
            self._show_row(self.questions.currentIndex().row(), keep=True)

    def show_this(self, wanted: Any) -> None:
        """Show a queue, by name."""
        self.filters.set_filter(Filter(queue=str(wanted)))

    def _names(self) -> tuple[list[str], list[str]]:
        reader = self.workbench.reader
        teachers = [r[0] for r in reader.rows("SELECT name FROM teachers ORDER BY name")]
        datasets = [r[0] for r in reader.rows("SELECT DISTINCT dataset FROM questions ORDER BY 1")]
        return teachers, datasets

    def _search(self) -> None:
        wanted, book = self.filters.filter, self._book
        if wanted.needs_scores and book is None:
            self._notice.show_text("Reading the scores …")
            self._stack.setCurrentIndex(0)
            return  # _take_scores searches again
        final = self.panel.trial.final if self.panel.trial else None
        self.reading.ask("list", lambda store: find(store, wanted, book, final), self._take_found)

    def _take_found(self, found: Found) -> None:
        before = self._current_id()
        self._found = found
        if found.question_ids != self.model.ids:
            self.model.show_ids(found.question_ids)
            ids = found.question_ids
            self.questions.go_to(ids.index(before) if before in ids else 0)
        if not found.question_ids:
            self._say_empty()
        self._stack.setCurrentIndex(1 if found.question_ids else 0)
        if (
            found.question_ids
            and self.isVisible()
            and not isinstance(QApplication.focusWidget(), QLineEdit)
        ):
            self.questions.setFocus()
        self._count()

    def _say_empty(self) -> None:
        if self.filters.filter == Filter():
            go = button("Go to the overview", lambda: self.page_requested.emit("overview", None),
                        role="main", tip="There the button “Run what is missing” fills this desk")  # fmt: skip
            self._notice.show_text(
                "Nothing on the desk yet",
                "Import questions, or a committee's records; then run what is missing.", actions=[go],
            )  # fmt: skip
        else:
            reset = button("Show everything", lambda: self.filters.set_filter(Filter()),
                           tip="Take all filters away")  # fmt: skip
            self._notice.show_text("No question passes these filters", actions=[reset])

    def _take_scores(self, read: tuple[Scorebook, int, Policy]) -> None:
        waiting = self._book is None and self.filters.filter.needs_scores
        self._book, version, policy = read
        self.panel.show_book(self._book, version, policy)
        self._count()
        if waiting:
            self._search()

    def _take_overrides(self, said: dict[str, bool]) -> None:
        if self._book is None:
            return
        cleared = {rid: None for rid, i in self._book.place.items()
                   if self._book.human[i] >= 0 and rid not in said}  # fmt: skip
        self._book.override({**said, **cleared})
        self.reading.ask("rule", lambda store: store.policy(), self._take_rule)

    def _take_rule(self, rule: tuple[int, Policy]) -> None:
        assert self._book is not None  # asked for after it came
        self.panel.show_book(self._book, *rule)
        self._count()

    def _count(self) -> None:
        parts = [things(len(self.model.ids), "question")]
        if self._book is not None:
            parts.append(things(len(self._book), "rationale"))
            parts.append(f"{int((self._book.current == 1).sum()):,} accepted")
        self.filters.count.setText(" · ".join(parts))

    def _on_tried(self, trial: Trial) -> None:
        self.model.tint(trial.changed_questions)

    def _on_row(self, now: Any, before: Any) -> None:
        del before
        self._show_row(now.row())

    def _show_row(self, number: int, *, keep: bool = False) -> None:
        if 0 <= number < len(self.model.ids):
            question_id = self.model.ids[number]
            chosen = self.case_view.chosen if keep else self._first_match(question_id)
            self.case_view.show_question(question_id, rationale_id=chosen)

    def _first_match(self, question_id: str) -> str:
        """Return the first rationale of a question that passed the filters, if they choose any."""
        members, book = self._found.rationales, self._book
        if members is None or book is None or question_id not in book.question_ids:
            return ""
        mine = (book.question == book.question_ids.index(question_id)) & members[: len(book)]
        places = mine.nonzero()[0]
        return book.ids[places[0]] if len(places) else ""

    # -- deciding --------------------------------------------------------------------------

    def _current_id(self) -> str:
        number = self.questions.currentIndex().row()
        return self.model.ids[number] if 0 <= number < len(self.model.ids) else ""

    def _move(self, step: int) -> None:
        self.questions.go_to(self.questions.currentIndex().row() + step)

    def _decide(self, wish: Wish) -> None:
        if chosen := self.case_view.chosen:
            self.reading.when(self.workbench.override([chosen], wish))

    def _on_wished(self, rationale_id: str, wish: Wish) -> None:
        self.reading.when(self.workbench.override([rationale_id], wish))

    def _confirm(self) -> None:
        """Make what counts for the chosen rationale a person's word, and go to the next question."""
        case, chosen = self.case_view.case, self.case_view.chosen
        said = next((one for one in case.rationales if one.id == chosen), None) if case else None
        if said is not None and said.accepted is not None:
            self._decide("accept" if said.accepted else "reject")
        self._move(1)

    def _on_apply(self, policy: Policy) -> None:
        self.told.emit("Applying the rule …", False)
        done = self.workbench.apply_policy(policy)
        self.reading.when(done, lambda tally: self.told.emit(
            f"✓ Rule applied: {tally.accepted:,} accepted, {tally.rejected:,} rejected", False))  # fmt: skip


def _read_scores(store: Store) -> tuple[Scorebook, int, Policy]:
    book = Scorebook(store)
    book.place  # noqa: B018 - built here, off the thread that draws
    return book, *store.policy()


def _read_overrides(store: Store) -> dict[str, bool]:
    return {
        row[0]: bool(row[1]) for row in store.rows("SELECT rationale_id, accepted FROM overrides")
    }
