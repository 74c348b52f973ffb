"""Whole columns of the store as arrays: ids as numbers, names as codes, without an object a row."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np

from studio.domain.errors import ProjectError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.store.tables import Store

DIGITS = 16  #: of an id
_BOUNDS = ["", *"123456789abcdef", "g"]  #: ranges of ids, so that no answer grows beyond bounds


class Ids(Sequence[str]):
    """Ids in eight bytes each, in any order; reads like a tuple of strings."""

    def __init__(self, values: NDArray[np.uint64], *, rising: bool = False) -> None:
        self.values = values
        self._rising = rising  #: in order already: found without putting them in order first
        self._order: NDArray[np.intp] | None = None

    @classmethod
    def of(cls, ids: Sequence[str]) -> Ids:
        """Return these ids (a few: each is looked at); what is no id becomes 0, which nobody has."""
        return cls(np.array([number_of(one) if _is_id(one) else 0 for one in ids], dtype=np.uint64))

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> list[str]: ...
    def __getitem__(self, key: int | slice) -> str | list[str]:
        """Return one id, or a list of them."""
        if isinstance(key, slice):
            return [f"{value:016x}" for value in self.values[key].tolist()]
        return f"{int(self.values[key]):016x}"

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), 4096):
            yield from self[start : start + 4096]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ids):
            return np.array_equal(self.values, other.values)
        return isinstance(other, list | tuple) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __contains__(self, one: object) -> bool:
        return isinstance(one, str) and self.find(one) >= 0

    def find(self, one: str) -> int:
        """Return where an id stands, or -1; without ordering them all first."""
        if not _is_id(one):
            return -1
        found = np.flatnonzero(self.values == np.uint64(number_of(one)))
        return int(found[0]) if len(found) else -1

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Return where an id stands; raises ValueError where it does not."""
        found = self.find(value)
        if found < start or (stop is not None and found >= stop):
            raise ValueError(f"{value} is not among them")
        return found

    def places(self, wanted: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Return where each of ``wanted`` stands, -1 where it does not; ids must be unique."""
        if not len(self.values):
            return np.full(len(wanted), -1, dtype=np.intp)
        if self._rising:
            place = np.minimum(np.searchsorted(self.values, wanted), len(self.values) - 1)
            return np.where(self.values[place] == wanted, place, -1)
        if self._order is None:
            self._order = np.argsort(self.values).astype(np.int32)
        near = np.searchsorted(self.values, wanted, sorter=self._order)
        found = self._order[np.minimum(near, len(self.values) - 1)].astype(np.intp)
        return np.where(self.values[found] == wanted, found, -1)


class Chosen(Collection[str]):
    """Some of many ids: a mask over them that reads like a set."""

    def __init__(self, ids: Ids, mask: NDArray[np.bool_]) -> None:
        self._ids, self._mask = ids, mask

    def __contains__(self, one: object) -> bool:
        if not isinstance(one, str) or not len(self._mask):
            return False
        place = self._ids.places(np.array([number_of(one)], dtype=np.uint64))[0]
        return bool(place >= 0 and self._mask[place])

    def __iter__(self) -> Iterator[str]:
        return iter(Ids(self._ids.values[self._mask]))

    def __len__(self) -> int:
        return int(self._mask.sum())

    def same_as(self, other: Collection[str]) -> bool:
        """Return whether both hold the same, as far as that is told at once."""
        if not isinstance(other, Chosen) or self._ids is not other._ids:
            return False
        return np.array_equal(self._mask, other._mask)


class Names:
    """Names as small numbers, given out in the order of their coming."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names: list[str] = list(names)
        self._codes = {name: n for n, name in enumerate(names)}

    def codes(self, names: Sequence[str]) -> NDArray[np.int16]:
        """Return the numbers of ``names``."""
        known = self._codes
        for name in set(names) - known.keys():
            known[name] = len(self.names)
            self.names.append(name)
        return np.array([known[name] for name in names], dtype=np.int16)

    def codes_of_json(self, names: str) -> NDArray[np.int16]:
        """Return the numbers of the names in a JSON list."""
        return self.codes(json.loads(names))


class Chunk(NamedTuple):
    """One range of ids of a named read: the ids, then the other columns as they came."""

    ids: NDArray[np.uint64]
    rest: tuple[str, ...]

    def numbers(self, column: int) -> NDArray[np.int64]:
        """Return a column of numbers; ``column`` counts after the ids."""
        return numbers(self.rest[column])

    def names(self, column: int) -> list[str]:
        """Return a column of names."""
        said: list[str] = json.loads(self.rest[column])
        return said


def chunks(store: Store, query: str, *more: Any) -> Iterator[Chunk]:
    """Yield a named read of ``scorebook_views``, a sixteenth of the ids at a time.

    Args:
        more: parameters of the read beside the first and the last id.
    """
    for first, after in pairwise(_BOUNDS):
        row = store.one(query, first, after, *more)
        if row is not None and row[0]:
            yield Chunk(_numbers_of(row[0]), tuple(row)[1:])


def numbers(text: str | None) -> NDArray[np.int64]:
    """Return numbers that stand with commas between."""
    return np.fromstring(text, dtype=np.int64, sep=",") if text else np.empty(0, dtype=np.int64)


def number_of(one: str) -> int:
    """Return an id as a number."""
    return int(one, 16)


def _is_id(one: str) -> bool:
    return len(one) == DIGITS and all(c in "0123456789abcdef" for c in one)


def _numbers_of(text: str) -> NDArray[np.uint64]:
    """Return ids that stand one after the other as numbers; two digits make a byte."""
    try:
        raw = bytes.fromhex(text)
        return np.frombuffer(raw, dtype=">u8").astype(np.uint64)
    except ValueError:
        raise ProjectError(
            "a record has an id that this program never gave: import it anew"
        ) from None
