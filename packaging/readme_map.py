#!/usr/bin/env python3
"""Print the map of the tree for README, from the first sentence of each module."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOP = {
    "resources/": "prompts, icons, screenshots and the sample project's material",
    "tests/": "mirrors studio/; benchmarks/ holds scripts that measure",
    "packaging/": "start.py sets everything up; constraints.txt pins versions",
    "pyproject.toml": "packages, extras, and the rules of every tool",
    "README.md": "this page",
}


def main() -> None:
    """Print the tree."""
    print(f"studio/  {_sentence(ROOT / 'studio/__init__.py')}")
    _folder(ROOT / "studio", depth=1)
    for name, text in TOP.items():
        print(f"{name}  {text}")


def _folder(folder: Path, *, depth: int) -> None:
    indent = "  " * depth
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and (path / "__init__.py").is_file():
            print(f"{indent}{path.name}/  {_sentence(path / '__init__.py')}")
            _folder(path, depth=depth + 1)
        elif path.suffix == ".py" and (path.name != "__init__.py" or depth == 1):
            print(f"{indent}{path.name}  {_sentence(path)}")


def _sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    whole = " ".join(text.split("\n\n")[0].split())
    return whole.split(". ")[0].rstrip(".").replace("``", "")


if __name__ == "__main__":
    main()
