"""A project closed in the middle of a run: replies that are paid for are waited for, then it ends."""

from __future__ import annotations

import time
from pathlib import Path

from studio.app.workbench import Workbench
from studio.domain.records import Rationale
from studio.flow import pipeline
from studio.store.tables import Store
from tests import killing
from tests.fakes import FaultyEndpoint
from tests.ledger import check_ledger


def test_closing_keeps_the_replies_in_flight_and_sends_nothing_more(tmp_path: Path) -> None:
    endpoint = FaultyEndpoint(
        killing.answer, latency_s=2.5
    )  # none is answered before all six have arrived
    killing.make_project(tmp_path / "p", endpoint.url, questions=10, concurrency=2)
    bench = Workbench(tmp_path / "p")
    bench.run_flow(pipeline.plan(bench.bench, ("solve",)))
    while endpoint.requests < 6:
        time.sleep(0.01)
    started = time.monotonic()
    bench.close()
    assert time.monotonic() - started < 9
    endpoint.close()
    assert endpoint.requests == 6
    store = Store(tmp_path / "p")
    check_ledger(store, requests=6)
    assert store.count(Rationale) == 6
    store.close()
