"""A project's file is moved, deleted, replaced or copied under a run that pays for its calls."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.store.tables import Store
from tests.fakes import FaultyEndpoint
from tests.killing import answer, make_project, start
from tests.ledger import check_ledger

AT_ONCE = 4 * 3  #: calls under way of three teachers
pytestmark = pytest.mark.skipif(os.name == "nt", reason="an open file stays where it is there")


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint(answer, latency_s=0.1)
    yield made
    made.close()


def run_and(do: Callable[[], object], project: Path, endpoint: FaultyEndpoint) -> tuple[int, str]:
    """Start a run, do something to its file, and return how the run ends and what it says."""
    make_project(project, endpoint.url, questions=150)
    child = start(project, "explain")
    while endpoint.requests < 30 and child.poll() is None:
        time.sleep(0.01)
    do()
    at, begun = endpoint.requests, time.monotonic()
    said = child.communicate(timeout=60)[1]
    assert time.monotonic() - begun < 15, "noticed at once, and ended"
    assert endpoint.requests - at <= 2 * AT_ONCE, "nothing more was bought once it was noticed"
    return child.returncode, said


def replies(project: Path) -> int:
    store = Store(project)
    check_ledger(store, requests=int(store.value("SELECT count(*) FROM calls")), ended=False)
    found = int(store.value("SELECT count(*) FROM calls WHERE state = 'answered'"))
    store.close()
    return found


def test_a_moved_project_keeps_all_that_was_paid_for(
    tmp_path: Path, endpoint: FaultyEndpoint
) -> None:
    project, there = tmp_path / "p", tmp_path / "there"
    code, said = run_and(lambda: project.rename(there), project, endpoint)
    assert code == 1
    assert "moved, deleted or replaced" in said.splitlines()[-1]
    assert not project.exists()
    assert replies(there) == endpoint.requests


def test_a_deleted_project_buys_no_more(tmp_path: Path, endpoint: FaultyEndpoint) -> None:
    project = tmp_path / "p"
    code, said = run_and(lambda: shutil.rmtree(project), project, endpoint)
    assert code == 1
    assert "moved, deleted or replaced" in said.splitlines()[-1]
    assert not (project / "studio.db").exists()


def test_nothing_is_written_to_a_strangers_file(tmp_path: Path, endpoint: FaultyEndpoint) -> None:
    project, stranger = tmp_path / "p", tmp_path / "stranger"
    make_project(stranger, endpoint.url, questions=7)
    before = (stranger / "studio.db").read_bytes()
    code, _ = run_and(
        lambda: os.replace(stranger / "studio.db", project / "studio.db"), project, endpoint
    )
    assert code == 1
    assert (project / "studio.db").read_bytes() == before
    store = Store(project)
    assert store.value("PRAGMA integrity_check") == "ok"
    assert store.value("SELECT count(*) FROM questions") == 7
    assert store.value("SELECT count(*) FROM calls") == 0, "no log of ours was played into it"
    store.close()
