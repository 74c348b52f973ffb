"""Text that a model wrote, with nothing hidden in it: invisible signs become their code points."""

from __future__ import annotations

import re
import unicodedata

LONGEST_LINE = 2_000
_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")  #: control, format, private, surrogate, separators
_SIGNS = re.compile(r"([\\`*_\[\]|!#])")  #: that mean something in Markdown
_MOST_MARKS = 4  #: combining marks on one letter; real scripts need three


def visible(text: str) -> str:
    """Return ``text`` with long lines broken and invisible signs written as code points.

    Source: measured: one line of 1 MB freezes a wrapping view for about a minute, 1 MB of
    bidirectional marks for 44 s; a reversed digit reads as another number.
    """
    if text.isascii() and text.isprintable() and len(text) <= LONGEST_LINE:
        return text
    return "\n".join(_visible(line) for line in text.split("\n"))


def in_markdown(text: str) -> str:
    """Return text that says itself in Markdown, also in a table: no link, picture, code or HTML."""
    return _SIGNS.sub(r"\\\1", " ".join(visible(text).split())).replace("<", "&lt;")


def _visible(line: str) -> str:
    if line.isascii() and line.isprintable():  # nearly all are: not a sign is looked at alone
        starts = range(0, max(1, len(line)), LONGEST_LINE)
        return "\n".join(line[start : start + LONGEST_LINE] for start in starts)
    shown: list[str] = []
    width = marks = 0
    for sign in line:
        kind = "" if sign.isascii() and sign.isprintable() else unicodedata.category(sign)
        marks = marks + 1 if kind.startswith("M") else 0
        if width >= LONGEST_LINE:
            shown.append("\n")
            width = 0
        hidden = (kind in _HIDDEN and sign != "\t") or marks > _MOST_MARKS
        shown.append(f"⟨U+{ord(sign):04X}⟩" if hidden else sign)
        width += 1
    return "".join(shown)
