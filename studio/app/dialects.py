"""How models want to be asked, as they told when they refused a request, kept in the project."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from studio.teachers.dialect import Words

if TYPE_CHECKING:
    from studio.app.settings import Keys
    from studio.store.tables import Store
    from studio.teachers.opener import TeacherOpener

_SETTING = "dialects"


def opener_of(keys: Keys, store: Store) -> TeacherOpener:
    """Return an opener of endpoints that remembers in the project how each wants to be asked."""
    from studio.teachers.opener import TeacherOpener

    return TeacherOpener(keys.key_for, KnownWords(store))


class KnownWords(MutableMapping[str, Words]):
    """The words of every model this project has asked, by address and model."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, place: str) -> Words:
        return Words(**self._all()[place])

    def __setitem__(self, place: str, words: Words) -> None:
        self._store.set_setting(_SETTING, {**self._all(), place: words._asdict()})

    def __delitem__(self, place: str) -> None:
        known = self._all()
        del known[place]
        self._store.set_setting(_SETTING, known)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, dict[str, Any]]:
        known: dict[str, dict[str, Any]] = self._store.setting(_SETTING, {})
        return known
