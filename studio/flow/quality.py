"""How much is asked of the committee beyond once: target count, revising, reviews of explanations.

Kept in the project as one setting, so that the window, the command line and the next round agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.domain.errors import SpecError

if TYPE_CHECKING:
    from studio.store.tables import Store

SETTING = "quality"
_LOOPS = frozenset({"samples", "target", "revise"})  #: what asks for more than the paper does


class Quality(BaseModel):
    """What is asked for, and how often at most. By default what the paper does: everything once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # fmt: off
    samples: Annotated[int, Field(ge=0, le=64, description="Rationales of a question asked of each "
        "teacher, each in its own words; 0: as many as the teacher's own setting says")] = 0
    target: Annotated[int, Field(ge=0, le=64, description="Go on asking until so many rationales of a "
        "question are accepted; 0: what comes is what there is")] = 0
    most_samples: Annotated[int, Field(ge=1, le=64, description="Rationales of one teacher at most, on "
        "the way to the accepted ones")] = 4
    revise: Annotated[int, Field(ge=0, le=8, description="How often a rejected rationale goes back to "
        "its author, with what the reviewers said; 0: never")] = 0
    blind: Annotated[bool, Field(description="Shows whether reviewers find out by themselves what is "
        "wrong")] = False
    review_explanations: Annotated[bool, Field(description="What teachers say about the mistakes is "
        "scored by the others too, as rationales are; this takes about as many calls again")] = False
    # fmt: on

    @property
    def is_looping(self) -> bool:
        """Whether decisions lead to more questions."""
        return bool(self.target or self.revise)


def quality_of(store: Store, **given: Any) -> Quality:
    """Return the project's settings with what is given in their place.

    Under the paper's policy nothing stored leads to a second look: the paper asks once. What is
    given outright still counts.

    Raises:
        SpecError: a value that makes no sense.
    """
    stored: dict[str, Any] = store.setting(SETTING, {})
    if asks_once(store):
        stored = {name: value for name, value in stored.items() if name not in _LOOPS}
    return _checked({**stored, **_said(given)})


def kept_quality(store: Store) -> Quality:
    """Return what the project has kept, also what the paper's policy lets rest.

    Raises:
        SpecError: what is kept makes no sense.
    """
    return _checked(store.setting(SETTING, {}))


def asks_once(store: Store) -> bool:
    """Whether the rule in force is the paper's, under which kept loops rest."""
    return store.policy()[1].name == "paper"


def keep_quality(store: Store, given: Mapping[str, Any]) -> None:
    """Make what is given the project's settings; what is not given stays as it is.

    Raises:
        SpecError: a value that makes no sense; nothing is stored then.
    """
    said = _said(given)
    if said:
        wanted = {**store.setting(SETTING, {}), **said}
        _checked(wanted)
        store.set_setting(SETTING, wanted)


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _checked(wanted: Mapping[str, Any]) -> Quality:
    try:
        return Quality.model_validate(wanted)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SpecError(f"{name.replace('_', ' ')}: {first['msg'].lower()}") from None
