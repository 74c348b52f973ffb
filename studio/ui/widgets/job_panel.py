"""Running work at the bottom of the window: progress, rate, time left, cancel; and the last word."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from studio.app.workbench import Workbench
from studio.ui.bridge import Bridge
from studio.ui.parts import button, label
from studio.ui.theme import GRID


class JobPanel(QWidget):
    """Shows the newest task; a failure stays until the next task starts."""

    def __init__(self, bench: Workbench, bridge: Bridge) -> None:
        super().__init__()
        self._bench = bench
        self._titles: dict[str, str] = {}
        self._shown = ""
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID // 2, GRID * 2, GRID // 2)
        self._text = label("Nothing is running.", "dim")
        self._bar = QProgressBar()
        self._bar.setMaximumWidth(240)
        self._bar.setAccessibleName("Progress of the running task")
        self._cancel = button("Cancel", self._on_cancel,
                              tip="Stop; what was made is kept, run it again to go on")  # fmt: skip
        layout.addWidget(self._text, 1)
        layout.addWidget(self._bar)
        layout.addWidget(self._cancel)
        self._bar.hide()
        self._cancel.hide()
        bridge.task_progressed.connect(self._on_progress)
        bridge.task_failed.connect(self._on_failed)
        bridge.task_finished.connect(self._on_finished)

    def say(self, text: str, role: str = "dim") -> None:
        """Show a line that is nobody's progress."""
        self._text.setText(text)
        self._text.setToolTip(text)
        self._text.setProperty("role", role)
        self._text.style().polish(self._text)

    def _on_progress(self, task: str, done: int, total: int) -> None:
        found = next((one for one in self._bench.background.tasks if one.id == task), None)
        if found is None or found.latest is None:
            return
        self._shown, self._titles[task] = task, found.title
        parts = [found.title, f"{found.latest.stage} {done:,} of {total:,}"]
        if found.latest.failed:
            parts.append(f"{found.latest.failed:,} failed")
        if found.latest.cost_usd is not None:
            parts.append(f"${found.latest.cost_usd:,.4f}")
        if found.latest.note:
            parts.append(found.latest.note)
        self.say(" · ".join(parts), "")
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(done)
        self._bar.show()
        self._cancel.show()

    def _on_failed(self, task: str, message: str, detail: str) -> None:
        self._end(task)
        self.say(f"✗ {message}", "bad")
        if detail:
            self._text.setToolTip(detail[-2000:])

    def _on_finished(self, task: str) -> None:
        self._end(task)
        self.say(f"✓ {self._titles.pop(task, 'Done')}: done.", "good")

    def _end(self, task: str) -> None:
        if task == self._shown:
            self._bar.hide()
            self._cancel.hide()

    def _on_cancel(self) -> None:
        self._bench.background.cancel(self._shown)
        self.say("Stopping; replies in flight are kept …")
