"""What a run keeps of itself on its way, and how it takes that up again: checkpoints of its weights,
its optimiser and where it stood."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from studio.domain.errors import RunError
from studio.domain.spec_kinds import FORMER_STUDENTS
from studio.domain.specs import StudentSpec, effort_of
from studio.jobs import checkpoints
from studio.jobs.sharding import part_like, whole
from studio.jobs.standing import Standing

if TYPE_CHECKING:
    from accelerate import Accelerator

    from studio.domain.specs import TrainSpec
    from studio.jobs.job import Job


def fingerprints(job: Job, spec: TrainSpec) -> list[str]:
    """Return what a run's checkpoints are known by: a hash of its settings and data.

    Behind it stand those with its student as it was named before the project was moved.
    """
    file = job.folder / FORMER_STUDENTS
    former = json.loads(file.read_bytes()) if file.is_file() else []
    named = (spec.student, *(StudentSpec.model_validate(one) for one in former))
    return [
        job.fingerprint(spec.model_copy(update={"student": one}), but_for=effort_of(spec))
        for one in named
    ]


class Keeper:
    """Saves a run and brings it back. All processes take part, the first one writes.

    Args:
        parameters: what is trained, by name.
        made_from: hashes of settings and data, see ``fingerprints``; a checkpoint of others is refused.
    """

    def __init__(
        self,
        job: Job,
        spec: TrainSpec,
        *,
        accelerator: Accelerator,
        parameters: Mapping[str, Tensor],
        optimiser: Any,
        made_from: Sequence[str],
    ) -> None:
        self._folder, self._spec, self._accelerator = job.artifacts, spec, accelerator
        self._parameters, self._optimiser = parameters, optimiser
        self._made_from = made_from
        self._saved = -1  #: step of the newest checkpoint

    def taken_up(self) -> tuple[Standing, dict[str, Any]]:
        """Put the newest checkpoint back; returns where the run stood, and what it kept besides.

        Raises:
            RunError: it belongs to other settings or data.
        """
        found = checkpoints.newest(self._folder)
        if found is None:
            return Standing(), {}
        state = dict(found.state)
        if state.pop("made_from") not in self._made_from:
            raise RunError(
                f"the settings or the data changed since the checkpoint of step {found.step}: start"
                " a new run"
            )
        self._saved = found.step
        self._put_back(found)
        checkpoints.load_optimiser(self._optimiser, found.optimiser)
        scaler = state.pop("scaler", None)
        if scaler and self._accelerator.scaler is not None:
            self._accelerator.scaler.load_state_dict(scaler)
        stood = {name: state.pop(name) for name in asdict(Standing()) if name in state}
        return Standing(found.step, **stood), state

    def save(self, at: Standing, besides: Mapping[str, Any]) -> None:
        """Write a checkpoint of the step just done, unless there is one of it."""
        if at.step == self._saved:  # killed while one takes the other's place, it had neither
            return
        self._accelerator.wait_for_everyone()
        self._saved = at.step
        weights = self._gathered(self._parameters)
        optimiser = self._gathered(checkpoints.optimiser_tensors(self._optimiser))
        if not self._accelerator.is_main_process:
            return
        state = {**asdict(at), "made_from": self._made_from[0], **besides}
        if self._accelerator.scaler is not None:
            state["scaler"] = self._accelerator.scaler.state_dict()
        checkpoints.save(
            self._folder,
            checkpoints.Checkpoint(state.pop("step"), weights, optimiser, state),
            keep=self._spec.keep_checkpoints,
            spare=None if at.best is None else at.best_step,
        )

    def put_back_best(self, at: Standing) -> int:
        """Put back the weights that had the lowest held-out loss; returns which step's stand now.

        A run that was to end with its last ones, and then goes on to end with its best, may have
        kept none of that step: then the last stay.
        """
        found = checkpoints.of_step(self._folder, at.best_step)
        if found is None:
            return at.step
        self._put_back(found)
        return found.step

    def whole_weights(self, model: Any) -> dict[str, Tensor] | None:
        """Return all of a model's weights where they are shared; None where each has them all."""
        return self._gathered(model.state_dict()) if self._spec.sharded else None

    def _put_back(self, checkpoint: checkpoints.Checkpoint) -> None:
        with torch.no_grad():
            for name, value in checkpoint.weights.items():
                own = self._parameters[name]
                own.copy_(part_like(own, value))

    def _gathered(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors put together; only the first process holds on to them."""
        pairs = ((name, whole(value)) for name, value in tensors.items())
        if self._accelerator.is_main_process:
            return dict(pairs)
        for _ in pairs:
            pass
        return {}
