"""Finds train questions that stand in the test split too, word for word or nearly so.

Near means: the same numbers in the same order, and nearly the same words. Two word problems of one
template with different numbers are different questions.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from studio.domain.words import numbers_of, vocabulary_of, words_of

NEAR = 0.85  #: Jaccard likeness of the two sets of words from which on questions count as the same
#: A number, or a sign that reckons with the one after it: 2 + 2 and 2 - 2 are not the same.
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*|[-+*/^×÷−·](?=\s?[\d(])")


class _Print(NamedTuple):
    """What is compared of a text: its numbers in order, its words as a set, all of it in order."""

    numbers: tuple[str, ...]
    words: frozenset[str]
    whole: tuple[str, ...]


class Pair(NamedTuple):
    """Two texts that count as the same; ``likeness`` is 1 for the same words in the same order."""

    one: str
    other: str
    likeness: float


def overlapping(train: Mapping[str, str], test: Iterable[str]) -> set[str]:
    """Return the keys of train texts that are, exactly or nearly, among the test texts."""
    return {pair.one for pair in pairs(train, dict(enumerate(test)))}  # type: ignore[arg-type]


def pairs(ours: Mapping[str, str], others: Mapping[str, str]) -> Iterator[Pair]:
    """Yield each of our texts that is, exactly or nearly, among the others, with the likest one.

    Source: prefix filtering (Chaudhuri et al. 2006, doi 10.1109/ICDE.2006.9): two sets with a
    Jaccard likeness of at least t share a word among the first n - ceil(t n) + 1 rarest of each.
    """
    lot = _Lot(ours, others)
    for key, text in others.items():
        lot.add(key, text)
    for key in ours:
        found = max(lot.like(key, ours[key]), key=lambda pair: pair.likeness, default=None)
        if found is not None:
            yield found


def alike(texts: Mapping[str, str]) -> Iterator[Pair]:
    """Yield the pairs of texts of one lot that are nearly the same, each pair once."""
    times = Counter(map(numbers_of, texts.values()))
    shared = {key: text for key, text in texts.items() if times[numbers_of(text)] > 1}
    if not shared:  # as good as always, and told without a look at the words
        return
    lot = _Lot(texts)
    for key, text in shared.items():
        yield from lot.like(key, text)
        lot.add(key, text)


class _Lot:
    """Texts to compare with, found by the rare words they hold."""

    def __init__(self, *texts: Mapping[str, str]) -> None:
        self._rarity = Counter(
            word for lot in texts for text in lot.values() for word in _print(text).words
        )
        self._by_word: dict[tuple[tuple[str, ...], str], list[tuple[str, _Print]]] = defaultdict(
            list
        )

    def add(self, key: str, text: str) -> None:
        one = _print(text)
        for word in self._rarest(one):
            self._by_word[one.numbers, word].append((key, one))

    def like(self, key: str, text: str) -> list[Pair]:
        one = _print(text)
        found = {
            other_key: other
            for word in self._rarest(one)
            for other_key, other in self._by_word.get((one.numbers, word), ())
        }
        likeness = {name: _likeness(one, other) for name, other in found.items()}
        return [Pair(key, name, value) for name, value in likeness.items() if value >= NEAR]

    def _rarest(self, one: _Print) -> list[str]:
        if not one.words:
            return [""]  # numbers alone: they are all there is to compare
        keep = len(one.words) - math.ceil(NEAR * len(one.words)) + 1
        return sorted(one.words, key=lambda word: (self._rarity[word], word))[:keep]


@lru_cache(maxsize=64)  # those of one question are compared with each other
def _print(text: str) -> _Print:
    words = words_of(text)
    numbers = tuple(number.replace(",", "") for number in _NUMBER.findall(text.casefold()))
    return _Print(numbers, vocabulary_of(text), (*words, *numbers))


def _likeness(one: _Print, other: _Print) -> float:
    if one.whole == other.whole:
        return 1.0
    shared = len(one.words & other.words)
    together = len(one.words) + len(other.words) - shared
    # The same words in another order are not quite the same text.
    return min(shared / together, 0.999) if together else 0.0
