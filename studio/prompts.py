"""Load, fill and hash the message templates of ``resources/prompts``.

A template is a Markdown file ``<folder>/<purpose>.md``. ``{{name}}`` is replaced once and never
looked at again, so text that a model wrote cannot fill a field of its own. A line ``---system---``
or ``---user---`` starts a message of that role; without one the whole file is the user's message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import studio
from studio.domain.errors import SpecError
from studio.domain.records import Question, digest

_FIELD = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ROLE = re.compile(r"^---(system|user|assistant)---$", re.MULTILINE)


def resources() -> Path:
    """Return the folder of prompts, icons and the sample project."""
    package = Path(studio.__file__).parent
    installed = package / "_resources"
    return installed if installed.is_dir() else package.parent / "resources"


@dataclass(frozen=True)
class Template:
    """One message template. ``hash`` changes with its text and is stored with what it made."""

    name: str
    text: str

    @property
    def hash(self) -> str:
        """Hash of the unfilled text, 16 hex digits."""
        return digest("prompt", self.text)

    @property
    def fields(self) -> frozenset[str]:
        """Return the names it wants to be filled with."""
        return frozenset(_FIELD.findall(self.text))

    def messages(self, values: Mapping[str, str]) -> list[dict[str, str]]:
        """Return chat messages with every field filled; raises SpecError for a missing one."""
        missing = self.fields - set(values)
        if missing:
            raise SpecError(f"prompt {self.name} wants {{{{{min(missing)}}}}}, which is not given")
        parts = _ROLE.split(self.text)
        roles = ["user", *parts[1::2]]
        filled = [
            {"role": role, "content": _FIELD.sub(lambda m: values[m[1]], body).strip()}
            for role, body in zip(roles, parts[0::2], strict=True)
        ]
        return [message for message in filled if message["content"]]


def question_text(question: Question) -> str:
    """Return a question as students and teachers read it: context, text, lettered options."""
    options = "\n".join(
        f"{chr(ord('A') + n)}. {option}" for n, option in enumerate(question.options)
    )
    return "\n\n".join(part for part in (question.context, question.text, options) if part)


class Prompts:
    """Templates by name: the project's own folder first, then the built-in ones."""

    def __init__(self, *folders: Path) -> None:
        self._folders = (*folders, resources() / "prompts")
        self._written: Callable[[str], str | None] = lambda name: None
        self._trial: dict[str, str] = {}

    def beneath(self, written: Callable[[str], str | None]) -> Prompts:
        """Return them beneath what was written elsewhere: its text of a name, or None for no word."""
        made = copy(self)
        made._written = written
        return made

    def trying(self, name: str, text: str) -> Prompts:
        """Return them with one text on trial, whatever else is in force."""
        made = copy(self)
        made._trial = {**self._trial, name: text}
        return made

    def get(self, style: str, purpose: str) -> Template:
        """Return the template ``<style>/<purpose>.md``; raises SpecError when there is none."""
        name = f"{style}/{purpose}"
        written = self._trial.get(name) or self._written(name)
        if written is not None:
            return Template(name, written.strip())
        for folder in self._folders:
            path = folder / style / f"{purpose}.md"
            if path.is_file():
                return Template(name, path.read_text(encoding="utf-8").strip())
        raise SpecError(f"there is no prompt {name}: expected {self._folders[-1] / name}.md")
