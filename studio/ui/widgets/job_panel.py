"""Running work at the bottom of the window: progress, rate, time left, cost, cancel; the last word."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QProgressBar, QWidget

from studio.app.background import Task
from studio.domain.redaction import without_keys
from studio.ui.parts import button, column, label, row, say, set_role
from studio.ui.plain_text import as_tip, one_line
from studio.ui.texts import mark, tr
from studio.ui.theme import GRID
from studio.ui.widgets.gpu_meter import GpuMeter
from studio.ui.words import cost, duration, things

REDRAW_MS = 200
MOST_SHOWN = 4
_IDLE = mark("Nothing is running.")
STAGES = {"attempt": mark("exam"), "grade": mark("grading"), "explain": mark("explanations"), "solve": mark("rationales"),
          "review": mark("reviews"), "check": mark("checks"), "revise": mark("revisions"),
          "review explanations": mark("reviews of explanations"), "decide": mark("decisions"), "train": mark("training")}  # fmt: skip


class JobPanel(QFrame):
    """One line a task, and one line that tells what happened last.

    Args:
        running: returns the tasks that have not ended.
        seen: tasks as they were last seen, also those that have ended.
        cancel: cancels one by its id.

    Signals:
        ended(str, float, str, bool): the title of a task, the seconds it took, what came of it, and
            whether it failed.
    """

    ended = Signal(str, float, str, bool)

    def __init__(
        self,
        running: Callable[[], list[Task]],
        seen: dict[str, Task],
        cancel: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.setProperty("role", "bar")
        self._running, self._seen, self._cancel = running, seen, cancel
        self._lines: dict[str, _Line] = {}
        self._text = label(tr(_IDLE), "dim")
        self._detail = ""
        self._more = button(
            tr("Details"), self._on_more, role="quiet", tip=tr("What exactly went wrong")
        )
        self._more.hide()
        self._tasks = column(gap=GRID // 2)
        self._others = label("", "small")
        self._others.hide()
        self.gpu = GpuMeter()
        layout = column(self._tasks, self._others, row(self._text, self._more, None, self.gpu),
                        gap=GRID // 2)  # fmt: skip
        layout.setContentsMargins(GRID * 2, GRID * 3 // 4, GRID * 2, GRID * 3 // 4)
        self.setLayout(layout)
        self._timer = QTimer(self)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self._redraw)

    @property
    def text(self) -> str:
        """The line that tells what happened last."""
        return self._text.text()

    def tell(self, text: str, failed: bool = False, *, detail: str = "") -> None:
        """Show one line; ``detail`` behind a button."""
        text, detail = without_keys(text), without_keys(detail)
        if failed and not text.startswith(("✗", "⚠")):  # by sign, not by colour alone
            text = f"✗ {text}"
        self._text.setText(one_line(text, most=300))
        self._text.show()
        self._text.setToolTip(as_tip(one_line(text, most=1000)))
        set_role(self._text, "bad" if failed else "dim")
        self._detail = detail
        self._more.setVisible(bool(detail))

    def on_progressed(self, task: str, done: int, total: int) -> None:
        """Hear of progress; it is drawn by the timer."""
        del task, done, total
        if not self._timer.isActive():
            self._timer.start()
            self._redraw()

    def on_failed(self, task: str, message: str, detail: str) -> None:
        """Show that a task failed, until something else is told."""
        ended = self._end(task)
        self.tell(f"✗ {message}", True, detail=detail)
        if ended is not None:
            self.ended.emit(ended.title, time.monotonic() - ended.started, message, True)

    def on_finished(self, task: str) -> None:
        """Show that a task has ended, and with what."""
        ended = self._end(task)
        latest = ended.latest if ended else None
        title = ended.title if ended else tr("Done")
        if ended is not None and ended.future is not None and ended.future.cancelled():
            self.tell(tr("{title}: stopped; what was made is kept", title=title))
            return
        parts = [f"✓ {title}"]
        if latest is not None:
            parts.append(latest.note or f"{_in_words(latest.stage)} {latest.done:,}")
            if latest.failed:
                parts.append(tr("{n:,} failed: run it again to try those again", n=latest.failed))
        self.tell(" · ".join(parts))
        if ended is not None:
            said = " · ".join(parts[1:]) or tr("It is done.")
            self.ended.emit(title, time.monotonic() - ended.started, said, False)

    def leave(self) -> None:
        """Draw no more and ask for no more."""
        self._timer.stop()
        self.gpu.leave()

    def _redraw(self) -> None:
        running = self._running()
        tasks, more = running[:MOST_SHOWN], len(running) - MOST_SHOWN
        self._others.setText(tr("and {more} more", more=things(more, "task")))
        self._others.setVisible(more > 0)
        for task in tasks:
            if task.id not in self._lines:
                line = self._lines[task.id] = _Line(partial(self._cancel, task.id))
                self._tasks.addWidget(line)
            self._lines[task.id].show_task(task)
            self._seen[task.id] = task  # also one that ends before it ever tells of progress
        for gone in self._lines.keys() - {task.id for task in tasks}:
            self._drop(gone)
        self._text.setVisible(not tasks or self._text.text() != tr(_IDLE))
        if not tasks:
            self._timer.stop()

    def _end(self, task: str) -> Task | None:
        self._drop(task)
        return self._seen.pop(task, None)

    def _drop(self, task: str) -> None:
        line = self._lines.pop(task, None)
        if line is not None:
            self._tasks.removeWidget(line)
            line.hide()
            line.deleteLater()

    def _on_more(self) -> None:
        say(self, tr("What went wrong"), self._text.toolTip(), detail=self._detail)


class _Line(QWidget):
    def __init__(self, on_cancel: Callable[[], None]) -> None:
        super().__init__()
        self._title, self._numbers = label("", "name"), label("", "dim")
        self._title.setFixedWidth(GRID * 20)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(GRID * 24)
        self._on_cancel = on_cancel
        self._button = button(tr("Cancel"), self._cancel,
                              tip=tr("Stop; what was made is kept, and running it again goes on"))  # fmt: skip
        self._stage, self._since, self._from = "", 0.0, 0
        self.setLayout(row(self._title, self._bar, self._numbers, None, self._button, gap=GRID * 2))

    def show_task(self, task: Task) -> None:
        self._title.setText(task.title)
        self._bar.setAccessibleName(tr("Progress of {title}", title=task.title))
        latest = task.latest
        if latest is None:
            self._bar.setRange(0, 0)
            return
        if latest.stage != self._stage:  # the rate is that of one stage: they differ by far
            self._stage, self._since, self._from = latest.stage, time.monotonic(), latest.done
        self._bar.setRange(0, max(latest.total, 1))
        self._bar.setValue(latest.done)
        parts = [
            _in_words(latest.stage),
            tr("{done:,} of {total:,}", done=latest.done, total=latest.total),
        ]
        parts += self._pace(latest.done, latest.total)
        if latest.failed:
            parts.append(tr("{n:,} failed", n=latest.failed))
        if latest.cost_usd is not None:
            parts.append(cost(latest.cost_usd))
        if latest.note:
            parts.append(one_line(latest.note, most=60))
        self._numbers.setText(" · ".join(parts))

    def _pace(self, done: int, total: int) -> list[str]:
        spent, made = time.monotonic() - self._since, done - self._from
        if spent < 1 or made <= 0:
            return []
        rate = made / spent
        shown = f"{rate:,.1f}/s" if rate >= 0.1 else f"{rate * 60:,.1f}/min"
        return (
            [shown, tr("{time} left", time=duration((total - done) / rate))]
            if done < total
            else [shown]
        )

    def _cancel(self) -> None:
        self._button.setEnabled(False)
        self._button.setText(tr("Stopping …"))
        self._on_cancel()


def _in_words(stage: str) -> str:
    """Return a stage's name, or those of the stages that are asked together."""
    return ", ".join(tr(STAGES.get(one, one)) for one in stage.split("+"))
