"""Reads the small part of Markdown and LaTeX that models write, and keeps where each piece came from.

Bold, italics, code, headings, lists and formulas; nothing else, and never a link, an image or HTML.
A sign is taken for markup only where it cannot be anything else: ``2*3*4`` and ``2**3`` are products
and powers, ``$5 and $6`` is money, a program is a program, and underscores always stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from studio.domain.formula import is_formula

Span = tuple[int, int]
Kind = Literal["text", "heading", "item", "code"]
MOST_FORMULA_LINES = 24
_DEEPEST = 3  #: bold in italics in a list is as deep as it gets
_PROGRAM = re.compile(
    r"\s*(?:def |import |from \w+ import |class |#!|#include|<\?|<!DOCTYPE|<html)"
)
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(?=\S)")
_ITEM = re.compile(r"(\s*)([-*•+]|\d{1,3}[.)])(\s+)(?=\S)")
_OPENERS = {"$$": "$$", r"\[": r"\]"}
_BEFORE, _AFTER = r"(?<![\w*)\]}])", r"(?![\w*(\[{])"
_INLINE = re.compile(
    r"(?P<code>`[^`\n]{1,400}`)"
    r"|(?P<formula>\$\$[^$]{1,400}\$\$|\\\[(?s:.){1,400}?\\\]|\\\(.{1,300}?\\\)|"
    r"(?<!\\)\$(?=[^\s$])(?:\\.|[^$\\\n]){1,300}(?<!\s)\$(?!\d))"
    rf"|(?P<bold>{_BEFORE}\*\*(?=[^\s*])(?:[^*\n]|\*(?!\*)){{0,400}}?[^\s*]\*\*{_AFTER})"
    rf"|(?P<italic>{_BEFORE}\*(?=[^\W\d_])[^*\n]{{0,400}}[^\s*]\*{_AFTER})"
)
_RUN = re.compile("[^\U00010000-\U0010ffff]+|[\U00010000-\U0010ffff]")
_MARKS = {"code": 1, "bold": 2, "italic": 1}


class Piece(NamedTuple):
    """Some text of one look; ``start`` and ``end`` say where it stands in the source."""

    text: str  #: as it is shown; of a formula what stands between its dollar signs
    start: int
    end: int
    style: frozenset[str] = frozenset()  #: of bold, italic, code, formula, display


class Block(NamedTuple):
    """A paragraph."""

    kind: Kind
    level: int  #: of a heading from 1; of a list's item from 0
    pieces: tuple[Piece, ...]


def blocks(text: str) -> list[Block]:
    """Return the paragraphs of a text, one a line; what is no markup stays as it is."""
    if _PROGRAM.match(text):
        return [Block("code", 0, (piece,)) for piece in _lines(text)]
    return list(_blocks(_lines(text), text))


class Places:
    """Which part of what is shown belongs to which part of the source, both ways."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, int, int, int]] = []  # source from, to; shown from, to

    def add(self, piece: Piece, shown: int, *, drawn: bool = False) -> int:
        """Note that a piece is shown at ``shown``; returns where it ends.

        Places on the screen count as UTF-16 does, where some signs take two.

        Args:
            drawn: it is a picture, which takes one place.
        """
        whole = drawn or len(piece.text) != piece.end - piece.start
        at = piece.start
        for run in [piece.text] if whole else _RUN.findall(piece.text):
            units = 1 if drawn else len(run.encode("utf-16-le", "surrogatepass")) // 2
            end = piece.end if whole else at + len(run)
            self._parts.append((at, end, shown, shown + units))
            at, shown = end, shown + units
        return shown

    def shown(self, span: Span) -> Span | None:
        """Return where a span of the source is shown; None where nothing of it is."""
        found = [
            _cut(span, (start, end), (first, last))
            for start, end, first, last in self._parts
            if start < span[1] and span[0] < end
        ]
        return (found[0][0], found[-1][1]) if found else None

    def source(self, span: Span) -> Span | None:
        """Return which span of the source something shown stands for."""
        found = [
            _cut(span, (first, last), (start, end))
            for start, end, first, last in self._parts
            if first < span[1] and span[0] < last
        ]
        return (found[0][0], found[-1][1]) if found else None


def _cut(span: Span, here: Span, there: Span) -> Span:
    """Carry the part of ``span`` in ``here`` over; as a whole where both are not equally long."""
    if here[1] - here[0] != there[1] - there[0]:
        return there
    first, last = max(span[0], here[0]), min(span[1], here[1])
    return there[0] + first - here[0], there[0] + last - here[0]


def _lines(text: str) -> list[Piece]:
    found, at = [], 0
    for line in text.split("\n"):
        found.append(Piece(line, at, at + len(line)))
        at += len(line) + 1
    return found


def _blocks(lines: list[Piece], text: str) -> Iterator[Block]:
    n, fence = 0, ""
    while n < len(lines):
        line = lines[n]
        opened = _FENCE.match(line.text)
        if fence:
            if opened and line.text.strip().startswith(fence) and not line.text.strip(" `~"):
                fence = ""
            else:
                yield Block("code", 0, (line,))
        elif opened and any(one.text.strip().startswith(opened[1]) for one in lines[n + 1 :]):
            fence = opened[1]
        elif last := _end_of_formula(lines, n):
            start, end = line.start, lines[last].end
            yield Block("text", 0, tuple(_inline(text[start:end], start, frozenset())))
            n = last
        else:
            yield _block(line)
        n += 1


def _end_of_formula(lines: list[Piece], n: int) -> int:
    """Return the line that ends a formula of several lines which begins here; 0: there is none."""
    opener = lines[n].text.strip()[:2]
    closer = _OPENERS.get(opener)
    if closer is None or closer in lines[n].text.strip()[2:]:
        return 0
    for m in range(n + 1, min(n + MOST_FORMULA_LINES, len(lines))):
        if closer in lines[m].text:
            whole = lines[m].text.strip().endswith(closer)
            body = " ".join(one.text for one in lines[n : m + 1]).strip()[2:-2]
            return m if whole and is_formula(body) else 0
    return 0


def _block(line: Piece) -> Block:
    if heading := _HEADING.match(line.text):
        rest = line.text[heading.end() :]
        start = line.start + heading.end()
        return Block("heading", len(heading[1]), tuple(_inline(rest, start, frozenset())))
    if item := _ITEM.match(line.text):
        sign = "•" if item[2] in "-*•+" else item[2]
        start = line.start + len(item[1])
        mark = Piece(f"{sign} ", start, line.start + item.end())
        said = _inline(line.text[item.end() :], line.start + item.end(), frozenset())
        return Block("item", min(len(item[1]) // 2, 4), (mark, *said))
    return Block("text", 0, tuple(_inline(line.text, line.start, frozenset())))


def _inline(text: str, start: int, style: frozenset[str]) -> Iterator[Piece]:
    at = 0
    for match in _INLINE.finditer(text):
        kind = str(match.lastgroup)
        made = list(_marked(match, kind, start, style))
        if not made:
            continue
        if match.start() > at:
            yield Piece(text[at : match.start()], start + at, start + match.start(), style)
        yield from made
        at = match.end()
    if at < len(text) or not text:
        yield Piece(text[at:], start + at, start + len(text), style)


def _marked(match: re.Match[str], kind: str, start: int, style: frozenset[str]) -> Iterator[Piece]:
    whole, begun = match.group(), start + match.start()
    if kind == "formula":
        width = 1 if whole[0] == "$" and whole[1] != "$" else 2
        inside = whole[width:-width].strip()
        if is_formula(inside, marked=width == 2):
            display = {"display"} if whole.startswith(("$$", r"\[")) else set()
            yield Piece(inside, begun, begun + len(whole), style | {"formula", *display})
        return
    width = _MARKS[kind]
    inside, begun = whole[width:-width], begun + width
    if kind == "code" or len(style) >= _DEEPEST:
        yield Piece(inside, begun, begun + len(inside), style | {kind})
    else:
        yield from _inline(inside, begun, style | {kind})
