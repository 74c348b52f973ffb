"""Where a text states its final answer: ``\\boxed{x}``, ``#### x``, ``Answer: x``, and in words.

This module finds the places; what stands there is read by the module of the answer's kind.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MARK = re.compile(
    r"(?P<boxed>\\f?boxed\s?\{)"
    r"|(?P<hash>^[ \t]{0,8}\#{4}(?!\#)[ \t]{0,8}(?=\S))"
    r"|(?P<line>^[ \t>*_-]{0,8}A[ \t]?:)"
    r"|(?P<tag><answer>)"
    r"|(?<!/)\b(?P<final>(?:final|correct)\s)?(?:answer|ans|(?:correct|right|best)\s(?:option|choice))\b"
    r"(?:[ \t]to[ \t][^.\n:]{1,80}?)?[\"']?[ \t]{0,4}"
    r"(?P<verb>[:=]|\b(?:is|was|(?:would|should|will|must)[ ](?:(?:most|very|likely|probably|then|"
    r"therefore|thus|still)[ ]){0,2}be|equals)\b[ \t]{0,4}:?)",
    re.IGNORECASE | re.MULTILINE,
)
_OPTION_LIST = re.compile(r"^[ \t]{0,8}A[ \t]?:[^\n]{0,400}\n\s{0,8}B[ \t]?:", re.MULTILINE)
_NEXT_ITEM = re.compile(
    r"\n[ \t#*]{0,8}(?:question|q|problem|human|user|instruction|input|exercise)\b"
    r"[ \t]?\d{0,4}[ \t]?:",
    re.IGNORECASE,
)
#: What may stand between "the answer is" and the answer.
_HEDGE = re.compile(
    r"(?:,?\s{0,3}\b(?:therefore|thus|hence|then|then\sagain|so|most|very|likely|probably|definitely|"
    r"certainly|clearly|obviously|simply|indeed|actually|of\scourse|in\sfact|also|still|now|"
    r"approximately\sequal\sto|equal\sto)\b,?\s{1,3}){1,3}",
    re.IGNORECASE,
)
_END_OF_TAG = re.compile(r"</answer", re.IGNORECASE)
_EXPLAINS = re.compile(
    r"[\s#*_(-]{0,12}(?:explanation|explain|reason|reasoning|justification|solution|note|because|"
    r"here(?:'s|\sis)\s(?:the|my|a|how|why)|step)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n")
_FIRST, _LAST = 4, 12  #: marks looked at, so that a text of nothing but marks costs no more
_BOXED_LONGEST = 400


class Statement(NamedTuple):
    """One place where the text says what its answer is.

    ``certain`` marks the forms that can mean nothing else; ``settled`` says that the text goes on
    with an explanation or not at all, so that the line is the answer and not the start of work.
    """

    start: int
    end: int  #: of the line (for a box: of the box)
    certain: bool = False
    settled: bool = True
    block: bool = False  #: the answer stands on a line below its mark
    boxed: bool = False
    said_at: int = (
        -1
    )  #: where it begins with what hedges it ("therefore", "still"), if anything does


def statements(text: str) -> list[Statement]:
    """Return the statements of a plain text, left to right.

    A model that goes on with the next question after its answer is read up to that question.
    """
    marks = list(_MARK.finditer(text))
    if len(marks) > _FIRST + _LAST:
        marks = marks[:_FIRST] + marks[-_LAST:]
    lists_options = any(mark["line"] for mark in marks) and _OPTION_LIST.search(text) is not None
    found: list[Statement] = []
    stop = len(text)
    for mark in marks:
        if mark.start() >= stop:
            break
        if mark["line"] is not None and lists_options:
            continue
        if (statement := _after(text, mark)) is not None:
            found.append(statement)
            stop = end_of_item(text, found) if len(found) == 1 else stop
    return found


def end_of_item(text: str, stated: list[Statement]) -> int:
    """Return where the answered item ends: at the next question the model asks itself."""
    return next_item(text, stated[0].end) if stated else len(text)


def next_item(text: str, at: int) -> int:
    """Return where the next question begins that a model asks itself after ``at``."""
    following = _NEXT_ITEM.search(text, at)
    return following.start() if following else len(text)


def sentence_end(text: str, start: int, end: int) -> int:
    """Return where the sentence that begins at ``start`` ends, ``end`` at the latest."""
    found = _SENTENCE_END.search(text, start, end)
    return found.start() if found else end


def sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the spans of the sentences and lines between two places."""
    spans, at = [], start
    for found in _SENTENCE_END.finditer(text, start, end):
        if text[at : found.start()].strip():
            spans.append((at, found.start()))
        at = found.end()
    if text[at:end].strip():
        spans.append((at, end))
    return spans


def _after(text: str, mark: re.Match[str]) -> Statement | None:
    at = mark.end()
    if mark["boxed"] is not None:
        end = _closing_brace(text, at)
        return None if end is None else Statement(at, end, certain=True, boxed=True)
    if mark["tag"] is not None:
        closed = _END_OF_TAG.search(text, at, at + _BOXED_LONGEST)
        return Statement(at, closed.start(), certain=True, boxed=True) if closed else None
    start = at
    while start < len(text) and (text[start].isspace() or text[start] in "*_:"):
        start += 1
    block = "\n" in text[at:start]
    if start == len(text) or (block and mark["hash"] is not None):
        return None
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    if text[start : start + 4].lower() == "not ":
        return None
    if mark["hash"] is not None:
        return Statement(start, end, certain=True) if end - start <= 60 else None
    spoken = mark["verb"] is not None and mark["verb"][0] not in ":="
    said_at = -1
    if (hedge := _HEDGE.match(text, start, end)) is not None and hedge.end() < end:
        said_at, start = start, hedge.end()
    settled = spoken or _is_settled(text, end)
    certain = bool(mark["final"])
    return Statement(start, end, certain, settled=settled, block=block, said_at=said_at)


def _is_settled(text: str, end: int) -> bool:
    rest = end
    while rest < len(text) and text[rest].isspace():
        rest += 1
    return (
        rest == len(text)
        or _EXPLAINS.match(text, rest) is not None
        or (_NEXT_ITEM.match(text, max(end, rest - 1)) is not None)
    )


def _closing_brace(text: str, start: int) -> int | None:
    depth = 1
    for at in range(start, min(len(text), start + _BOXED_LONGEST)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return None
