"""What training texts have in common with held-out questions: what is learned word for word is no test.

Questions that stand in both splits are left out of a dataset anyway. Here the texts themselves are
looked through, questions and answers alike, for runs of words that a held-out question has too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.records import Question
from studio.domain.words import tokens_of
from studio.prompts import question_text

if TYPE_CHECKING:
    from studio.store.tables import Store

RUN = 13  #: words and numbers in a row, as in arXiv 2005.14165, appendix C
SHORTEST = 8  #: a question of fewer than RUN counts as a whole, down to so many
_NAMED = 5  #: so many are shown


class Shared(NamedTuple):
    """A run of words that an example shares with a held-out question."""

    example: int  #: its number in the dataset
    question_id: str  #: of the held-out question
    words: str


class Contamination(NamedTuple):
    """What a dataset has in common with the held-out questions."""

    left_out: int  #: train questions that stand in the test split too: nothing is learned of them
    examples: int  #: that share a run of words with a held-out question, and are learned from
    held_out: int  #: held-out questions this is about
    shared: tuple[Shared, ...]  #: a few of them

    def as_json(self) -> dict[str, Any]:
        """Return the part ``held_out`` of ``train --dry-run --json``."""
        return {**self._asdict(), "shared": [one._asdict() for one in self.shared]}

    def in_words(self) -> str:
        """Return what is to be warned of; empty when nothing is."""
        parts = []
        if self.left_out:
            parts.append("train questions that are held out too, and so are not learned from:"
                         f" {self.left_out:,}")  # fmt: skip
        if self.examples:
            parts.append(
                f"examples that share {SHORTEST} to {RUN} words in a row with a held-out question:"
                f" {self.examples:,} (with {self.held_out:,} of them), such as"
                f" “{self.shared[0].words}”; the exam may flatter"
            )
        return "; ".join(parts)


def contamination(
    store: Store, manifest: Mapping[str, Any], messages: Iterable[tuple[int, list[dict[str, str]]]]
) -> Contamination:
    """Return what a dataset has in common with the held-out questions.

    Args:
        manifest: the dataset's.
        messages: of its training examples, each with its number.
    """
    held_out = {one.id: question_text(one) for one in store.all(Question, "split = 'test'")}
    found = list(_first_of_each(messages, _runs(held_out))) if held_out else []
    return Contamination(
        int(manifest.get("left_out", {}).get("in_test_too", 0)),
        len(found), len({one.question_id for one in found}), tuple(found[:_NAMED]),
    )  # fmt: skip


_Runs = Mapping[tuple[str, ...], list[tuple[tuple[str, ...], str]]]


def _runs(texts: Mapping[str, str]) -> _Runs:
    """Return every run of words of some texts, with the text's key, found by its first few."""
    found: dict[tuple[str, ...], dict[tuple[str, ...], str]] = defaultdict(dict)
    for key, text in texts.items():
        words = tokens_of(text)
        size = min(RUN, len(words))
        if size >= SHORTEST:
            for at in range(len(words) - size + 1):
                run = words[at : at + size]
                found[run[:SHORTEST]].setdefault(run, key)
    return {begin: list(runs.items()) for begin, runs in found.items()}


def _first_of_each(
    messages: Iterable[tuple[int, list[dict[str, str]]]], runs: _Runs
) -> Iterator[Shared]:
    """Yield the first shared run of each example that has one."""
    for number, turns in messages:
        shared = (one for turn in turns for one in _shared(tokens_of(turn["content"]), runs))
        for run, key in shared:
            yield Shared(number, key, " ".join(run))
            break


def _shared(words: tuple[str, ...], runs: _Runs) -> Iterator[tuple[tuple[str, ...], str]]:
    for at in range(len(words) - SHORTEST + 1):
        for run, key in runs.get(words[at : at + SHORTEST], ()):
            if words[at : at + len(run)] == run:
                yield run, key
