"""Finds train questions that stand in the test split too, word for word or nearly so.

Near means: the same numbers in the same order, and nearly the same words. Two word problems of one
template with different numbers are different questions.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

NEAR = 0.85  #: Jaccard likeness of the two sets of words from which on questions count as the same
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class _Print(NamedTuple):
    """What is compared of a text: its numbers in order, its words as a set, all of it in order."""

    numbers: tuple[str, ...]
    words: frozenset[str]
    whole: tuple[str, ...]


def overlapping(train: Mapping[str, str], test: Iterable[str]) -> set[str]:
    """Return the keys of train texts that are, exactly or nearly, among the test texts.

    Source: prefix filtering (Chaudhuri et al. 2006, doi 10.1109/ICDE.2006.9): two sets with a
    Jaccard likeness of at least t share a word among the first n - ceil(t n) + 1 rarest of each.
    """
    held_out = [_print(text) for text in test]
    ours = {key: _print(text) for key, text in train.items()}
    rarity = Counter(word for one in (*held_out, *ours.values()) for word in one.words)
    whole = {one.whole for one in held_out}
    index: dict[tuple[tuple[str, ...], str], list[_Print]] = defaultdict(list)
    for one in held_out:
        for word in _rarest(one, rarity):
            index[one.numbers, word].append(one)
    return {
        key
        for key, one in ours.items()
        if one.whole in whole
        or any(
            _likeness(one, other) >= NEAR
            for word in _rarest(one, rarity)
            for other in index.get((one.numbers, word), ())
        )
    }


def _print(text: str) -> _Print:
    folded = text.casefold()
    words = _WORD.findall(folded)
    numbers = tuple(number.replace(",", "") for number in _NUMBER.findall(folded))
    return _Print(numbers, frozenset(words), (*words, *numbers))


def _rarest(one: _Print, rarity: Counter[str]) -> list[str]:
    keep = len(one.words) - math.ceil(NEAR * len(one.words)) + 1
    return sorted(one.words, key=lambda word: (rarity[word], word))[:keep]


def _likeness(one: _Print, other: _Print) -> float:
    shared = len(one.words & other.words)
    return shared / (len(one.words) + len(other.words) - shared)
