"""Train and held-out questions: hold a share out, and see which questions stand on both sides.

What a student is measured on must not be what it was taught: questions that are nearly the same
stay together, and what a run was already trained on is never held out afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from studio.domain.errors import SpecError
from studio.domain.records import Question, Split, digest
from studio.flow.overlap import Pair, alike, pairs
from studio.prompts import question_text
from studio.store import views
from studio.store.tables import Store

SEED = 731


class Overlaps(NamedTuple):
    """Questions that count as the same, with the texts to show them by."""

    across: tuple[Pair, ...]  #: a train question, and the held-out one it is like
    train: tuple[Pair, ...]  #: two train questions
    test: tuple[Pair, ...]  #: two held-out questions
    texts: Mapping[str, str]  #: by question id


def overlaps(store: Store) -> Overlaps:
    """Return the questions that stand in a project more than once, word for word or nearly so."""
    lots: dict[Split, dict[str, str]] = {"train": {}, "test": {}}
    for question in store.all(Question):
        lots[question.split][question.id] = question_text(question)
    train, test = lots["train"], lots["test"]
    return Overlaps(
        tuple(pairs(train, test)), tuple(alike(train)), tuple(alike(test)), {**train, **test}
    )


def hold_out(
    store: Store, *, share: float, who: str, dataset: str = "", seed: int = SEED
) -> list[str]:
    """Move a share of the train questions to the held-out split; returns their ids.

    The draw is the same each time, is even over datasets and kinds, keeps near duplicates
    together, leaves alone what a run was trained on, is logged and can be undone.

    Args:
        share: of the train questions (of ``dataset``, empty for all), more than 0 and less than 1.

    Raises:
        SpecError: the share makes no sense, or no question may be moved.
    """
    if not 0 < share < 1:
        raise SpecError(f"a share of {share:g} makes no sense: name one between 0 and 1")
    taught = {row[0] for row in store.rows(views.TAUGHT_QUESTIONS)}
    train = [q for q in store.all(Question, "split = 'train'") if dataset in ("", q.dataset)]
    if not train:
        where = f" of dataset {dataset!r}" if dataset else ""
        raise SpecError(f"there is no train question{where} to hold out")
    chosen = _drawn(train, taught, share, seed)
    if not chosen:
        raise SpecError(
            f"{share:g} of {len(train)} train questions is less than one that was never trained on:"
            " name a larger share"
        )
    with store.transaction():
        put_splits(store, dict.fromkeys(chosen, "test"))
        store.log("split", who=who, before=dict.fromkeys(chosen, "train"),
                  after=dict.fromkeys(chosen, "test"))  # fmt: skip
    return chosen


def put_splits(store: Store, wanted: Mapping[str, str]) -> None:
    """Set the splits of questions, by id; the log is the caller's."""
    for split in ("train", "test"):
        ids = [qid for qid, name in wanted.items() if name == split]
        for qid in ids:
            store.execute(views.SET_SPLIT, split, qid)


def _drawn(train: Iterable[Question], taught: set[str], share: float, seed: int) -> list[str]:
    """Return the ids to hold out: whole groups of near duplicates, lot by lot of (dataset, kind)."""
    questions = {question.id: question for question in train}
    group = _groups({qid: question_text(one) for qid, one in questions.items()})
    members: dict[str, list[str]] = defaultdict(list)
    for qid in questions:
        members[group[qid]].append(qid)
    lots: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
    for first, ids in members.items():
        if taught.isdisjoint(ids):
            lots[questions[first].dataset, questions[first].kind].append(ids)
    sizes = defaultdict[tuple[str, str], int](int)
    for question in questions.values():
        sizes[question.dataset, question.kind] += 1
    chosen: list[str] = []
    wanted = 0.0
    for name, lot in sorted(lots.items()):
        wanted += share * sizes[name]
        for ids in sorted(lot, key=lambda ids: digest("held out", seed, ids[0])):
            if len(chosen) + len(ids) > round(wanted):
                continue  # a group that does not fit goes, whole, to the other side
            chosen += ids
    return chosen


def _groups(texts: Mapping[str, str]) -> dict[str, str]:
    """Return for each text the first of those it is nearly the same as, directly or by way of others."""
    first = {key: key for key in texts}

    def root(key: str) -> str:
        while first[key] != key:
            first[key] = first[first[key]]
            key = first[key]
        return key

    for pair in alike(texts):
        first[root(pair.one)] = root(pair.other)
    return {key: root(key) for key in texts}
