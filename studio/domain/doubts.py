"""Doubts: why a verdict itself may be mistaken. Each is a named detector with its evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from studio.domain.plain import Plain
from studio.domain.records import Doubt

GOLD_STATED = "gold stated but not extracted"
SEVERAL = "several different answers"
FORMATS = "number formats differ"
LETTER_AND_TEXT = "choice letter and text disagree"
EMPTY = "empty"
TRUNCATED = "truncated"
REFUSED = "refused"
GOLD_UNREADABLE = "gold unreadable"
GOLD_SUSPICIOUS = "gold suspicious"

_REFUSAL = re.compile(
    r"\bas an ai\b|\bi(?:'m| am) sorry,? (?:but )?(?:i|as)\b"
    r"|\bi (?:cannot|can't|can not|won't|am unable to|am not able to|'m unable to)\s"
    r"(?:answer|help|assist|provide|solve|fulfill|comply|determine|do that|give)\b"
    r"|\bi'm (?:unable|not able) to (?:answer|help|assist|provide|solve|fulfill|determine|give)\b",
    re.IGNORECASE,
)
_REFUSES_WITHIN = 400  #: characters; a refusal comes first, later "I cannot" is part of the work


def refusal(text: Plain) -> Doubt | None:
    """Return the doubt that the text declines to answer."""
    found = _REFUSAL.search(text.text, 0, _REFUSES_WITHIN)
    return Doubt(name=REFUSED, evidence=text.excerpt(*found.span())) if found else None


def truncation(text: Plain) -> Doubt:
    """Return the doubt that the text was cut before its answer was complete."""
    return Doubt(name=TRUNCATED, evidence=f"… {text.raw[-60:].strip()}")


def several(answers: Sequence[str]) -> Doubt | None:
    """Return the doubt that a text states more than one answer."""
    different = list(dict.fromkeys(answers))
    if len(different) < 2:
        return None
    return Doubt(name=SEVERAL, evidence=" · ".join(answer[:80] for answer in different[:6]))


def suspicious_gold(agreed: str, teachers: Sequence[str], *, gold: str) -> Doubt:
    """Return the doubt that gold is mistaken, for all teachers agree on another answer."""
    names = ", ".join(sorted(teachers))
    return Doubt(
        name=GOLD_SUSPICIOUS, evidence=f"{names} all answer {agreed}, gold is {gold.strip()}"
    )
