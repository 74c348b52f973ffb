"""Numbers written in words, as answers use them: ``twenty-four``, ``one hundred and five``."""

from __future__ import annotations

import re
from fractions import Fraction

from studio.domain.numbers import Number

_ONES = [
    "zero", "one", "two", "three", "four", "five", "six",
    "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = {word: n for n, word in enumerate(_ONES)} | {
    word: n for n, word in zip(range(20, 100, 10), _TENS, strict=True)
}
_LARGE = {"thousand": 1000, "million": 10**6}
_WORD = "|".join((*_TENS, *reversed(_ONES), "hundred", *_LARGE))
_WORDS = re.compile(rf"\b(?:{_WORD})\b(?:(?:[ -]|[ ]and[ ])(?:{_WORD})\b){{0,8}}", re.IGNORECASE)


def number_words(text: str, start: int, end: int) -> list[Number]:
    """Return the numbers in words between two places of a plain text."""
    return [
        Number(found.start(), found.end(), found[0], (Fraction(_value(found[0])),))
        for found in _WORDS.finditer(text, start, end)
    ]


def _value(words: str) -> int:
    total = part = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in _SMALL:
            part += _SMALL[word]
        elif word == "hundred":
            part = max(part, 1) * 100
        elif word in _LARGE:
            total, part = total + max(part, 1) * _LARGE[word], 0
    return total + part
