"""Gather all texts of the window into resources/texts/en.json, where translating starts.

    python packaging/texts.py            writes the file
    python packaging/texts.py --bare     lists texts on screen that are not looked up yet

A text is the literal given to ``tr`` or ``mark``, or the words given to ``things``.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WINDOW = ROOT / "studio" / "ui"
CATALOGUE = ROOT / "resources" / "texts" / "en.json"
LOOKED_UP = {"tr": (0,), "mark": (0,), "things": (1, 2)}
#: Texts of the core that the window looks up where it shows them: by place and by name.
FROM_THE_CORE: dict[str, dict[str, tuple[tuple[int, ...], tuple[str, ...]]]] = {
    "flow/queues.py": {"Queue": ((0, 1), ())}, "flow/prompt_rules.py": {"Purpose": ((0,), ())},
    "domain/specs.py": {"Field": ((), ("description",))},
    "flow/quality.py": {"Field": ((), ("description",))},
}  # fmt: skip
#: Which arguments of which calls are shown to people, by place and by name.
SHOWN: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "label": ((0,), ("tip",)), "button": ((0,), ("tip",)), "choice": ((), ("name", "tip")),
    "Card": ((0,), ()), "Sheet": ((), ("name", "empty")), "Verb": ((1, 3), ()),
    "setToolTip": ((0,), ()), "setAccessibleName": ((0,), ()), "setPlaceholderText": ((0,), ()),
    "setWindowTitle": ((0,), ()), "setText": ((0,), ()), "tell": ((0,), ()), "TextView": ((0,), ()),
    "say": ((1, 2), ()), "ask": ((1, 2), ("yes", "no")), "show_text": ((0, 1), ()),
    "QCheckBox": ((0,), ()), "announce": ((0, 1), ()), "addTab": ((1,), ()),
}  # fmt: skip


class Bare(NamedTuple):
    """A text on screen that is not looked up."""

    file: Path
    line: int
    text: str


def main() -> None:
    """Write the catalogue, or list what is missing from it."""
    if "--bare" in sys.argv[1:]:
        for one in bare_texts():
            print(f"{one.file.relative_to(ROOT)}:{one.line}: {one.text}")
        return
    CATALOGUE.parent.mkdir(exist_ok=True)
    CATALOGUE.write_text(as_json(texts()), encoding="utf-8")
    print(f"{len(texts()):,} texts in {CATALOGUE.relative_to(ROOT)}")


def as_json(found: list[str]) -> str:
    """Return a catalogue in which every text stands for itself."""
    return json.dumps({text: text for text in found}, ensure_ascii=False, indent=1) + "\n"


def texts() -> list[str]:
    """Return every text that is looked up, sorted; a computed one is an error."""
    found: set[str] = set()
    for file in sorted(WINDOW.rglob("*.py")):
        for call in calls(file):
            name = name_of(call)
            for place in LOOKED_UP.get(name, ()):
                if place >= len(call.args):
                    continue
                given = call.args[place]
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    found.add(given.value)
                    if name == "things" and len(call.args) == 2:  # its plural is made in words.py
                        found.add(f"{given.value}s")
                elif name == "mark":
                    raise SystemExit(f"{file}:{call.lineno}: mark() wants a literal text")
    found |= set(_of_the_core())
    return sorted(text for text in found if text)


def _of_the_core() -> Iterator[str]:
    for name, shown in FROM_THE_CORE.items():
        for call in calls(WINDOW.parent / name):
            places, names = shown.get(name_of(call), ((), ()))
            given = [call.args[place] for place in places if place < len(call.args)]
            given += [keyword.value for keyword in call.keywords if keyword.arg in names]
            for part in given:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def bare_texts(files: list[Path] | None = None) -> list[Bare]:
    """Return literal texts that are shown without being looked up."""
    found = []
    for file in files or sorted(WINDOW.rglob("*.py")):
        for call in calls(file):
            places, names = SHOWN.get(name_of(call), ((), ()))
            given = [call.args[place] for place in places if place < len(call.args)]
            given += [keyword.value for keyword in call.keywords if keyword.arg in names]
            for part in given:
                for text in literals(part):
                    if any(sign.isalpha() for sign in text):
                        found.append(Bare(file, part.lineno, text))
    return found


def calls(file: Path) -> Iterator[ast.Call]:
    """Yield every call in a module."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def name_of(call: ast.Call) -> str:
    """Return the last part of what is called."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def literals(part: ast.expr) -> Iterator[str]:
    """Yield the literal texts of an expression, also those of its branches."""
    if isinstance(part, ast.Constant) and isinstance(part.value, str):
        yield part.value
    elif isinstance(part, ast.JoinedStr):
        yield "".join(one.value for one in part.values if isinstance(one, ast.Constant))
    elif isinstance(part, ast.IfExp):
        yield from literals(part.body)
        yield from literals(part.orelse)
    elif isinstance(part, ast.BoolOp):
        for one in part.values:
            yield from literals(one)


if __name__ == "__main__":
    main()
