"""Gold answers: one spelling for each, and the kind of answer a question wants."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from string import ascii_uppercase
from typing import NamedTuple

from studio.domain.records import AnswerKind
from studio.flow.formats.base import RowError, text

_YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
_NUMBER = re.compile(
    r"[-+]?\s*[$€£¥]?\s*(?:\d{1,3}(?:,\d{3})+|\d+|(?=\.\d))(?:\.\d+)?(?:[eE][-+]?\d+)?"
    r"(?:\s*/\s*\d+)?\s*%?"
)
_LATEX_NUMBER = re.compile(r"\$?\s*[-+]?\\[dt]?frac\s*\{?\d+\}?\s*\{?\d+\}?\s*\$?")
_LABEL = re.compile(r"^\(?([A-Za-z])\s*[.):]")


class Gold(NamedTuple):
    """A gold answer and what kind of answer it is."""

    text: str
    kind: AnswerKind


def gold(value: object, options: Sequence[str] = ()) -> Gold:
    """Return a gold answer with its kind inferred; raises RowError where there is none."""
    said = plain(value)
    if options:
        return Gold(_letter(said, options), AnswerKind.CHOICE)
    if (word := _YES_NO.get(said.lower().rstrip("."))) is not None:
        return Gold(word, AnswerKind.YES_NO)
    if _NUMBER.fullmatch(said) or _LATEX_NUMBER.fullmatch(said):
        return Gold(said, AnswerKind.NUMBER)
    return Gold(said, AnswerKind.TEXT)


def plain(value: object) -> str:
    """Return an answer as text: 51.0 is "51", true is "yes"; raises RowError."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _digits(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RowError("answer is not a finite number")
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return text(value, "answer").strip()


def same_gold(one: str, other: str) -> bool:
    """Return whether two spellings are the same answer."""
    if one.strip().casefold() == other.strip().casefold():
        return True
    try:
        return float(one.replace(",", "")) == float(other.replace(",", ""))
    except ValueError:
        return False


def unlabelled(option: str, n: int) -> str:
    """Return the n-th option without the letter in front of it."""
    found = _LABEL.match(option)
    if found and found[1].upper() == ascii_uppercase[n]:
        return option[found.end() :].strip()
    return option.strip()


def _letter(said: str, options: Sequence[str]) -> str:
    letters = ascii_uppercase[: len(options)]
    bare = said.strip("() .").upper()
    if len(bare) == 1 and bare in letters:
        return bare
    for n, option in enumerate(options):
        if said == option or unlabelled(said, n) == option:
            return letters[n]
    raise RowError(
        f"answer {said[:60]!r} is neither a letter {letters[0]}-{letters[-1]} nor an option"
    )


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        raise RowError("answer is a number of more than 4,300 digits") from None
