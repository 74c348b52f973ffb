"""The number a text begins with as its whole answer, before it tells how it was found.

"36", alone on the first line, and "36 apples. First, …" are answers; "1. First, …" begins a list.
"""

from __future__ import annotations

import re

from studio.domain.numbers import Number, number_at
from studio.domain.statements import next_item

_ALONE = re.compile(
    r"[)\"'*.!]{0,4}(?:\s?(?!and\b|or\b|to\b)[a-z]{1,20}){0,2}[)\"'*.!]{0,4}(?=\s)", re.I
)
_OPENS = re.compile(r"[\s*$(\"'=]{0,6}")
_REASON = re.compile(
    r"[^\S\n]{0,8}\n(?=\s{0,8}\S)|(?<=[a-z][.!*])\s{1,3}(?=[(*#\s]{0,6}(?:explanation|because|since|first|here|step|reason|"
    r"working|solution|to\s(?:find|get|solve)|let|we|\())",
    re.IGNORECASE,
)


def first_number(text: str) -> tuple[Number, int] | None:
    """Return the number that answers before it is explained, and where the explanation begins."""
    opened = _OPENS.match(text)
    at = opened.end() if opened else 0
    number = number_at(text, at)
    if number is None or number.start - at > 1:
        return None
    alone = _ALONE.match(text, number.end)
    if alone is None or _REASON.match(text, alone.end()) is None:
        return None
    return number, min(alone.end(), next_item(text, alone.end()))
