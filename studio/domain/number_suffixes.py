"""What may follow the digits of a number: a power of ten, a percent sign, ``million``, ``k``, cents.

``M`` after digits is a million and ``m`` a metre, unless a currency stands before: "$2m".
"""

from __future__ import annotations

import re
from fractions import Fraction

CURRENCY = "$€£¥₹₩¢"
_LARGEST_POWER = 300
_POWER = re.compile(
    r"[eE]([+-]?\d{1,4})(?!\w|\.\d)"
    r"|\s?(?:x|\*|\u00d7|·|\\times|\\cdot)\s?10\s?(?:\^|\*\*)\s?\{?([+-]?\d{1,4})\}?"
)
_RAISED = re.compile(r"\s?\^\s?(?:\{(-?\d{1,2})\}|(-?\d{1,2})(?!\w|\.\d))")
_PERCENT = re.compile(r"\s?(?:%|per\s?cent\b)", re.IGNORECASE)
_SCALE = re.compile(
    r"[\s-](hundred|thousand|million|billion|trillion|dozen)s?\b"
    r"|(?-i:(M))(?![\w/^])|(k|\s?bn|\s?mln)(?!\w)",
    re.IGNORECASE,
)
#: Short forms that mean something else (metres, bytes) unless it is money.
_SCALE_OF_MONEY = re.compile(r"\s?(mil|mn|m|b|tn|trn)(?!\w)", re.IGNORECASE)
_SCALES = {
    "hundred": 100, "thousand": 1000, "k": 1000, "million": 10**6, "m": 10**6, "mil": 10**6,
    "mn": 10**6, "mln": 10**6, "billion": 10**9, "b": 10**9, "bn": 10**9, "trillion": 10**12,
    "tn": 10**12, "trn": 10**12, "dozen": 12,
}  # fmt: skip
_CENTS = re.compile(
    r"(?:\s(?:dollars?|euros?|pounds?))?\s(?:and\s)?(\d{1,2})\s(?:cents?|pence)\b", re.IGNORECASE
)

#: "2 hours and 30 minutes", of which only the first number is read.
_TWO_UNITS = re.compile(
    r"[\s-]?(?:hours?|hrs?|minutes?|min|feet|foot|ft|weeks?|days?|years?|months?|pounds?|lbs?|met(?:er|re)s?)"
    r",?\s(?:and\s)?\d{1,3}\s?(?:minutes?|mins?|seconds?|inch(?:es)?|days?|hours?|months?|ounces?|oz|"
    r"centimet(?:er|re)s?|cm)\b",
    re.IGNORECASE,
)


def two_units(text: str, end: int) -> str | None:
    """Return the units of a number that ends at ``end`` with a second number and its smaller unit."""
    found = _TWO_UNITS.match(text, end)
    return None if found is None else found[0]


def with_suffixes(text: str, end: int, readings: list[Fraction]) -> tuple[list[Fraction], int]:
    """Take in a power of ten, a percent sign, or a word such as ``million``."""
    if (power := _POWER.match(text, end)) is not None:
        exponent = int(power[1] or power[2])
        if abs(exponent) <= _LARGEST_POWER:
            readings, end = (
                [reading * Fraction(10) ** exponent for reading in readings],
                power.end(),
            )
    is_small = 0 < abs(readings[0]) <= 10**6 and readings[0].denominator <= 10**6
    if is_small and (raised := _RAISED.match(text, end)) is not None:
        return [readings[0] ** int(raised[1] or raised[2]), *readings], raised.end()
    if (percent := _PERCENT.match(text, end)) is not None:
        return readings + [reading / 100 for reading in readings], percent.end()
    if (scale := _SCALE.match(text, end)) is not None:
        word = (scale[1] or scale[2] or scale[3]).strip().lower()
        scaled = [reading * _SCALES[word] for reading in readings]
        return (readings + scaled if word == "dozen" else scaled + readings), scale.end()
    return readings, end


def with_money(
    text: str, start: int, end: int, readings: list[Fraction]
) -> tuple[list[Fraction], int]:
    """Take in ``m`` and ``b`` of "$2m", and the cents of "12 dollars and 50 cents"."""
    is_money = text[max(0, start - 2) : start].strip()[-1:] in (*CURRENCY,)
    if is_money and (scale := _SCALE_OF_MONEY.match(text, end)) is not None:
        scaled = [reading * _SCALES[scale[1].lower()] for reading in readings]
        return scaled + readings, scale.end()
    cents = _CENTS.match(text, end) if readings[0].denominator == 1 else None
    if cents is not None and (is_money or cents[0].lstrip()[:1].isalpha()):
        return [readings[0] + Fraction(int(cents[1]), 100)], cents.end()
    return readings, end
