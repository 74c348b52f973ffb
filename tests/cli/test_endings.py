"""How a run ends: what is left undone is told with its reason, and a budget that is reached."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.store.tables import Store
from tests import killing
from tests.fakes import FaultyEndpoint, add_mistakes, teacher


def studio(*arguments: object, ends: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command line as its user does."""
    command = [sys.executable, "-m", "studio", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == ends, done.stderr
    return done


def answer(request: dict[str, Any]) -> str:
    """Answer, but for one question: nothing at all."""
    return "" if "What is 1 and 1?" in str(request["messages"]) else killing.answer(request)


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint(answer)
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path, endpoint: FaultyEndpoint) -> str:
    store = Store.create(tmp_path / "p")
    store.put(teacher("dear", endpoint.url, price_in=1000.0, price_out=0.0))
    store.put(teacher("free", endpoint.url))
    add_mistakes(store, 3)
    store.close()
    return str(tmp_path / "p")


def test_what_failed_is_told_with_its_reason_and_a_remedy(project: str) -> None:
    lines = studio("run", project, "solve").stdout.splitlines()
    assert [line.split()[:4] for line in lines if "empty" in line] == [
        ["dear", "solve", "1", "empty"], ["free", "solve", "1", "empty"]
    ]  # fmt: skip
    assert lines[-1].endswith("a model that thinks first may need a larger --max-tokens.")
    told = json.loads(studio("run", project, "solve", "--json").stdout)
    assert [(one["teacher"], one["records"]) for one in told["left_undone"]] == [
        ("dear", 1), ("free", 1)
    ]  # fmt: skip
    assert told["budget"] == {"usd": None, "spent_usd": None, "is_reached": False}


def test_a_run_that_left_nothing_undone_does_not_speak_of_what_failed_before(
    project: str, endpoint: FaultyEndpoint
) -> None:
    studio("run", project, "solve")
    endpoint._answer = killing.answer
    assert studio("run", project, "solve").stdout == ""


def test_a_budget_that_is_reached_is_told_and_so_is_who_it_does_not_hold(project: str) -> None:
    told = studio("run", project, "explain", "solve", "--budget", "0.011").stdout
    assert "The budget is reached: $0.01 of $0.01" in told
    assert "A larger --budget goes on." in told
    assert "Not in any budget, for lack of a price: free" in told
    told = studio("run", project, "solve", "--budget", "9", "--json").stdout
    assert json.loads(told)["budget"]["is_reached"] is False


def test_a_teacher_without_a_key_keeps_nobody_from_being_tried(
    project: str, endpoint: FaultyEndpoint
) -> None:
    store = Store(Path(project))
    store.put(teacher("alone", endpoint.url, api_key_env="MAPD_STUDIO_NO_SUCH_KEY"))
    store.close()
    told = studio("teacher", "test", project, "--json", ends=1)
    found = {one["teacher"]: one["outcome"] for one in json.loads(told.stdout)["teachers"]}
    assert found == {"alone": "no key", "dear": "answered", "free": "answered"}
    assert "set the environment variable MAPD_STUDIO_NO_SUCH_KEY" in told.stderr
    assert told.stderr.count("\n") == 1


def test_an_empty_project_is_told_what_comes_first(tmp_path: Path) -> None:
    project, rows = str(tmp_path / "p"), tmp_path / "q.jsonl"
    rows.write_text('{"question": "1 and 1?", "answer": "2"}\n', encoding="utf-8")
    studio("new", project)
    assert f"mapd-studio import {project} FILE" in studio("run", project).stdout
    studio("import", project, rows)
    assert "--student" in studio("run", project).stdout


def test_a_round_whose_student_cannot_be_trained_buys_nothing(
    project: str, endpoint: FaultyEndpoint
) -> None:
    studio("run", project, "attempt", "--student", f"{endpoint.url}#small2")
    bought = endpoint.asked.total()
    told = studio("round", project, ends=1).stderr
    assert "name the same model as a folder or hub id" in told
    assert endpoint.asked.total() == bought


def test_an_export_is_told_once_and_as_json(tmp_path: Path) -> None:
    project, out = str(tmp_path / "p"), tmp_path / "a.jsonl"
    store = Store.create(tmp_path / "p")
    add_mistakes(store, 3)
    store.close()
    told = studio("export", project, out, "--format", "attempts")
    assert told.stdout.count("3 rows") == 1
    assert told.stderr == ""
    told = studio("export", project, out, "--format", "attempts", "--json")
    assert json.loads(told.stdout) == {"out": str(out), "format": "attempts", "rows": 3}


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_run_closes_its_connections(
    project: str, endpoint: FaultyEndpoint, interrupted: bool
) -> None:
    if interrupted and sys.platform == "win32":
        pytest.skip("there is no SIGINT for one process alone")
    endpoint.latency_s = 0.5 if interrupted else 0.0
    command = [sys.executable, "-W", "always::ResourceWarning", "-m", "studio", "run", project]
    # Work in the background of a shell ignores SIGINT, and so would its child.
    heard = (
        None if sys.platform == "win32" else lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    child = subprocess.Popen([*command, "solve"], stderr=subprocess.PIPE, text=True,
                             preexec_fn=heard)  # fmt: skip
    while interrupted and not endpoint.requests:
        time.sleep(0.01)
    if interrupted:
        child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=120)
    assert child.returncode == (130 if interrupted else 0), told
    assert "ResourceWarning" not in told
