"""Open the window as the command does; print milliseconds since BEGUN and megabytes, then close.

    python tests/benchmarks/window_start.py PROJECT PAGE painted|rows|settled BEGUN

Nothing is imported here that the command would not import itself. PROJECT may be "-": the start page.

``ru_maxrss`` would be wrong here: on Linux a child begins with the peak of the process that started
it, so it told the 315 MB of the benchmark that had just made a large project.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

SETTLED_MS = 3_000


def start(project: str, page: str, until: str, begun: float) -> None:
    """Open the window as the command does, and say when ``until`` has happened."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    from studio.cli import main as command
    from studio.ui.main import make_application
    from studio.ui.main_window import MainWindow
    from studio.ui.pages.start import StartPage

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and happened(watched):
                app.removeEventFilter(self)
                if until == "settled":  # also all that was read behind the first rows is there
                    QTimer.singleShot(SETTLED_MS, tell)
                else:
                    tell()
            return False

    def tell() -> None:
        print(json.dumps([(time.time() - begun) * 1000, resident_mb()]), flush=True)
        QTimer.singleShot(0, app.closeAllWindows)

    def happened(watched: QObject) -> bool:
        if until == "painted":
            return isinstance(watched, MainWindow | StartPage)
        parent = watched.parent()
        return type(parent).__name__ == "QuestionList" and parent.model().rowCount() > 0  # type: ignore[union-attr]

    app = make_application()
    watch = Watch()
    app.installEventFilter(watch)
    opened = [] if project == "-" else [project, "--page", page]
    command(["open", *opened, "--theme", "light"])


def resident_mb() -> float:
    """Return the most memory this process has had at once so far."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:  # not Linux
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1024 * 1024 if sys.platform == "darwin" else 1024)
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    start(*sys.argv[1:4], float(sys.argv[4]))
