"""The set-up script, run for real in trees of its own: no network, half-made set-ups, second starts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
START = REPOSITORY / "packaging" / "start.py"
SPEAKS = """
import os, sys
print("studio", sys.argv[1:], os.getcwd())
sys.exit(int(os.environ.get("EXIT", "0")))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the set-up script and a studio that only says how it was called."""
    root = tmp_path / "a tree with spaces"
    (root / "packaging").mkdir(parents=True)
    (root / "studio").mkdir()
    shutil.copy(START, root / "packaging")
    shutil.copy(REPOSITORY / "packaging" / "constraints.txt", root / "packaging")
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    (root / "studio" / "__init__.py").write_text("")
    (root / "studio" / "__main__.py").write_text(SPEAKS)
    return root


def start(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(tree / "packaging" / "start.py"), *arguments], cwd=tree,
        capture_output=True, text=True, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip


def set_up_already(tree: Path) -> None:
    """Leave behind what a set-up leaves: an interpreter and the stamp."""
    code = (
        "import runpy, sys, os; sys.path.insert(0, 'packaging'); import start;"
        "start.VENV.mkdir(); start.python().parent.mkdir();"
        "os.symlink(sys.executable, start.python());"
        "start.STAMP.write_text(start.stamp_of(('gui', 'train'), start.ROOT / 'pyproject.toml',"
        " start.CONSTRAINTS))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tree, check=True)


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_second_start_calls_no_installer_and_passes_everything_on(tree: Path) -> None:
    set_up_already(tree)
    shown = start(tree, "--headless", EXIT="3", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert shown.returncode == 3
    assert shown.stdout.startswith("studio ['demo', '--headless']")
    verb = start(tree, "--", "status", "my project", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert verb.returncode == 0
    assert verb.stdout.startswith("studio ['status', 'my project']")


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_changed_packages_are_installed_again_and_no_network_is_one_clear_line(tree: Path) -> None:
    set_up_already(tree)
    shutil.rmtree(tree / ".venv" / "bin")  # half-made: the stamp is there, the interpreter is not
    with (tree / "packaging" / "constraints.txt").open("a") as file:
        file.write("something==1.0\n")
    shown = start(tree, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0",
                  PIP_CONFIG_FILE=os.devnull, PIP_NO_CACHE_DIR="1")  # fmt: skip
    assert shown.returncode == 1
    assert "Making .venv" in shown.stdout
    assert "Installing torch" in shown.stdout
    assert shown.stderr.startswith("start.py: cannot install torch: is there a network")
    assert shown.stderr.count("\n") == 1
    assert "studio [" not in shown.stdout  # the program is not started on a half set-up


def test_a_missing_pin_is_told_before_anything_is_installed(tree: Path) -> None:
    (tree / "packaging" / "constraints.txt").write_text("numpy==2.1\n")
    (tree / ".venv" / "bin").mkdir(parents=True)
    (tree / ".venv" / "bin" / "python").write_text("")
    shown = start(tree)
    assert shown.returncode == 1
    assert "does not pin torch: restore the file" in shown.stderr


def test_what_pyproject_asks_for_is_pinned_and_no_address_is_named() -> None:
    pins = (REPOSITORY / "packaging" / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in pins
    names = {re.split(r"[=<>~ ]", line)[0].lower().replace("_", "-") for line in pins.splitlines()}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    wanted = {re.split(r"[=<>~\[ ;]", one)[0].lower().replace("_", "-") for one in asked}
    assert len(wanted) > 20
    assert wanted - names == set()
    assert all(">=" in one for one in asked)


def test_the_script_needs_nothing_but_the_standard_library() -> None:
    code = (
        "import sys; sys.path.insert(0, 'packaging'); import start;"
        "from pathlib import Path;"
        "print(start.install_command(['libegl1', 'libgl1']));"
        "assert set(start.missing_packages()) <= {*start.QT_LIBRARIES.values(), start.FONT_PACKAGE}"
    )
    shown = subprocess.run([sys.executable, "-I", "-S", "-c", code.replace("'packaging'", repr(str(START.parent)))],
                           capture_output=True, text=True, check=True)  # fmt: skip
    assert shown.stdout == "apt-get update && apt-get install -y libegl1 libgl1\n"


FLAKY = """
from pathlib import Path

def test_steady():
    assert True

def test_at_the_second_try():
    mark = Path("tried")
    there = mark.exists()
    mark.touch()
    assert there
"""
RUN_TESTS = (
    "import sys, os; sys.path.insert(0, 'packaging'); import start;"
    "sys.exit(start.run_tests([sys.executable, '-m', 'pytest', '-q', 'tests'], dict(os.environ)))"
)


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ("", 0, "These passed at the second try"),
        ("def test_wrong():\n    assert False\n", 1, "once more, only what failed"),
        ("".join(f"def test_{n}():\n    assert False\n" for n in range(9)), 1, "10 failed"),
    ],
    ids=["one was disturbed", "one is wrong", "many are wrong"],
)
def test_only_a_few_failing_tests_get_a_second_try(
    tree: Path, more: str, code: int, said: str
) -> None:
    (tree / "tests").mkdir()
    (tree / "tests" / "test_it.py").write_text(FLAKY + more)
    (tree / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN_TESTS], cwd=tree, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code
    assert said in done.stdout
    again = done.stdout.partition("once more, only what failed")[2]
    assert "1 deselected" not in done.stdout.partition("once more")[0]
    if again:
        assert "steady" not in again
        assert ("1 failed" in again) == bool(code)
    else:
        assert len(more) > 100, "many failing tests are a fault, not a disturbance"
