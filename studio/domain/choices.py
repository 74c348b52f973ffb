"""Choices: which option a text picks, by its letter, its number or its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from studio.domain.plain import squeezed
from studio.domain.statements import Statement, statements

_LETTER = r"(?P<letter>[A-Za-z])"
_LEADING = re.compile(
    rf"\W{{0,6}}(?:(?:option|choice|letter|alternative)\s{{1,3}})?\W{{0,4}}{_LETTER}\b(?P<after>.?)",
    re.I | re.S,
)
_BARE = re.compile(
    rf"\(\s?{_LETTER}\s?\)|\b(?:option|choice|letter)\s{{1,3}}\(?(?P<named>[A-Za-z])\b"
)
_LONGEST = 2000


class Pick(NamedTuple):
    """One place where a text picks an option.

    ``option`` is its index; ``worded`` the option whose words stand beside the letter, if any.
    """

    option: int
    start: int
    end: int
    worded: int | None = None


class Picks(NamedTuple):
    """What a text picks, and every explicit pick."""

    chosen: Pick | None
    explicit: list[Pick]


def letter(index: int) -> str:
    """Return the letter of an option: 0 is A."""
    return chr(ord("A") + index)


def picks(text: str, options: Sequence[str]) -> Picks:
    """Read which option a plain text picks.

    An explicit answer comes first, then a text that is nothing but a pick, then the last letter
    in brackets, then the only option whose words the text contains.
    """
    found = [(one, pick) for one in statements(text) if (pick := _stated(text, one, options))]
    found.sort(key=lambda pair: pair[0].certain)
    explicit = [pick for _, pick in found]
    if explicit:
        return Picks(explicit[-1], explicit)
    whole = _read(text, 0, _first_line_end(text), options)
    if whole is not None:
        return Picks(whole, [])
    return Picks(_last_bare(text, options) or _only_worded(text, options), [])


def gold_index(gold: str, options: Sequence[str]) -> int | None:
    """Return which option gold names: by its words, its letter, or (last) its number from 0."""
    words = squeezed(gold)
    for index, option in enumerate(options):
        if words and words == squeezed(option):
            return index
    bare = gold.strip().strip("().:*").strip()
    if len(bare) == 1 and bare.isalpha() and bare.isascii():
        return _within(bare, options)
    if bare.isdecimal() and len(bare) < 3 and int(bare) < len(options):
        return int(bare)
    lettered = re.match(r"\s*\(?([A-Za-z])[.):]\s+\S", gold)
    return _within(lettered[1], options) if lettered else None


def _stated(text: str, one: Statement, options: Sequence[str]) -> Pick | None:
    return _read(text, one.start, min(one.end, one.start + _LONGEST), options)


def _read(text: str, start: int, end: int, options: Sequence[str]) -> Pick | None:
    """Read one line: a letter with its delimiter, or an option's own words."""
    line = text[start:end]
    worded = _worded(line, options)
    lead = _LEADING.match(line)
    if lead is not None and _is_letter(lead, line):
        index = _within(lead["letter"], options)
        if index is not None:
            at = start + lead.start("letter")
            rest = _worded(line[lead.end("letter") :], options)
            return Pick(index, at, at + 1, rest)
    if (bare := _last_bare(line, options)) is not None:
        return bare._replace(start=start + bare.start, end=start + bare.end, worded=worded)
    return None if worded is None else Pick(worded, start, start + len(line.rstrip()))


def _is_letter(lead: re.Match[str], line: str) -> bool:
    """Tell the letter A from the word "a"."""
    after = lead["after"]
    alone = not line[lead.end("letter") :].strip(" \t\r\n.)*]}:$")
    named = lead["letter"].isupper() or bool(re.match(r"\W*[(\[]", line))
    return (
        alone
        or (named and after in (*".):,]*}-",))
        or (lead["letter"].isupper() and lead["letter"] not in "AI" and after.isspace())
    )


def _worded(line: str, options: Sequence[str]) -> int | None:
    """Return the only option whose words a line is, else begins with, else contains."""
    words = squeezed(re.sub(r"^\W*[A-Za-z]?[.):]\s", "", line))
    known = [squeezed(option) for option in options]
    for fits in (_equals, str.startswith, _contains):
        hits = [index for index, option in enumerate(known) if option and fits(words, option)]
        longest = max((len(known[index]) for index in hits), default=0)
        hits = [index for index in hits if len(known[index]) == longest]
        if len(hits) == 1:
            return hits[0]
        if hits:
            return None
    return None


def _equals(words: str, option: str) -> bool:
    return words == option


def _contains(words: str, option: str) -> bool:
    return f" {option} " in f" {words} " if len(option) > 2 else False


def _last_bare(text: str, options: Sequence[str]) -> Pick | None:
    pick = None
    for bare in _BARE.finditer(text):
        name = "letter" if bare["letter"] else "named"
        index = _within(bare[name], options) if bare[name].isupper() else None
        if index is not None:
            pick = Pick(index, bare.start(name), bare.end(name))
    return pick


def _only_worded(text: str, options: Sequence[str]) -> Pick | None:
    words = f" {squeezed(text)} "
    hits = [index for index, option in enumerate(options) if _contains(words, squeezed(option))]
    return Pick(hits[0], 0, len(text)) if len(hits) == 1 else None


def _within(name: str, options: Sequence[str]) -> int | None:
    index = ord(name.upper()) - ord("A")
    return index if 0 <= index < (len(options) or 26) else None


def _first_line_end(text: str) -> int:
    start = len(text) - len(text.lstrip())
    end = text.find("\n", start)
    return min(len(text) if end < 0 else end, start + _LONGEST)
