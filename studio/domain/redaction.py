"""What must not be shown: keys are taken out of text before a report, a dialog or a log has it.

Whoever finds or is given a key says so with ``remember_key``; from then on this process writes it
nowhere. What only looks like a key, or lies in a variable that is named like one, goes too.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import TextIO, cast

SHORTEST = 12  #: anything shorter is a word for a local server and may stand in any text
HIDDEN = "[key]"
_LIKE_A_KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|ghp|github_pat|glpat)[-_][A-Za-z0-9_-]{10,}|\bAIza[A-Za-z0-9_-]{20,}"
    r"|(?<=Bearer )[^\s'\",;]{8,}",
)
_NAMED_LIKE_A_KEY = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL)S?$", re.IGNORECASE)
_known: set[str] = set()


def remember_key(key: str | None) -> None:
    """Never show this again; a text that is too short to be a secret is let be."""
    if key is not None and len(key.strip()) >= SHORTEST:
        _known.add(key.strip())


def without_keys(text: str) -> str:
    """Return ``text`` without any key that is known or looks like one."""
    for key in sorted(_known | _in_environment(), key=len, reverse=True):
        for written in (key, repr(key)[1:-1]):  # as it is, and as an error's repr shows it
            text = text.replace(written, HIDDEN)
    return _LIKE_A_KEY.sub(HIDDEN, text)


def holds_key(text: str) -> bool:
    """Return whether a text holds a key that is known, or what looks like one."""
    return any(key in text for key in _known) or _LIKE_A_KEY.search(text) is not None


@contextlib.contextmanager
def keys_hidden_on_stderr() -> Iterator[None]:
    """Let nothing that is written to standard error inside, by whatever library, hold a key."""
    before = sys.stderr
    if before is None or isinstance(before, _Hiding):  # a program without a terminal has none
        yield
        return
    sys.stderr = cast("TextIO", _Hiding(before))
    try:
        yield
    finally:
        sys.stderr = before


class _Hiding:
    """A stream that takes the keys out of what it passes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(without_keys(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        self.write("".join(lines))

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _in_environment() -> set[str]:
    return {
        value.strip() for name, value in os.environ.items()
        if len(value.strip()) >= SHORTEST and _NAMED_LIKE_A_KEY.search(name)
    }  # fmt: skip
