"""One teacher's rationale with its own answer; policy, person and reason are shown apart."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QWidget

from studio.domain.arithmetic import mistaken_sum
from studio.domain.checks import Flag
from studio.flow.decisions import Wish
from studio.ui.cases import Explained, Said
from studio.ui.drawn_text import DrawnText, Mark
from studio.ui.formulas import Formulas
from studio.ui.parts import Card, ShortLabel, button, label, row, set_role
from studio.ui.plain_text import in_sight, one_line, safe_span
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID, scheme_now
from studio.ui.words import SIGNS

RATIONALE_LINES = 12
EXPLANATION_LINES = 8
_WISHES: tuple[tuple[str, Wish, str], ...] = (
    (mark("Accept"), "accept", mark("Accept by hand; outranks the rule (A)")),
    (mark("Reject"), "reject", mark("Reject by hand; outranks the rule (R)")),
    (mark("Clear"), "clear", mark("Take the decision by hand back; the rule counts again (C)")),
)


class TeacherCard(Card):
    """Shows one rationale.

    Signals:
        wished(str, str): rationale id, and accept, reject or clear.
        picked(str): it was clicked; the rationale id.
        edit_requested(str): a person wants to put it right; the rationale id.
    """

    wished = Signal(str, str)
    picked = Signal(str)
    edit_requested = Signal(str)

    def __init__(
        self, number: int, said: Said, explanation: Explained | None, *, formulas: Formulas
    ) -> None:
        super().__init__()
        self._formulas = formulas
        self.rationale_id = said.id
        self.about = (number, said, explanation)  #: all that it shows
        name = one_line(said.teacher, most=40)
        self.setAccessibleName(tr("Teacher {number}, {name}", number=number, name=name))
        self.body.addLayout(_head(number, name, said))
        self.body.addLayout(_decisions(said))
        text = DrawnText(
            tr("Rationale of {name}", name=name), formulas, most_lines=RATIONALE_LINES, role="bare"
        )
        wrong = mistaken_sum(in_sight(said.text))
        span = safe_span(said.text, wrong.span) if wrong else None
        marks = [Mark(span, scheme_now().warn, strong=False)] if span else []
        text.show_text(said.text or tr("(an empty rationale)"), marks)
        self.body.addWidget(text)
        if wrong:
            why = one_line(
                tr("⚠ {sum} is {is_}, not {said}", sum=wrong.sum, is_=wrong.is_, said=wrong.said),
                most=120,
            )
            self.body.addWidget(
                label(why, "warn", wrap=True, tip=tr("The first sum here that does not add up"))
            )
        for flag, by in said.flags:
            if flag != Flag.SUM:  # said above, with the place
                self.body.addWidget(_flag(flag, by))
        if explanation is not None and explanation.text:
            self._add_explanation(name, explanation)
        self._add_buttons(said)

    def choose(self, chosen: bool) -> None:
        """Show whether the keys mean this one."""
        set_role(self, "chosen" if chosen else "card")

    def _add_explanation(self, name: str, explanation: Explained) -> None:
        text = DrawnText(
            tr("Explanation of {name}", name=name), self._formulas, most_lines=EXPLANATION_LINES
        )
        text.show_text(explanation.text)
        folded: list[QWidget] = [text, *(_flag(flag, by) for flag, by in explanation.flags)]
        for one in folded:
            one.hide()
        fold = button(tr("▸ What went wrong, it says"), lambda: None, role="quiet",
                      tip=tr("Show or fold this teacher's explanation of the mistake"))  # fmt: skip

        def toggle() -> None:
            shown = text.isHidden()
            for one in folded:
                one.setVisible(shown)
            fold.setText(("▾" if text.isVisible() else "▸") + tr(" What went wrong, it says"))

        fold.clicked.connect(toggle)
        tip = one_line(explanation.comments, most=600) or tr(
            "Scores decide nothing here: no rule reads them"
        )
        self.scored = ShortLabel(one_line(explanation.scored, most=120), "small", tip=tip)
        self.body.addLayout(row(fold, None))
        for one in (self.scored, *folded):
            self.body.addWidget(one)
        self.scored.setVisible(bool(explanation.scores))

    def _add_buttons(self, said: Said) -> None:
        made = []
        for text, wish, tip in _WISHES:
            if wish == "clear" and said.human is None:
                continue  # nothing to clear, and the room is needed
            one = button(tr(text), partial(self.wished.emit, said.id, wish), tip=tr(tip))
            one.setAccessibleName(
                tr(
                    "{value} the rationale of {teacher}",
                    value=text,
                    teacher=one_line(said.teacher, most=40),
                )
            )
            made.append(one)
        edit = button(tr("Edit …"), partial(self.edit_requested.emit, said.id), role="quiet",
                      tip=tr("Put this rationale right; the original stays (E)"))  # fmt: skip
        edit.setAccessibleName(
            tr("Edit the rationale of {teacher}", teacher=one_line(said.teacher, most=40))
        )
        self.body.addLayout(row(*made, edit, None))

    # Qt's own names

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Let the keys mean this one."""
        super().mousePressEvent(event)
        self.picked.emit(self.rationale_id)


def _flag(flag: str, by: str) -> QLabel:
    return label(one_line(f"⚠ {flag}: {by}", most=160), "warn", wrap=True,
                 tip=tr("Worth a look; decides nothing by itself"))  # fmt: skip


def _head(number: int, name: str, said: Said) -> QHBoxLayout:
    role = {"correct": "good", "wrong": "bad"}.get(said.verdict, "warn")
    answer = one_line(said.extracted, most=24) or tr("no answer read")
    shown = f"{answer} {SIGNS.get(said.verdict, '·')}" if said.verdict else tr("not graded yet")
    verdict = tr(said.verdict) if said.verdict else tr("not graded yet")
    tip = tr("Its own answer: {verdict}", verdict=verdict)
    title = ShortLabel(
        f"{number}  {name}", "section", tip=tr("Press this number to choose the teacher")
    )
    marks = [tr("sample {n}", n=said.sample + 1)] if said.sample else []
    marks += (
        [tr("edited by {edited_by}", edited_by=one_line(said.edited_by, most=24))]
        if said.edited_by
        else []
    )
    marks += (
        [tr("revision {revision}", revision=said.revision)]
        if said.revision and not said.edited_by
        else []
    )
    sample = label(" · ".join(marks), "small")
    made = row(title, sample, label(shown, role, tip=tip))
    made.setStretch(0, 1)
    return made


def _decisions(said: Said) -> QGridLayout:
    """Lay out what the rule says and what a person says, each with its reason."""
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(GRID)
    grid.setVerticalSpacing(GRID // 4)
    grid.setColumnStretch(2, 1)
    role = "dim" if said.human is not None else "good" if said.automatic else "bad"
    rule = {None: tr("not decided yet"), True: tr("✓ accepted"), False: tr("✗ rejected")}[
        said.automatic
    ]
    lines = [(tr("Rule"), rule, "dim" if said.automatic is None else role, said.reason)]
    if said.human is not None:
        why = " · ".join(part for part in (said.who, said.human_reason) if part)
        lines.append((tr("By hand"), tr("✓ accepted") if said.human else tr("✗ rejected"),
                      "good" if said.human else "bad", why))  # fmt: skip
    for n, (title, decided, look, why) in enumerate(lines):
        reason = label(one_line(why), "small", wrap=True)
        for place, part in enumerate((label(title, "small"), label(decided, look), reason)):
            grid.addWidget(
                part, n, place, Qt.AlignmentFlag.AlignTop if place < 2 else Qt.AlignmentFlag(0)
            )
    return grid
