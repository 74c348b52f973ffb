"""A key is used by every feature and found nowhere: no file, output, argument or child holds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.app.demo import STUDENT
from studio.cli.verbs import app
from studio.domain.records import Rationale, StudentRecord
from studio.prompts import resources
from studio.store.tables import Store
from tests.batch_endpoint import BatchEndpoint
from tests.fakes import FaultyEndpoint

ROOT = Path(__file__).resolve().parent.parent
DEMO = resources() / "demo"
VARIABLE = "OUR_ACCOUNT"  # a name that does not look like a key's
EXPORTS = ("messages", "attempts", "committee")
#: What every feature is: each verb is used below, whatever comes to it.
VERBS = frozenset((
    "open", "demo", "new", "import", "status", "doctor", "backup", "restore", "salvage", "split", "run",
    "reviewers", "batches", "ledger", "prompts", "decide", "policies", "override", "train", "evaluate", "round",
    "compare", "queue", "ablate", "forgetting", "export", "report", "teacher add", "teacher list",
    "teacher test", "teacher remove",
))  # fmt: skip
FEW_STEPS = [f"--set={one}" for one in ("max_steps=2", "save_steps=2", "max_tokens=256")]


class Watch:
    """Looks at every process of this machine, again and again, for a key where none may be."""

    def __init__(self, key: str) -> None:
        self.found: list[str] = []
        self.jobs = 0
        self.ours: set[int] = {os.getpid()}
        self._key = key.encode()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.15):
            for place in Path("/proc").glob("[0-9]*"):
                self._look_at(place)

    def _look_at(self, place: Path) -> None:
        try:
            arguments = (place / "cmdline").read_bytes()
            surroundings = (place / "environ").read_bytes()
        except OSError:
            return
        if self._key in arguments:
            self.found.append(f"arguments {arguments!r}")
        if b"studio.jobs" in arguments:
            self.jobs += 1
        ours = (b"studio\0", b"tests.whole_window\0")
        started_by_us = any(one in arguments for one in ours) and b"studio.jobs" not in arguments
        if self._key in surroundings and not started_by_us and int(place.name) not in self.ours:
            self.found.append(f"environment of {arguments!r}")


@pytest.fixture
def key(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory,
        monkeypatch: pytest.MonkeyPatch) -> str:  # fmt: skip
    """A key of this test only, in a variable and in a keyring; all else is written below tmp_path."""
    made = f"sk-CANARY-{uuid.uuid4().hex}"
    kept = tmp_path_factory.mktemp("keyring") / "key"
    kept.write_text(made)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.kept_key.KeptKey")
    monkeypatch.setenv("MAPD_TEST_KEPT_KEY", str(kept))
    monkeypatch.setenv("OPENAI_LOG", "debug")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    return made


@pytest.fixture
def endpoint() -> Iterator[Callable[..., FaultyEndpoint]]:
    made: list[FaultyEndpoint] = []

    def make(**options: Any) -> FaultyEndpoint:
        made.append(FaultyEndpoint(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_no_verb_is_forgotten() -> None:
    """Who adds a verb adds it to VERBS, and then to what is used below."""
    offered = {str(verb.name) for verb in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        offered |= {f"{group.name} {one.name}" for one in group.typer_instance.registered_commands}
    assert offered == VERBS


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes by /proc")
def test_a_key_that_every_feature_uses_is_found_nowhere(
    tmp_path: Path, key: str, endpoint: Callable[..., FaultyEndpoint]
) -> None:
    pytest.importorskip("torch")
    faults = iter(["", "key in an answer", "key in an answer", ""] * 100)
    good = endpoint(fault=lambda request: next(faults))
    bad = endpoint(fault=lambda request: "key in an error")
    batched = BatchEndpoint(lambda request: f"Your key is {key}. Answer: 1")
    project, watch = tmp_path / "p", Watch(key)
    said: list[str] = []
    used: set[str] = set()

    def studio(
        *arguments: object, code: int = 0, variable: str = VARIABLE, module: str = "studio"
    ) -> str:
        words = list(map(str, arguments))
        used.add(" ".join(words[: 2 if words[0] == "teacher" else 1]))
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            capture_output=True, text=True, timeout=180, cwd=tmp_path,
            env={**os.environ, variable: key},
        )  # fmt: skip
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        said.extend((done.stdout, done.stderr))
        return done.stdout

    try:
        _use_everything(studio, project, tmp_path, good=good.url, bad=bad.url,
                        batched=batched.url)  # fmt: skip
    finally:
        watch.end()
        batched.close()
    assert used >= VERBS, f"not used: {VERBS - used}"
    assert batched.bought, "nothing was asked by batch"
    used = [h for one in (good, bad) for h in one.headers if key in str(h)]
    assert len(used) == good.requests + bad.requests > 10, "the key was used by all of them"
    assert watch.jobs, "no job was seen: the watch says nothing"
    assert watch.found == []
    assert key not in "".join(said)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 12
    for file in files:
        assert key.encode() not in file.read_bytes(), file


def _use_everything(
    studio: Callable[..., str], project: Path, folder: Path, *, good: str, bad: str, batched: str
) -> None:
    text = (DEMO / "questions.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    few = [row for row in rows if row["split"] == "train"][::50][:12]
    (folder / "q.jsonl").write_text("\n".join(
        json.dumps({"question": row["question"], "answer": row["answer"]}) for row in few
    ))  # fmt: skip
    studio("new", project)
    studio("import", project, folder / "q.jsonl", "--split", "train")
    by_variable = ("--api-key-env", VARIABLE)
    studio("teacher", "add", project, "a", "--model", "a", "--base-url", good, *by_variable)
    studio("teacher", "add", project, "kept", "--model", "b", "--base-url", good)
    studio("teacher", "add", project, "bad", "--model", "c", "--base-url", bad, *by_variable)
    studio("teacher", "add", project, "day", "--model", "d", "--base-url", batched, "--batch",
           *by_variable)  # fmt: skip
    studio("teacher", "test", project, "a")
    studio("teacher", "test", project, "bad", code=1)
    studio("teacher", "list", project, "--json")
    studio("run", project, "--student", DEMO / "student", code=1)  # "bad" is left out
    studio("teacher", "remove", project, "bad")
    studio("decide", project, "--preset", "paper", "--no-answer-gate", "--threshold", "0", "--json")
    for verb in ("status", "reviewers", "batches", "ledger", "policies", "prompts"):
        studio(verb, project, "--json")
    store = Store(project, read_only=True)
    chosen = next(store.all(Rationale)).id
    store.close()
    studio("override", project, chosen, "accept")
    studio("run", project, "--dry-run")
    studio("train", project, "--student", DEMO / "student", *FEW_STEPS)
    studio("evaluate", project, "--split", "train")
    studio("split", project, "--hold-out", "0.3", "--json")
    _learn_in_other_ways(studio, project, folder)
    studio("export", project, folder / "out-model", "--format", "model")
    studio("report", project, folder / "report.html")
    studio("backup", project, folder / "backup.db")
    studio("restore", project, folder / "backup.db")
    studio("salvage", project, folder / "salvaged")
    studio("doctor", variable="OUR_API_KEY")  # it knows of no project that might name another
    for name in EXPORTS:
        studio("export", project, folder / f"out-{name}", "--format", name, "--all")
    studio("open", project, "--page", "committee", "--screenshot", folder / "x.png")
    _use_the_window(studio, project, folder)


def _learn_in_other_ways(studio: Callable[..., str], project: Path, folder: Path) -> None:
    (folder / "queue.toml").write_text(
        '[[run]]\nname = "a"\nmax_steps = 2\nsave_steps = 2\nmax_tokens = 256\n', encoding="utf-8"
    )
    (folder / "texts.txt").write_text("\n\n".join(f"Text {n}." for n in range(9)), encoding="utf-8")
    studio("queue", project, folder / "queue.toml")
    studio("ablate", project, "--steps", "2", "--dry-run", *FEW_STEPS)
    studio("forgetting", project, folder / "texts.txt")
    studio("round", project, "--samples", "1", *FEW_STEPS)
    studio("compare", project, "--json")
    store = Store(project)
    store.put(StudentRecord(name=STUDENT, location=str(DEMO / "student"), prompts="bare"))
    store.set_setting("training", {"max_steps": 2, "save_steps": 2, "max_tokens": 256})
    store.close()
    studio("demo", project, "--headless")


def _use_the_window(studio: Callable[..., str], project: Path, folder: Path) -> None:
    """Do everything that the menus offer; the screen's texts are printed, and looked at as all else."""
    (folder / "more.jsonl").write_text(json.dumps({"question": "What is 5 and 5?", "answer": "10"}))
    studio("import", project, folder / "more.jsonl", "--split", "train")
    told = studio(project, module="tests.whole_window")
    done = {line.removeprefix("did: ") for line in told.splitlines() if line.startswith("did: ")}
    names = {
        "undo",
        "copy-status",
        "report",
        "backup",
        "restore",
        "machine",
        "about",
        "palette",
        "crash",
    }
    assert names <= {name.partition(":")[0] for name in done}, done
