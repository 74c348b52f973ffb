"""All objectives by name; the names are those of ``studio/methods/catalog.py``."""

from __future__ import annotations

from collections.abc import Iterable

from studio.domain.errors import SpecError
from studio.domain.specs import TrainSpec
from studio.jobs.objectives.base import Objective
from studio.jobs.objectives.mapd import Mapd


def objective_for(spec: TrainSpec, *, roles: Iterable[str]) -> Objective:
    """Return the objective of a training spec; raises SpecError for an unknown method."""
    if spec.method == Mapd.name:
        return Mapd(alpha=spec.alpha, roles=roles)
    raise SpecError(f"there is no method {spec.method!r}: choose {Mapd.name}")
