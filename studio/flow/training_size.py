"""How long training would be on a choice of rationales: counted, without building the dataset."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.domain.specs import DatasetSpec, TrainSpec
from studio.flow.columns import chunks
from studio.store import scorebook_views, views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.flow.scorebook import Scorebook
    from studio.store.tables import Store


class TrainingSize:
    """Counts optimiser steps under the project's own training settings.

    Questions that stand on both sides are not known here, so a step count is shown with "about";
    ``mapd-studio train --dry-run`` builds the dataset and knows.
    """

    def __init__(self, store: Store, book: Scorebook) -> None:
        values: dict[str, Any] = dict(store.setting("training", {}))
        data = values.pop("data", {})
        self._epochs = float(_setting(values, TrainSpec, "epochs"))
        self._batch = int(_setting(values, TrainSpec, "batch_examples"))
        self._most = int(_setting(values, TrainSpec, "max_steps"))
        self._one = _setting(data, DatasetSpec, "draw") == "one"
        self._kept = 1 - float(_setting(data, DatasetSpec, "val_share"))
        self._explanations = np.zeros(len(book.question_ids), dtype=np.int32)
        student = store.setting("student", "") or None
        round_ = store.value(scorebook_views.NEWEST_ROUND, student)
        replay = float(_setting(data, DatasetSpec, "replay"))
        known = len(store.rows(views.REPLAYABLE, student, round_)) if replay and student else 0
        self._replayed = round(replay * known)
        if _setting(data, DatasetSpec, "explanations"):
            self._count_explanations(store, book, student, round_)

    def _count_explanations(
        self, store: Store, book: Scorebook, student: str | None, round_: int | None
    ) -> None:
        for chunk in chunks(store, scorebook_views.EXPLAINED, student, round_):
            place = book.question_ids.places(chunk.ids)
            times = chunk.numbers(0).astype(np.int32)
            self._explanations[place[place >= 0]] = times[place >= 0]

    def steps(self, accepted: int, covered: NDArray[np.bool_]) -> int:
        """Return about how many steps training on so many rationales takes.

        Args:
            covered: the questions they are about, shape (questions,).
        """
        explanations = self._explanations[covered]
        if self._one:
            examples = len(explanations) + int((explanations > 0).sum())
        else:
            examples = accepted + int(explanations.sum())
        examples += self._replayed
        steps = math.ceil(math.ceil(examples * self._kept / self._batch) * self._epochs)
        return min(steps, self._most) if self._most else steps


def _setting(values: dict[str, Any], spec: type[TrainSpec | DatasetSpec], name: str) -> Any:
    """Return a setting of the project, or the default of its spec."""
    return values.get(name, spec.model_fields[name].default)
