"""Where a text takes its answer back: ``12. Wait, actually 14``, ``B. No, I mean C``.

Only a correction that names the new answer at once is one; "wait, let me check with 100" is not.
"""

from __future__ import annotations

import re

_CALLS = (
    r"(?:wait|oops|sorry|actually|correction|scratch\sthat|i\smeant?|my\smistake"
    r"|no(?=\s?[,;-]|\swait\b))"
)
_LINKS = (
    r"(?:wait|actually|sorry|correction|no|it|it's|its|is|be|should|must|would|have\sto|that|"
    r"that's|this|the|correct|right|answer|option|final|make|i|mean|meant|rather)"
)
_GAP = r"[\s,.:;!*-]{1,4}"
_CORRECTION = re.compile(
    rf"[.!?,;:\n(-][\s*(]{{0,4}}{_CALLS}\b{_GAP}(?:{_LINKS}\b{_GAP}){{0,9}}(?=[$€£(\[\"'*]{{0,3}}\w)",
    re.IGNORECASE,
)
_WITHIN = 400  #: characters after the answer; a correction of it comes soon


def corrections(text: str, after: int) -> list[int]:
    """Return the places where answers stand that correct the one that ends at ``after``."""
    end = min(len(text), after + _WITHIN)
    return [found.end() for found in _CORRECTION.finditer(text, after, end)]
