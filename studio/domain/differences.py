"""Where two worked solutions part: word by word, and at which step.

A step is a line, or a sentence where the text has no lines. Two steps say the same when their
numbers are the same in order, or, without numbers, when their words are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from studio.domain.arithmetic import mistaken_sum

MOST_WORDS = 2_000  #: compared word by word; longer texts are compared up to there
MOST_SOLUTION = 100_000  #: characters; of a longer one it is not said what it never has
_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE = re.compile(r"[^\n.!?]*(?:[.!?](?=\d)[^\n.!?]*)*(?:[.!?]+|\n|$)")
Span = tuple[int, int]


class Step(NamedTuple):
    """A part of an answer where it goes wrong, and why that is thought."""

    span: Span
    why: str


class Difference(NamedTuple):
    """Which parts of two texts are only in one of them; half-open character ranges."""

    only_one: tuple[Span, ...]
    only_other: tuple[Span, ...]


def difference(one: str, other: str) -> Difference:
    """Return where two texts differ, word by word; space alone does not count."""
    words, others = _words(one), _words(other)
    # Words that stand everywhere are no anchors in long texts: with them a text that repeats itself
    # a thousand times would take minutes.
    matcher = SequenceMatcher(None, [w for w, _ in words], [w for w, _ in others])
    left: list[Span] = []
    right: list[Span] = []
    for what, a, b, c, d in matcher.get_opcodes():
        if what != "equal":
            left += [(words[a][1][0], words[b - 1][1][1])] if b > a else []
            right += [(others[c][1][0], others[d - 1][1][1])] if d > c else []
    return Difference(tuple(left), tuple(right))


def differing_step(answer: str, solution: str) -> Step | None:
    """Return the first step of ``answer`` that does not add up, or takes a number ``solution`` never has.

    That is where a wrong answer leaves the way of a right one, as far as can be told by rule; None
    when all sums are right and every number is one of the solution's, or there are none to know.
    """
    known = set(_numbers(solution)) if len(solution) <= MOST_SOLUTION else set()
    for span in steps(answer):
        step = answer[slice(*span)]
        if wrong := mistaken_sum(step):
            return Step(span, f"{wrong.sum} is {wrong.is_}, not {wrong.said}")
        new = [number for number in _numbers(step) if number not in known]
        if known and new:
            return Step(span, f"the accepted rationale never has {new[0]}")
    return None


def steps(text: str) -> list[Span]:
    """Return the character ranges of the steps of a text, without space around them."""
    found = []
    for match in _SENTENCE.finditer(text):
        start, end = match.span()
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if end > start:
            found.append((start, end))
    return found


def _numbers(text: str) -> list[str]:
    return [_plain(number) for number in _NUMBER.findall(text)]


def _plain(number: str) -> str:
    """Return a number without separators of thousands and without zeros that say nothing."""
    bare = number.replace(",", "")
    return bare.rstrip("0").rstrip(".") if "." in bare else bare.lstrip("0") or "0"


def _words(text: str) -> Sequence[tuple[str, Span]]:
    found = [(m.group(), m.span()) for m in _WORD.finditer(text) if not m.group().isspace()]
    return found[:MOST_WORDS]
