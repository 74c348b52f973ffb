"""Killed with -9 at random and at named points, stopped, ended: nothing lost, nothing paid twice."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain.records import Rationale
from studio.store.tables import Store
from tests import killing
from tests.fakes import FaultyEndpoint, some_faults
from tests.killed_at import POINTS
from tests.ledger import check_ledger

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
Make = Callable[..., FaultyEndpoint]


@pytest.fixture
def endpoint() -> Iterator[Make]:
    made: list[FaultyEndpoint] = []

    def make(**options: Any) -> FaultyEndpoint:
        made.append(FaultyEndpoint(killing.answer, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_killed_again_and_again_it_ends_with_the_tables_of_a_calm_run(
    tmp_path: Path, endpoint: Make
) -> None:
    """The small form of ``tests/benchmarks/committee_kills.py``."""
    rough, calm = endpoint(fault=some_faults(0.15, seed=5), latency_s=0.02), endpoint()
    killing.make_project(tmp_path / "rough", rough.url, questions=18)
    killing.make_project(tmp_path / "calm", calm.url, questions=18)
    killed = killing.kill_often(tmp_path / "rough", rough, kills=4, longest_s=0.5)
    assert killed.kills >= 3, "too short a run to say anything"
    assert killed.sent > 0, "no kill met a call in flight"
    killing.finish(tmp_path / "rough")
    killing.finish(tmp_path / "calm")
    killing.check_end(tmp_path / "rough", rough, killed)
    assert killing.tables(tmp_path / "rough") == killing.tables(tmp_path / "calm")


@pytest.mark.parametrize("point", ["after-send", *POINTS])
def test_killed_at_a_point_the_call_is_told_as_what_it_is(
    tmp_path: Path, endpoint: Make, point: str
) -> None:
    served = endpoint(latency_s=9.0 if point == "after-send" else 0.8)
    project = tmp_path / "p"
    killing.make_project(project, served.url, questions=1, concurrency=1)
    how = "studio" if point == "after-send" else "tests.killed_at"
    child = killing.start(project, "solve", before=("-m", how),
                          env={**os.environ, "MAPD_TEST_KILL_AT": point})  # fmt: skip
    while point == "after-send" and served.requests < 3:  # one of each teacher is with the endpoint
        assert child.poll() is None
        time.sleep(0.01)
    if point == "after-send":
        child.kill()
    errors = child.communicate(timeout=60)[1]
    assert child.returncode == -signal.SIGKILL, errors
    served.latency_s = 0.0
    store = Store(project)
    on_disk = store.value("SELECT count(*) FROM calls WHERE state = 'received'")
    lost = store.value("SELECT count(*) FROM calls WHERE state = 'sent'")
    check_ledger(store, requests=served.requests, ended=False)
    assert store.orphan_calls() == lost
    store.close()
    bought = served.requests
    assert on_disk + lost == bought == 3
    assert (on_disk > 0) == (point == "after-commit")
    killing.finish(project)
    store = Store(project)
    check_ledger(store, requests=served.requests)
    again = served.requests - bought - 3 - 6  # explanations and reviews come on top
    assert again == lost, "what was on disk was not bought again; the rest was, once"
    told = store.rows("SELECT detail FROM calls WHERE state = 'unknown'")
    assert len(told) == lost
    assert all("may have been billed" in row[0] for row in told)
    assert store.count(Rationale) == 3
    store.close()


def test_a_polite_end_keeps_what_is_in_flight(tmp_path: Path, endpoint: Make) -> None:
    served = endpoint(latency_s=2.5)  # none is answered before the last of these has arrived
    project = tmp_path / "p"
    killing.make_project(project, served.url, questions=20, concurrency=4)
    child = killing.start(project, "solve")
    while served.requests < 12:
        time.sleep(0.01)
    time.sleep(0.1)
    child.send_signal(signal.SIGTERM)
    told = child.communicate(timeout=20)[1]
    assert child.returncode == 130, told
    assert "interrupted; what was made is kept" in told
    assert served.requests == 12, "something was sent after the signal"
    store = Store(project)
    check_ledger(store, requests=12)
    assert store.count(Rationale) == 12
    store.close()


def test_a_project_at_work_is_not_opened_twice(tmp_path: Path, endpoint: Make) -> None:
    served = endpoint(latency_s=0.3)
    project = tmp_path / "p"
    killing.make_project(project, served.url, questions=20, concurrency=1)
    first = killing.start(project, "solve")
    while not served.requests:
        time.sleep(0.01)
    second = killing.start(project, "solve")
    told = second.communicate(timeout=30)[1]
    assert second.returncode == 1
    assert told.count("\n") == 1
    assert f"in use by mapd-studio, process {first.pid}" in told
    killing.kill(first)
    third = killing.start(project, "grade")
    told = third.communicate(timeout=30)[1]
    assert third.returncode == 0, told


@pytest.mark.skipif(sys.platform == "darwin", reason="its monotonic clock goes on in sleep")
def test_a_process_that_stood_still_does_not_take_its_calls_for_lost(
    tmp_path: Path, endpoint: Make
) -> None:
    """As when a laptop sleeps: the replies are there, and only the clock says they are late."""
    served = endpoint(latency_s=2.0)
    project = tmp_path / "p"
    killing.make_project(project, served.url, questions=4, concurrency=4)
    store = Store(project)
    for record in store.teachers():
        store.put(record.changed(timeout_s=5.0))
    store.close()
    child = killing.start(project, "solve")
    while served.requests < 12:
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGSTOP)
    time.sleep(6.0)
    child.send_signal(signal.SIGCONT)
    told = child.communicate(timeout=30)[1]
    assert child.returncode == 0, told
    store = Store(project)
    check_ledger(store, requests=12)
    assert store.count(Rationale) == 12, "each reply that had come was read"
    assert store.value("SELECT count(*) FROM calls WHERE state = 'unknown'") == 0
    store.close()


def test_killed_in_samples_and_revisions_it_ends_with_the_tables_of_a_calm_run(
    tmp_path: Path, endpoint: Make
) -> None:
    """All stages together: explanations, samples and revisions, each reviewed as it comes."""
    asked = ("grade", *killing.STAGES, "decide", "--samples", "2", "--revise", "1",
             "--review-explanations")  # fmt: skip
    rough, calm = endpoint(latency_s=0.06), endpoint()
    for name, served in (("rough", rough), ("calm", calm)):
        killing.make_project(tmp_path / name, served.url, questions=8)
    killed = killing.kill_often(tmp_path / "rough", rough, kills=4, longest_s=0.8, asked=asked)
    assert killed.kills >= 3, "too short a run to say anything"
    for name in ("rough", "calm"):
        child = killing.start(tmp_path / name, *asked)
        told = child.communicate(timeout=120)[1]
        assert child.returncode == 0, told
    killing.check_end(tmp_path / "rough", rough, killed, calm)
    assert killing.tables(tmp_path / "rough") == killing.tables(tmp_path / "calm")
    store = Store(tmp_path / "rough")
    kinds = dict(store.rows("SELECT stage, count(*) FROM calls GROUP BY stage"))
    assert set(kinds) == {"explain", "solve", "review", "review explanations", "revise"}
    made = store.rows("SELECT DISTINCT sample, revision FROM rationales ORDER BY 1, 2")
    assert [tuple(row) for row in made] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    store.close()
