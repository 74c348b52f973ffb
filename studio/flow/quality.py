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

    samples: Annotated[int, Field(ge=0, le=64)] = (
        0  #: rationales of each teacher; 0: as many as each teacher's own setting says
    )
    target: Annotated[int, Field(ge=0, le=64)] = (
        0  #: accepted rationales a question; 0: as it comes
    )
    most_samples: Annotated[int, Field(ge=1, le=64)] = (
        4  #: of one teacher, on the way to the target
    )
    revise: Annotated[int, Field(ge=0, le=8)] = 0  #: how often a rejected rationale goes back
    blind: bool = False  #: reviewers do not see gold
    review_explanations: bool = False

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
    if store.policy()[1].name == "paper":
        stored = {name: value for name, value in stored.items() if name not in _LOOPS}
    return _checked({**stored, **_said(given)})


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
