"""A tiny real student and job folders to put it to work in."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.domain.events import Event
from studio.domain.specs import StudentSpec
from studio.flow.job_folder import read_events, write_rows
from studio.jobs.job import Job
from studio.jobs.student import Student, load_student
from tests.forked import Jobs, Moment
from tests.tiny_student import main as make_tiny_student

__all__ = ["Jobs", "Moment"]

torch.set_num_threads(1)  # several on a model this small wait for one another

Row = dict[str, Any]
MakeFolder = Callable[..., Path]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of a two-layer Llama with random weights."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    make_tiny_student(folder)
    return folder


@pytest.fixture(scope="session")
def student(weights: Path) -> Student:
    """The same, loaded; not to be trained."""
    found = load_student(
        StudentSpec(location=str(weights)), beside=weights.parent, dtype=torch.float32
    )
    found.model.eval()
    return found


@pytest.fixture
def make_folder(tmp_path: Path, weights: Path) -> MakeFolder:
    """Make job folders: ``make_folder(job, settings, train=rows)``."""

    def make(
        job: str,
        settings: Mapping[str, Any] | None = None,
        *,
        name: str = "job",
        adapter: str = "",
        **data: Sequence[Row],
    ) -> Path:
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        (folder / "artifacts").mkdir()
        spec = {
            "job": job,
            "student": {"location": str(weights), "adapter": adapter},
            "threads": 1,
            **(settings or {}),
        }
        if job == "export":
            del spec["threads"]
        (folder / "spec.json").write_text(json.dumps(spec))
        for file, rows in data.items():
            write_rows(folder / "data" / f"{file}.jsonl", rows)
        return folder

    return make


@pytest.fixture
def restored_signals() -> Iterator[None]:
    """Put SIGTERM back as it was: a job takes it over."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


class StoppedAfter(Job):
    """A job that is asked to stop after its n-th event of a kind."""

    def __init__(self, folder: Path, kind: str, n: int) -> None:
        super().__init__(folder)
        self._kind, self._left = kind, n

    def say(self, kind: str, **fields: Any) -> None:
        super().say(kind, **fields)
        self._left -= kind == self._kind

    @property
    def stop_requested(self) -> bool:
        return self._left <= 0


def example(key: int, role: str = "rationale", *, words: int = 3) -> Row:
    """A training example whose length grows with ``words``."""
    asked = f"{key} + {words}?"
    learned = " ".join(f"{key}{n}" for n in range(words))
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": learned}]
    return {"key": str(key), "role": role, "messages": messages}


def examples(n: int = 12) -> list[Row]:
    """Examples of all three roles, two of three of them rationales, of many lengths."""
    roles = ("rationale", "explanation", "rationale", "replay", "rationale", "explanation")
    return [example(i, roles[i % 6], words=1 + (i * 7) % 5) for i in range(n)]


def questions(n: int = 9) -> list[Row]:
    """Questions of many lengths."""
    return [
        {"key": f"q{i}", "messages": [{"role": "user", "content": "How many? " * (i % 4 + 1)}]}
        for i in range(n)
    ]


def events_of(folder: Path, kind: str) -> list[Event]:
    """The events of one kind, in order."""
    return [event for event in read_events(folder) if event.kind == kind]


def losses_of(folder: Path) -> dict[int, dict[str, float]]:
    """Every loss of each step; the last word on a step counts."""
    found: dict[int, dict[str, float]] = {}
    for event in events_of(folder, "metric"):
        said = event.model_dump()
        values = {name: value for name, value in said.items() if "loss" in name and value}
        found.setdefault(said["step"], {}).update(values)
    return found
