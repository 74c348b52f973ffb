"""Answers in plain characters: what every reader of answers looks at instead of the raw text.

The plain text has exactly as many characters as the raw one, so a place found in it is a place in
the raw text. Digits of all scripts become ASCII, typographic signs their plain forms; markup
(bold, LaTeX delimiters, calculator marks) becomes blanks. Long texts are read at both ends only.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

#: A text longer than both together is read at its ends: nobody states an answer in the middle of
#: 64,000 characters, and the time per answer stays bounded whatever a model writes.
HEAD, TAIL = 16_000, 48_000

_SIGNS = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"),
    **dict.fromkeys("\u00a0\u2007\u2008\u2009\u200a\u202f", "\u00a0"),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
    **dict.fromkeys("\u2018\u2019\u02bc", "'"), **dict.fromkeys("\u201c\u201d\u201e", '"'),
    **dict.fromkeys("\u2044\u2215", "/"),
    "\u066b": ".", "\u066c": ",", "\u066a": "%", "\u2217": "*",
}  # fmt: skip
_MARKUP = re.compile(
    r"<<[^<>\n]{0,200}>>"  # calculator marks of GSM8K
    r"|\*\*|__|`|\\[()\[\]$]"
    r"|\\(?:text|textbf|mathrm|mathbf|displaystyle|left|right)\b\{?"
    r"|\\(?=%)|\^\{?\s?\\circ\b\s?\}?"
)
_THOUGHT = "</think>"
_SPACES = re.compile(r"\s+")


class Plain(NamedTuple):
    """A text as readers see it, and the way back from a place in it to the raw text."""

    text: str
    raw: str
    cut_at: int  #: where the middle was left out; the length of the text where it was not

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the raw text a span of the plain text stands."""
        left_out = max(0, len(self.raw) - len(self.text))
        return tuple(at if at <= self.cut_at else at + left_out for at in (start, end))  # type: ignore[return-value]

    def excerpt(self, start: int, end: int, *, around: int = 30) -> str:
        """Return the span with a little of what surrounds it, on one line."""
        first, last = self.origin(start, end)
        part = self.raw[max(0, first - around) : min(last, first + 200) + around]
        return _SPACES.sub(" ", part).strip()


def plain(raw: str) -> Plain:
    """Return ``raw`` in plain characters, its middle left out where it is very long."""
    cut_at, kept = len(raw), raw
    if len(raw) > HEAD + TAIL:
        cut_at, kept = HEAD, raw[:HEAD] + "\n" + raw[len(raw) - TAIL + 1 :]
    if not kept.isascii():
        kept = kept.translate({ord(c): _plain_character(c) for c in set(kept) if c > "\x7f"})
    # What a model thought before it answered is no answer, unless nothing follows it.
    thought = kept.rfind(_THOUGHT) + len(_THOUGHT)
    if thought >= len(_THOUGHT) and kept[thought:].strip():
        kept = " " * thought + kept[thought:]
    return Plain(_MARKUP.sub(_blank, kept), raw, cut_at)


def squeezed(text: str) -> str:
    """Return text for comparing: plain, case, spaces, articles and outer punctuation gone."""
    text = unicodedata.normalize("NFKC", plain(text).text).casefold()
    text = re.sub(r"\b(?:the|an|a)\s", " ", text)
    return _SPACES.sub(" ", text).strip(" \t\n.,;:!?\"'$*{}")


def _plain_character(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", character)
    # A superscript two folds to "2", and 5 squared is not 52.
    return folded if len(folded) == 1 and not folded.isdigit() else character


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
