"""How full the GPUs are, asked every few seconds without waiting; hidden where there is none."""

from __future__ import annotations

from PySide6.QtCore import QProcess, QTimer
from PySide6.QtWidgets import QLabel

from studio.app.gpu import GpuMemory, question, read_answer
from studio.ui.parts import label
from studio.ui.texts import tr

EVERY_MS = 3_000


class GpuMeter(QLabel):
    """A label that says how much memory of each GPU is taken.

    Args:
        command: whose output ``app.gpu.read_answer`` reads; None where there is no GPU.
    """

    def __init__(self, command: list[str] | None = None) -> None:
        super().__init__()
        plain = label("", "dim")
        self.setTextFormat(plain.textFormat())
        self.setProperty("role", "dim")
        self.setAccessibleName(tr("GPU memory"))
        self.hide()
        self._command = command if command is not None else question()
        self._asked = QProcess(self)
        self._asked.finished.connect(self._on_answer)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._ask)
        if self._command is not None:
            self._timer.start(EVERY_MS)
            QTimer.singleShot(0, self, self._ask)

    def leave(self) -> None:
        """Ask no more, and let go of a tool that has not answered."""
        self._timer.stop()
        self._asked.finished.disconnect(self._on_answer)
        if self._asked.state() is not QProcess.ProcessState.NotRunning:
            self._asked.kill()
            self._asked.waitForFinished(500)

    def _ask(self) -> None:
        if self._command and self._asked.state() is QProcess.ProcessState.NotRunning:
            self._asked.start(self._command[0], self._command[1:])

    def _on_answer(self) -> None:
        found = read_answer(
            bytes(self._asked.readAllStandardOutput().data()).decode(errors="replace")
        )
        if not found:  # the driver does not answer: the doctor says so, a bar need not
            self._timer.stop()
        self.setText(" · ".join(_shortly(gpu) for gpu in found))
        self.setToolTip("\n".join(_wholly(gpu) for gpu in found))
        self.setVisible(bool(found))


def _shortly(gpu: GpuMemory) -> str:
    return tr("GPU {used:,.1f} of {total:,.0f} GiB", used=gpu.used / 1024, total=gpu.total / 1024)


def _wholly(gpu: GpuMemory) -> str:
    busy = "" if gpu.busy is None else tr(", {busy} % busy", busy=gpu.busy)
    return tr(
        "{name}: {used:,} of {total:,} MiB of memory are taken{busy}",
        name=gpu.name,
        used=gpu.used,
        total=gpu.total,
        busy=busy,
    )
