"""The numbers of one sentence: which stand after an equals sign, and which can be its answer at all.

A year, a time, the number of a step, and what is denied or called wrong are none where others are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from studio.domain.denials import calls_wrong, denies_number
from studio.domain.number_words import told_words
from studio.domain.numbers import Number, number_at, numbers

EQUALS = re.compile(
    r"(?<![<>!=:])[=≈](?![=>])|[=-]>|[→⇒]|\b(?:equals|is\sequal\sto|which\s(?:is|makes|gives|equals)"
    r"(?!\s[$€£]?[\d.,]{1,12}\s?(?:%|(?:percent|more|less|fewer|times|higher|lower|of|than)\b)))\b"
    r"|\bround(?:ed|s)?\s(?:it\s)?(?:up\s|down\s|off\s)?to\b"
    r"|\d\s(?:plus|times|minus)\s[$€£]?[\d.,]{0,20}\d\s(?:is|makes|gives\sus)\b"
)
GOES_ON = re.compile(
    # Units may stand between: "80 minutes/day * 6"; the x of "wax" and the / of "7 a/day" are none.
    r"(?:\s?(?:(?<=[a-z\d])/)?[a-z]{1,20}){0,4}?\s?"
    r"(?:[+*\u00d7÷=·]|/(?!\s?[a-z])|(?<![a-z])x(?=\s)|\\times|\\cdot|\\div|-(?=\s?[\d$])|\s(?:times|plus|minus)\s[$€£]?\d)",
    re.I,
)
CUE = re.compile(
    r"\b(?:therefore|thus|hence|so|then|consequently|in\stotal|altogether|(?:which|that|this)\smeans)\b",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(r"\s?[A-Za-z]\s?(?:[.,;\n]|$)")
_OPERAND = re.compile(r"[-+*/\u00d7÷x]\s?[$€£]?$")
LIST_MARK = re.compile(r"[.)](?=\s+\S)")
_STEP_WORD = re.compile(
    r"\b(?:step|part|case|equation|example|problem|question|option|day)\s*$", re.I
)
_LINE_START = re.compile(r"(?:^|\n)[ \t>(*-]{0,8}$")
#: Years, dates and times tell when: "In 2024, he has 36".
_WHEN = re.compile(r"\b(?:in|by|since|at|before|after|until|on)\s$", re.I)
_MINUTES = re.compile(r"\d:$")


def last_result(text: str, start: int, end: int) -> Number | None:
    """Return the last number of a stretch that stands after an equals sign."""
    result = None
    for at in EQUALS.finditer(text, start, end):
        number = result_at(text, at.end()) or _before_unknown(text, start, at)
        result = number if number is not None and number.end <= end else result
    return result


def _before_unknown(text: str, start: int, at: re.Match[str]) -> Number | None:
    """Return the number of "160 = Y", with the unknown on the right."""
    if _UNKNOWN.match(text, at.end()) is None:
        return None
    found = list(numbers(text, max(start, at.start() - 30), at.start()))
    is_alone = bool(found) and not text[found[-1].end : at.start()].strip()
    return (
        found[-1]
        if is_alone and not _OPERAND.search(text, max(0, found[-1].start - 6), found[-1].start)
        else None
    )


def result_at(text: str, at: int) -> Number | None:
    """Return the number after an equals sign, unless it is the first operand of more work."""
    number = number_at(text, at)
    if number is None or number.start - at > 250 or GOES_ON.match(text, number.end):
        return None
    return number


def sentence_numbers(text: str, start: int, end: int) -> list[Number]:
    """Return the numbers of a sentence that can be its answer."""
    found = [n for n in numbers(text, start, end) if not _numbers_an_item(text, n)]
    if not found and CUE.search(text, start, end) is not None:
        found = told_words(text, start, end)
    told = [n for n in found if not _tells_when(text, n)]
    return not_denied(text, told or found)


def _tells_when(text: str, number: Number) -> bool:
    """Tell the year and the time of "In 2024, he has 36" from an amount."""
    if _MINUTES.search(text, max(0, number.start - 3), number.start):
        return True
    is_year = number.text.isdigit() and len(number.text) == 4 and 1800 <= number.value < 2100
    if not is_year and not number.odd.startswith("a time"):
        return False
    return _WHEN.search(text, max(0, number.start - 8), number.start) is not None


def _numbers_an_item(text: str, number: Number) -> bool:
    before = text[max(0, number.start - 14) : number.start]
    if _STEP_WORD.search(before):
        return True
    at_line_start = number.start == 0 or _LINE_START.search(before) is not None
    return at_line_start and LIST_MARK.match(text, number.end) is not None


def not_denied(text: str, found: Iterable[Number]) -> list[Number]:
    """Leave out what the text says the answer is not."""
    return [
        number for number in found
        if not denies_number(text, number.start) and not calls_wrong(text, number.end)
    ]  # fmt: skip
