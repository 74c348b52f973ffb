"""A small project on the desk, and windows that close behind themselves; Qt draws into memory."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PySide6", reason="the window needs the extra 'gui'")

from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.app.workbench import Workbench
from studio.domain.policy import PRESETS
from studio.domain.records import (
    Attempt,
    Doubt,
    Explanation,
    Grade,
    Question,
    Rationale,
    Review,
    Verdict,
)
from studio.flow.decisions import apply_policy
from studio.store.tables import Store
from studio.ui.main_window import MainWindow
from studio.ui.pages.desk import DeskPage
from studio.ui.studio import Studio
from studio.ui.theme import LIGHT, apply_theme, scheme_now

TEACHERS = ("gemini", "gpt", "mistral")
#: Of each teacher's rationale: the scores of the two others, and the verdict of its own answer.
CASES: tuple[tuple[tuple[tuple[int | None, int | None], Verdict], ...], ...] = (
    (((5, 5), Verdict.CORRECT), ((4, 5), Verdict.CORRECT), ((1, 2), Verdict.WRONG)),
    (((5, 4), Verdict.WRONG), ((2, 5), Verdict.CORRECT), ((3, 3), Verdict.CORRECT)),
    (((1, 1), Verdict.WRONG), ((2, 2), Verdict.WRONG), ((3, 1), Verdict.WRONG)),
    (((4, 4), Verdict.CORRECT), ((None, 5), Verdict.CORRECT), ((5, 5), Verdict.UNREADABLE)),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let every warning of Qt fail its test, but one of the platform that draws into memory."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            item.add_marker(pytest.mark.qt_log_ignore("propagateSizeHints"))


def fill(store: Store) -> None:
    """Add the cases: a mistake each, with explanations, rationales, reviews, and the paper's rule."""
    with store.transaction():
        for n, case in enumerate(CASES):
            question = Question(
                text=f"What is {n} and {n}?", gold=str(2 * n), dataset=f"set {n % 2}"
            )
            said = f"First {n}, then {n}.\nAnswer: {n}"
            attempt = Attempt(question_id=question.id, student="small", text=said)
            doubts = (Doubt(name="gold stated", evidence=said),) if n == 1 else ()
            span = (said.rindex(str(n)), len(said))
            store.add([question, attempt])
            store.add([Grade(subject_id=attempt.id, verdict=Verdict.WRONG, extracted=str(n),
                             span=span, doubts=doubts, grader="rules:1")])  # fmt: skip
            for teacher, (scores, verdict) in zip(TEACHERS, case, strict=True):
                _add_rationale(store, attempt, teacher, scores, verdict)
    apply_policy(store, PRESETS["paper"], who="ada")


def _add_rationale(
    store: Store, attempt: Attempt, teacher: str, scores: tuple[int | None, int | None],
    verdict: Verdict,
) -> None:  # fmt: skip
    rationale = Rationale(question_id=attempt.question_id, teacher=teacher, text=f"{teacher} adds.")
    others = [name for name in TEACHERS if name != teacher]
    store.add([
        rationale,
        Explanation(attempt_id=attempt.id, teacher=teacher, text=f"{teacher}: it forgot to add."),
        Grade(subject_id=rationale.id, subject_kind="rationale", verdict=verdict, extracted="7",
              grader="rules:1"),
        *(Review(subject_id=rationale.id, reviewer=name, score=score, comment=f"says {name}",
                 missing="" if score else "no score in the reply")
          for name, score in zip(others, scores, strict=True)),
    ])  # fmt: skip


class PatientBot(QtBot):
    """Waits longer before it gives up: these tests may share their machine with much else."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = 30_000) -> None:
        """Wait until ``callback`` returns True, 30 seconds at most."""
        super().waitUntil(callback, timeout=timeout)


@pytest.fixture
def studio(qapp: QApplication) -> Iterator[Callable[[], Studio]]:
    """Make a running application; what it has open is closed behind it."""
    made: list[Studio] = []

    def make() -> Studio:
        made.append(Studio(qapp, "light", (1280, 800)))
        return made[-1]

    yield make
    for one in made:
        if one.window is not None:
            one.window.close()
        one.close()
        one.deleteLater()


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    """Drives the window, with patience."""
    return PatientBot(request)


@pytest.fixture(autouse=True)
def own_settings(qapp: QApplication, tmp_path: Path) -> None:
    """Keep the person's own settings out of it."""
    qapp.setOrganizationName("mapd-studio-tests")
    qapp.setApplicationName(tmp_path.name)
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings")
    )
    if scheme_now() is not LIGHT or not qapp.styleSheet():
        apply_theme(qapp, "light")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both projects of these tests, made once; each test has a copy."""
    folder = tmp_path_factory.mktemp("made")
    Store.create(folder / "empty").close()
    store = Store.create(folder / "project")
    fill(store)
    store.close()
    return folder


@pytest.fixture
def project(tmp_path: Path, made: Path) -> Path:
    """A project with four questions on the desk."""
    return Path(shutil.copytree(made / "project", tmp_path / "project"))


@pytest.fixture
def empty(tmp_path: Path, made: Path) -> Path:
    """A project with nothing in it."""
    return Path(shutil.copytree(made / "empty", tmp_path / "empty"))


Open = Callable[[Path], MainWindow]


@pytest.fixture
def open_window(qtbot: QtBot) -> Iterator[Open]:
    """Opens projects; their windows are closed at the end, and no thread may be left."""
    before = set(threading.enumerate())
    opened: list[MainWindow] = []

    def open_(project: Path) -> MainWindow:
        window = MainWindow(Workbench(project))
        window.closed.connect(window.workbench.close)
        opened.append(window)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        return window

    yield open_
    for window in opened:
        if window.isVisible():
            qtbot.waitUntil(lambda window=window: not window.workbench.background.tasks)
            window.close()
        window.deleteLater()
    opened.clear()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = [
        thread for thread in threading.enumerate() if thread not in before and thread.is_alive()
    ]
    assert not left


def desk_of(window: MainWindow, qtbot: QtBot) -> DeskPage:
    """Return the desk when its list, its scores and what it can filter by are there."""
    desk = window.show_page("desk")
    assert isinstance(desk, DeskPage)
    qtbot.waitUntil(lambda: bool(desk.model.ids) and desk.panel.trial is not None)
    qtbot.waitUntil(lambda: desk._cases is not None and bool(desk._found.question_ids))
    window.activateWindow()  # a closed dialog does not give the focus back without a desktop
    desk.questions.setFocus()
    qtbot.waitUntil(desk.questions.hasFocus)
    return desk
