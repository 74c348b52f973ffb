"""No promise and no fault is without a test, and the tests that are named exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from tests.reliability import FAULTS, PROMISES, RISKS, Shown

TESTS = Path(__file__).resolve().parent
STUDIO = TESTS.parent / "studio"
EVERYTHING = {f"{kind} {key}": shown
              for kind, table in (("promise", PROMISES), ("fault", FAULTS), ("risk", RISKS))
              for key, shown in table.items()}  # fmt: skip


@lru_cache
def names_in(file: Path) -> frozenset[str]:
    """Return the tests of a file, and what is called a test in it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree)
             if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}  # fmt: skip
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {one.id for one in node.targets if isinstance(one, ast.Name)}
    return frozenset(names)


def test_no_number_is_left_out() -> None:
    assert list(FAULTS) == list(range(1, 51))
    assert list(RISKS) == list(range(1, 15))
    assert {f"rule {n}" for n in range(1, 9)} <= set(PROMISES)


@pytest.mark.parametrize("name", EVERYTHING)
def test_what_is_said_to_show_it_exists(name: str) -> None:
    shown: Shown = EVERYTHING[name]
    assert shown.what
    assert shown.tests, f"{name} is shown by nothing"
    for test in shown.tests:
        file, _, function = test.partition("::")
        assert (TESTS / file).is_file(), test
        assert function in names_in(TESTS / file), f"{name}: there is no {test}"
        assert function.lower().startswith("test"), f"{name}: {test} is collected by nobody"


def calls() -> Iterator[tuple[Path, str]]:
    """Yield each call of a plain or dotted name in the program, with its file."""
    for file in STUDIO.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield file, ast.unparse(node.func)


def test_no_program_that_a_model_wrote_is_run() -> None:
    """Nothing is compiled or evaluated, and other programs are started only where that is meant."""
    found = {(file.relative_to(STUDIO).as_posix(), name) for file, name in calls()}
    assert not {one for one in found if one[1] in ("exec", "eval", "compile", "__import__")}
    starters = (
        "subprocess.run",
        "subprocess.Popen",
        "subprocess.check",
        "os.system",
        "os.exec",
        "os.spawn",
        "pty.",
    )
    files = {file for file, name in found if name.startswith(starters)}
    assert files <= {
        "app/doctor.py", "app/gpu.py", "app/free_memory.py",  # nvidia-smi and its like
        "flow/latex.py", "jobs/gguf.py", "launch/local.py", "store/places.py", "ui/main.py",
    }  # fmt: skip


def test_nothing_is_written_for_spreadsheets() -> None:
    """Who adds CSV makes its cells harmless, and says so here."""
    assert not {file for file, name in calls() if name in ("csv.writer", "csv.DictWriter")}


def test_no_archive_is_opened() -> None:
    opening = ("zipfile.", "tarfile.", "shutil.unpack_archive", "gzip.", "bz2.", "lzma.", "pickle.",
               "torch.load", "joblib.", "shelve.", "marshal.")  # fmt: skip
    assert not {(file.name, name) for file, name in calls() if name.startswith(opening)}
