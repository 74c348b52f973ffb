"""What the core tells a person to do next is said for the window: no command line in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.ui.remedies import in_window

CORE = ("domain", "flow", "app", "store")
COMMAND = re.compile(r"mapd-studio (?!has )[a-z]|(?<![\w-])--[a-z]")
#: Not told as an error: help of verbs, the CSS of the report, words of the terminal, options of others.
ELSEWHERE = (
    "reports/html.py", "exports/target.py", "doctor.py", "gpu.py", "demo.py", "prompt_rules.py",
    "flow/reviewers.py",
)  # fmt: skip


def _text(node: ast.AST) -> str:
    """Return a text as it may be said, with an X for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(part) if isinstance(part, ast.Constant) else "X" for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _told() -> Iterator[tuple[str, str]]:
    root = Path(__file__).parents[2] / "studio"
    for folder in CORE:
        for file in sorted((root / folder).rglob("*.py")):
            if file.as_posix().endswith(ELSEWHERE):
                continue
            tree = ast.parse(file.read_text(encoding="utf-8"))
            parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
                     for part in node.values}  # fmt: skip
            docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if id(node) not in parts | docs and COMMAND.search(said := _text(node)):
                    yield file.name, said


def test_every_remedy_of_the_core_has_its_like_in_the_window() -> None:
    told = list(_told())
    assert len(told) > 15, "the core does tell what to do next"
    left = [(file, in_window(said)) for file, said in told if COMMAND.search(in_window(said))]
    assert not left


@pytest.mark.parametrize(
    ("said", "here"),
    [
        ("no rationale is decided on: run 'mapd-studio decide PROJECT' first",
         "no rationale is decided on: apply a rule on the Desk first"),
        ("x.csv, line 1: no column 'answer' (there are: a): name it with --map answer=a",
         "x.csv, line 1: no column 'answer' (there are: a): choose its column above"),
        ("the disk is full: make room and run it again", "the disk is full: make room and run it again"),
    ],
)  # fmt: skip
def test_a_remedy_names_the_page_and_the_rest_stays(said: str, here: str) -> None:
    assert in_window(said) == here
