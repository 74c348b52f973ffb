"""The student's side of a case: the question, gold, the whole answer with the extracted one marked."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from studio.domain.differences import differing_step
from studio.ui.cases import Answer, Case
from studio.ui.desk_keys import DESK_VERBS
from studio.ui.drawn_text import DrawnText, Mark
from studio.ui.formulas import Formulas
from studio.ui.parts import ShortLabel, button, choice, choose, column, label, row, set_role
from studio.ui.plain_text import in_sight, one_line, safe_span
from studio.ui.texts import tr
from studio.ui.theme import scheme_now
from studio.ui.widgets.student_card import SPLITS
from studio.ui.words import SIGNS

QUESTION_LINES = 9


class MistakeView(QWidget):
    """Question, gold and the student's attempts at it.

    Signals:
        attempt_chosen(str): another attempt is shown; its id.
        requested(str): a verb of the desk (see ``desk_keys``) is asked for by a button.
    """

    attempt_chosen = Signal(str)
    requested = Signal(str)

    def __init__(self, formulas: Formulas) -> None:
        super().__init__()
        self._answers: dict[str, Answer] = {}
        self.answer: Answer | None = None  #: the attempt in sight
        self._solution = ""
        self._source = ShortLabel(role="small")
        self._question = DrawnText(tr("Question"), formulas, most_lines=QUESTION_LINES, role="bare")
        self._gold = label("", "good", wrap=True, tip=tr("The answer the question came with"))
        self._attempts = choice(
            (), name=tr("Attempt"), tip=tr("Which attempt of a student is shown")
        )
        self._attempts.activated.connect(lambda _: self._on_attempt())
        self._verdict = label(
            "", "bad", wrap=True, tip=tr("What the grader read in the answer below")
        )
        self._answer = DrawnText(tr("The student's whole answer"), formulas)
        self._parts = label("", "small", wrap=True)
        self._doubts = label("", "warn", wrap=True)
        self._note = label("", "small", wrap=True)
        self.setLayout(column(self._source, self._question, row(self._gold, None, *self._buttons(("gold",))),
                              self._attempts, self._verdict, self._answer, self._parts, self._doubts,
                              self._note, row(*self._buttons(("fine", "note")), None)))  # fmt: skip

    def _buttons(self, names: tuple[str, ...]) -> list[QPushButton]:
        texts = {
            "gold": tr("Correct …"),
            "fine": tr("Not a mistake"),
            "note": tr("Note …"),
            "history": tr("History …"),
        }
        return [
            button(texts[verb.name], partial(self.requested.emit, verb.name), role="quiet",
                   tip=f"{verb.tip} ({verb.keys})")
            for name in names for verb in DESK_VERBS if verb.name == name
        ]  # fmt: skip

    def show_case(self, case: Case, *, keep: str = "") -> None:
        """Show a question and the attempt ``keep``, or else the one that matters most."""
        question = case.question
        right = [one.text for one in case.rationales if one.verdict == "correct"]
        self._solution = next(
            (one.text for one in case.rationales if one.accepted), (right or [""])[0]
        )
        tags = " · ".join(f"#{one_line(tag, most=40)}" for tag in case.note.tags)
        self._note.setText(
            "\n".join(part for part in (one_line(case.note.text, most=300), tags) if part)
        )
        self._note.setVisible(bool(self._note.text()))
        self._source.setText(" · ".join(one_line(part, most=40) for part in (
            question.dataset, question.kind, question.key, tr(SPLITS[question.split])) if part))  # fmt: skip
        self._question.show_text(case.text)
        self._gold.setText(tr("Gold: {gold}", gold=one_line(question.gold)))
        self._answers = {answer.id: answer for answer in case.answers}
        self._attempts.clear()
        for answer in case.answers:
            self._attempts.addItem(_title(answer), answer.id)
        self._attempts.setVisible(len(case.answers) > 1)
        shown = self._answers.get(keep) or next(iter(case.answers), None)
        choose(self._attempts, shown.id if shown else None)
        self._show(shown)

    def _on_attempt(self) -> None:
        answer = self._answers.get(self._attempts.currentData())
        if answer is not None:
            self._show(answer)
            self.attempt_chosen.emit(answer.id)

    def _show(self, answer: Answer | None) -> None:
        self.answer = answer
        self._parts.hide()
        if answer is None:
            self._verdict.setText(tr("No attempt yet"))
            set_role(self._verdict, "dim")
            self._answer.show_text("")
            self._doubts.hide()
            return
        self._verdict.setText(_verdict(answer))
        set_role(self._verdict, {"correct": "good", "wrong": "bad"}.get(answer.verdict, "warn"))
        self._answer.show_text(answer.text or tr("(an empty answer)"), self._marks(answer))
        doubts = [f"⚠ {name}: {one_line(evidence)}" for name, evidence in answer.doubts]
        if answer.truncated:
            doubts.append(tr("⚠ cut off at the token limit"))
        self._doubts.setText("\n".join(doubts))
        self._doubts.setVisible(bool(doubts))

    def _marks(self, answer: Answer) -> list[Mark]:
        """Return where the answer leaves the way and where the grader read it, and say why."""
        scheme = scheme_now()
        wrong = answer.verdict == "wrong"
        step = differing_step(in_sight(answer.text), self._solution) if wrong else None
        parts = safe_span(answer.text, step.span) if step else None
        span = safe_span(answer.text, answer.span) if answer.span else None
        colour = scheme.good if answer.verdict == "correct" else scheme.bad
        self._parts.setText(
            tr("Coloured: the first differing step: {why}", why=one_line(step.why)) if step else ""
        )
        self._parts.setVisible(parts is not None)
        marks = [Mark(parts, scheme.warn, strong=False)] if parts else []
        return [*marks, *([Mark(span, colour)] if span else [])]


def _verdict(answer: Answer) -> str:
    """Return who answered what, and whether that is right; what nobody has graded has no answer yet."""
    who = one_line(answer.student, most=40)
    if not answer.verdict:
        return tr("{student}: not graded yet", student=who)
    said = f" {one_line(answer.extracted, most=60)}" if answer.extracted else ""
    sign, verdict = SIGNS.get(answer.verdict, "·"), tr(answer.verdict)
    return tr("{student} answered{said}  {sign} {verdict}", student=who, said=said, sign=sign, verdict=verdict)  # fmt: skip


def _title(answer: Answer) -> str:
    return (tr("{student} · round {round} · sample {sample} {verdict}", student=one_line(answer.student, most=32), round=answer.round, sample=answer.sample + 1, verdict=SIGNS.get(answer.verdict, '·')))  # fmt: skip
