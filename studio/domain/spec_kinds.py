"""Kinds of settings that several specs share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

Precision = Literal["auto", "fp32", "bf16", "fp16"]


def switched(value: object) -> object:
    """Read yes and no as on and off: so a setting was told before it had a third way."""
    return {"true": "on", "false": "off"}.get(str(value).lower(), value)


Switch = Annotated[Literal["auto", "on", "off"], BeforeValidator(switched)]

#: Beside ``spec.json``: what its student was called in earlier lives, where the project was moved.
FORMER_STUDENTS = "former-students.json"
