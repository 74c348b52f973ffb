"""What a text denies: ``not 10``, ``far from true``, ``instead of 10``; a denied answer is no answer.

Only the words right before a place are looked at, so that a *not* elsewhere denies nothing.
"""

from __future__ import annotations

import re

_LOOK_BACK = 90  #: characters
_NOT = r"(?:\b(?:not|never|cannot|hardly|barely|scarcely|no\slonger|far\sfrom|anything\sbut|fails?)|n't)"
#: Words between *not* and what it denies. "Not only true" and "not more than 10" deny nothing.
_FILLERS = (
    r"(?:be|been|being|entirely|completely|fully|wholly|totally|altogether|quite|always|generally|"
    r"to|hold|holding|ring|necessarily|actually|really|strictly|exactly|literally|technically|considered|in\sfact|so|"
    r"the\scase\sthat\s(?:it|this|that)\s(?:is|was)|simply|say)"
)
_DENIES_WORD = re.compile(rf"{_NOT}\s(?:{_FILLERS}\s){{0,3}}[\"'(*]{{0,3}}$", re.IGNORECASE)
_DENIES_NUMBER = re.compile(
    r"(?:\b(?:not|never|cannot|instead\sof|rather\sthan)|n't)\s"
    r"(?:(?:be|been|equal|to|equals|exactly|actually)\s){0,2}[-$€£(\[\"'* ]{0,4}$",
    re.IGNORECASE,
)
#: A sentence about what is not so, up to the word: "I don't think it is true", "none of it is true".
_DENIES_CLAUSE = re.compile(
    r"(?:\b(?:not|cannot)|n't)\s(?:think|believe|agree|say|claim|find|conclude|mean"
    r"|be\s(?:said|claimed|concluded|argued))\b[^,;:]*$"
    r"|\b(?:opposite|reverse|contrary)\s(?:is|was|holds|seems|may\sbe)\s$"
    r"|\b(?:not\spossible|impossible|unlikely|wrong|incorrect|untrue|false|not\sthe\scase|no\sway)\b"
    r"\s(?:for|to|that|this|it)\b[^,;:]*$"
    r"|(?:^|[,;:]|\bso|\bthat)\s*(?:none|nothing|neither)\b[^,;:]*$",
    re.IGNORECASE,
)
_BREAK = re.compile(r"[.!?\n]\s|(?<!anything\s)\bbut\b|\band\b", re.IGNORECASE)


_CALLED_WRONG = re.compile(
    r"[)\"'*]{0,3}\s(?:[a-z]{1,20}\s)?(?:is|was|would\sbe)\s(?:wrong|incorrect|not\s(?:correct|right|the\sanswer))\b",
    re.IGNORECASE,
)


def denies_word(text: str, at: int) -> bool:
    """Return whether the words before ``at`` turn what stands there into its contrary."""
    clause = _clause(text, at)
    if _DENIES_CLAUSE.search(clause) is not None:
        # "I do not believe it is not true" takes the denial back.
        return _DENIES_WORD.search(clause) is None or _is_one_denial(clause)
    return _DENIES_WORD.search(clause) is not None


def denies_number(text: str, at: int) -> bool:
    """Return whether the number at ``at`` is named as what the answer is not."""
    return _DENIES_NUMBER.search(text, max(0, at - _LOOK_BACK), at) is not None


def calls_wrong(text: str, end: int) -> bool:
    """Return whether what ends at ``end`` is called wrong: "39 is wrong; 36 is right"."""
    return _CALLED_WRONG.match(text, end) is not None


def _is_one_denial(clause: str) -> bool:
    return len(re.findall(_NOT, clause, re.IGNORECASE)) < 2


def _clause(text: str, at: int) -> str:
    before = text[max(0, at - _LOOK_BACK) : at]
    starts = [found.end() for found in _BREAK.finditer(before)]
    return before[starts[-1] :] if starts else before
