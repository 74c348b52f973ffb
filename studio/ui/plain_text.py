"""Makes text that a model wrote fit to be shown: never markup, never endless, nothing hidden.

Source: measured: one line of 1 MB freezes a wrapping view for about a minute, 1 MB of
bidirectional marks for 44 s; a reversed digit reads as another number.
"""

from __future__ import annotations

import unicodedata

MOST_CHARACTERS = 20_000
LONGEST_LINE = 2_000
_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")  #: control, format, private, surrogate, separators
_MOST_MARKS = 4  #: combining marks on one letter; real scripts need three


def safe(text: str, *, most: int = MOST_CHARACTERS) -> str:
    """Return ``text`` capped, its long lines broken, its invisible signs written as code points."""
    rest = len(text) - most
    shown = _visible(text[:most])
    return f"{shown}\n… {rest:,} more characters" if rest > 0 else shown


def safe_span(text: str, span: tuple[int, int]) -> tuple[int, int] | None:
    """Return where ``span`` of ``text`` stands in ``safe(text)``; None when it is cut off."""
    start, end = span
    if not 0 <= start <= end <= min(len(text), MOST_CHARACTERS):
        return None
    return len(_visible(text[:start])), len(_visible(text[:end]))


def one_line(text: str, *, most: int = 200) -> str:
    """Return ``text`` as one short line."""
    line = " ".join(safe(text[: most * 4]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable() and len(text) <= LONGEST_LINE:
        return text
    shown: list[str] = []
    width = marks = 0
    for sign in text:
        kind = "" if sign.isascii() and sign.isprintable() else unicodedata.category(sign)
        marks = marks + 1 if kind.startswith("M") else 0
        if sign == "\n":
            width = 0
        elif width >= LONGEST_LINE:
            shown.append("\n")
            width = 0
        hidden = (kind in _HIDDEN and sign not in "\n\t") or marks > _MOST_MARKS
        shown.append(f"⟨U+{ord(sign):04X}⟩" if hidden else sign)
        width += sign != "\n"
    return "".join(shown)
