"""The methods there are, by name. A new one is a module beside this one and a line here."""

from __future__ import annotations

from studio.domain.errors import SpecError
from studio.domain.specs import DatasetSpec
from studio.methods.base import Method, Wording
from studio.methods.mapd import Mapd

METHODS: dict[str, type[Method]] = {"mapd": Mapd}


def method(name: str, wording: Wording, options: DatasetSpec) -> Method:
    """Return the method called ``name``, ready for cases; raises SpecError when there is none."""
    if name not in METHODS:
        raise SpecError(f"there is no method {name!r}: choose one of {', '.join(METHODS)}")
    return METHODS[name](wording, options)
