"""A teacher as a person types it: put in order and checked, what is wrong told in one line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from studio.domain.errors import SpecError
from studio.domain.misfits import one_line
from studio.domain.records import TeacherRecord
from studio.domain.redaction import without_keys
from studio.domain.visible import visible

SCRIPTED = "scripted:"  #: how the address of a scripted committee begins
_CALLED = "/chat/completions"  #: people copy the whole address of the call


def names_in(text: str) -> set[str]:
    """Return the names of a comma separated list; one with a comma in it stands in quotes."""
    rows = csv.reader([text], skipinitialspace=True)
    return {name.strip() for row in rows for name in row if name.strip()}


def listed(names: Iterable[str]) -> str:
    """Return names as ``names_in`` reads them."""
    doubled = ((name, name.replace('"', '""')) for name in names)
    return ",".join(f'"{twice}"' if {",", '"'} & set(name) else name for name, twice in doubled)


def teacher_of(values: Mapping[str, Any], *, before: TeacherRecord | None = None) -> TeacherRecord:
    """Return the teacher with these values; what is not among them stays as it was ``before``.

    Raises:
        SpecError: the name, the model, the address or a number cannot be.
    """
    made = {**(before.model_dump() if before else {}), **values}
    made["name"], made["model"] = (str(made.get(name, "")).strip() for name in ("name", "model"))
    made["base_url"] = _address(str(made.get("base_url", "")).strip())
    made["scripted"] = made["base_url"].startswith(SCRIPTED)
    for field in ("name", "model"):
        if not made[field]:
            raise SpecError(f"{field}: it is empty; write the {_MEANING[field]}")
        if visible(made[field]) != made[field] or "\n" in made[field]:
            raise SpecError(f"{field}: {visible(made[field])} has signs that cannot be seen")
    _check_variable(str(made.get("api_key_env", "")))
    try:
        return TeacherRecord.model_validate(made)
    except ValidationError as error:
        raise SpecError(one_line(error)) from None


_MEANING = {"name": "name you give this teacher", "model": "model's name at the endpoint"}


def _check_variable(name: str) -> None:
    """Refuse a key where the name of its variable belongs: it would be stored in the project."""
    if name and (not name.isidentifier() or without_keys(name) != name):
        raise SpecError(
            "the name of the environment variable that holds the key is wanted, such as"
            " OPENAI_API_KEY, not the key itself; nothing was stored"
        )


def _address(text: str) -> str:
    if text.startswith(SCRIPTED):
        return text
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
        if parts.username is not None or parts.password is not None:
            raise SpecError(
                "the address holds a name or password, which a project must not keep: leave it out,"
                " and name the variable that holds the key"
            )
        known = known and (parts.port is None or parts.port > 0) and text.isprintable()
    except ValueError:  # a port that is no number, a bracket left open
        known = False
    if not known or " " in text:
        raise SpecError(
            f"{visible(text)!r} is not an address: write it as http://localhost:11434/v1"
        )
    return text.rstrip("/").removesuffix(_CALLED).rstrip("/")
