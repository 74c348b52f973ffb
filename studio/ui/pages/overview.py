"""The overview: the funnel, what deserves a look, and one button that runs what is missing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from studio.app.workbench import Workbench
from studio.domain.records import Question
from studio.flow.cost import ledger
from studio.flow.grades import graded_by_older_rules
from studio.flow.queues import BY_QUESTION, DOUBTFUL, QUEUES
from studio.ui.page import CHOOSE, Page
from studio.ui.parts import Card, ShortLabel, button, choice, choose, column, label, row, scrolled
from studio.ui.plain_text import one_line
from studio.ui.run_dialog import RunDialog
from studio.ui.sheet import Sheet
from studio.ui.standing import (
    Standing,
    ledger_rows,
    missing_in_words,
    next_in_words,
    read_missing,
    read_standing,
    spent,
    station_names,
    stops,
)
from studio.ui.texts import all_tr, mark, tr
from studio.ui.theme import GRID
from studio.ui.widgets.funnel import Funnel, Station
from studio.ui.words import count

if TYPE_CHECKING:
    from studio.flow.cost import Estimate, Spent
    from studio.flow.pipeline import Plan

_TEACHERS = (
    mark("Teacher"),
    mark("Rationales"),
    mark("Right answer"),
    mark("Accepted"),
    mark("Mean score"),
)
_LEDGER = (mark("Round"), mark("Stage"), mark("Teacher"), mark("Calls"), mark("Failed"), mark("End unknown"), mark("Tokens in"), mark("Tokens out"),
           mark("Cost"))  # fmt: skip
_MOST_LINES = 12
_TITLE = GRID * 23  #: so that what queues mean begins at one line
_DOUBTFUL = (
    mark("Doubtful mistakes"),
    mark("the grade may be mistaken; counted in questions"),
)


class OverviewPage(Page):
    """Where the project stands and what to look at next."""

    title = mark("Overview")
    watches: ClassVar = frozenset({
        "questions", "attempts", "grades", "explanations", "rationales", "reviews", "decisions",
        "overrides", "policies", "runs", "run_states", "teachers", "settings",
    })  # fmt: skip

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._plan: Plan | None = None
        self._missing: list[Estimate] = []
        self._found: Standing | None = None
        self._build()
        self.reload()

    def _build(self) -> None:
        inner = QWidget()
        layout = self.page_layout(inner)
        self._scripted = label("", "badge", tip=tr("A scripted teacher is no model: its answers were "
                               "written beforehand, to try the studio out"))  # fmt: skip
        self._scripted.hide()
        self._round = choice(
            [(tr("All rounds"), None)], name=tr("Round"),
            tip=tr("Whose mistakes the funnel counts; a rationale at a question that was missed in two "
                   "rounds counts in both"),
        )  # fmt: skip
        self._round.activated.connect(lambda _: self._show_funnel())
        self._round.hide()
        layout.addLayout(
            row(
                label(one_line(self.workbench.project.name), "title"),
                self._scripted,
                None,
                self._round,
            )
        )
        self._funnel = Funnel()
        self._funnel.show_stations(tuple(Station("…", name) for name in station_names()))
        layout.addWidget(self._funnel)
        cards = row(self._queues_card(), self._missing_card(), gap=GRID * 2)
        cards.setStretch(0, 3)
        cards.setStretch(1, 2)
        layout.addLayout(cards)
        layout.addWidget(self._teachers_card())
        layout.addWidget(self._ledger_card())
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scrolled(inner))

    def _queues_card(self) -> Card:
        card = Card(tr("What deserves a look"))
        self._queues: dict[str, _QueueRow] = {}
        known = {name: (queue.title, queue.meaning) for name, queue in QUEUES.items()}
        for name, (title, meaning) in {**known, DOUBTFUL: _DOUBTFUL}.items():
            unit = tr("questions") if name in BY_QUESTION or name == DOUBTFUL else tr("rationales")
            self._queues[name] = _QueueRow(tr(title), tr(meaning), unit)
            self._queues[name].clicked.connect(partial(self.page_requested.emit, "desk", name))
            card.body.addWidget(self._queues[name])
        card.body.setSpacing(0)
        card.body.addStretch(1)
        return card

    def _teachers_card(self) -> Card:
        card = Card(tr("What the teachers brought"))
        self._teachers = Sheet(all_tr(_TEACHERS), name=tr("Rationales by teacher"), empty=tr("Counting …"), numbers=(1, 2, 3, 4),
                               widths=(240, 128, 160, 160, 128), stretch=0)  # fmt: skip
        card.body.addWidget(self._teachers)
        return card

    def _ledger_card(self) -> Card:
        card = Card(tr("What the calls took"))
        self._ledger = Sheet(all_tr(_LEDGER), name=tr("Calls by round, stage and teacher"), numbers=range(3, 9),
                             empty=tr("Counting …"), stretch=2,
                             widths=(72, 168, 160, 80, 80, 120, 104, 112, 168))  # fmt: skip
        card.body.addWidget(self._ledger)
        return card

    def _missing_card(self) -> Card:
        card = Card(tr("What is missing"))
        self._what = label(tr("Counting …"), "dim", wrap=True)
        self._run = button(tr("Run what is missing"), self._on_run, role="main",
                           tip=tr("Exam, grades, explanations, rationales, reviews, decisions: says what "
                               "it takes, and asks first"))  # fmt: skip
        self._run.setEnabled(False)
        self._whole = button(tr("A whole round …"), self._on_round,
                       tip=tr("What is missing, then train on what is accepted and sit the held-out "
                              "exam: the student it makes is the project's next; asks first"))  # fmt: skip
        self._import = button(tr("Import files …"), lambda: self.page_requested.emit("data", CHOOSE),
                              role="main", tip=tr("Everything begins with questions: choose files with "
                              "them, and with what else they hold"))  # fmt: skip
        self._import.hide()
        self._spent = label(tr("Counting …"), "dim", wrap=True)
        self.lock(self._run, self._whole, self._import)
        card.body.addLayout(column(self._what, row(self._import, self._run, self._whole, None),
                                   gap=GRID * 3 // 2))  # fmt: skip
        card.body.addSpacing(GRID * 2)
        card.body.addWidget(label(tr("What the calls took so far"), "section"))
        card.body.addWidget(self._spent)
        card.body.addStretch(1)
        return card

    # -- what is shown ---------------------------------------------------------------------

    def reload(self, tables: set[str] | None = None) -> None:
        """Count everything, off this thread."""
        del tables
        bench = self.workbench.bench
        self.reading.ask("standing", read_standing, self._show)
        self.reading.ask("ledger", ledger, self._show_ledger, slow=True)
        self.reading.ask("missing", lambda store: (store.count(Question) > 0, next_in_words(store), graded_by_older_rules(store),
                                                   *read_missing(bench, store)), self._show_missing, failed=self._cannot_plan)  # fmt: skip

    def show_failure(self, why: str) -> None:
        """Say in the place of every number why there is none."""
        if self._found is None:
            for sheet in (self._teachers, self._ledger):
                sheet.say_empty(why)
            self._spent.setText(why)

    def _show(self, found: Standing) -> None:
        self._found = found
        self._teachers.say_empty(tr("No rationale yet"))
        self._offer_rounds(found)
        self._show_funnel()
        for name, queue in self._queues.items():
            queue.show_number(found.queues[name])
        self._teachers.show_rows([*found.by_teacher])
        lines = min(max(len(found.by_teacher), 2), _MOST_LINES)
        self._teachers.setFixedHeight(GRID * 4 * (lines + 1) + GRID)
        self._spent.setText(spent(found))
        if found.scripted:
            all_of_them = len(found.scripted) == found.teachers
            names = ", ".join(one_line(name, most=24) for name in found.scripted)
            self._scripted.setText(
                tr("scripted committee") if all_of_them else tr("scripted: {names}", names=names)
            )
        self._scripted.setVisible(bool(found.scripted))

    def _offer_rounds(self, found: Standing) -> None:
        """Let a round be chosen, where there are several."""
        chosen = self._round.currentData()
        self._round.clear()
        self._round.addItem(tr("All rounds"), None)
        for one in found.rounds:
            self._round.addItem(tr("Round {n}", n=one.number), one.number)
        choose(self._round, chosen)
        self._round.setVisible(len(found.rounds) > 1)

    def _show_funnel(self) -> None:
        """Show the stations of the chosen round, or of all."""
        if (found := self._found) is not None:
            number = self._round.currentData()
            for one in found.rounds:
                found = found.of_round(one) if one.number == number else found
            self._funnel.show_stations(tuple(Station(*stop) for stop in stops(found)))

    def _show_ledger(self, spent_so_far: list[Spent]) -> None:
        lines = ledger_rows(spent_so_far)
        self._ledger.say_empty(tr("No call to a teacher was made here yet"))
        self._ledger.show_rows(lines)
        self._ledger.setFixedHeight(GRID * 4 * (min(max(len(lines), 2), _MOST_LINES) + 1) + GRID)

    def _show_missing(self, found: tuple[bool, str, int, Plan, list[Estimate]]) -> None:
        has_questions, following, older, self._plan, self._missing = found
        words = missing_in_words(self._missing, older=older)
        self._what.setText(words or self._nothing(following if has_questions else ""))
        self._run.setEnabled(bool(words))
        self._import.setVisible(not has_questions)
        for one in (self._run, self._whole):
            one.setVisible(has_questions)

    def _nothing(self, following: str) -> str:
        if not following:
            return tr("There are no questions yet: everything begins with a file of them.")
        if self._plan is not None and self._plan.student is None:
            done = tr(
                "Nothing, as far as it goes: no student is named for the exam yet (Data page)."
            )
        else:
            done = tr("Nothing: every stage has done its work.")
        return f"{done}\n{following}"

    def _cannot_plan(self, message: str) -> None:
        self._plan = None
        self._what.setText(message[:1].upper() + message[1:])
        self._run.setEnabled(False)

    # -- run it ----------------------------------------------------------------------------

    def _on_run(self) -> None:
        plan = self._plan
        if plan is None:
            return
        dialog = RunDialog(self, self._missing)
        dialog.agreed.connect(lambda budget: self.workbench.run_flow(plan, budget_usd=budget))
        dialog.open()

    def _on_round(self) -> None:
        dialog = RunDialog(
            self, self._missing, title=tr("A whole round"),
            about=tr("First what is missing, as below. Then the student is trained on what is accepted, "
                     "with the settings of the Train page, and sits the held-out exam. The student "
                     "that this makes is the project's next."),
        )  # fmt: skip
        dialog.agreed.connect(
            lambda budget: self.workbench.experiments.whole_round(budget_usd=budget)
        )
        dialog.open()


class _QueueRow(QPushButton):
    """One audit queue with its count; a click opens the desk with it."""

    def __init__(self, title: str, meaning: str, unit: str) -> None:
        super().__init__()
        self._title, self._unit = title, unit
        self._number = label("…", "name")
        named = label(title)
        named.setMinimumWidth(_TITLE)
        inside = row(named, ShortLabel(meaning, "dim"), self._number, gap=GRID * 2)
        inside.setStretch(1, 1)
        inside.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        self.setLayout(inside)
        self.setProperty("role", "row")
        self.setAccessibleName(title)
        self.setMinimumHeight(GRID * 4)
        self.setToolTip(
            tr("Open the desk with these {unit}: {meaning}", unit=unit, meaning=meaning)
        )

    def show_number(self, number: int | None) -> None:
        """Show how many there are; there is nothing to open where there are none, or none is known."""
        self._number.setText(count(number))
        known = (
            tr("not known before “Run what is missing”")
            if number is None
            else f"{number:,} {self._unit}"
        )
        self._number.setToolTip(known)
        self.setAccessibleName(f"{self._title}: {known}")
        self.setEnabled(bool(number))
