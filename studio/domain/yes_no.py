"""Yes and no, true and false: which of the two a text answers with."""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.domain.statements import Statement, sentence_end, statements

_WORD = re.compile(r"\b(?P<not>not\s|isn't\s|n't\s)?(?P<word>true|false|yes|no)\b", re.IGNORECASE)
#: The question's own alternatives, repeated, are no answer: "True or False: …", "yes/no".
_BOTH_OFFERED = re.compile(
    r"[\"']?\b(?:true|false|yes|no)\b[\"']?\s?(?:,?\s?or|/|\|)\s?[\"']?\b(?:true|false|yes|no)\b[\"']?",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"\W{0,12}(?P<word>yes\b|(?:true|false|no)\b(?=\s{0,8}(?:[.,!;:)\n—*-]|$)))", re.IGNORECASE
)
_CUE = re.compile(r"\b(?:therefore|thus|hence|so|conclusion|conclude)\b", re.IGNORECASE)


class Said(NamedTuple):
    """One place where a text says yes or no."""

    yes: bool
    start: int
    end: int


class YesNo(NamedTuple):
    """What a text answers, and what else it says."""

    chosen: Said | None
    explicit: list[Said]


def yes_no(text: str) -> YesNo:
    """Read a plain text: explicit answers first, then its first word, then its only opinion.

    Bare *yes* and *no* count where they answer, not in running text ("there is no doubt").
    """
    text = _BOTH_OFFERED.sub(lambda both: " " * len(both[0]), text)
    found = [(one, said) for one in statements(text) if (said := _stated(text, one)) is not None]
    found.sort(key=lambda pair: pair[0].certain)
    explicit = [said for _, said in found]
    if (first := _LEADING.match(text)) is not None:
        explicit.insert(0, Said(_is_yes(first["word"]), first.start("word"), first.end("word")))
    if explicit:
        return YesNo(explicit[-1], explicit)
    opinions = [
        _said(word) for word in _WORD.finditer(text) if word["word"].lower() in ("true", "false")
    ]
    if len({said.yes for said in opinions}) == 1:
        return YesNo(opinions[-1], opinions)
    return YesNo(_concluding(text, opinions), opinions)


def gold_yes_no(gold: str) -> bool | None:
    """Read gold: its first word counts, facts may follow it."""
    first = re.match(r"\W*(true|false|yes|no)\b", gold, re.IGNORECASE)
    return None if first is None else _is_yes(first[1])


def spoken(yes: bool, *, gold: str) -> str:
    """Return an answer in gold's own words: true and false, or yes and no."""
    if re.match(r"\W*(?:yes|no)\b", gold, re.IGNORECASE):
        return "yes" if yes else "no"
    return "true" if yes else "false"


def _stated(text: str, one: Statement) -> Said | None:
    end = one.end if one.boxed else sentence_end(text, one.start, one.end)
    words = list(_WORD.finditer(text, one.start, end))
    if not words:
        return None
    first = words[0]
    leads = not re.search(r"\w", text[one.start : first.start()])
    if leads:
        return _said(first)
    certain = [word for word in words if word["word"].lower() in ("true", "false")]
    return _said(certain[-1]) if certain and one.settled else None


def _concluding(text: str, opinions: list[Said]) -> Said | None:
    """Return the opinion the text concludes with, else the one it begins with."""
    for said in reversed(opinions):
        if _CUE.search(text, max(0, said.start - 200), said.start):
            return said
    return opinions[0] if opinions else None


def _said(word: re.Match[str]) -> Said:
    return Said(
        _is_yes(word["word"]) == (word["not"] is None), word.start("word"), word.end("word")
    )


def _is_yes(word: str) -> bool:
    return word.lower() in ("true", "yes")
