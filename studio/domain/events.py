"""What a job says while it runs: one JSON object a line in ``events.jsonl``.

The job writes them, the studio tails them; neither imports the other. Every event carries ``t``,
seconds since the epoch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

FAILURE_OF = "failed-{}.json"  #: how a process failed that may not say so among the job's events
ASKED_TO_STOP = "asked to stop"  #: why a job ended that somebody stopped; it can be resumed


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")
    t: float


class Started(_Event):
    """The job has begun; says what it found."""

    kind: Literal["started"] = "started"
    job: str
    pid: int
    device: str = ""
    precision: str = ""
    steps: int = 0
    machine: dict[str, str] = Field(default_factory=dict)  #: hardware, and versions of packages


class Progress(_Event):
    """``done`` of ``total`` items of the job are finished."""

    kind: Literal["progress"] = "progress"
    done: int
    total: int
    note: str = ""


class Metric(_Event):
    """Measured values at one optimiser step.

    Besides the named fields it carries one ``loss_<role>`` per role, ``tokens_per_s`` (supervised)
    and ``unpadded_tokens_per_s``, and ``gpu_memory_mb`` where there is a GPU. An evaluation during
    training is a metric with ``val_loss`` (and ``val_accuracy``, of ``val_questions``,
    where a quiz was held).
    """

    kind: Literal["metric"] = "metric"
    step: int
    steps: int
    epoch: float
    loss: float | None = None
    val_loss: float | None = None
    lr: float | None = None
    grad_norm: float | None = None
    tokens_per_s: float | None = None
    seconds: float | None = None  #: that the step took


class Sample(_Event):
    """One thing the job made: an attempt's text (``generate``)."""

    kind: Literal["sample"] = "sample"
    key: str
    text: str = ""


class Warned(_Event):
    """Something the user should know that does not stop the job."""

    kind: Literal["warned"] = "warned"
    message: str
    note: bool = False  #: nothing is amiss: told because it is good to know


class Failed(_Event):
    """The job has ended without its result; the message says what to do next.

    ``offer`` holds settings to go on with, where others would do.
    """

    kind: Literal["failed"] = "failed"
    message: str
    error: str = ""
    offer: dict[str, Any] = Field(default_factory=dict)


class Finished(_Event):
    """The job has ended with its result. ``stopped`` names why it ended early, if it did."""

    kind: Literal["finished"] = "finished"
    stopped: str = ""
    best_step: int | None = None  #: where a training run's held-out loss was lowest
    held_out_loss: float | None = None  #: there
    weights_step: int | None = None  #: the step whose weights are its result


Event = Annotated[
    Started | Progress | Metric | Sample | Warned | Failed | Finished, Field(discriminator="kind")
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def noted_failure(folder: Path) -> Failed | None:
    """Return how a process of a job failed that could not say so; the earliest, None if none did."""
    found: list[tuple[Failed, str]] = []
    for place in folder.glob(FAILURE_OF.format("*")):
        try:
            failed = Failed.model_validate_json(place.read_bytes())
        except (OSError, ValueError):
            continue
        found.append((failed, place.stem.rpartition("-")[2]))
    if not found:
        return None
    first, number = min(found, key=lambda one: one[0].t)
    if not number.isdigit() or int(number) == 0:
        return first
    words = f"process {int(number) + 1}: {first.message}"
    return first.model_copy(update={"message": words})
