"""What a person writes at the desk: a better rationale, the right gold answer, a note."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QPlainTextEdit, QWidget

from studio.domain.records import Question
from studio.flow.edits import Note
from studio.ui.cases import Said
from studio.ui.parts import TextView, button, choice, choose, column, label, row
from studio.ui.plain_text import MOST_CHARACTERS, one_line, safe
from studio.ui.texts import tr
from studio.ui.theme import GRID

LONGEST_NOTE = 10_000


class Form(QDialog):
    """Stays, with what was typed, until that is kept."""

    def __init__(self, parent: QWidget, title: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self._waits = False

    def wait(self) -> None:
        """Take nothing more while it is being kept."""
        self._waits = True

    def complain(self, why: str) -> None:
        """Say why it was not kept, and let it be put right."""
        self._waits = False
        self._problem.setText(why[:1].upper() + why[1:])
        self._problem.show()


class EditForm(Form):
    """A rationale to be put right; the original stays.

    Args:
        save: is given the text, and whether it is accepted in the same breath.
    """

    def __init__(self, parent: QWidget, said: Said, save: Callable[[str, bool], object]) -> None:
        name = one_line(said.teacher, most=40)
        super().__init__(parent, tr("Edit the rationale of {name}", name=name))
        self.resize(GRID * 96, GRID * 64)
        self._save = save
        self._text = QPlainTextEdit()
        self._text.setAccessibleName(tr("Rationale"))
        self._text.setToolTip(tr("What the student is to learn; the original is kept beside it"))
        self._text.setPlainText(said.text)
        self._text.setTabChangesFocus(True)
        keep = button(tr("Save"), lambda: self._on_save(accept=False),
                      tip=tr("Keep it; the stage “review” sends it to the reviewers"))  # fmt: skip
        accept = button(tr("Save and accept"), lambda: self._on_save(accept=True), role="main",
                        tip=tr("Keep it and accept it by hand, as one change (Ctrl+Enter)"))  # fmt: skip
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self).activated.connect(accept.click)
        cancel = button(tr("Cancel"), self.reject, tip=tr("Change nothing (Escape)"))
        why = label(tr("Your text takes the place of the original everywhere, is graded at once, and says in"
                       " every export that a person wrote it. Ctrl+Z brings the original back."),
                    "dim", wrap=True)  # fmt: skip
        self._fill(column(why, self._text, self._problem, row(None, cancel, keep, accept)))
        self._text.setFocus()

    def _fill(self, layout: object) -> None:
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)  # type: ignore[attr-defined]
        layout.setStretch(1, 1)  # type: ignore[attr-defined]
        self.setLayout(layout)  # type: ignore[arg-type]

    def _on_save(self, *, accept: bool) -> None:
        if not self._waits:
            self._save(self._text.toPlainText(), accept)


def can_edit(text: str) -> bool:
    """Return whether a text is fit for an editor: short enough, and with nothing hidden in it."""
    return len(text) <= MOST_CHARACTERS and safe(text).replace("\n", "") == text.replace("\n", "")


class GoldForm(Form):
    """The right gold answer.

    Args:
        save: is given the answer.
    """

    def __init__(self, parent: QWidget, question: Question, save: Callable[[str], object]) -> None:
        super().__init__(parent, tr("Correct gold"))
        self.setMinimumWidth(GRID * 64)
        self._save = save
        self._field: QLineEdit | QComboBox
        if question.options:
            letters = [chr(ord("A") + n) for n in range(len(question.options))]
            entries = [
                (f"{a}  {one_line(o, most=60)}", a)
                for a, o in zip(letters, question.options, strict=True)
            ]
            self._field = choice(entries, name=tr("Gold"), tip=tr("The option that is right"))
            choose(self._field, question.gold)
        else:
            gold = " ".join(question.gold.split())  # whole: what stands here is what is kept
            self._field = QLineEdit()
            self._field.setAccessibleName(tr("Gold"))
            self._field.setToolTip(tr("The right answer, as it should be read"))
            self._field.setMaxLength(max(200, len(gold)))
            self._field.setText(gold)
            self._field.selectAll()
        text = TextView(tr("Question"), most_lines=9)
        text.setPlainText(safe(question.text))
        go = button(tr("Correct"), self._on_save, role="main",
                    tip=tr("Grade all answers to this question anew (Enter); Ctrl+Z takes it back"))  # fmt: skip
        go.setDefault(True)
        cancel = button(tr("Cancel"), self.reject, tip=tr("Change nothing (Escape)"))
        layout = column(
            text,
            row(label(tr("Gold")), self._field),
            self._problem,
            row(None, cancel, go),
            gap=GRID * 2,
        )
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        self.setLayout(layout)

    def _on_save(self) -> None:
        field = self._field
        if not self._waits:
            self._save(field.text() if isinstance(field, QLineEdit) else str(field.currentData()))


class NoteForm(Form):
    """A remark on a question, and tags to find it by.

    Args:
        save: is given the text and the tags.
    """

    def __init__(
        self, parent: QWidget, note: Note, save: Callable[[str, list[str]], object]
    ) -> None:
        super().__init__(parent, tr("Note"))
        self.resize(GRID * 72, GRID * 40)
        self._save = save
        self._text = QPlainTextEdit()
        self._text.setPlainText(note.text)
        self._text.setAccessibleName(tr("Note"))
        self._text.setToolTip(
            tr("For yourself and others; never trained on, never exported as data")
        )
        self._text.setTabChangesFocus(True)
        self._tags = QLineEdit(", ".join(note.tags))
        self._tags.setAccessibleName(tr("Tags"))
        self._tags.setPlaceholderText(tr("tags, divided by commas"))
        self._tags.setToolTip(tr("Words to find this question by"))
        self._tags.setMaxLength(400)
        go = button(
            tr("Keep"), self._on_save, role="main", tip=tr("Keep note and tags (Ctrl+Enter)")
        )
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self).activated.connect(go.click)
        cancel = button(tr("Cancel"), self.reject, tip=tr("Change nothing (Escape)"))
        who = tr("Last changed by {who}", who=one_line(note.who, most=40)) if note.who else ""
        layout = column(
            self._text, self._tags, self._problem, row(label(who, "small"), None, cancel, go)
        )
        layout.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        self.setLayout(layout)

    def _on_save(self) -> None:
        text = self._text.toPlainText()
        if len(text) > LONGEST_NOTE:
            self.complain(
                tr("a note may have {most:,} letters, this one has {n:,}: shorten it",
                   most=LONGEST_NOTE, n=len(text))
            )  # fmt: skip
        elif not self._waits:
            self._save(text, self._tags.text().split(","))
