"""Every verb that can spend has a dry run, and a dry run asks nobody and leaves the project as it is."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain.records import StudentRecord
from studio.prompts import resources
from studio.store import batch_views
from studio.store.tables import Store
from tests.curated import add_case, add_question
from tests.fakes import FaultyEndpoint, teacher

BATCH = "0123456789abcdef"
QUEUE = '[[run]]\nname = "one"\nepochs = 1\n[[run]]\nname = "two"\nno_such_setting = 1\n'
#: Each verb that buys calls or trains, or tells an endpoint what to do; and what its dry run says.
VERBS = {
    "run": (["--target", "2", "--revise", "1", "--samples", "2"], "revise"),
    "round": (["--rounds", "2", "--budget", "5", "--blind"], "2 held-out questions"),
    "evaluate": (["--student", "URL", "--samples", "2"], "exam of far"),
    "train": (["--set", "epochs=1"], "examples"),
    "ablate": (["--steps", "3"], "not made yet"),
    "queue": (["QUEUE"], "no_such_setting"),
    "batches": (["--cancel", BATCH[:6]], BATCH[:8]),
}
#: What SQLite and the lock keep beside a project that is open; they hold no record.
_BESIDE = (".lock", "-wal", "-shm")


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint()
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path, endpoint: FaultyEndpoint) -> Path:
    store = Store.create(tmp_path / "p")
    for name in ("gpt", "gemini"):
        store.put(teacher(name, endpoint.url, price_in=1.0, price_out=4.0))
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    for n in range(2):
        add_question(store, f"How many are 5{n} and 4?", split="test")
    student = str(resources() / "demo" / "student")
    store.put(StudentRecord(name="small", location=student, prompts="bare"))
    store.set_setting("student", "small")
    store.execute(batch_views.BEGIN, BATCH, "gpt", 3, 0.5, 1.0)
    store.execute(batch_views.HANDED_OVER, "theirs", BATCH)
    store.close()
    (tmp_path / "queue.toml").write_text(QUEUE)
    return tmp_path / "p"


def contents(project: Path) -> dict[str, str]:
    """Return what a project holds: its files by their hash, its records line by line."""
    store = Store(project, read_only=True)
    dump = "\n".join(store.sql.iterdump())
    store.close()
    files = {
        str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(project.rglob("*"))
        if path.is_file() and not path.name.endswith(_BESIDE)
    }
    return {**files, "records": dump}


@pytest.mark.parametrize(
    ("verb", "as_json"), [*((verb, False) for verb in VERBS), ("round", True), ("queue", True)]
)
def test_a_dry_run_spends_nothing_and_writes_nothing(
    project: Path, endpoint: FaultyEndpoint, verb: str, as_json: bool
) -> None:
    options, said = VERBS[verb]
    places = {"QUEUE": str(project.parent / "queue.toml"), "URL": f"{endpoint.url}#far"}
    options = [places.get(one, one) for one in options]
    before = contents(project)
    done = subprocess.run(
        [sys.executable, "-m", "studio", verb, str(project), *options, "--dry-run",
         *(["--json"] if as_json else [])],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert contents(project) == before
    assert endpoint.requests == 0
    if as_json:
        assert json.loads(done.stdout)
    else:
        assert said in done.stdout


def test_an_exam_at_an_endpoint_is_foretold_with_its_price(
    project: Path, endpoint: FaultyEndpoint
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "studio", "evaluate", str(project), "--student",
         f"{endpoint.url}#far", "--samples", "1", "--dry-run", "--json"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert [one["calls"] for one in told["exams"]] == [2, 2]
    assert told["all"]["basis"] == "lengths"
    assert told["all"]["cost_usd"] > 4 * 512 * 4e-6, "the teacher at that address lends its prices"
    assert endpoint.requests == 0


def test_an_exam_at_an_endpoint_keeps_to_its_budget(
    project: Path, endpoint: FaultyEndpoint
) -> None:
    """A question costs 10 tokens read and 5 written: 30 millionths at these prices."""

    def evaluate(budget: float) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "studio", "evaluate", str(project), "--student",
             f"{endpoint.url}#far", "--budget", f"{budget:.6f}", "--json"],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    for _ in range(2):
        told = evaluate(31e-6)
        assert endpoint.requests == 1, "once more is no other budget"
        assert told["budget"]["is_reached"] is True
        assert told["budget"]["spent_usd"] == pytest.approx(30e-6)
    assert evaluate(1.0)["budget"]["is_reached"] is False
    assert endpoint.requests == 2
