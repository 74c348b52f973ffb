"""Reads a score from a reviewer's reply, and from nothing else.

By JSON where the whole reply is one object, else from exactly one line that carries the one-time
mark of the call. Nothing is guessed: whatever else comes back is *missing*, with its reason.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple


class Reading(NamedTuple):
    """What was read from a reviewer's reply: a score, or why there is none."""

    score: int | None
    missing: str
    comment: str


def read_review(text: str, *, mark: str, candidate: str = "") -> Reading:
    """Read a reviewer's reply; never looks for a score in anything else.

    Args:
        mark: the one-time mark of the call, 16 hex digits.
        candidate: what was judged, to know a reply that only hands it back.
    """
    found = _as_json(text)
    if found is not None:  # JSON holds no mark, so it might be the candidate's own
        handed_back = _dense(_unwrapped(text)) in _dense(candidate)
        return Reading(None, "the reply hands the solution back", "") if handed_back else found
    pattern = re.compile(rf"^[ \t*_`]*SCORE_{re.escape(mark)}:[ \t]*([1-5])[ \t*_`.]*$")
    lines = text.splitlines()
    scores = [match[1] for line in lines if (match := pattern.match(line)) and match[1].isascii()]
    comment = "\n".join(line for line in lines if not pattern.match(line)).strip()
    if len(scores) == 1:
        return Reading(int(scores[0]), "", comment)
    if scores:
        return Reading(None, "more than one score in the reply", comment)
    return Reading(None, "no score in the reply", comment)


def _as_json(text: str) -> Reading | None:
    """Read a reply that is one JSON object and nothing else; None when it is not."""
    bare = _unwrapped(text)
    if not (bare.startswith("{") and bare.endswith("}")):
        return None
    try:
        value = json.loads(bare, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return None
    comment = value.get("comment") if isinstance(value.get("comment"), str) else ""
    score = value.get("score")
    if isinstance(score, bool) or not isinstance(score, int):
        return Reading(None, "no score in the reply", str(comment))
    if not 1 <= score <= 5:
        return Reading(None, f"score {score} is not from 1 to 5", str(comment))
    return Reading(score, "", str(comment))


def _unwrapped(text: str) -> str:
    """Return ``text`` without a code fence around all of it."""
    bare = text.strip()
    if bare.startswith("```"):
        bare = bare.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    return bare


def _dense(text: str) -> str:
    return "".join(text.split())


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a name stands twice")
    return dict(pairs)
