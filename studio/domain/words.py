"""The words and numbers of a text, found fast: rules that look at a million texts look here first.

What a pattern would find is found by a table where a text has no letters beyond ASCII; signs such as
× and ’ part words in either way.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ASCII = frozenset(map(chr, range(128)))
_LETTERS = {n: " " for n in range(128) if not chr(n).isalpha()}
_LETTERS_AND_DIGITS = {n: " " for n in range(128) if not (chr(n).isalnum() or chr(n) == "_")}
_FEW = 64  #: texts; those of one question are looked at together
#: What a pattern that ignores case takes for a letter of ASCII.
_LIKE_ASCII = frozenset("ſıİK")


@lru_cache(maxsize=_FEW)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text in small letters: runs of letters."""
    folded = text.casefold()
    bare = _bare(folded)
    return tuple(_WORD.findall(folded) if bare is None else bare.translate(_LETTERS).split())


@lru_cache(maxsize=_FEW)
def tokens_of(text: str) -> tuple[str, ...]:
    """Return words and numbers of a text in small letters: runs of letters, digits and ``_``."""
    folded = text.casefold()
    bare = _bare(folded)
    if bare is None:
        return tuple(_TOKEN.findall(folded))
    return tuple(bare.translate(_LETTERS_AND_DIGITS).split())


@lru_cache(maxsize=_FEW)
def numbers_of(text: str) -> tuple[str, ...]:
    """Return the numbers of a text in their order, without the commas in them."""
    return tuple(number.replace(",", "") for number in _NUMBER.findall(text))


@lru_cache(maxsize=_FEW)
def vocabulary_of(text: str) -> frozenset[str]:
    """Return the words of a text in small letters, each once."""
    return frozenset(words_of(text))


def has_odd_letters(text: str) -> bool:
    """Return whether a pattern that ignores case may see ASCII words where ``words_of`` sees none."""
    return not text.isascii() and not _LIKE_ASCII.isdisjoint(text)


def _bare(folded: str) -> str | None:
    """Return a text in ASCII with the same words; None where it has other letters or digits."""
    if folded.isascii():
        return folded
    if any(c.isalnum() for c in set(folded) - _ASCII):
        return None
    return folded.encode("ascii", "replace").decode("ascii")
