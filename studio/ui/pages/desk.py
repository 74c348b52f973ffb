"""The desk: decide, row by row or by rule, which rationales teach the student."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QSplitter, QStackedWidget, QVBoxLayout

from studio.app.indexing import TABLE
from studio.app.workbench import Workbench
from studio.domain.policy import Policy
from studio.flow.casebook import Casebook, first_on_desk
from studio.flow.columns import Ids
from studio.flow.decisions import Wish
from studio.flow.saved_views import saved_views
from studio.flow.score_tallies import Said
from studio.flow.scorebook import Scorebook
from studio.ui.desk_filter import Filter, Found, find
from studio.ui.desk_reads import read_overrides, read_scores, read_tags
from studio.ui.desk_work import DeskWork
from studio.ui.filter_words import offered
from studio.ui.formulas import Formulas
from studio.ui.page import Page
from studio.ui.parts import Notice, button, row
from studio.ui.table_model import DeskModel
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID
from studio.ui.what_if import Trial, applied, sized
from studio.ui.widgets.bulk_button import BulkButton
from studio.ui.widgets.case_view import CaseView
from studio.ui.widgets.filter_bar import FilterBar
from studio.ui.widgets.question_list import QuestionList
from studio.ui.widgets.threshold_panel import ThresholdPanel
from studio.ui.words import things

_SCORES = frozenset({"rationales", "reviews", "grades", "decisions", "policies", "teachers"})
_PAINTED_S = 0.03  #: in which the first rows are drawn, before all others are read
_ROWS = frozenset({"questions", "attempts", "rationales", "grades"})


class DeskPage(Page):
    """List, three panes and the acceptance rule."""

    title = mark("Desk")
    watches: ClassVar = _SCORES | _ROWS | {"overrides", "explanations", "notes", "settings", TABLE}

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._cases: Casebook | None = None
        self._book: Scorebook | None = None
        self._tried = ""  #: the rule under trial
        self._found, self._said_since = Found(Ids.of(())), False  # said: by hand, since asked
        self._build()
        self._make_verbs()
        self.reload()

    def _build(self) -> None:
        reader, when, bench = self.workbench.reader, self.reading.when, self.workbench
        self.model = DeskModel(reader, self)
        self.questions = QuestionList(self.model)
        self.questions.selectionModel().currentRowChanged.connect(lambda now, _: self._show_row(now.row()))  # fmt: skip
        self.filters = FilterBar()
        self.filters.changed.connect(lambda _: self._search())
        self.filters.left.connect(self.questions.setFocus)
        self.filters.view_saved.connect(lambda name, view: when(bench.save_view(name, view.as_json())))  # fmt: skip
        self.filters.view_deleted.connect(lambda name: when(bench.delete_view(name)))
        self.case_view = CaseView(reader, Formulas(self.reading, self))
        self.case_view.wished.connect(lambda rid, wish: when(bench.override([rid], wish)))
        self.panel = ThresholdPanel()
        self.panel.tried.connect(self._on_tried)
        self.panel.apply_requested.connect(self._on_apply)
        self.panel.rows_requested.connect(lambda keys: self.filters.set_filter(Filter(differ=keys)))
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
        self.bulk = BulkButton()
        self.bulk.wished.connect(self._on_bulk)
        self.lock(self.bulk, *self.panel.changing)
        layout.addLayout(top := row(self.filters, self.bulk))
        top.setAlignment(self.bulk, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.panel)
        self._notice.show_text(tr("Reading the questions …"))

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
        if tables is None:
            self.reading.ask("first", first_on_desk, self._take_first)
            self.reading.ask("pause", lambda _: time.sleep(_PAINTED_S), lambda _: self._read_rest())
            return
        self._read(tables)
        if tables - {TABLE, "settings"}:
            self.model.reread()
            self._show_row(self.questions.currentIndex().row(), keep=True)

    def _read(self, tables: set[str]) -> None:
        if "settings" in tables:
            self.reading.ask("views", saved_views, self._take_views)
        if "notes" in tables:
            self.reading.ask("tags", read_tags, self.filters.show_tags)
        if tables & _ROWS:
            self.reading.ask("cases", Casebook, self._take_cases)
        elif TABLE in tables and self.filters.filter.text:
            self._search()
        if tables & _SCORES:
            self._said_since = False
            self.reading.ask("scores", read_scores, self._take_scores, slow=True)
        elif "overrides" in tables:
            self._said_since = True  # scores that are being read now may not know
            self._read_overrides()

    def _read_rest(self) -> None:
        """Read all, now that the first rows are on the screen and nothing keeps them from it."""
        if not self.workbench.read_only:  # else the process that works on it keeps the index
            self.workbench.indexing.begin()
        self._read({"settings", "notes", *_ROWS, *_SCORES})

    def show_failure(self, why: str) -> None:
        """Say why there is nothing on the desk, as long as there is nothing."""
        if not self.model.ids:
            self._notice.show_failure(why, self.reload)

    def show_this(self, wanted: Any) -> None:
        """Show a queue, by name, or whatever else a filter says."""
        known = isinstance(wanted, Filter)
        self.filters.set_filter(wanted if known else Filter(queue=str(wanted)))

    def _take_first(self, ids: Ids) -> None:
        """Show the first questions while the others are being read."""
        if self._cases is None and len(ids) and self.filters.filter == Filter():
            self._show_ids(ids)
            self.filters.count.setText(tr("Reading the questions …"))

    def _take_cases(self, cases: Casebook) -> None:
        self._cases = cases
        self.filters.show_offer(offered(cases, self._book))
        self._search()

    def _take_views(self, views: dict[str, dict[str, Any]]) -> None:
        self.filters.show_views({name: Filter.of_json(view) for name, view in views.items()})

    def _search(self) -> None:
        wanted, cases, book = self.filters.filter, self._cases, self._book
        if cases is None or (wanted.needs_scores and book is None):
            if wanted != Filter():
                self._notice.show_text(tr("Reading the scores …") if cases else tr("Reading the questions …"))  # fmt: skip
                self._stack.setCurrentIndex(0)
            return  # _take_cases or _take_scores searches again
        final = self.panel.trial.final if self.panel.trial else None
        self.reading.ask(
            "list", lambda store: find(store, wanted, cases, book, final), self._take_found
        )

    def _take_found(self, found: Found) -> None:
        self._found = found
        self._show_ids(found.question_ids)
        self._count()

    def _show_ids(self, ids: Ids) -> None:
        before, row_before = self._current_id(), self.questions.currentIndex().row()
        if ids != self.model.ids:
            self.model.show_ids(ids)
            place = ids.find(before)  # a row that is gone leaves its place to the next one
            self.questions.go_to(place if place >= 0 else max(0, min(row_before, len(ids) - 1)))
        if not ids:
            self._say_empty()
        self._stack.setCurrentIndex(1 if ids else 0)
        focus = QApplication.focusWidget()
        working = focus and (self.panel.isAncestorOf(focus) or self.case_view.isAncestorOf(focus))
        if ids and self.isVisible() and not working and not isinstance(focus, QLineEdit):
            self.questions.setFocus()

    def _say_empty(self) -> None:
        if self.filters.filter == Filter():
            go = button(tr("Go to the overview"), lambda: self.page_requested.emit("overview", None),
                        role="main", tip=tr("There the button “Run what is missing” fills this desk"))  # fmt: skip
            self._notice.show_text(
                tr("Nothing on the desk yet"),
                tr("Import questions, or a committee's records; then run what is missing."), actions=[go],
            )  # fmt: skip
        elif self._found.indexed and not self._found.indexed.whole:
            self._notice.show_text(tr("Nothing found yet"), tr("The texts are still being indexed; what "
                                   "is found will show here."))  # fmt: skip
        else:
            reset = button(tr("Show everything"), lambda: self.filters.set_filter(Filter()),
                           tip=tr("Take all filters away"))  # fmt: skip
            self._notice.show_text(tr("No question passes these filters"), actions=[reset])

    def _take_scores(self, read: tuple[Scorebook, int, Policy]) -> None:
        self._book, version, policy = read
        self.panel.show_book(self._book, version, policy)
        self.reading.ask("size", partial(sized, self._book), self.panel.show_size, slow=True)
        if self._cases is not None:
            self.filters.show_offer(offered(self._cases, self._book))
            self._search()
        self._count()
        if self._said_since:
            self._read_overrides()

    def _read_overrides(self) -> None:
        if self._book is not None:
            self.reading.ask("overrides", partial(read_overrides, self._book), self._take_overrides)

    def _take_overrides(self, read: tuple[Scorebook, Said, int, Policy]) -> None:
        book, said, version, policy = read
        if book is self._book:
            book.take(said)
            self.panel.show_book(book, version, policy)
            self._count()

    def _count(self) -> None:
        parts = [things(len(self.model.ids), "question")]
        if self._book is not None:
            parts.append(tr("{n:,} accepted", n=int((self._book.current == 1).sum())))
            if self._found.book is self._book:  # else it is being found anew
                self.bulk.show_count(int(self._found.matching(self._book).sum()))
        indexed = self._found.indexed
        if indexed is not None and not indexed.whole:
            percent = indexed.done * 100 // indexed.total
            parts.insert(0, tr("indexing, {percent} % searched", percent=percent))
        self.filters.count.setText(" · ".join(parts))

    def _on_tried(self, trial: Trial) -> None:
        self.model.tint(trial.changed_questions)
        before, self._tried = self._tried, trial.policy.id
        if before != self._tried and self.filters.filter.state == "would-change":
            self._search()

    def _show_row(self, number: int, *, keep: bool = False) -> None:
        if 0 <= number < len(self.model.ids):
            question_id = self.model.ids[number]
            chosen = (
                self.case_view.chosen if keep else self._found.first_at(self._book, question_id)
            )
            self.case_view.show_question(question_id, rationale_id=chosen)

    # -- deciding --------------------------------------------------------------------------

    def _current_id(self) -> str:
        number = self.questions.currentIndex().row()
        return self.model.ids[number] if 0 <= number < len(self.model.ids) else ""

    def _move(self, step: int) -> None:
        self.questions.go_to(self.questions.currentIndex().row() + step)

    def _decide(self, wish: Wish) -> None:
        if chosen := self.case_view.chosen:
            self.reading.when(self.workbench.override([chosen], wish))

    def _on_bulk(self, wish: Wish) -> None:
        """Decide on every rationale that matches, as one change."""
        if self._book is not None:
            self._work.decide_all(self._found.rationale_ids(self._book), wish)

    def _confirm(self) -> None:
        """Make what counts for the chosen rationale a person's word, and go to the next question."""
        case, chosen = self.case_view.case, self.case_view.chosen
        said = next((one for one in case.rationales if one.id == chosen), None) if case else None
        if said is not None and said.accepted is not None:
            self._decide("accept" if said.accepted else "reject")
        self._move(1)

    def _on_apply(self, policy: Policy) -> None:
        self.told.emit(tr("Applying the rule …"), False)
        done = self.workbench.apply_policy(policy)
        self.reading.when(done, lambda tally: self.told.emit(f"✓ {applied(tally)}", False))
