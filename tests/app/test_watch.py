"""What becomes of a project's folder is noticed and said: gone, moved, replaced, locked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from studio.app.watch import ProjectWatch
from studio.store.tables import Store


@pytest.fixture
def project(tmp_path: Path) -> Path:
    Store.create(tmp_path / "project").close()
    return tmp_path / "project"


def test_a_folder_that_is_as_it_was_is_no_trouble(project: Path) -> None:
    watch = ProjectWatch(project)
    assert watch.look() is None
    watch.close()


def test_a_deleted_folder_is_gone(project: Path) -> None:
    watch = ProjectWatch(project)
    shutil.rmtree(project)
    trouble = watch.look()
    watch.close()
    assert trouble is not None
    assert trouble.kind == "gone"
    assert trouble.is_grave
    assert str(project) in trouble.text


@pytest.mark.skipif(os.name == "nt", reason="an open folder cannot be moved there")
def test_a_moved_folder_is_found_and_is_no_trouble_when_it_is_put_back(project: Path) -> None:
    watch = ProjectWatch(project)
    there = project.with_name("elsewhere")
    project.rename(there)
    trouble = watch.look()
    assert trouble is not None
    assert trouble.is_grave
    if sys.platform in ("linux", "darwin"):
        assert (trouble.kind, trouble.moved_to) == ("moved", there)
    there.rename(project)
    assert watch.look() is None
    watch.close()


def test_another_file_in_its_place_is_not_taken_for_it(project: Path) -> None:
    watch = ProjectWatch(project)
    other = project / "copy"
    shutil.copy(project / "studio.db", other)
    os.replace(other, project / "studio.db")
    trouble = watch.look()
    watch.close()
    assert trouble is not None
    assert trouble.kind == "replaced"


LOCKED = """
import os, sys
from pathlib import Path
from studio.app.watch import ProjectWatch
if os.getuid() == 0:
    os.setuid(65534)  # nothing is read-only to root
watch = ProjectWatch(Path(sys.argv[1]))
print(watch.look().kind)
"""


@pytest.mark.skipif(os.name == "nt", reason="rights are another matter there")
def test_a_folder_that_became_read_only_is_said_to_be_so(project: Path) -> None:
    for folder in (project, *project.parents[:3]):
        folder.chmod(0o555 if folder == project else 0o755)
    try:
        done = subprocess.run([sys.executable, "-c", LOCKED, str(project)], capture_output=True,
                              text=True, timeout=60, check=False)  # fmt: skip
    finally:
        project.chmod(0o755)
    if "Permission" in done.stderr:
        pytest.skip("another user cannot read this interpreter's packages")
    assert done.stdout.strip() == "read-only", done.stderr
