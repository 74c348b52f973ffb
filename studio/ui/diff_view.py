"""Two rationales of one question side by side, with the words that only one of them has."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QComboBox, QDialog, QTextEdit, QVBoxLayout, QWidget

from studio.domain.differences import Span, difference
from studio.ui.cases import Said
from studio.ui.drawn_text import DrawnText, Mark
from studio.ui.formulas import Formulas
from studio.ui.parts import TextView, button, choice, choose, column, label, row
from studio.ui.plain_text import one_line, safe
from studio.ui.texts import tr
from studio.ui.theme import GRID, scheme_now
from studio.ui.words import SIGNS


class DiffView(QDialog):
    """Shows two of several texts; each side can be chosen.

    Args:
        formulas: draws what a model wrote; without it the texts stand as they are.
    """

    def __init__(
        self, parent: QWidget, texts: Sequence[tuple[str, str]], *, left: int, right: int,
        formulas: Formulas | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Differences"))
        self.resize(GRID * 124, GRID * 72)
        self._texts = [text for _, text in texts]
        entries = [(one_line(name, most=60), n) for n, (name, _) in enumerate(texts)]
        self._boxes: list[QComboBox] = []
        self._views: list[TextView | DrawnText] = []
        sides: list[QVBoxLayout] = []
        for place, which in enumerate((left, right)):
            box = choice(entries, name=tr("Left text") if not place else tr("Right text"),
                         tip=tr("Which text stands on this side"))  # fmt: skip
            choose(box, which)
            box.currentIndexChanged.connect(lambda _: self._compare())
            name = box.accessibleName()
            view = TextView(name) if formulas is None else DrawnText(name, formulas)
            self._boxes.append(box)
            self._views.append(view)
            sides.append(column(box, view))
        close = button(tr("Close"), self.accept, tip=tr("Close this comparison (Escape)"))
        self._why = label("", "small")
        layout = column(row(*sides, gap=GRID * 2), row(self._why, None, close), gap=GRID * 2)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self._compare()

    def _compare(self) -> None:
        one, other = (self._texts[box.currentData()] for box in self._boxes)
        found = difference(safe(one), safe(other))
        same = not found.only_one and not found.only_other
        self._why.setText(tr("The two say the same; space alone does not count.") if same else
                          tr("Underlined: only on this side. Space alone does not count."))  # fmt: skip
        scheme = scheme_now()
        for view, text, spans, colour in (
            (self._views[0], one, found.only_one, scheme.bad),
            (self._views[1], other, found.only_other, scheme.good),
        ):
            if isinstance(view, DrawnText):
                view.show_text(text, [Mark(span, colour) for span in spans])
            else:
                view.setPlainText(safe(text))
                view.setExtraSelections([_marked(view, span, colour) for span in spans])


def _marked(view: TextView, span: Span, colour: str) -> QTextEdit.ExtraSelection:
    made = QTextEdit.ExtraSelection()
    form = QTextCharFormat()
    form.setBackground(QColor(scheme_now().tint))
    form.setForeground(QColor(colour))
    form.setFontUnderline(True)
    cursor = QTextCursor(view.document())
    cursor.setPosition(span[0])
    cursor.setPosition(span[1], QTextCursor.MoveMode.KeepAnchor)
    made.cursor, made.format = cursor, form
    return made


def title_of(said: Said, number: int) -> str:
    """Return how a rationale is called in the boxes."""
    sign = SIGNS.get(said.verdict, "·")
    return f"{number} {said.teacher}  {said.extracted} {sign}"
