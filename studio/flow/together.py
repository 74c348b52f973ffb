"""Several stages asked at once: a rationale is reviewed as soon as it is there.

Each stage brings what is missing and keeps its own replies. They are asked question by question, and
what a new record makes necessary in another stage is asked before everything else: so questions are
finished while others begin, and a budget that runs out leaves whole questions behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from studio.flow.committee import Ask, Kept, ask_all
from studio.flow.prompt_versions import keep_texts
from studio.flow.stage import Bench, Progress

if TYPE_CHECKING:
    from studio.store.tables import Store
    from studio.teachers.base import Reply


class Part(Protocol):
    """A stage that asks teachers, in pieces."""

    name: str
    table: str  #: where its records go

    def todo(self, store: Store) -> int:
        """Return how many records are missing."""

    def missing(self, store: Store) -> Sequence[Any]:
        """Return what it has to ask for."""

    def asks(self, bench: Bench, missing: Sequence[Any]) -> Iterator[tuple[str, Ask]]:
        """Yield the asks for what is missing, each with its question's id; the ids rise."""

    def keep(self, bench: Bench, ask: Ask, reply: Reply) -> Kept | None:
        """Add the record that a reply makes."""


#: Returns what a new record (of which stage, its id) makes necessary elsewhere.
Follow = Callable[[Bench, str, str], Sequence[Ask]]


Expected = Mapping[str, int]  #: by stage: how many asks a record of it leads to
_ALONE: Expected = {}


def nothing_follows(bench: Bench, stage: str, made: str) -> Sequence[Ask]:
    """Ask for nothing more."""
    del bench, stage, made
    return ()


class TogetherStage:
    """The stages that ask teachers, as one."""

    def __init__(
        self,
        parts: Sequence[Part],
        follow: Follow = nothing_follows,
        *,
        leads_to: Expected = _ALONE,
    ) -> None:
        self.name = "+".join(part.name for part in parts)
        self._parts, self._follow, self._leads_to = parts, follow, leads_to

    def todo(self, store: Store) -> int:
        """Return how many records are missing in all of them."""
        return sum(part.todo(store) for part in self._parts)

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Ask for what is missing and what follows from it."""
        async for progress in ask_together(
            bench, self._parts, follow=self._follow, leads_to=self._leads_to
        ):
            yield progress


async def ask_together(
    bench: Bench,
    parts: Sequence[Part],
    *,
    follow: Follow = nothing_follows,
    leads_to: Expected = _ALONE,
) -> AsyncIterator[Progress]:
    """Ask for all that is missing in these stages, and for what follows from it.

    Args:
        leads_to: how many further asks each new record of a stage will probably lead to.

    Raises:
        TeacherError: at the end, when a teacher had to be left out.
    """
    keep_texts(bench)
    by_name = {part.name: part for part in parts}
    missing = [(part, part.missing(bench.store)) for part in parts]
    found = merge(*(part.asks(bench, what) for part, what in missing), key=itemgetter(0))
    asks = (ask for _, ask in found)

    def keep(ask: Ask, reply: Reply) -> Kept | None:
        kept = by_name[ask.stage].keep(bench, ask, reply) or Kept()
        if not kept.made:
            return kept
        return kept._replace(new=[*kept.new, *follow(bench, ask.stage, kept.made)])

    said = ask_all(
        bench, asks, stage="+".join(by_name), keep=keep, follows=leads_to,
        total=sum(len(what) * (1 + leads_to.get(part.name, 0)) for part, what in missing),
        tables={part.table for part in parts},
    )  # fmt: skip
    async with aclosing(said) as steps:
        async for progress in steps:
            yield progress
