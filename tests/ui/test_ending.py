"""The system ends the window in the middle of a run: what is paid for is kept, nobody is asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.domain.records import Rationale
from studio.store.tables import Store
from tests import killing
from tests.fakes import FaultyEndpoint
from tests.ledger import check_ledger

#: Opens the window as the command line does and begins to ask for rationales.
WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from studio.flow import pipeline
from studio.ui import main
app = main.make_application()
def begin():
    bench = next(w.workbench for w in app.topLevelWidgets() if hasattr(w, "workbench"))
    bench.run_flow(pipeline.plan(bench.bench, ("solve",)))
QTimer.singleShot(200, begin)
sys.exit(main.run(Path(sys.argv[1]), page="overview", theme="light", size=(1280, 800)))
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_a_window_that_is_told_to_end_keeps_the_replies_in_flight(tmp_path: Path) -> None:
    endpoint = FaultyEndpoint(killing.answer, latency_s=0.8)
    killing.make_project(tmp_path / "p", endpoint.url, questions=10, concurrency=2)
    window = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(tmp_path / "p")], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while endpoint.requests < 6:
        assert window.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    window.send_signal(signal.SIGTERM)
    errors = window.communicate(timeout=20)[1]
    endpoint.close()
    assert window.returncode == 128 + signal.SIGTERM, errors
    assert "Traceback" not in errors
    assert endpoint.requests == 6, "something was sent after the signal"
    store = Store(tmp_path / "p")
    check_ledger(store, requests=6)
    assert store.count(Rationale) == 6
    store.close()
