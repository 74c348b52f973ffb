"""How long training would be on a choice of rationales: counted, without building the dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from studio.domain.dealing import steps_in_all
from studio.domain.records import digest
from studio.domain.specs import DatasetSpec, TrainSpec
from studio.flow.columns import chunks
from studio.flow.sides import lot_of
from studio.store import scorebook_views, views

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from studio.flow.scorebook import Scorebook
    from studio.store.tables import Store


class TrainingSize:
    """Counts optimiser steps under the project's own training settings.

    Questions fall on the sides that a dataset puts them on. Those that stand in the test split too,
    word for word or nearly, are not known here, so a step count is shown with "about";
    ``mapd-studio train --dry-run`` builds the dataset and knows.
    """

    def __init__(self, store: Store, book: Scorebook) -> None:
        values: dict[str, Any] = dict(store.setting("training", {}))
        data = values.pop("data", {})
        self._epochs = float(_setting(values, TrainSpec, "epochs"))
        self._batch = int(_setting(values, TrainSpec, "batch_examples"))
        self._most = int(_setting(values, TrainSpec, "max_steps"))
        self._one = _setting(data, DatasetSpec, "draw") == "one"
        self._share = float(_setting(data, DatasetSpec, "val_share"))
        self._seed = int(_setting(data, DatasetSpec, "seed"))
        self._question = book.question
        self._lots = self._drawn(book.question_ids)
        self._explanations = np.zeros(len(book.question_ids), dtype=np.int32)
        student = store.setting("student", "") or None
        round_ = store.value(scorebook_views.NEWEST_ROUND, student)
        replay = float(_setting(data, DatasetSpec, "replay"))
        self._replayed = self._drawn(_replayed(store, student, round_, replay, self._seed))
        if _setting(data, DatasetSpec, "explanations"):
            self._count_explanations(store, book, student, round_)

    def _drawn(self, question_ids: Iterable[str]) -> NDArray[np.float64]:
        """Return the lots of questions; none needs to be drawn where none is kept out."""
        lots = (lot_of(qid, seed=self._seed) if self._share else 1.0 for qid in question_ids)
        return np.fromiter(lots, dtype=np.float64)

    def _count_explanations(
        self, store: Store, book: Scorebook, student: str | None, round_: int | None
    ) -> None:
        for chunk in chunks(store, scorebook_views.EXPLAINED, student, round_):
            place = book.question_ids.places(chunk.ids)
            times = chunk.numbers(0).astype(np.int32)
            self._explanations[place[place >= 0]] = times[place >= 0]

    def steps(self, chosen: NDArray[np.bool_], covered: NDArray[np.bool_]) -> int:
        """Return about how many steps training on these rationales takes.

        Args:
            chosen: the rationales, shape (n,).
            covered: the questions they are about, shape (questions,).
        """
        least = self._least(covered)
        learned = covered & (self._lots >= least)
        explanations = self._explanations[learned]
        if self._one:
            examples = len(explanations) + int((explanations > 0).sum())
        else:
            examples = int((chosen & learned[self._question]).sum()) + int(explanations.sum())
        examples += int((self._replayed >= least).sum())
        return steps_in_all(examples, each=self._batch, epochs=self._epochs, most=self._most)

    def _least(self, covered: NDArray[np.bool_]) -> float:
        """Return the lot from which on a question is learned from.

        As in a dataset at least one of several is kept out, and one is always learned from.
        """
        lots = np.concatenate([self._lots[covered], self._replayed])
        if not self._share or not len(lots) or lots.min() == lots.max():
            return 0.0
        return float(min(max(self._share, np.nextafter(lots.min(), 1.0)), lots.max()))


def _replayed(
    store: Store, student: str | None, round_: int | None, share: float, seed: int
) -> list[str]:
    """Return the questions whose right answers are mixed in, as a dataset draws them."""
    if not share or not student:
        return []
    known = [row["question_id"] for row in store.rows(views.REPLAYABLE, student, round_)]
    known.sort(key=lambda qid: digest("replay", seed, qid))
    return known[: round(share * len(known))]


def _setting(values: dict[str, Any], spec: type[TrainSpec | DatasetSpec], name: str) -> Any:
    """Return a setting of the project, or the default of its spec."""
    return values.get(name, spec.model_fields[name].default)
