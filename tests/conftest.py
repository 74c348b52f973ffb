"""Fixtures for all tests: a fresh project, and the real records where they are present."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from studio.store.tables import Store
from tests.forked import Jobs

# Others may have the processor: how long an example takes by the clock says nothing of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or writes the settings of the person who runs it, nor do its processes."""
    folder = str(tmp_path_factory.mktemp("settings"))
    os.environ.update(XDG_CONFIG_HOME=folder, APPDATA=folder)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new, empty project that may be written."""
    made = Store.create(tmp_path / "project")
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real records; tests that need it are skipped, visibly, where it is absent."""
    named = os.environ.get("MAPD_STUDIO_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real records are not here: {folder}")
    return folder


@pytest.fixture(scope="session")
def jobs() -> Iterator[Jobs]:
    """Starts jobs in processes of their own, without the seconds it takes to import torch."""
    made = Jobs()
    yield made
    made.close()


@pytest.fixture(scope="session")
def small_student(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny real student by the name of small; not to be changed."""
    folder = tmp_path_factory.mktemp("students") / "small"
    jobs.make_student(folder)
    return folder
