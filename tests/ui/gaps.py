"""How long the thread that draws is away from its events, and what may keep it: for test and benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer

from studio.domain.records import Attempt, Grade, Question, Rationale, Review, Verdict
from studio.store.tables import Store

EVERY_MS = 5
LONG = 1_000_000  #: characters, on one line
STREAM = """
import json, sys, time
file, rate, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
begun = time.time()
with open(file, "a", encoding="utf-8", buffering=1) as out:
    for step in range(1, int(rate * seconds) + 1):
        loss = {name: 2 / step for name in ("loss", "loss_explanation", "loss_rationale")}
        metric = {"kind": "metric", "t": time.time(), "step": step, "steps": int(rate * seconds),
                  "epoch": 1.0, "lr": 1e-4, "grad_norm": 1.0, "tokens_per_s": 900.0, **loss}
        out.write(json.dumps(metric) + chr(10))
        time.sleep(max(0, begun + step / rate - time.time()))
"""


class GapProbe(QObject):
    """A timer that should tick every few milliseconds, and remembers when it did not."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._since = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)
        self._since.start()
        self._timer.start(EVERY_MS)

    @property
    def worst(self) -> float:
        """The longest time between two ticks, in milliseconds."""
        return max(self.gaps, default=0.0)

    def begin(self) -> None:
        """Forget what was."""
        self.gaps.clear()
        self._since.restart()

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()

    def _on_tick(self) -> None:
        self.gaps.append(self._since.nsecsElapsed() / 1e6)
        self._since.restart()


def add_long_case(store: Store) -> str:
    """Add a question whose rationale, answer and comment are one endless line each; returns its id."""
    line = "so the sum of both is more than either of them and " * (LONG // 51)
    question = Question(text="Is there an end?", gold="1", dataset="long")
    attempt = Attempt(question_id=question.id, student="small", text=line)
    rationale = Rationale(question_id=question.id, teacher="gpt", text="x" * LONG)
    store.add([question, attempt, rationale])
    store.add([
        Grade(subject_id=attempt.id, verdict=Verdict.WRONG, extracted="7", grader="rules:1"),
        Review(subject_id=rationale.id, reviewer="gemini", score=5, comment=line),
    ])  # fmt: skip
    return question.id


def questions_file(path: Path, rows: int) -> Path:
    """Write questions to import."""
    with path.open("w", encoding="utf-8") as file:
        for n in range(rows):
            text = f"A shed holds {n} boxes of {n % 9 + 2} lamps. How many lamps are that?"
            file.write(json.dumps({"question": text, "answer": str(n * (n % 9 + 2))}) + "\n")
    return path


def stream(folder: Path, *, rate: float, seconds: float) -> subprocess.Popen[bytes]:
    """Write events of a run as a job does, from a process of its own; wait for it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    started = json.dumps({"kind": "started", "t": time.time(), "job": "train", "pid": 1})
    (folder / "events.jsonl").write_text(f"{started}\n", encoding="utf-8")
    file = str(folder / "events.jsonl")
    return subprocess.Popen([sys.executable, "-c", STREAM, file, str(rate), str(seconds)])
