"""Who scored whom, and how: authors down, reviewers across."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from studio.ui.parts import label, safe, text_view
from studio.ui.theme import GRID


class ReviewMatrix(QWidget):
    """The scores of one question's rationales; the chosen cell's comment below."""

    def __init__(self) -> None:
        super().__init__()
        self._cells: dict[tuple[int, int], Any] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        self._table = QTableWidget()
        self._table.setAccessibleName("Scores: authors down, reviewers across")
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self._table.currentCellChanged.connect(lambda r, c, *_: self._show_comment(r, c))
        self._comment = text_view("Comment of the chosen review")
        layout.addWidget(label("scores 1–5: author ↓ reviewer →", "dim"))
        layout.addWidget(self._table, 3)
        layout.addWidget(label("COMMENT", "head"))
        layout.addWidget(self._comment, 2)

    def show_case(self, rationales: list[Any], reviews: list[Any]) -> None:
        """Show the scores of these rationales."""
        names = sorted(
            {row["reviewer"] for row in reviews} | {row["teacher"] for row in rationales}
        )
        by_cell = {(row["subject_id"], row["reviewer"]): row for row in reviews}
        self._cells.clear()
        self._table.clear()
        self._table.setRowCount(len(rationales))
        self._table.setColumnCount(len(names) + 1)
        self._table.setHorizontalHeaderLabels([*names, "mean"])
        self._table.setVerticalHeaderLabels([row["teacher"] for row in rationales])
        for r, rationale in enumerate(rationales):
            scores = []
            for c, name in enumerate(names):
                review = by_cell.get((rationale["id"], name))
                if review is not None:
                    self._cells[r, c] = review
                    scores.append(review["score"])
                own = name == rationale["teacher"]
                self._put(r, c, "·" if own else _score(review))
            valid = [score for score in scores if score is not None]
            self._put(r, len(names), f"{sum(valid) / len(valid):.1f}" if valid else "–")
        self._comment.setPlainText("")
        if self._cells:
            self._table.setCurrentCell(*min(self._cells))

    def _put(self, row: int, column: int, text: str) -> None:
        item = QTableWidgetItem(text)
        item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
        self._table.setItem(row, column, item)

    def _show_comment(self, row: int, column: int) -> None:
        review = self._cells.get((row, column))
        if review is None:
            self._comment.setPlainText("")
            return
        parts = [] if review["score"] is not None else [f"Missing: {review['missing']}"]
        parts.append(safe(review["comment"]) or "No comment.")
        if review["tokens_out"] is not None:
            cost = "price unknown" if review["cost_usd"] is None else f"${review['cost_usd']:.5f}"
            parts.append(f"{review['tokens_in']:,} + {review['tokens_out']:,} tokens · {cost}")
        self._comment.setPlainText("\n\n".join(parts))


def _score(review: Any) -> str:
    if review is None:
        return "–"
    return "missing" if review["score"] is None else str(review["score"])
