"""Builders for tests of the flow around the student: a project with curated records, a bench whose
jobs are real child processes without torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio.domain.policy import Ruling
from studio.domain.records import (
    Attempt,
    Doubt,
    Explanation,
    Grade,
    Question,
    Rationale,
    Split,
    StudentRecord,
    TeacherRecord,
    Verdict,
)
from studio.flow.stage import Bench, Progress
from studio.prompts import Prompts
from studio.store.tables import Store

if TYPE_CHECKING:
    from studio.teachers.base import Teacher

CHILD = Path(__file__).with_name("job_child.py")
STUDENT = "small"


class ChildLauncher:
    """Runs ``job_child.py`` in a process of its own; a handle is a process id."""

    name = "child"

    def __init__(self, behaviour: str = "") -> None:
        self.behaviour = behaviour
        self.grace_s = 10.0
        self.started: list[Path] = []
        self._children: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    def start(self, folder: Path) -> str:
        self.started.append(folder)
        child = subprocess.Popen([sys.executable, "-S", CHILD, folder, self.behaviour])
        self._children[str(child.pid)] = (child, folder)
        return str(child.pid)

    def is_alive(self, handle: str) -> bool:
        return handle in self._children and self._children[handle][0].poll() is None

    def cancel(self, handle: str, *, kill: bool = True) -> None:
        child, folder = self._children[handle]
        (folder / "stop").touch()
        try:
            child.wait(self.grace_s)
        except subprocess.TimeoutExpired:
            if kill:
                self.kill(handle)

    def kill(self, handle: str) -> None:
        """End it as kill -9 does."""
        self._children[handle][0].kill()
        self._children[handle][0].wait(10)

    def end(self) -> None:
        """End what still runs, after a test."""
        for child, _ in self._children.values():
            child.kill()
            child.wait(10)


class Killed(BaseException):
    """Stands for kill -9: nothing that was to come after it is done."""


class KilledWhileStarting(ChildLauncher):
    """Ends the studio at the n-th start of a job, before or after the job is there."""

    def __init__(self, n: int, *, before: bool) -> None:
        super().__init__()
        self._left, self._before = n, before

    def start(self, folder: Path) -> str:
        self._left -= 1
        if self._left == 0 and self._before:
            raise Killed
        return super().start(folder)

    def end_the_studio(self, tables: set[str]) -> None:
        if self._left == 0 and not self._before and "run_states" in tables:
            raise Killed


def no_teacher(record: TeacherRecord) -> Teacher:
    """Stand where no teacher may be asked."""
    raise AssertionError(f"{record.name} was asked")


def make_bench(store: Store, launcher: ChildLauncher) -> Bench:
    """Return a bench on a project."""
    return Bench(
        store=store, project=store.path, open_teacher=no_teacher, launcher=launcher,
        prompts=Prompts(),
    )  # fmt: skip


def make_student(folder: Path, name: str = STUDENT) -> StudentRecord:
    """Return a student whose folder looks like a model (to anything but a job)."""
    model = folder / name
    model.mkdir(exist_ok=True)
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"")
    return StudentRecord(name=name, location=str(model), prompts="bare")


def add_question(store: Store, text: str, *, split: Split = "train", kind: str = "") -> Question:
    """Add one question with the gold answer 7."""
    question = Question(text=text, gold="7", split=split, kind=kind)
    store.add([question])
    return question


def add_attempt(
    store: Store, question: Question, verdict: Verdict, *,
    student: str = STUDENT, round_: int = 0, doubts: tuple[Doubt, ...] = (),
) -> Attempt:  # fmt: skip
    """Add an attempt with its grade."""
    said = "7" if verdict is Verdict.CORRECT else "8"
    attempt = Attempt(
        question_id=question.id, student=student, round=round_, text=f"It is so.\nAnswer: {said}"
    )
    grade = Grade(
        subject_id=attempt.id, verdict=verdict, extracted=said, grader="rules:1", doubts=doubts
    )
    store.add([attempt, grade])
    return attempt


def add_rationale(
    store: Store, question: Question, *, teacher: str = "gpt", accepted: bool = True, n: int = 0,
    text: str = "",
) -> Rationale:  # fmt: skip
    """Add a rationale and what the policy says about it."""
    rationale = Rationale(
        question_id=question.id, teacher=teacher, sample=n, prompt_hash="p1",
        text=text or f"{teacher} {n} works it out. Answer: 7",
    )  # fmt: skip
    store.add([rationale])
    store.set_decisions([(rationale.id, Ruling(accepted, "mean 4 above 3", 4.0))], 1)
    return rationale


def add_case(store: Store, text: str, *, teachers: tuple[str, ...] = ("gpt", "gemini")) -> Question:
    """Add a mistake with an explanation and an accepted rationale of each teacher."""
    with store.transaction():
        question = add_question(store, text)
        mistake = add_attempt(store, question, Verdict.WRONG)
        for name in teachers:
            said = Explanation(attempt_id=mistake.id, teacher=name, text=f"{name}: it is 7")
            store.add([said])
            add_rationale(store, question, teacher=name)
    return question


async def collect(steps: AsyncIterator[Progress]) -> list[Progress]:
    """Run a stage to its end."""
    return [step async for step in steps]


@pytest.fixture
def launcher() -> Iterator[ChildLauncher]:
    """A launcher of children that end with the test."""
    made = ChildLauncher()
    yield made
    made.end()


@pytest.fixture
def bench(store: Store, launcher: ChildLauncher) -> Bench:
    """A bench on an empty project."""
    return make_bench(store, launcher)
