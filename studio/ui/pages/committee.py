"""The committee: who is asked, at which address, and how far each reviewer can be trusted."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtWidgets import QPushButton

from studio.app.workbench import Workbench
from studio.domain.records import TeacherRecord
from studio.flow.reviewers import Report, calibrate
from studio.ui.page import Page
from studio.ui.parts import Card, button, label, row
from studio.ui.sheet import Sheet
from studio.ui.teacher_form import TeacherForm
from studio.ui.words import NOTHING, decimal, share, things

_TEACHERS = ("Name", "Model", "Address", "Key from", "At once", "$ / M in", "$ / M out", "State")
_CARDS = (
    "Reviewer",
    "Reviews",
    "Missing",
    "Mean",
    "Severity",
    "4–5 on wrong",
    "AUC",
    "Flips without it",
)


class CommitteePage(Page):
    """Teachers above, their reviews measured below."""

    title = "Committee"
    watches: ClassVar = frozenset({"teachers", "reviews", "grades", "policies", "overrides"})

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._rows: list[TeacherRecord] = []
        self._sum = label("", "dim")
        self._teachers = Sheet(
            _TEACHERS,
            name="Teachers",
            empty="No teacher yet: add three of them",
            widths=(144, 168, 200, 136, 80, 88, 88),
            numbers=(4, 5, 6),
        )
        self._teachers.opened.connect(lambda _: self._on_edit())
        self._teachers.chosen.connect(lambda _: self._enable())
        self._cards = Sheet(
            _CARDS,
            name="Reviewers measured",
            empty="No reviews yet",
            widths=(152, 88, 88, 80, 88, 128, 80, 136),
            numbers=range(1, 8),
            stretch=0,
        )
        self._note = label("", "small", wrap=True)
        layout = self.page_layout()
        layout.addLayout(row(label(self.title, "title"), self._sum, None, *self._buttons()))
        layout.addWidget(self._teachers, 1)
        card = Card("How far each reviewer can be trusted")
        card.body.addWidget(self._cards)
        card.body.addWidget(self._note)
        layout.addWidget(card, 1)
        self.reload()

    def _buttons(self) -> tuple[QPushButton, ...]:
        self._edit = button("Edit …", self._on_edit, tip="Change the chosen teacher (Enter)")
        add = button("Add a teacher …", self._on_add, role="main",
                     tip="Any endpoint in the OpenAI form: Ollama, vLLM, llama.cpp, LM Studio, OpenAI")  # fmt: skip
        return self._edit, add

    def reload(self, tables: set[str] | None = None) -> None:
        """Show the teachers at once, and their measures when they are computed."""
        del tables
        self._rows = self.workbench.reader.teachers(active=False)
        self._teachers.show_rows([
            (t.name, t.model or NOTHING, t.base_url or NOTHING, t.api_key_env or NOTHING,
             t.concurrency, decimal(t.price_in), decimal(t.price_out), _state(t))
            for t in self._rows
        ])  # fmt: skip
        asked = sum(t.active for t in self._rows)
        self._sum.setText(things(asked, "teacher is asked", "teachers are asked") if self._rows
                          else "No teacher yet: three make a committee.")  # fmt: skip
        self._enable()
        self.reading.ask("cards", calibrate, self._show)

    def _enable(self) -> None:
        self._edit.setEnabled(self._chosen() is not None)

    def _show(self, report: Report) -> None:
        self._cards.show_rows([
            (c.reviewer, c.n_valid, c.n_missing, decimal(c.mean), decimal(c.severity),
             f"{share(c.high_on_wrong)} of {c.n_wrong:,}", decimal(c.auc.value), c.flips_without)
            for c in report.cards
        ])  # fmt: skip
        self._note.setText(
            f"Agreement over {things(report.n_rationales, 'rationale')}: Krippendorff's alpha "
            f"{decimal(report.alpha)} (interval). Severity: mean difference to the others on the same "
            "rationales; below 0 is stricter. 4–5 on wrong: how often a rationale with a wrong answer "
            "got such a score. AUC: chance that a right rationale gets the higher score. Flips: "
            "decisions that would change without this reviewer."
            if report.cards else "No reviews yet."
        )  # fmt: skip

    def _chosen(self) -> TeacherRecord | None:
        place = self._teachers.currentIndex().row()
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def _on_add(self) -> None:
        self._open(TeacherForm(self, None))

    def _on_edit(self) -> None:
        if (chosen := self._chosen()) is not None:
            self._open(TeacherForm(self, chosen))

    def _open(self, form: TeacherForm) -> None:
        form.saved.connect(lambda record: self.reading.when(self.workbench.put(record)))
        form.open()


def _state(teacher: TeacherRecord) -> str:
    if teacher.scripted:
        return "scripted: no model"
    return "asked" if teacher.active else "imported, not asked"
