"""Out of memory in the middle of a run: the run ends, the file is whole, the next run goes on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.domain.records import Rationale
from studio.flow.rationales import SolveStage
from studio.store.tables import Store
from tests import killing
from tests.fakes import FaultyEndpoint
from tests.ledger import check_ledger

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits memory by RLIMIT_AS")


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint(lambda request: "1 + 1 = 2\n" * 600_000 + "Answer: 2")  # 6 MB a reply
    yield made
    made.close()


def test_a_run_that_runs_out_of_memory_leaves_a_whole_file(
    tmp_path: Path, endpoint: FaultyEndpoint
) -> None:
    project = tmp_path / "p"
    killing.make_project(project, endpoint.url, questions=4, concurrency=8)
    child = killing.start(project, "solve", before=("-m", "tests.little_memory"))
    told = child.communicate(timeout=120)[1]
    assert child.returncode == 1, f"there was memory enough: {told}"
    last = told.strip().splitlines()[-1]  # asyncio says what it has to say before
    assert "not enough memory; what was made is kept" in last
    bought = endpoint.requests
    assert bought > 0, "it ended before anything was asked"
    store = Store(project)
    store.orphan_calls()
    intents = store.value("SELECT count(*) FROM calls")  # one may not have got as far as the line
    on_disk = store.value("SELECT count(*) FROM calls WHERE state IN ('received', 'answered')")
    check_ledger(store, requests=bought, ended=False)
    store.close()
    store = Store(project)
    assert asyncio.run(killing.run(store, SolveStage())) == ""
    check_ledger(store, requests=endpoint.requests)
    assert store.count(Rationale) == 12
    solved = store.value("SELECT count(*) FROM calls WHERE stage = 'solve'")
    assert solved <= 12 + intents - on_disk, "what was on disk was not bought again"
    store.close()
