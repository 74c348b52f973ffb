"""The unit a question asks for: "3 million" answers 3 where it counts in millions, $0.25 are 25 cents.

Where the unit may change what a number means, the match is odd and ends as a doubt.
"""

from __future__ import annotations

import re

from studio.domain.number_suffixes import two_units
from studio.domain.numbers import Match, Number

_SCALE = re.compile(r"(?:\s(hundred|thousand|million|billion|trillion)s?|\d([kmb]))$", re.I)
_ASKS_CENTS = re.compile(r"\b(?:many|in)\scents\b", re.IGNORECASE)
_ASKS_PERCENT = re.compile(r"\bper\s?cent(?:age)?\b|%\s", re.IGNORECASE)
_SHORT = {"k": "thousand", "m": "million", "b": "billion"}


def in_unit_asked(match: Match, found: Number, text: str, *, gold: Number, asked: str) -> Match:
    """Let "3 million" answer 3 where the question counts in millions, and "$0.25" 25 cents."""
    if match.equal and two_units(text, found.end) is None:
        return match
    scale = _SCALE.search(found.text) if match.odd else None
    if scale is not None:
        word = scale[1] or _SHORT[scale[2].lower()]
        is_asked = re.search(rf"\b{word}s?\b", asked, re.IGNORECASE)
        return match._replace(equal=is_asked is not None)
    before = text[max(0, found.start - 60) : found.start].rstrip()[-1:]
    if before == "$" and found.value * 100 == gold.value and _ASKS_CENTS.search(asked):
        return Match(True, f"${found.text} is {gold.text} cents")
    if found.value * 100 == gold.value and _ASKS_PERCENT.search(asked):
        return Match(False, f"{found.text} is {gold.text} percent")
    if (two := two_units(text, found.end)) is not None:
        return match._replace(odd=f"{found.text}{two} is more than {found.text}")
    return match
