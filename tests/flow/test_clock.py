"""The clock is set while a run goes on: nothing times out, nothing is bought twice, order is kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.domain import clock
from studio.domain.records import Run
from studio.flow.training import _newest_run
from studio.store import views
from studio.store.tables import Store
from tests.fakes import FaultyEndpoint
from tests.killing import STAGES, Tables, answer, make_project, start, tables
from tests.ledger import check_ledger, check_length

DEADLINE_S = 5.0
QUESTIONS = 150


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint(answer, latency_s=0.15)
    yield made
    made.close()


def test_a_clock_that_jumps_disturbs_no_run(tmp_path: Path, endpoint: FaultyEndpoint) -> None:
    make_project(tmp_path / "p", endpoint.url, questions=QUESTIONS)
    store = Store(tmp_path / "p")
    for record in store.teachers():
        store.put(record.model_copy(update={"timeout_s": DEADLINE_S}))
    store.close()
    begun = time.monotonic()
    child = start(tmp_path / "p", "explain", before=("-m", "tests.clock_jumps"))
    said = child.communicate(timeout=60)[1]
    took = time.monotonic() - begun
    assert child.returncode == 0, said
    left = [float(one) for one in re.findall(r"· ([\d.]+) s left", said)]
    assert len(left) > 10, said
    assert max(left[len(left) // 4 :]) < 2 * took
    assert " h " not in said, "no estimate jumped with it"
    store = Store(tmp_path / "p")
    check_ledger(store, requests=endpoint.requests)
    check_length(store, DEADLINE_S)
    outcomes = {
        row[0]: row[1] for row in store.rows("SELECT outcome, count(*) FROM calls GROUP BY 1")
    }
    assert outcomes == {"answered": 3 * QUESTIONS}
    assert endpoint.requests == 3 * QUESTIONS, "nothing was bought twice"
    times = [row[0] for row in store.rows("SELECT sent_at FROM calls ORDER BY rowid")]
    assert times == sorted(times), "what was sent later has the later time"
    assert times[-1] - times[0] < took
    store.close()


ODD = {
    "1970, and i without its dot": {"MAPD_TEST_CLOCK": "5", "LC_ALL": "tr_TR.UTF-8"},
    "before 2038 ends in 32 bits": {"MAPD_TEST_CLOCK": str(2**31 - 1), "TZ": "Nowhere/At_All"},
    "2106": {"MAPD_TEST_CLOCK": str(2**32 - 1), "TZ": "Pacific/Kiritimati"},
    "the hour that comes twice, and commas": {
        "MAPD_TEST_CLOCK": "1793493000", "TZ": "Europe/Berlin", "LC_ALL": "de_DE.UTF-8",
    },
    "no locale": {"LC_ALL": "no_WHERE", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}  # fmt: skip
Told = tuple[object, list[str], Tables]


def told_where(machine: dict[str, str], folder: Path, url: str) -> Told:
    """Ask a committee and decide on an odd machine; returns what is told, exported and stored."""
    project, now = folder / "p", str(time.time())
    make_project(project, url, questions=4)

    def studio(*arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tests.odd_clock", *map(str, arguments)], capture_output=True,
            timeout=60, env={**os.environ, "MAPD_TEST_CLOCK": now, **machine}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8")

    studio("run", project, *STAGES)
    decided = json.loads(studio("decide", project, "--preset", "paper", "--json"))
    studio("policies", project)
    studio("export", project, folder / "out", "--format", "messages", "--all")
    rows = [line for file in (folder / "out" / "data").iterdir()
            for line in file.read_text("utf-8").splitlines()]  # fmt: skip
    assert rows
    studio("status", project)
    return decided, sorted(rows), tables(project)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What is told, and the tables, on a machine like any other."""
    served = FaultyEndpoint(answer)
    try:
        return told_where({}, tmp_path_factory.mktemp("calm"), served.url)
    finally:
        served.close()


@pytest.mark.parametrize("machine", ODD)
def test_clocks_zones_and_locales_change_no_record(
    tmp_path: Path, calm: Told, machine: str
) -> None:
    served = FaultyEndpoint(answer)
    try:
        assert told_where(ODD[machine], tmp_path, served.url) == calm
    finally:
        served.close()
    store = Store(tmp_path / "p")
    check_ledger(store, requests=served.requests)
    times = [row[0] for row in store.rows("SELECT sent_at FROM calls ORDER BY rowid")]
    assert times == sorted(times)
    store.close()


def test_time_goes_on_from_when_the_process_began() -> None:
    assert abs(clock.now() - time.time()) < 60
    times = [clock.now() for _ in range(1000)]
    assert times == sorted(times)


def test_the_newest_run_is_the_last_one_made_whatever_the_clock_said(store: Store) -> None:
    for name, at in (("one", 5_000.0), ("two", 1_400.0)):
        store.add([Run(dataset_id="d", method="mapd", student=name, spec={}, created_at=at,
                       launcher="local", round=1)])  # fmt: skip
    assert _newest_run(store).student == "two"
    assert [row["student"] for row in store.rows(views.RUNS)] == ["one", "two"]
