"""What live curves cost: 100,000 points in six curves, ten updates a second, in a real window.

    python tests/benchmarks/charts.py [SECONDS]

The curves stand as they would after 16,667 steps and grow by a step an update. Counted is the
processor time of this process, drawing and all, as a share of one core. Goal: under 10 %. The window
draws into memory where no display is set; a display adds what its own server takes.
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from studio.ui.theme import apply_theme
from studio.ui.widgets import curves as widget

POINTS, CURVES, UPDATES_A_S = 100_000, 6, 10
STEPS = POINTS // CURVES
NAMES = ("loss", "loss_explanation", "loss_rationale", "lr", "grad_norm", "tokens_per_s")


def event(step: int, chance: random.Random) -> str:
    """Return one step's metric event, as noisy as real ones are."""
    noise = {name: math.exp(-step / 6000) * 3 + chance.gauss(0, 0.3) + 1 for name in NAMES}
    return json.dumps({"kind": "metric", "t": time.time(), "step": step, "steps": STEPS * 2,
                       "epoch": step / STEPS, **noise}) + "\n"  # fmt: skip


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    widget.REDRAW_MS = 1000 // UPDATES_A_S
    chance = random.Random(731)
    app = QApplication([])
    apply_theme(app, "light")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.jsonl"
        file.write_text("".join(event(step, chance) for step in range(1, STEPS + 1)))
        charts = widget.Curves()
        charts.resize(1000, 560)
        charts.show()
        begun = time.perf_counter()
        charts.follow(Path(folder))
        gap = 0.0
        while len(charts.points.of["loss"]) < STEPS:
            before = time.perf_counter()
            app.processEvents()
            gap = max(gap, time.perf_counter() - before)
        read = time.perf_counter() - begun
        step = STEPS

        def grow() -> None:
            nonlocal step
            step += 1
            with file.open("a") as out:
                out.write(event(step, chance))

        timer = QTimer()
        timer.timeout.connect(grow)
        timer.start(1000 // UPDATES_A_S)
        drawn = charts.points.changes
        cpu, wall = time.process_time(), time.perf_counter()
        QTimer.singleShot(int(seconds * 1000), app.quit)
        app.exec()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        updates = charts.points.changes - drawn
        timer.stop()
        charts.close()
    print(f"read {POINTS:,} points        {read:7.2f} s, longest stop {gap * 1000:.0f} ms")
    print(f"{updates / wall:.1f} updates/s            {cpu / wall:7.1%} of one core (goal 10 %)")


if __name__ == "__main__":
    main()
