"""The three sides of one prompt: its text, the real message it makes, and its versions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget

from studio.flow.message_preview import Preview
from studio.flow.prompt_rules import PURPOSES
from studio.flow.prompt_versions import PromptVersion
from studio.ui.diff_view import DiffView
from studio.ui.parts import TextView, button, choice, clear, column, label, row, set_role
from studio.ui.plain_text import one_line, safe
from studio.ui.sheet import Sheet
from studio.ui.texts import tr
from studio.ui.theme import GRID
from studio.ui.words import NOTHING, things, when


class PromptText(QWidget):
    """The text in an editor, with what is filled in.

    Signals:
        saved(str, str): put this text in force, and why.
        tried(str): show the real message that this text would make.
    """

    saved = Signal(str, str)
    tried = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._stored = ""
        self._fields = QHBoxLayout()
        self.editor = QPlainTextEdit()
        self.editor.setAccessibleName(tr("Text of the prompt"))
        self.editor.setToolTip(tr("{{question}} and the like are filled in; a line ---system--- or "
                                  "---user--- begins a message of that role"))  # fmt: skip
        self.editor.setTabChangesFocus(True)
        self.editor.textChanged.connect(self._on_changed)
        self.why = QLineEdit()
        self.why.setAccessibleName(tr("Why it was changed"))
        self.why.setPlaceholderText(tr("Why (kept with the version)"))
        self.why.setToolTip(tr("Shown in the list of versions"))
        self._problem = label("", "bad", wrap=True)
        self._try = button(
            tr("See the message"), lambda: self.tried.emit(self.text),
            tip=tr("Fill this text in for a real question, without storing it"),
        )  # fmt: skip
        self.save = button(
            tr("Save as a new version"), lambda: self.saved.emit(self.text, self.why.text()),
            role="main", tip=tr("Ask with this text from now on; former versions stay (Ctrl+Enter)"),
        )  # fmt: skip
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self).activated.connect(self.save.click)
        layout = column(self._fields, self.editor, self._problem,
                        row(self.why, self._try, self.save))  # fmt: skip
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    @property
    def text(self) -> str:
        """What stands in the editor."""
        return self.editor.toPlainText()

    @property
    def is_changed(self) -> bool:
        """Whether it is another text than the stored one."""
        return self.text.strip() != self._stored

    def show_prompt(self, purpose: str, version: PromptVersion, *, keep: bool = False) -> None:
        """Show a version, and what its stage fills in; ``keep`` what was typed beyond the last one."""
        keep = keep and self.is_changed and self.text.strip() != version.text
        self._stored = version.text
        if keep:
            self._on_changed()
        else:
            self.editor.setPlainText(version.text)
            self.why.clear()
            self.complain("")
        clear(self._fields)
        rule = PURPOSES[purpose]
        self._fields.addWidget(label(tr("Filled in:"), "dim"))
        for name in (*rule.needs, *rule.may):
            field = f"{{{{{name}}}}}"
            needed = tr("needed") if name in rule.needs else tr("may be left out")
            chip = button(field, partial(self._insert, field), role="chip",
                          tip=tr("Put it at the cursor; {needed}", needed=needed))  # fmt: skip
            self._fields.addWidget(chip)
        self._fields.addStretch(1)

    def complain(self, why: str) -> None:
        """Say in one line why it cannot be saved."""
        self._problem.setText(one_line(why, most=400))
        self._problem.setVisible(bool(why))

    def _insert(self, field: str) -> None:
        self.editor.insertPlainText(field)
        self.editor.setFocus()

    def _on_changed(self) -> None:
        self.save.setEnabled(self.is_changed)
        self.complain("")


class RealMessage(QWidget):
    """What would be sent to a teacher for a question, to the letter.

    Signals:
        asked(str, str): show it for this question (id, key or words), to this teacher.
    """

    asked = Signal(str, str)

    def __init__(self, teachers: Sequence[str]) -> None:
        super().__init__()
        self.question = QLineEdit()
        self.question.setAccessibleName(tr("Question"))
        self.question.setPlaceholderText(tr("Question: id, key or some words; empty: the first"))
        self.question.setToolTip(tr("Enter shows the message for the first question that fits"))
        self.question.returnPressed.connect(self.ask)
        self.teacher = choice([(one_line(name, most=40), name) for name in teachers],
                              name=tr("Teacher"), tip=tr("Who would be asked"))  # fmt: skip
        self.teacher.setVisible(bool(teachers))
        self.teacher.setMinimumWidth(GRID * 20)
        self.teacher.activated.connect(lambda _: self.ask())
        show = button(tr("Show"), self.ask, tip=tr("Build the message anew (Enter)"))
        self._about = label("", "dim", wrap=True)
        self.view = TextView(tr("The real message"))
        layout = column(row(self.question, self.teacher, show), self._about, self.view)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def ask(self) -> None:
        """Ask for the message of what is chosen."""
        self.asked.emit(self.question.text().strip(), self.teacher.currentData() or "")

    def show_preview(self, found: Preview) -> None:
        """Show the messages, role by role."""
        set_role(self._about, "dim")
        self._about.setText(_about(found))
        parts = [f"── {one['role']} ──\n{safe(one['content'])}" for one in found.messages]
        if found.schema is not None:
            fields = ", ".join(found.schema["json_schema"]["schema"]["properties"])
            parts.append(f"── {tr('asked for as JSON, where the endpoint takes it')} ──\n{fields}")
        self.view.setPlainText("\n\n".join(parts))

    def show_problem(self, why: str) -> None:
        """Say why there is no message."""
        set_role(self._about, "bad")
        self._about.setText(one_line(why, most=400))
        self.view.clear()


class PromptHistory(QWidget):
    """All versions of a prompt, and the way back to each.

    Signals:
        restored(int): put this version in force.
    """

    restored = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._versions: list[PromptVersion] = []
        self.sheet = Sheet(
            (tr("Version"), tr("Since"), tr("Made"), tr("Why")), name=tr("Versions"),
            widths=(224, 136, 88), numbers=(2,),
        )  # fmt: skip
        self.sheet.chosen.connect(lambda _: self._enable())
        self.sheet.opened.connect(lambda _: self._on_diff())
        self._view = TextView(tr("Text of the chosen version"))
        self._diff = button(tr("Differences …"), self._on_diff,
                            tip=tr("Beside the version in force, word by word (Enter)"))  # fmt: skip
        self.back = button(tr("Go back to this version"), self._on_back,
                           tip=tr("Ask with it from now on; nothing is asked for again"))  # fmt: skip
        layout = column(self.sheet, self._view, row(self._diff, self.back, None))
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setStretch(0, 2)
        layout.setStretch(1, 3)
        self.setLayout(layout)

    def show_versions(self, versions: Sequence[PromptVersion]) -> None:
        """List them, newest first."""
        self._versions = list(versions)[::-1]
        self.sheet.show_rows([
            (one.title + (f" · {tr('in force')}" if one.in_force else ""),
             when(one.at) if one.at else NOTHING, one.made, one.why)
            for one in self._versions
        ])  # fmt: skip
        place = next(n for n, one in enumerate(self._versions) if one.in_force)
        self.sheet.selectRow(place)
        self._enable()

    def _chosen(self) -> PromptVersion | None:
        place = self.sheet.currentIndex().row()
        return self._versions[place] if 0 <= place < len(self._versions) else None

    def _enable(self) -> None:
        chosen = self._chosen()
        self._view.setPlainText("" if chosen is None else safe(chosen.text))
        self._diff.setEnabled(len(self._versions) > 1)
        self.back.setEnabled(chosen is not None and not chosen.in_force)

    def _on_diff(self) -> None:
        if len(self._versions) < 2:
            return
        right = next(n for n, one in enumerate(self._versions) if one.in_force)
        left = max(0, self.sheet.currentIndex().row())
        if left == right:
            left = right + 1 if right + 1 < len(self._versions) else right - 1
        texts = [(one.title, one.text) for one in self._versions]
        DiffView(self, texts, left=left, right=right).open()

    def _on_back(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self.restored.emit(chosen.number)


def _about(found: Preview) -> str:
    said = tr("{version} to {to}: about {tokens} tokens", version=found.version,
              to=one_line(found.to, most=40), tokens=f"{found.tokens:,}")  # fmt: skip
    if found.max_tokens:
        said += tr(", a reply of {most} at most", most=f"{found.max_tokens:,}")
    if found.taken:
        calls, read, written = found.taken
        said += tr(". Mean of {calls} so far: {read} tokens read, {written} written",
                   calls=things(calls, "call"), read=f"{read:,.0f}", written=f"{written:,.0f}")  # fmt: skip
    return f"{said}."
