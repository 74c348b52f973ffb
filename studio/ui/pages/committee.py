"""The committee: who is asked, at which address, and how far each reviewer can be trusted."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from studio.app.trial import Finding
from studio.app.workbench import Workbench
from studio.domain.errors import KeyNotAllowed, SpecError
from studio.domain.records import TeacherRecord
from studio.flow.batches import Batch, batches_out
from studio.flow.quality import Quality, asks_once, kept_quality
from studio.flow.reviewers import calibrate
from studio.ui.desk_filter import Filter
from studio.ui.key_form import KeyForm
from studio.ui.page import Page
from studio.ui.parts import ask, button, column, label, row, scrolled
from studio.ui.plain_text import one_line
from studio.ui.prompts_dialog import PromptsDialog
from studio.ui.quality_form import QualityForm
from studio.ui.sheet import Sheet
from studio.ui.teacher_form import TeacherForm
from studio.ui.texts import all_tr, mark, tr
from studio.ui.theme import GRID
from studio.ui.widgets.trust_panel import TrustPanel
from studio.ui.words import NOTHING, decimal, things, when

_TEACHERS = (
    mark("Name"),
    mark("Model"),
    mark("Address"),
    mark("Key from"),
    mark("At once"),
    mark("$ / M in"),
    mark("$ / M out"),
    mark("State"),
)
_LOOK_MS = 5_000  #: between two looks at the batches; they take minutes to a day
_LINE, _MOST = GRID * 4, 8  #: height of a row, and rows before the list scrolls


class CommitteePage(Page):
    """Teachers above, then their reviews measured."""

    title = mark("Committee")
    watches: ClassVar = frozenset({"teachers", "reviews", "grades", "policies", "overrides",
                                   "rationales", "decisions"})  # fmt: skip

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._rows: list[TeacherRecord] = []
        self._sum = label("", "dim")
        self._teachers = Sheet(
            all_tr(_TEACHERS),
            name=tr("Teachers"),
            empty=tr("No teacher yet: add three of them"),
            widths=(136, 152, 200, 128, 72, 80, 80, 160),
            numbers=(4, 5, 6),
            stretch=2,
            about=_about(),
        )
        self._teachers.opened.connect(lambda _: self._on_edit())
        self._teachers.chosen.connect(lambda _: self._enable())
        self._out = label("", "small", wrap=True, tip=tr("The studio may be closed meanwhile: the next "
                          "run collects what the batches bring"))  # fmt: skip
        self._out.hide()
        self._looks = QTimer(self)
        self._looks.setInterval(_LOOK_MS)
        self._looks.timeout.connect(self._look_for_batches)
        self._trust = TrustPanel()
        self._trust.flips_requested.connect(
            lambda name: self.page_requested.emit("desk", Filter(without=name))
        )
        inner = QWidget()
        layout = self.page_layout(inner)
        general, of_one = self._buttons()
        layout.addLayout(row(label(tr(self.title), "title"), self._sum, None, *general))
        layout.addLayout(column(self._teachers, row(*of_one, None), self._out))
        layout.addWidget(self._trust)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scrolled(inner))
        self.reload()

    def _buttons(self) -> tuple[tuple[QPushButton, ...], tuple[QPushButton, ...]]:
        """Return the buttons of the committee, and those of the chosen teacher."""
        self._edit = button(
            tr("Edit …"), self._on_edit, tip=tr("Change the chosen teacher (Enter)")
        )
        add = button(tr("Add a teacher …"), self._on_add, role="main",
                     tip=tr("Any endpoint in the OpenAI form: Ollama, vLLM, llama.cpp, LM Studio, OpenAI"))  # fmt: skip
        self._test = button(
            tr("Test connection"),
            self._on_test,
            tip=tr("Ask the chosen teacher one small question"),
        )
        self._key = button(
            tr("Key …"),
            self._on_key,
            tip=tr("Put the chosen teacher's key into the system's keyring"),
        )
        how = button(
            tr("How it is asked …"), self._on_how,
            tip=tr("How many rationales, how often one is revised, what reviewers see and score"),
        )  # fmt: skip
        prompts = button(
            tr("Prompts …"), self._on_prompts,
            tip=tr("What each stage asks with: versions, and the real message for a question"),
        )  # fmt: skip
        self.lock(how, add, self._edit)
        return (how, prompts, add), (self._edit, self._key, self._test)

    def reload(self, tables: set[str] | None = None) -> None:
        """Show the teachers at once, and their measures when they are computed."""
        del tables
        self._rows = self.workbench.reader.teachers(active=False)
        self._teachers.show_rows([
            (t.name, t.model or NOTHING, t.base_url or NOTHING, t.api_key_env or NOTHING,
             t.concurrency, decimal(t.price_in), decimal(t.price_out), _state(t))
            for t in self._rows
        ])  # fmt: skip
        rows = min(max(len(self._rows), 2), _MOST)
        self._teachers.setFixedHeight(_LINE * (rows + 1) + GRID)
        asked = sum(t.active for t in self._rows)
        self._sum.setText(_asked(asked, len(self._rows)))
        self._enable()
        self._look_for_batches()
        self.reading.ask("cards", calibrate, self._trust.show_report, slow=True, failed=partial(
            self._trust.show_state, tr("The reviewers could not be measured")))  # fmt: skip

    def _look_for_batches(self) -> None:
        if not self.reading.is_closed:
            self.reading.ask("batches", batches_out, self._show_batches)

    def _show_batches(self, out: list[Batch]) -> None:
        self._out.setText("\n".join(_batch_in_words(one) for one in out))
        self._out.setVisible(bool(out))

    def _enable(self) -> None:
        chosen = self._chosen()
        self._edit.setEnabled(chosen is not None)
        for one in (self._test, self._key):
            one.setEnabled(chosen is not None and bool(chosen.base_url))
        if chosen is not None and chosen.scripted:  # nothing is sent anywhere
            self._key.setEnabled(False)

    def _chosen(self) -> TeacherRecord | None:
        place = self._teachers.currentIndex().row()
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def _on_add(self) -> None:
        self._open(TeacherForm(self, None))

    def _on_edit(self) -> None:
        if (chosen := self._chosen()) is not None:
            self._open(TeacherForm(self, chosen))

    def _on_how(self) -> None:
        reader = self.workbench.reader
        try:
            kept = kept_quality(reader)
        except SpecError as error:  # kept by another version of the studio: begin anew
            kept = Quality()
            self.told.emit(one_line(str(error), most=300), True)
        form = QualityForm(self, kept, project=self.workbench.project, rests=asks_once(reader))
        form.told.connect(lambda line: self.told.emit(line, False))
        form.agreed.connect(self._keep)
        form.open()

    def _keep(self, quality: dict[str, Any]) -> None:
        self.reading.when(
            self.workbench.by_hand.keep_quality(quality),
            lambda _: self.told.emit(tr("✓ Kept: the next run asks so"), False),
        )

    def _on_prompts(self) -> None:
        PromptsDialog(self, self.workbench, self.reading, self.told.emit).open()

    def _on_test(self) -> None:
        if (chosen := self._chosen()) is not None:
            self._test.setEnabled(False)
            self.told.emit(tr("Asking {name} …", name=one_line(chosen.name, most=40)), False)
            self._try(chosen)

    def _try(self, teacher: TeacherRecord) -> None:
        """Ask a teacher; a key that was never allowed to go there is asked about."""
        done = self.workbench.endpoints.try_out(teacher)

        def failed(why: str) -> None:
            self._enable()
            error = done.exception()
            if isinstance(error, KeyNotAllowed):
                self._ask_for_key(teacher, error)
            else:
                self.told.emit(one_line(why, most=300), True)

        def answered(found: Finding) -> None:
            self._enable()
            self.told.emit(one_line(found.in_words, most=300), not found.is_fine)

        self.reading.when(done, answered, failed=failed)

    def _ask_for_key(self, teacher: TeacherRecord, error: KeyNotAllowed) -> None:
        def allow() -> None:
            self.reading.when(self.workbench.endpoints.allow(teacher),
                              lambda _: self._try(teacher))  # fmt: skip

        ask(self, tr("May this key be sent there?"),
            tr("This project wants the key in {variable} sent to {host}. You have "
               "not allowed that before. Allow it only if you trust that address.", variable=one_line(error.variable, most=80), host=one_line(error.host, most=120)), yes=tr("Allow and test"), then=allow)  # fmt: skip

    def _on_key(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        name = one_line(chosen.name, most=40)

        def kept(lasting: bool) -> None:
            if lasting:
                self.told.emit(
                    tr("✓ The key of {name} is in the system's keyring", name=name), False
                )
            else:
                self.told.emit(tr("No keyring here takes it: the key of {name} lasts until the studio is closed, and is never written down", name=name), True)  # fmt: skip

        form = KeyForm(self, chosen)
        form.given.connect(
            lambda key: self.reading.when(self.workbench.endpoints.store_key(chosen, key), kept)
        )
        form.open()

    def _open(self, form: TeacherForm) -> None:
        form.saved.connect(lambda record: self.reading.when(self.workbench.put(record)))
        form.open()

    # Qt's own names

    def showEvent(self, event: QShowEvent) -> None:
        """Look after the batches while somebody looks here."""
        super().showEvent(event)
        self._looks.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Let them be."""
        super().hideEvent(event)
        self._looks.stop()


def _batch_in_words(one: Batch) -> str:
    name, n = one_line(one.teacher, most=40), f"{one.n:,}"
    if not one.remote_id:
        return tr("{name}: a batch of {n} is being handed over", name=name, n=n)
    return tr("{name}: batch of {n} with its endpoint, {done} done, sent {when}",
              name=name, n=n, done=f"{one.done:,}", when=when(one.sent_at))  # fmt: skip


def _about() -> dict[str, str]:
    return {
        tr("Key from"): tr(
            "The environment variable that holds the key; the key itself is never kept"
        ),
        tr("At once"): tr("How many requests are out at the same time"),
        tr("$ / M in"): tr("USD per million tokens that it reads"),
        tr("$ / M out"): tr("USD per million tokens that it writes"),
    }


def _asked(asked: int, known: int) -> str:
    if not known:
        return tr("No teacher yet: three make a committee.")
    if asked == known:
        return things(asked, "teacher is asked", "teachers are asked")
    return tr("{asked:,} of {teachers} asked", asked=asked, teachers=things(known, "teacher"))


def _state(teacher: TeacherRecord) -> str:
    if teacher.scripted:
        return tr("scripted: no model")
    if not teacher.active:
        return tr("imported, not asked")
    return tr("asked by batches") if teacher.batch else tr("asked")
