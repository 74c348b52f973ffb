"""Numbers written in words, as answers use them: ``twenty-four``, ``half a dozen``, ``two thirds``."""

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
_LARGE = {"thousand": 1000, "million": 10**6, "billion": 10**9}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8}
_PART = rf"(?:{'|'.join(_PARTS)}|halve)s?"  #: without its last sign: only "thirds", not "third"
_WORD = "|".join((*_TENS, *reversed(_ONES), "hundred", "dozen", *_LARGE))
_WORDS = re.compile(
    rf"\b(?P<minus>negative\s)?(?:(?P<half>(?:one\s)?half(?:\sof)?\san?\s)?(?:an?\s)?)"
    rf"(?P<words>\b(?:{_WORD})\b(?:(?:[ -]|[ ]and[ ])(?:{_WORD})\b){{0,8}})"
    r"(?!(?<!\bone)-(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)\b)"
    r"(?P<mixed>\sand\s(?:an?|one)\shalf\b(?:\s(?P<times>hundred|thousand|million|billion|dozen)\b)?)?"
    rf"(?P<part>(?:(?<=\bone)[ -]{_PART}|[ -]{_PART[:-1]})\b)?"
    rf"|\ba\s(?P<one>{_PART})\b",
    re.IGNORECASE,
)
#: Words that make "one" a pronoun: "one of them", "no one", "the first one".
_PRONOUN_BEFORE = re.compile(
    r"\b(?:no|any|every|each|this|that|which|the|other|some|last|first|next|another)[ -]$", re.I
)
#: After these a number in words is what the sentence tells: "he has twelve apples left".
_TOLD = re.compile(
    r"\b(?:is|are|was|were|has|have|had|leaves?|left\swith|needs?|total\sof|equals|makes|gets?|gives|"
    r"buys?|bought|takes?)\s(?:now\s|only\s|about\s|exactly\s|still\s)?$",
    re.I,
)
#: "One of them", "two ways", "three steps" tell of the work and not of the answer.
_COUNTS_WORK = re.compile(
    r"\s(?:of\s|(?:\w{1,20}\s)?(?:ways?|options?|cases?|steps?|parts?|answers?|solutions?|types?|kinds?|"
    r"possibilities|reasons?|things?|numbers?|equations?|conditions?|groups?|sets?)\b)",
    re.IGNORECASE,
)


def number_words(text: str, start: int, end: int) -> list[Number]:
    """Return the numbers in words between two places of a plain text."""
    return [
        Number(found.start(), found.end(), found[0], (_value(found),))
        for found in _WORDS.finditer(text, start, end)
    ]


def told_words(text: str, start: int, end: int) -> list[Number]:
    """Return those that the sentence between two places tells, not "one of them" nor "the two"."""
    return [
        number for number in number_words(text, start, end)
        if _TOLD.search(text, max(start, number.start - 40), number.start)
        and not _COUNTS_WORK.match(text, number.end)
    ]  # fmt: skip


def only_words(text: str) -> Number | None:
    """Return the last number in words of a text that has no others; "no one" is none."""
    found = [
        number for number in number_words(text, 0, len(text))
        if number.value != 1 or not _is_pronoun(text, number)
    ]  # fmt: skip
    return found[-1] if found else None


def _is_pronoun(text: str, one: Number) -> bool:
    before = _PRONOUN_BEFORE.search(text, max(0, one.start - 12), one.start)
    return before is not None or text[one.end : one.end + 4] == " of "


def _value(found: re.Match[str]) -> Fraction:
    value = _unsigned(found)
    return -value if found["minus"] else value


def _unsigned(found: re.Match[str]) -> Fraction:
    if found["one"] is not None:
        return _part(found["one"])
    value = Fraction(_whole(found["words"]))
    if found["mixed"]:
        value += Fraction(1, 2)
        value *= _whole(found["times"]) if found["times"] else 1
    if found["half"]:
        value /= 2
    return value * _part(found["part"]) if found["part"] else value


def _part(word: str) -> Fraction:
    bare = word.strip(" -").lower().removesuffix("s")
    return Fraction(1, _PARTS["half" if bare == "halve" else bare])


def _whole(words: str) -> int:
    total = part = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in _SMALL:
            part += _SMALL[word]
        elif word in ("hundred", "dozen"):
            part = max(part, 1) * (100 if word == "hundred" else 12)
        elif word in _LARGE:
            total, part = total + max(part, 1) * _LARGE[word], 0
    return total + part
