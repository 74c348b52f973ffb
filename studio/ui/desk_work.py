"""What a person does with the case on the desk, besides deciding it: edit, note, gold, compare, copy."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtGui import QGuiApplication
from shiboken6 import isValid

from studio.store import window_views
from studio.store.tables import Store
from studio.ui.case_text import as_json, as_markdown
from studio.ui.texts import tr

if TYPE_CHECKING:
    from studio.flow.decisions import Wish
    from studio.ui.cases import Answer, Case, Said
    from studio.ui.edit_forms import Form
    from studio.ui.formulas import Formulas
    from studio.ui.page import Page


class Shown(Protocol):
    """What shows a case: which one, and what is chosen in it."""

    @property
    def case(self) -> Case | None:
        """The case in sight."""

    @property
    def chosen(self) -> str:
        """The id of the rationale chosen in it; empty: none."""

    @property
    def answer(self) -> Answer | None:
        """The attempt in sight."""

    @property
    def formulas(self) -> Formulas:
        """What draws the formulas of its texts."""


class DeskWork:
    """Opens the forms of the desk and does what they say; every change can be undone."""

    def __init__(self, page: Page, shown: Shown) -> None:
        self._page, self._view = page, shown
        self.verbs: dict[str, Callable[[], object]] = {
            "edit": self.edit, "note": self.note, "gold": self.gold, "fine": self.fine,
            "diff": self.diff, "whole": self.whole, "history": self.history, "copy": self.copy,
            "copy-json": self.copy_json,
        }  # fmt: skip

    def edit(self) -> None:
        """Let the chosen rationale be put right."""
        from studio.ui.edit_forms import EditForm, can_edit

        said = self._said()
        if said is None:
            return
        if not can_edit(said.text):
            self._tell(
                tr("This text is too long, or holds hidden characters: reject it instead"), bad=True
            )
            return
        by_hand = self._page.workbench.by_hand
        form = EditForm(self._page, said, lambda text, accept: self._close_when(
            form, by_hand.edit(said.id, text, accept=accept),
            tr("Edited and accepted") if accept else tr("Edited; the stage “review” sends it to the reviewers"),
        ))  # fmt: skip
        form.open()

    def note(self) -> None:
        """Let a note be written."""
        from studio.ui.edit_forms import NoteForm

        case = self._case()
        if case is not None:
            write = self._page.workbench.by_hand.write_note
            form = NoteForm(self._page, case.note, lambda text, tags: self._close_when(
                form, write(case.question.id, text, tags), tr("Note kept")))  # fmt: skip
            form.open()

    def gold(self) -> None:
        """Let gold be corrected."""
        from studio.ui.edit_forms import GoldForm

        case = self._case()
        if case is not None:
            correct = self._page.workbench.by_hand.correct_gold
            form = GoldForm(self._page, case.question, lambda gold: self._close_when(
                form, correct(case.question.id, gold), tr("Gold corrected; all answers graded anew")))  # fmt: skip
            form.open()

    def fine(self) -> None:
        """Say that the attempt in sight is no mistake."""
        answer = self._view.answer
        if answer is None:
            return
        if answer.verdict == "correct":
            self._tell(tr("This answer is graded correct already"))
            return
        self.tell_when(
            self._page.workbench.by_hand.not_a_mistake(answer.id),
            tr("Not a mistake: graded correct by hand"),
        )

    def diff(self) -> None:
        """Compare the chosen rationale with the next one, or the student's answer."""
        from studio.ui.diff_view import DiffView, title_of

        case, chosen = self._case(), self._said()
        if case is None or chosen is None:
            return
        texts = [(title_of(said, n), said.text) for n, said in enumerate(case.rationales, 1)]
        if self._view.answer is not None:
            texts.append((self._view.answer.student, self._view.answer.text))
        here = next(n for n, said in enumerate(case.rationales) if said.id == chosen.id)
        DiffView(self._page, texts, left=here, right=(here + 1) % len(texts),
                 formulas=self._view.formulas).open()  # fmt: skip

    def whole(self) -> None:
        """Show the whole of the chosen rationale, or of the student's answer where there is none."""
        said, answer = self._said(), self._view.answer
        if said is not None:
            self._show_text(said.teacher, said.text)
        elif answer is not None:
            self._show_text(answer.student, answer.text)

    def raw_reply(self, call_id: str) -> None:
        """Show what the endpoint answered, byte for byte."""

        def read(store: Store) -> bytes:
            return bytes(store.value(window_views.RAW_REPLY, call_id) or b"")

        def show(raw: bytes) -> None:
            self._show_text(tr("Raw reply"), _pretty(raw))

        self._page.reading.ask("raw", read, show)

    def history(self) -> None:
        """Show all that happened to the question."""
        from studio.ui.history_list import HistoryList, read_history, spent_in_words

        case = self._case()
        if case is not None:
            about = case.question.id
            self._page.reading.ask(
                "history", lambda store: (read_history(store, about), spent_in_words(store, about)),
                lambda found: HistoryList(self._page, *found).open(),
            )  # fmt: skip

    def decide_all(self, ids: Sequence[str], wish: Wish) -> None:
        """Decide on these rationales by hand, as one change."""
        n = f"{len(ids):,}"
        self.tell_when(self._page.workbench.override(ids, wish), {
            "accept": tr("{n} rationales accepted by hand; Ctrl+Z takes it back", n=n),
            "reject": tr("{n} rationales rejected by hand; Ctrl+Z takes it back", n=n),
            "clear": tr("{n} rationales: the rule counts again", n=n),
        }[wish])  # fmt: skip

    def copy(self) -> None:
        """Copy the case as Markdown."""
        self._copy(as_markdown)

    def copy_json(self) -> None:
        """Copy the case as JSON."""
        self._copy(as_json)

    def _copy(self, write: Callable[[Case], str]) -> None:
        case = self._case()
        if case is not None:
            QGuiApplication.clipboard().setText(write(case))
            self._tell(tr("Copied this question with all that was said about it"))

    def _case(self) -> Case | None:
        return self._view.case

    def _said(self) -> Said | None:
        case, chosen = self._view.case, self._view.chosen
        return next((one for one in case.rationales if one.id == chosen), None) if case else None

    def _show_text(self, title: str, text: str) -> None:
        from studio.ui.text_viewer import TextViewer

        TextViewer(self._page, title, text).open()

    def _tell(self, text: str, *, bad: bool = False) -> None:
        self._page.told.emit(text, bad)

    def _close_when(self, form: Form, done: Any, text: str) -> None:
        """Close a form when what it says is kept; else it stays and says why it is not."""
        form.wait()

        def kept(_: object) -> None:
            if isValid(form):
                form.accept()
            self._tell(f"✓ {text}")

        def failed(why: str) -> None:
            if isValid(form):
                form.complain(why)
            else:
                self._tell(why, bad=True)

        self._page.reading.when(done, kept, failed=failed)

    def tell_when(self, done: Any, text: str) -> None:
        """Say so when a change is done."""
        self._page.reading.when(done, lambda _: self._tell(f"✓ {text}"))


def _pretty(raw: bytes) -> str:
    """Return a reply as text, indented where it is JSON."""
    text = raw.decode("utf-8", "backslashreplace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
