"""Versions of the prompts: which text is in force, who wrote it, and which one made what.

An edit is a new version and the shipped text stays; a reply keeps the hash of the text it answered,
and what was made with an older version is never asked for again by itself. Each change is one logged
action (``flow/undo.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain import clock
from studio.domain.errors import SpecError
from studio.domain.records import digest
from studio.flow.prompt_rules import PURPOSES, STYLE, STYLED, checked
from studio.prompts import Template
from studio.store import prompt_views as views

if TYPE_CHECKING:
    from studio.flow.stage import Bench
    from studio.prompts import Prompts
    from studio.store.tables import Store


class PromptVersion(NamedTuple):
    """One text of a prompt."""

    number: int
    text: str
    hash: str
    who: str = ""  #: empty: as shipped
    at: float = 0.0  #: seconds since the epoch; 0 while nobody needed it
    why: str = ""
    in_force: bool = False
    made: int = 0  #: records it made, where they were counted

    @property
    def title(self) -> str:
        """How it is called on screen: ``v2 by anna``, or ``v1 as shipped``."""
        return f"v{self.number} {f'by {self.who}' if self.who else 'as shipped'}"

    def as_json(self) -> dict[str, Any]:
        """Return it as ``prompts show --json`` does."""
        return {"version": self.number, "in_force": self.in_force, "by": self.who or None,
                "at": self.at or None, "why": self.why, "made": self.made, "hash": self.hash,
                "text": self.text}  # fmt: skip


def names(store: Store) -> list[str]:
    """Return the names of all prompts of a project: the committee's, then those of students."""
    styles = [STYLE, *(row[0] for row in store.rows(views.STYLES) if row[0] != STYLE)]
    return [f"{style}/{purpose}" for style in styles for purpose in PURPOSES
            if style == STYLE or purpose in STYLED]  # fmt: skip


def full_name(store: Store, name: str) -> str:
    """Return the name of a prompt as it is stored; ``solve`` is short for ``mapd/solve``.

    Raises:
        SpecError: there is no such prompt.
    """
    known = names(store)
    for candidate in (name, f"{STYLE}/{name}"):
        if candidate in known:
            return candidate
    listed = ", ".join(one.removeprefix(f"{STYLE}/") for one in known)
    raise SpecError(f"there is no prompt {name!r}: choose one of {listed}")


def history(store: Store, prompts: Prompts, name: str) -> list[PromptVersion]:
    """Return all versions of a prompt, oldest first; exactly one is in force."""
    shipped = prompts.get(*name.split("/", 1))
    known = [PromptVersion(row["version"], row["text"], row["hash"], row["who"], row["at"], row["why"])
             for row in store.rows(views.VERSIONS, name)]  # fmt: skip
    if shipped.hash not in {one.hash for one in known}:
        known.append(PromptVersion(len(known) + 1, shipped.text, shipped.hash))
    chosen = store.value(views.CHOSEN, name)
    return [one._replace(in_force=one.number == chosen if chosen else one.hash == shipped.hash)
            for one in known]  # fmt: skip


class Made:
    """How many records each text made, by its hash; each table is gone through once, when asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, int]] = {}

    def counted(self, name: str, versions: Iterable[PromptVersion]) -> list[PromptVersion]:
        """Return versions of a prompt with how many records each of them made."""
        table = PURPOSES[purpose_of(name)].table
        if table not in self._known:
            rows = self._store.rows(views.MADE[table])
            self._known[table] = {row[0]: row[1] for row in rows}
        made = self._known[table]
        return [one._replace(made=made.get(one.hash, 0)) for one in versions]


def in_force(store: Store, prompts: Prompts, name: str) -> PromptVersion:
    """Return the version that is in force."""
    return next(one for one in history(store, prompts, name) if one.in_force)


def find(versions: Iterable[PromptVersion], number: int) -> PromptVersion:
    """Return a version by its number; raises SpecError when there is none."""
    known = list(versions)
    for one in known:
        if one.number == number:
            return one
    raise SpecError(f"there is no version {number}: there are 1 to {len(known)}")


def write(bench: Bench, name: str, text: str, *, who: str, why: str = "") -> PromptVersion:
    """Put a text in force: as a new version, or the one that reads so already.

    Raises:
        SpecError: a placeholder is missing or unknown, or nothing was changed.
    """
    text = checked(purpose_of(name), text)
    known = history(bench.store, bench.prompts, name)
    if any(one.in_force and one.text == text for one in known):
        raise SpecError("the prompt is as it was: nothing was changed")
    note(bench.store, Template(name, bench.prompts.get(*name.split("/", 1)).text))
    with bench.store.transaction():
        note(bench.store, Template(name, text), who=who, why=why)
        known = history(bench.store, bench.prompts, name)
        number = next(one.number for one in known if one.text == text)
        return _choose(bench, name, number, who=who, why=why)


def restore(bench: Bench, name: str, number: int, *, who: str, why: str = "") -> PromptVersion:
    """Put a former version in force again.

    Raises:
        SpecError: there is no such version, or it is in force.
    """
    found = find(history(bench.store, bench.prompts, name), number)
    if found.in_force:
        raise SpecError(f"version {number} is in force already: nothing was changed")
    note(bench.store, Template(name, found.text))
    return _choose(bench, name, number, who=who, why=why)


def _choose(bench: Bench, name: str, number: int, *, who: str, why: str) -> PromptVersion:
    store = bench.store
    with store.transaction():
        before, after = {name: store.value(views.CHOSEN, name)}, {name: number}
        put_in_force(store, after)
        store.log("prompt", who=who, before=before, after=after, why=why)
    return in_force(store, bench.prompts, name)


def put_in_force(store: Store, wanted: Mapping[str, int | None]) -> None:
    """Put versions in force by name; None is what is shipped."""
    for name, number in wanted.items():
        if number is None:
            store.execute(views.AS_SHIPPED, name)
        else:
            store.execute(views.PUT_IN_FORCE, name, number)


def note(store: Store, template: Template, *, who: str = "", why: str = "") -> None:
    """Keep a text as a version, if it is none yet."""
    store.execute(views.ADD, template.name, digest("prompt", template.text), template.text,
                  who, clock.now(), why)  # fmt: skip


def keep_texts(bench: Bench) -> None:
    """Keep the texts of all prompts in force, so that each reply's can be looked at for ever."""
    with bench.store.transaction():
        for name in names(bench.store):
            note(bench.store, bench.templates.get(*name.split("/", 1)))


def made_before(store: Store, templates: Prompts, purpose: str) -> int:
    """Return how many records of a purpose were made with another version than the one in force.

    They stay as they are. Only looked for where there is another version at all.
    """
    name = f"{STYLE}/{purpose}"
    others = {row["hash"] for row in store.rows(views.VERSIONS, name)}
    others.discard(templates.get(STYLE, purpose).hash)
    if not others:
        return 0
    found = store.rows(views.MADE[PURPOSES[purpose].table])
    return sum(row[1] for row in found if row[0] in others)


def purpose_of(name: str) -> str:
    """Return what a prompt is for."""
    return name.rsplit("/", 1)[-1]
