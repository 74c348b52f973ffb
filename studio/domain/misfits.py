"""What does not fit a spec, in one line that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError


def with_names(error: ValidationError, spec: type[BaseModel]) -> str:
    """Return a pydantic error as one line; for a name that is not known, with those that are."""
    first, *_ = error.errors()
    if first["type"] == "model_type":
        names = [f"{first['loc'][-1]}.{name}" for name in _within(spec, first["loc"]).model_fields]
        return f"{first['loc'][-1]} has settings of its own: {', '.join(names)}"
    if first["type"] != "extra_forbidden":
        return one_line(error)
    *path, unknown = [str(part) for part in first["loc"]]
    names = [
        name
        for name in _within(spec, path).model_fields
        if name not in ("job", "student", "method")
    ]
    like = next(iter(get_close_matches(unknown, names, n=1)), "")
    meant = f"did you mean {'.'.join([*path, like])}? " if like else ""
    return f"there is no {'.'.join([*path, unknown])}: {meant}Known are {', '.join(names)}"


def _within(spec: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel]:
    for part in path:
        inner = spec.model_fields[str(part)].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)  # else there is no field within
        spec = inner
    return spec


def one_line(error: ValidationError) -> str:
    """Return a pydantic error as one line: field, what is wrong, how many more."""
    first, *more = error.errors()
    field = ".".join(str(part) for part in first["loc"])
    tail = f" (and {len(more)} more)" if more else ""
    said = first["msg"].removeprefix("Value error, ")  # what a rule of ours says, pydantic marks
    return f"{field}: {said}{tail}" if field else f"{said}{tail}"
