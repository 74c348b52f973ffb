"""Rationales and explanations become checked: what their texts betray is marked, for a person to see.

No model is asked, so everything may be checked again at any time. A question's rationales are
checked together, because near duplicates are told by their likes.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.checks import CHECKER, Flag, Task, bits_of, flags_of
from studio.domain.models import is_other_model
from studio.domain.records import Question, TeacherRecord
from studio.flow.overlap import alike
from studio.flow.stage import Bench, Progress, Scope
from studio.prompts import question_text
from studio.store import check_views as views

if TYPE_CHECKING:
    from studio.store.tables import Store

_PAGE = 200  #: questions, or mistakes, in one commit
_FEWEST_WORDS = 12  #: shorter texts are alike without anybody having copied
_KINDS = {
    "rationale": (views.UNCHECKED_QUESTIONS, views.RATIONALES),
    "explanation": (views.UNCHECKED_ATTEMPTS, views.EXPLANATIONS),
}


class Served(NamedTuple):
    """A teacher whose endpoint named another model than the one it was asked for."""

    teacher: str
    asked: str
    served: str
    calls: int


class CheckStage:
    """Check every text that these rules have not seen; as grading does, it takes all there is."""

    name = "check"

    def __init__(self, scope: Scope = Scope()) -> None:
        del scope

    def todo(self, store: Store) -> int:
        """Return how many questions and mistakes have a text that was not checked."""
        return sum(int(store.value(f"SELECT count(*) FROM ({missing})", CHECKER))
                   for missing, _ in _KINDS.values())  # fmt: skip

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Check page by page; each page is committed before the next begins."""
        done, total = 0, self.todo(bench.store)
        for kind in _KINDS:
            for page in _pages(_missing(bench.store, kind)):
                read = _read(bench.store, kind, page)
                checked = await asyncio.to_thread(_check, *read)
                _keep(bench.store, kind, checked)
                bench.changed({"checks"})
                done += len(page)
                yield Progress(self.name, done, total)


def check_questions(store: Store, question_ids: Sequence[str]) -> None:
    """Check the rationales of these questions anew: a text or a gold answer has changed."""
    _keep(store, "rationale", _check(*_read(store, "rationale", question_ids)))


def check_missing(store: Store) -> int:
    """Check all rationales that were not; returns at how many questions."""
    missing = _missing(store, "rationale")
    for page in _pages(missing):
        check_questions(store, page)
    return len(missing)


def found_in_unchecked(store: Store) -> dict[str, int]:
    """Return the bits of rationales that were not checked yet; stores nothing."""
    found: dict[str, int] = {}
    for page in _pages(_missing(store, "rationale")):
        checked = _check(*_read(store, "rationale", page))
        found |= {subject: bits_of(flags) for subject, flags in checked.items()}
    return found


def flag_counts(store: Store) -> dict[str, dict[str, int]]:
    """Return how many current rationales and explanations hold each flag, and were not checked."""
    counts: dict[str, Counter[str]] = {"rationales": Counter(), "explanations": Counter()}
    for row in store.rows(views.CHECK_COUNTS):
        bits = row["bits"]
        names = ["not checked yet"] if bits is None else [f for f in Flag if bits & f.bit]
        for name in names:
            counts[row["kind"]][str(name)] += row["n"]
    return {kind: {name: count[name] for name in [*map(str, Flag), "not checked yet"]}
            for kind, count in counts.items()}  # fmt: skip


def other_models(store: Store) -> list[Served]:
    """Return who was answered by another model than is asked for now."""
    rows = store.rows(views.SERVED_MODELS)
    return [Served(*row) for row in rows if is_other_model(row["asked"], row["served"])]


def _missing(store: Store, kind: str) -> list[str]:
    return [row[0] for row in store.rows(_KINDS[kind][0], CHECKER)]


def _read(
    store: Store, kind: str, about: Sequence[str]
) -> tuple[list[Any], dict[str, Task], dict[str, TeacherRecord], bool]:
    rows = store.rows(_KINDS[kind][1], json.dumps(list(about)))
    wanted = sorted({row["question_id"] for row in rows})
    tasks = {one.id: Task(question_text(one), one.gold) for one in store.get_many(Question, wanted)}
    teachers = {teacher.name: teacher for teacher in store.teachers(active=False)}
    return rows, tasks, teachers, kind == "rationale"


def _check(
    rows: Sequence[Any],
    tasks: Mapping[str, Task],
    teachers: Mapping[str, TeacherRecord],
    is_solution: bool,
) -> dict[str, dict[Flag, str]]:
    found: dict[str, dict[Flag, str]] = {}
    for _, group in groupby(rows, key=lambda row: row["about"]):
        mates = list(group)
        for row in mates:
            task = tasks[row["question_id"]]
            task = task._replace(prompt=row["prompt"] or "")
            flags = flags_of(row["text"], task, is_solution=is_solution)
            found[row["id"]] = flags | _of_the_call(row, teachers)
        own_words = [row for row in mates if not _is_scripted(teachers.get(row["teacher"]))]
        for subject, other in _duplicates(own_words):
            found[subject][Flag.DUPLICATE] = f"nearly the same as {other}'s"
    return found


def _is_scripted(teacher: TeacherRecord | None) -> bool:
    """Return whether a teacher reads from a script, as others do: that is said on screen already."""
    return teacher is not None and teacher.scripted


def _of_the_call(row: Any, teachers: Mapping[str, TeacherRecord]) -> dict[Flag, str]:
    """Return what the endpoint's own word for its model betrays."""
    own = teachers.get(row["teacher"])
    asked, served = own.model if own else "", row["served_model"] or ""
    if not asked or not is_other_model(asked, served):
        return {}
    flags = {Flag.MODEL: f"asked {asked}, answered by {served}"[:200]}
    others = [one.name for one in teachers.values()
              if one is not own and one.model.casefold() == served.casefold()]  # fmt: skip
    if others:
        flags[Flag.SWAPPED] = f"answered by the model of {others[0]}"[:200]
    return flags


def _duplicates(mates: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Yield the later of two texts that are nearly the same, and whose the earlier is.

    A revision of a text is not its duplicate.
    """
    by_id = {row["id"]: row for row in mates if len(row["text"].split()) >= _FEWEST_WORDS}
    for pair in alike({key: row["text"] for key, row in by_id.items()}):
        one, other = by_id[pair.one], by_id[pair.other]
        if (one["teacher"], one["sample"]) != (other["teacher"], other["sample"]):
            yield pair.one, other["teacher"]


def _keep(store: Store, kind: str, checked: Mapping[str, dict[Flag, str]]) -> None:
    rows: list[list[Any]] = [
        [subject, kind, bits_of(flags), json.dumps(flags, ensure_ascii=False), CHECKER]
        for subject, flags in checked.items()
    ]
    store.execute(views.SET_CHECKS, json.dumps(rows, ensure_ascii=False))


def _pages(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _PAGE):
        yield items[start : start + _PAGE]
