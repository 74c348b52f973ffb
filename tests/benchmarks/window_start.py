"""Open the window as the command does; print milliseconds since BEGUN and megabytes, then close.

    python tests/benchmarks/window_start.py PROJECT PAGE painted|rows BEGUN

Nothing is imported here that the command would not import itself.
"""

from __future__ import annotations

import json
import resource
import sys
import time


def start(project: str, page: str, until: str, begun: float) -> None:
    """Open the window as the command does, and say when ``until`` has happened."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    from studio.cli import main as command
    from studio.ui.main import make_application
    from studio.ui.main_window import MainWindow

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and happened(watched):
                app.removeEventFilter(self)
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                print(json.dumps([(time.time() - begun) * 1000, memory]), flush=True)
                QTimer.singleShot(0, app.closeAllWindows)
            return False

    def happened(watched: QObject) -> bool:
        if until == "painted":
            return isinstance(watched, MainWindow)
        parent = watched.parent()
        return type(parent).__name__ == "QuestionList" and parent.model().rowCount() > 0  # type: ignore[union-attr]

    app = make_application()
    watch = Watch()
    app.installEventFilter(watch)
    command(["open", project, "--page", page, "--theme", "light"])


if __name__ == "__main__":
    start(*sys.argv[1:4], float(sys.argv[4]))
