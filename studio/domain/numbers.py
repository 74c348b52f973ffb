"""Numbers as people and models write them, and whether two of them say the same.

One written number can have several readings: ``1.234`` is a little over one, or 1234; ``50%`` is
50 or a half. The first reading is the one that counts; a match by another one is *odd* and ends
as a doubt. Values are exact fractions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from studio.domain.number_suffixes import CURRENCY, with_money, with_suffixes

_LONGEST = 200  #: digits; a longer run is no answer, and turning it into a value costs time
_SEPARATOR = r"(?:[.,'\u00a0]|\{,\}|\\[,!]|,\\!)"
_FRAC = r"\\[dtc]?frac\s?(?:\{\s?(-?\d{1,60})\s?\}|(\d))\s?(?:\{\s?(\d{1,60})\s?\}|(\d))"
_VULGAR_VALUES = {
    "¼": Fraction(1, 4), "½": Fraction(1, 2), "¾": Fraction(3, 4), "⅓": Fraction(1, 3),
    "⅔": Fraction(2, 3), "⅕": Fraction(1, 5), "⅖": Fraction(2, 5), "⅗": Fraction(3, 5),
    "⅘": Fraction(4, 5), "⅙": Fraction(1, 6), "⅚": Fraction(5, 6), "⅐": Fraction(1, 7),
    "⅛": Fraction(1, 8), "⅜": Fraction(3, 8), "⅝": Fraction(5, 8), "⅞": Fraction(7, 8),
    "⅑": Fraction(1, 9), "⅒": Fraction(1, 10),
}  # fmt: skip
_VULGAR = "".join(_VULGAR_VALUES)
_NUMBER = re.compile(
    rf"(?P<frac>{_FRAC})"
    rf"|(?:(?<![A-Za-z_\d])|(?<=Rs)|(?<=\dx))(?P<core>\d++(?:{_SEPARATOR}\d++)*+)"
    rf"|(?<![\w.)\]])(?P<point>\.\d++)"
    rf"|(?<!\w)(?P<vulgar>[{_VULGAR}])"
)
_TEX_FRACTION = re.compile(r"\s?" + _FRAC)
_MIXED = re.compile(r"\s(?:and\s)?(\d{1,6})\s?/\s?(\d{1,6})(?![\d/])")
_SPACED = re.compile(r"(?: \d{3}){1,6}(?![\d.,]?\d)")
_CLOCK = re.compile(r":\d")
_OVER = re.compile(r"\s?/\s?(\d{1,60})(?![\d.,]*\d|\s?/\s?\d)")
_VULGAR_AFTER = re.compile(rf"\s?([{_VULGAR}])")
#: "Minus 5" is a sign where no number stands before it.
_MINUS = re.compile(r"(?:^|[:=(\n]|\b(?:is|was|equals|be))\s{0,2}minus $", re.IGNORECASE)
_DASH = re.compile(r"(\S?)(\s*)-(\s*)$")
#: What a suffix can begin with; most numbers have none, and one look settles that.
_SUFFIX = re.compile(
    rf"[eEkKmMbBtT/%*^\u00d7·\\:{_VULGAR}]|\s[x/%*\u00d7·\\\d{_VULGAR}]"
    r"|[\s-]?(?:and|per|hundred|thousand|(?:m|b|tr)illion|dozen)s?\b|x\s?10"
    r"|\s(?:bn|mln|mil|mn|m|b|tn|trn|dollars?|euros?|pounds?)\b",
    re.IGNORECASE,
)


class Number(NamedTuple):
    """A number in a text: where it stands, and what it may mean, the likeliest reading first."""

    start: int
    end: int
    text: str
    readings: tuple[Fraction, ...]
    odd: str = ""  #: why even the first reading is a guess
    decimals: int = 0  #: digits written after the decimal mark

    @property
    def value(self) -> Fraction:
        """The likeliest reading."""
        return self.readings[0]

    @property
    def canonical(self) -> str:
        """The likeliest reading as text, equal for equal numbers: ``1200``, ``0.5``, ``1/3``."""
        return canonical(self.value)


class Match(NamedTuple):
    """Whether two numbers say the same; ``odd`` tells why that may be mistaken."""

    equal: bool
    odd: str = ""


def numbers(text: str, start: int = 0, end: int | None = None) -> Iterator[Number]:
    """Yield the numbers written in a plain text (see ``domain/plain.py``), left to right."""
    end = len(text) if end is None else end
    at = start
    while (found := _NUMBER.search(text, at, end)) is not None:
        number = _read(text, found)
        at = max(found.end(), number.end if number else 0)
        if number is not None:
            yield number


def number_at(text: str, at: int) -> Number | None:
    """Return the number that begins at ``at``, after blanks, a sign and a currency sign."""
    while at < len(text) and (text[at].isspace() or text[at] in CURRENCY or text[at] in "-+({~"):
        at += 1
    found = _NUMBER.match(text, at)
    return None if found is None else _read(text, found)


def same(found: Number, gold: Number) -> Match:
    """Compare an answer with gold.

    Equal are equal values, and values apart by float noise only. A match by another reading, or
    of a rounded value with at least two decimals, is equal or not as the likelier case is, and odd.
    """
    if _close(found.value, gold.value):
        odd = found.odd or gold.odd
        return Match(True, f"{found.text!r} read as {found.canonical}: {odd}" if odd else "")
    if _rounded(found, gold):
        return Match(True, f"{found.text!r} is {gold.text!r} rounded otherwise")
    for mine in found.readings:
        for theirs in gold.readings:
            if _close(mine, theirs):
                percent = ("%" in found.text or "%" in gold.text) and not found.odd
                return Match(percent, f"{found.text!r} may be read as {canonical(mine)}")
    return Match(False)


def canonical(value: Fraction) -> str:
    """Return a value as text: a whole number, an exact decimal, else a fraction."""
    if value.denominator == 1:
        return str(value.numerator)
    rest, places = value.denominator, 0
    while rest % 10 == 0:
        rest, places = rest // 10, places + 1
    twos = fives = 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places += max(twos, fives)
    if rest != 1 or places > 30:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


@lru_cache(maxsize=4096)
def values_in(text: str) -> frozenset[Fraction]:
    """Return all values a text gives, in every reading (of a question: what is not news)."""
    return frozenset(reading for number in numbers(text) for reading in number.readings)


def _read(text: str, found: re.Match[str]) -> Number | None:
    """Turn a match and what follows it into a number; None where it has no sensible value."""
    end, decimals, odd = found.end(), 0, ""
    if found["frac"] is not None:
        readings = _over(found[2] or found[3], found[4] or found[5])
    elif found["vulgar"] is not None:
        readings = [_VULGAR_VALUES[found["vulgar"]]]
    else:
        written = found["core"] or "0" + found["point"]
        readings, odd = _separated(written)
        decimals = len(written.rpartition(".")[2]) if "." in written else 0
    if not readings:
        return None
    if _SUFFIX.match(text, end) is not None:
        if found["core"] and found["core"].isdigit():
            readings, end = _with_fraction(text, end, readings)
        readings, end = with_suffixes(text, end, readings)
        readings, end = with_money(text, found.start(), end, readings)
        if _CLOCK.match(text, end) is not None:
            odd = odd or "a time or a ratio"
    start = found.start()
    if _is_negative(text, start):
        readings = [-reading for reading in readings]
        signs = ("-", "negative ", "minus ", "Minus ")
        start = max(text.rfind(sign, max(0, start - 12), start) for sign in signs)
    return Number(start, end, text[start:end], tuple(dict.fromkeys(readings)), odd, decimals)


def _separated(written: str) -> tuple[list[Fraction], str]:
    """Read digits with separators; returns the readings and why the first may be a guess."""
    if len(written) > _LONGEST:
        return [], ""
    if written.isdigit():
        return [Fraction(int(written))], ""
    pieces = re.split(_SEPARATOR, written)
    marks = re.findall(_SEPARATOR, written)
    whole = "".join(pieces)
    grouped = len(pieces[0]) <= 3 and all(len(piece) == 3 for piece in pieces[1:])
    if len(marks) == 1:
        return _one_mark(pieces, marks[0], grouped=grouped)
    if len(set(marks)) == 1 and marks[0] != ".":
        indian = (
            len(pieces[0]) <= 2 and all(len(p) == 2 for p in pieces[1:-1]) and len(pieces[-1]) == 3
        )
        if grouped or indian:
            return [Fraction(int(whole))], "" if grouped else "grouped in twos"
    elif len(set(marks)) == 1 and grouped:
        return [Fraction(int(whole))], "points group the digits"
    elif len(set(marks[:-1])) == 1 and marks[-1] in ".," and marks[-1] != marks[0]:
        grouped = len(pieces[0]) <= 3 and all(len(piece) == 3 for piece in pieces[1:-1])
        if grouped:
            value = Fraction(int(whole), 10 ** len(pieces[-1]))
            return [value], "" if marks[-1] == "." else "a comma before the decimals"
    return [Fraction(int(pieces[-1]))], "separators that make no number"


def _one_mark(pieces: list[str], mark: str, *, grouped: bool) -> tuple[list[Fraction], str]:
    whole = Fraction(int("".join(pieces)))
    decimal = whole / 10 ** len(pieces[1])
    if mark == ".":
        return [decimal, whole] if grouped and int(pieces[0]) else [decimal], ""
    if grouped:
        return [whole, decimal] if mark == "," else [whole], ""
    if mark == ",":
        return [decimal, Fraction(int(pieces[1]))], "a comma before the decimals"
    return [Fraction(int(pieces[1]))], ""


def _with_fraction(text: str, end: int, readings: list[Fraction]) -> tuple[list[Fraction], int]:
    """Take in ``3/4`` after a numerator, and the fraction of a mixed number."""
    if (tex := _TEX_FRACTION.match(text, end)) is not None:
        part = _over(tex[1] or tex[2], tex[3] or tex[4])
        return ([readings[0] + part[0]], tex.end()) if part else (readings, end)
    if (mixed := _MIXED.match(text, end)) is not None and int(mixed[1]) < int(mixed[2]):
        return [readings[0] + Fraction(int(mixed[1]), int(mixed[2]))], mixed.end()
    if (spaced := _SPACED.match(text, end)) is not None:
        joined = Fraction(int(f"{readings[0].numerator}{''.join(spaced[0].split())}"))
        if readings[0] < 1000 and spaced[0].endswith(" 000"):
            return [joined, readings[0]], spaced.end()
        return ([readings[0], joined] if readings[0] < 1000 else readings), end
    if (over := _OVER.match(text, end)) is not None and int(over[1]):
        return [readings[0] / int(over[1])], over.end()
    if (vulgar := _VULGAR_AFTER.match(text, end)) is not None:
        return [readings[0] + _VULGAR_VALUES[vulgar[1]]], vulgar.end()
    return readings, end


def _over(numerator: str, denominator: str) -> list[Fraction]:
    return [Fraction(int(numerator), int(denominator))] if int(denominator) else []


def _is_negative(text: str, start: int) -> bool:
    """Tell a sign from a subtraction, a range and a bullet."""
    before = text[max(0, start - 12) : start].rstrip(CURRENCY)
    if before.endswith("negative ") or _MINUS.search(before) is not None:
        return True
    dash = _DASH.search(before)
    if dash is None:
        return False
    previous, gap_before, gap_after = dash.groups()
    if gap_after:
        return bool(previous == "=")
    if previous.isalpha():
        return bool(gap_before)
    return not previous.isdigit() and previous not in (*")]}%-",)


def _close(one: Fraction, other: Fraction) -> bool:
    if one == other:
        return True
    if one.denominator == other.denominator == 1:
        return False
    return abs(one - other) <= max(abs(one), abs(other)) / 10**6


def _rounded(found: Number, gold: Number) -> bool:
    places = [n.decimals for n in (found, gold) if n.decimals >= 2]
    if not places or found.value.denominator == 1 or gold.value.denominator == 1:
        return False
    return abs(found.value - gold.value) <= Fraction(1, 2 * 10 ** min(places))
