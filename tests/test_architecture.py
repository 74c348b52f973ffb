"""What a linter cannot see: what is loaded at run time, and whether README tells the truth."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STUDIO = ROOT / "studio"
MODULES = sorted(path for path in STUDIO.rglob("*.py"))


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages a fresh interpreter has loaded after ``statement``."""
    code = f"{statement}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True, cwd=ROOT)  # fmt: skip
    return set(done.stdout.split())


def test_the_core_loads_neither_qt_nor_torch_nor_the_openai_client() -> None:
    heavy = {"PySide6", "pyqtgraph", "torch", "transformers", "openai", "sqlite_utils", "pandas"}
    assert not loaded_by("import studio.app.workbench") & heavy


def test_the_command_line_starts_without_what_it_may_not_need() -> None:
    heavy = {"PySide6", "torch", "transformers", "openai", "pyarrow", "pandas"}
    assert not loaded_by("import studio.cli.verbs") & heavy


def test_methods_and_objectives_have_the_same_names() -> None:
    names = {
        kind: {
            path.stem
            for path in (STUDIO / kind).glob("*.py")
            if path.stem not in ("__init__", "base", "catalog")
        }
        for kind in ("methods", "jobs/objectives")
    }
    assert names["methods"] == names["jobs/objectives"] != set()


def test_each_formula_names_its_source() -> None:
    formulas = [*(STUDIO / "methods").glob("[a-z]*.py"), *(STUDIO / "jobs/objectives").glob("[a-z]*.py"),
                STUDIO / "domain/policy.py", STUDIO / "domain/agreement.py",
                STUDIO / "flow/evaluation.py"]  # fmt: skip
    own = [path for path in formulas if path.stem not in ("base", "catalog")]
    assert own
    for path in own:
        text = path.read_text(encoding="utf-8")
        assert "Source:" in text or "source =" in text, path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_and_functions_stay_small_enough_to_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300, "a noun is missing"
    long = [f"{f.name}: {f.end_lineno - f.lineno + 1}" for f in functions(path)
            if f.end_lineno and f.end_lineno - f.lineno >= 60]  # fmt: skip
    assert not long
    assert ast.get_docstring(ast.parse(text)), "a module says what it is for"


def test_model_text_is_never_shown_as_rich_text() -> None:
    rich = re.compile(r"\.(setHtml|setMarkdown|appendHtml|insertHtml)\(")
    found = [path for path in (STUDIO / "ui").rglob("*.py") if rich.search(path.read_text("utf-8"))]
    assert not found


def test_readme_shows_the_tree_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = readme.partition("## The map")[2].partition("```text\n")[2].partition("```")[0]
    shown: set[str] = set()
    above: list[str] = []
    for line in filter(str.strip, tree.splitlines()):
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        above = [*above[:depth], name]
        shown.add("".join(above))
    modules = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if path.name != "__init__.py" or path.parent == STUDIO
    }
    assert {
        path for path in shown if path.startswith("studio/") and path.endswith(".py")
    } == modules
    for path in shown:
        assert (ROOT / path).exists(), path
    top = {"studio/", "resources/", "tests/", "packaging/", "pyproject.toml", "README.md"}
    assert top <= shown


def test_nothing_speaks_of_this_machine_or_leaves_work_open() -> None:
    words = re.compile(
        r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b|NotImplemented" r"Error|index-" r"url|pypi\.org/simple"
    )
    for path in [*MODULES, *(ROOT / "packaging").glob("*"), ROOT / "README.md"]:
        if path.is_file():
            assert not words.search(path.read_text(encoding="utf-8")), path
