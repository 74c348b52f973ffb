"""Finds the first sum in a text that does not add up: ``607 / 3 = 205``.

Only what can be read in one way is judged: numbers with + - × ÷ between them, an equals sign, and one
number. Parts of longer sums, unknowns, remainders and percentages are left alone, and a result may be
rounded to the digits it has.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

_NUMBER = r"[$€£]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[$€£]?\d{1,15}(?:\.\d{1,9})?"
_TIMES, _OVER = "*×·x", "/÷"
_SUM = re.compile(
    rf"(?<![\d.,])(?P<left>(?:{_NUMBER})(?:\s*[-+*×·x/÷−]\s*(?:{_NUMBER})){{1,8}})"
    rf"\s*=\s*(?P<right>-?(?:{_NUMBER}))(?![\d]|[.,]\d)"
)
#: A sum and nothing else; with blanks around its signs, for 10-12 is a range and 3/4 a number.
_LONE_SUM = re.compile(
    rf"[\s$(*]{{0,4}}(?P<sum>(?:{_NUMBER})(?:\s[-+*×·x/÷−]\s(?:{_NUMBER})){{1,8}})[\s.)*$]{{0,4}}"
)
_RESULT = re.compile(r"=\s*-?[$€£]?\d")  #: what every sum has, and most prose has not
_BEFORE = (
    string.digits + string.whitespace + "\x1c\x1d\x1e\x1f$€£,.-+*×·x/÷−"
)  #: what a sum's left side is made of
_PART = re.compile(rf"(?P<number>{_NUMBER})|(?P<sign>[-+*×·x/÷−])")
_JOINED_BEFORE = re.compile(r"[-+*×·/÷−^=(\[{)\]}\w%.,:]\s*$|[A-Za-z]\s*$")
_JOINED_AFTER = re.compile(r"\s*(?:[-+*×·/÷−^%(]|x\s*\d|R\b|r\b|remainder)|[A-Za-z_]")
_END_OF_BOLD = re.compile(r"(?<=[A-Za-z:.,)])\*\*\s+$")
_WORD_BEFORE = re.compile(r"[A-Za-z]{2,}[:,.]?\s+$")


class Mistaken(NamedTuple):
    """A sum that does not add up; half-open character range and what it should be."""

    span: tuple[int, int]
    sum: str
    is_: str
    said: str


def mistaken_sum(text: str) -> Mistaken | None:
    """Return the first sum of a text that is wrong, or None."""
    for match in _sums(text):
        before = text[max(0, match.start() - 24) : match.start()].rpartition("\n")[2]
        before = _END_OF_BOLD.sub(" ", before)
        joined = _JOINED_BEFORE.search(before) and not _WORD_BEFORE.search(before)
        if joined or _JOINED_AFTER.match(text, match.end()):
            continue
        value = _value(match["left"])
        said = _number(match["right"])
        if value is not None and not _agree(value, said, match["right"]):
            return Mistaken(match.span(), " ".join(match["left"].split()), _shown(value),
                            match["right"])  # fmt: skip
    return None


class LoneSum(NamedTuple):
    """A sum without its result; what it comes to, and its half-open character range."""

    value: Fraction
    start: int
    end: int


def lone_sum(text: str, start: int, end: int) -> LoneSum | None:
    """Return the sum that is all that stands between two places, or None."""
    found = _LONE_SUM.fullmatch(text, start, end)
    value = None if found is None else _value(found["sum"])
    if found is None or value is None:
        return None
    return LoneSum(Fraction(value), *found.span("sum"))


def _sums(text: str) -> Iterator[re.Match[str]]:
    """Yield what the pattern of a sum finds; it is looked for before an equals sign only."""
    at, whole = 0, not _is_plain(text)
    for result in _RESULT.finditer(text):
        if result.start() < at:
            continue
        if not whole:
            at = max(at, len(text[: result.start()].rstrip(_BEFORE)))
        match = _SUM.search(text, at)
        if match is None:
            return
        yield match
        at = match.end()


def _is_plain(text: str) -> bool:
    """Return whether all its digits and spaces are those of ASCII."""
    return text.isascii() or not any(c.isspace() or c.isdecimal() for c in set(text) if c > "\x7f")


def _value(text: str) -> Fraction | int | None:
    """Return what a row of numbers and signs comes to; None where it divides by nothing."""
    total: Fraction | int = 0
    product: Fraction | int = 1
    sign, sum_sign = "×", 1
    for part in _PART.finditer(text):
        if part["sign"]:
            sign = part["sign"]
            if sign in "+-−":
                total += sum_sign * product
                product, sum_sign, sign = 1, 1 if sign == "+" else -1, "×"
            continue
        number = _number(part["number"])
        if sign in _OVER and not number:
            return None
        product = Fraction(product) / number if sign in _OVER else product * number
    return total + sum_sign * product


def _number(text: str) -> Fraction | int:
    if text.isdecimal():
        return int(text)
    return Fraction(re.sub(r"[$€£,]", "", text))


def _agree(value: Fraction | int, said: Fraction | int, written: str) -> bool:
    """Return whether a result is right, cut or rounded to its own digits."""
    if value == said:
        return True
    return abs(Fraction(value) - said) < Fraction(1, 10 ** len(written.partition(".")[2]))


def _shown(value: Fraction | int) -> str:
    if value.denominator == 1:
        return f"{value.numerator:,}"
    return f"{float(value):,.4g}"
