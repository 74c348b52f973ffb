"""Which number of a text is its answer, and which others it states as a result.

An explicit final answer comes first; without one, the concluding sentence of the work. In a
sentence, what stands after the last ``=`` wins; else the number that was just computed; else one
that the question did not give ("4 packs for 104 dollars" answers 4); else the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from studio.domain.arithmetic import lone_sum
from studio.domain.corrections import corrections
from studio.domain.denials import denies_number
from studio.domain.number_words import number_words, only_words, told_words
from studio.domain.numbers import Number, number_at, numbers
from studio.domain.statements import (
    Statement,
    end_of_item,
    sentence_end,
    sentences,
    statements,
)

_EQUALS = re.compile(r"(?<![<>!=:])[=≈](?![=>])|[=-]>|→|\b(?:equals|is\sequal\sto)\b")
_GOES_ON = re.compile(
    # Units may stand between: "80 minutes/day * 6"; the x of "wax" and the / of "7 a/day" are none.
    r"(?:\s?(?:(?<=[a-z\d])/)?[a-z]{1,20}){0,4}?\s?"
    r"(?:[+*\u00d7÷=·]|/(?!\s?[a-z])|(?<![a-z])x(?=\s)|\\times|\\cdot|\\div|-(?=\s?[\d$]))",
    re.I,
)
_CUE = re.compile(
    r"\b(?:therefore|thus|hence|so|then|consequently|in\stotal|altogether|(?:which|that|this)\smeans)\b",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(r"\s?[A-Za-z]\s?(?:[.,;\n]|$)")
_OPERAND = re.compile(r"[-+*/\u00d7÷x]\s?[$€£]?$")
_LIST_MARK = re.compile(r"[.)](?=\s+\S)")
#: What may stand between the mark of an answer and its number: an option's letter, a currency, a
#: variable, "about".
_LEADS_IN = re.compile(
    r"\W*+(?:(?:[A-Z]{2,3}|Rs|about|approximately|roughly|exactly|only|[a-zA-Z])\b)?\W*"
)
_STEP_WORD = re.compile(
    r"\b(?:step|part|case|equation|example|problem|question|option|day)\s*$", re.I
)
_LINE_START = re.compile(r"(?:^|\n)[ \t>(*-]{0,8}$")
_EITHER = re.compile(r"\s?,?\sor\s(?=[$€£(]{0,2}\d)")
_DIGIT = re.compile(r"\d")
#: After a number that corrects another: the end, or a unit; "actually 3 of them" corrects nothing.
_ENDS_HERE = re.compile(
    r"[)\]\"'*%]{0,3}(?:\s(?!(?:of|more|less|fewer|times|than|steps?)\b)[a-z]{1,20}){0,2}\s?(?:[.,;!)\n]|$)",
    re.IGNORECASE,
)
_LETTER_ONLY = re.compile(r"\W*(?:(?i:option|choice|letter)\s)?\W{0,3}(?P<letter>[A-H])\W*?")
#: An option of a list in the text: "B) 12 apples", up to the next one.
_OPTION = re.compile(
    r"(?:^|(?<=\s))[*(]{0,3}(?P<letter>[A-H])[*).:]{1,3}\s(?=(?P<rest>[^\n]{1,200}?(?=\n|\s\(?[A-H][).:]|$)))"
)
_TOTAL = re.compile(
    r"(?<!out of )\b(?:a\s(?:grand\s)?total\sof|adds?\sup\sto|sums?\sup\sto)\s{1,3}[$€£]{0,2}\s{0,60}",
    re.I,
)
#: A sentence that tells how the one before was found concludes nothing.
_LOOKS_BACK = re.compile(
    r"\W{0,4}(?:to\s(?:find|get|calculate|see|check)\s(?:this|it|that)|(?:this|that|it)\sis\s(?:because|since)|"
    r"because|i\s(?:found|got|calculated))\b",
    re.IGNORECASE,
)
_CONCLUSION = 6000  #: characters at the end in which the concluding sentence is looked for
_LOOK_BACK = 3  #: sentences


class Answers(NamedTuple):
    """The numbers a text answers with."""

    chosen: Number | None
    explicit: list[Number]  #: of every explicit final answer, the preferred last
    concluding: Number | None  #: of the last sentence of the work
    statement: Statement | None  #: where the chosen one was stated, if explicitly


def answers(text: str, given: frozenset[Fraction]) -> Answers:
    """Read the number a plain text answers with.

    Args:
        given: the values the question gives.
    """
    found = statements(text)
    stated = [(one, number) for one in found if (number := _stated(text, one, given)) is not None]
    stated.sort(key=lambda pair: pair[0].certain)  # stable: the last of the most certain wins
    concluding = _concluding(text, end_of_item(text, found), given)
    explicit = [number for _, number in stated]
    if stated:
        if (correct := _correction(text, explicit[-1])) is not None:
            explicit.append(correct)
        return Answers(explicit[-1], explicit, concluding, stated[-1][0])
    if concluding is None and not _DIGIT.search(text):
        concluding = only_words(text)
    return Answers(concluding, [], concluding, None)


def alternative(text: str, answer: Number) -> Number | None:
    """Return the number that a text offers beside its answer: "12 or 13"."""
    either = _EITHER.match(text, answer.end)
    return None if either is None else number_at(text, either.end())


def stated_results(text: str, given: frozenset[Fraction], *, start: int = 0) -> list[Number]:
    """Return the numbers a text states as results: after ``=``, or as news in a conclusion."""
    signs = _EQUALS.finditer(text, start)
    results = [number for at in signs if (number := _result(text, at.end()))]
    for first, last in sentences(text, start, len(text)):
        if (cue := _CUE.search(text, first, last)) is not None:
            news = _sentence_numbers(text, cue.end(), last)
            results += [number for number in news if number.value not in given]
    return results


def _correction(text: str, answer: Number) -> Number | None:
    """Return the number with which a text takes an answer back: "12. Wait, actually 14"."""
    for at in reversed(corrections(text, answer.end)):
        number = number_at(text, at)
        if number is not None and number.start - at < 8 and _ENDS_HERE.match(text, number.end):
            return number
    return None


def _stated(text: str, one: Statement, given: frozenset[Fraction]) -> Number | None:
    end = one.end if one.boxed else sentence_end(text, one.start, one.end)
    if (work := lone_sum(text, one.start, end)) is not None:
        return Number(work.start, work.end, text[work.start : work.end], (work.value,))
    found = _not_denied(text, numbers(text, one.start, end))
    found = found or number_words(text, one.start, end)[:1]
    if not found:
        return _of_option(text, one, given)
    direct = _is_direct(text, one, found[0])
    result = _last_result(text, one.start, end)
    if one.block and not one.settled and not (direct and end - one.start <= 25):
        return None
    if result is not None:
        return result
    if direct:
        return found[0]
    return _choose(text, one.start, end, given) if one.settled else None


def _of_option(text: str, one: Statement, given: frozenset[Fraction]) -> Number | None:
    """Return the number of the option that a statement names by its letter, "Answer: B"."""
    named = _LETTER_ONLY.fullmatch(text, one.start, one.end)
    if named is None:
        return None
    found = None
    for option in _OPTION.finditer(text, 0, one.start):
        if option["letter"] == named["letter"]:
            found = option
    return _choose(text, found.end(), found.end("rest"), given) if found else None


def _not_denied(text: str, found: Iterable[Number]) -> list[Number]:
    return [number for number in found if not denies_number(text, number.start)]


def _is_direct(text: str, one: Statement, first: Number) -> bool:
    """Tell "Answer: 12 apples" from "Answer: 12 + 3 …", "1. First …" and "Bob has 12"."""
    before = text[one.start : first.start]
    if not one.boxed and any(c.isalpha() for c in before) and not _LEADS_IN.fullmatch(before):
        return False
    marks_item = _LIST_MARK.match(text, first.end) is not None and not before.strip()
    return not marks_item and _GOES_ON.match(text, first.end) is None


def _concluding(text: str, end: int, given: frozenset[Fraction]) -> Number | None:
    """Return the number of the concluding sentence, or of the last that has one."""
    spans = sentences(text, max(0, end - _CONCLUSION), end)
    tried = 0
    last: Number | None = None
    for start, stop in reversed(spans):
        number = _choose(text, start, stop, given)
        if number is None or (number.value in given and _LOOKS_BACK.match(text, start, stop)):
            continue
        concludes = _CUE.search(text, start, stop) or _EQUALS.search(text, start, stop)
        if last is None and (concludes or number.value not in given):
            return number
        if last is not None and _CUE.search(text, start, stop) and number.value not in given:
            return number
        last = last or number
        tried += 1
        if tried > _LOOK_BACK:
            break
    return last


def _choose(text: str, start: int, end: int, given: frozenset[Fraction]) -> Number | None:
    result = _last_result(text, start, end)
    if result is not None:
        return result
    found = _sentence_numbers(text, start, end)
    if len(found) < 2:
        return found[0] if found else None
    totals = {phrase.end() for phrase in _TOTAL.finditer(text, start, end)}
    for number in reversed(found):
        if number.start in totals and number.value not in given:
            return number
    computed = _last_result(text, max(0, start - _CONCLUSION), start)
    for number in found:
        if computed is not None and number.value == computed.value:
            return number
    news = [number for number in found if number.value not in given]
    last_cue = max((cue.end() for cue in _CUE.finditer(text, start, end)), default=start)
    after = [number for number in news if number.start >= last_cue]
    return after[0] if after else news[0] if news else found[-1]


def _last_result(text: str, start: int, end: int) -> Number | None:
    result = None
    for at in _EQUALS.finditer(text, start, end):
        number = _result(text, at.end()) or _before_unknown(text, start, at)
        result = number if number is not None and number.end <= end else result
    return result


def _before_unknown(text: str, start: int, at: re.Match[str]) -> Number | None:
    """Return the number of "160 = Y", with the unknown on the right."""
    if _UNKNOWN.match(text, at.end()) is None:
        return None
    found = list(numbers(text, max(start, at.start() - 30), at.start()))
    is_alone = bool(found) and not text[found[-1].end : at.start()].strip()
    return (
        found[-1]
        if is_alone and not _OPERAND.search(text, max(0, found[-1].start - 6), found[-1].start)
        else None
    )


def _result(text: str, at: int) -> Number | None:
    """Return the number after an equals sign, unless it is the first operand of more work."""
    number = number_at(text, at)
    if number is None or number.start - at > 250 or _GOES_ON.match(text, number.end):
        return None
    return number


def _sentence_numbers(text: str, start: int, end: int) -> list[Number]:
    found = [n for n in numbers(text, start, end) if not _numbers_an_item(text, n)]
    if not found and _CUE.search(text, start, end) is not None:
        found = told_words(text, start, end)
    return _not_denied(text, found)


def _numbers_an_item(text: str, number: Number) -> bool:
    before = text[max(0, number.start - 14) : number.start]
    if _STEP_WORD.search(before):
        return True
    at_line_start = number.start == 0 or _LINE_START.search(before) is not None
    return at_line_start and _LIST_MARK.match(text, number.end) is not None
