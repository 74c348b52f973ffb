"""Which number of a text is its answer, and which others it states as a result.

An explicit final answer comes first; without one, the concluding sentence of the work. In a
sentence, what stands after the last ``=`` wins; else the number that was just computed; else one
that the question did not give ("4 packs for 104 dollars" answers 4); else the last.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from studio.domain.arithmetic import lone_sum
from studio.domain.corrections import corrections
from studio.domain.first_numbers import first_number
from studio.domain.number_words import number_words, only_words
from studio.domain.numbers import Number, number_at, numbers
from studio.domain.sentence_numbers import (
    CUE,
    EQUALS,
    GOES_ON,
    LIST_MARK,
    last_result,
    not_denied,
    result_at,
    sentence_numbers,
)
from studio.domain.statements import (
    Statement,
    end_of_item,
    sentence_end,
    sentences,
    statements,
)

#: What may stand between the mark of an answer and its number: an option's letter, a currency, a
#: variable, "about".
_LEADS_IN = re.compile(
    r"\W*+(?:(?:[A-Z]{2,3}|Rs|about|approximately|roughly|exactly|only|[a-zA-Z])\b)?\W*"
)
_EITHER = re.compile(
    r"(?:(?:\s?,?\s(?:or|to)|-)|\s(?:and|or))(?=\s?[$€£(]{0,2}\d)|[^\d.\n]{0,12},(?=\s[$€£]?\d[\d,.]*\s(?:\w+\s)?"
    r"(?:in\s(?:all|total)|altogether)\b)|\s\(or(?=\s[$€£]?\d)"
)
_BETWEEN = re.compile(r"\bbetween\s[$€£]?$", re.I)
#: What gives the reason for a result: "8 buses, as 30/4 = 7.5", "8 (since 7.5 is rounded up)".
_BECAUSE = re.compile(r",?\s(?:because|since)\s|,\sas\s", re.I)
_UNITS_THEN_REASON = re.compile(
    r"[)\"'*]{0,3}(?:\s?[a-z]{1,20}){0,3}(?:\s?\(|,?\s(?:because|since)\s|,\sas\s)", re.I
)
#: "7.5, so 8 buses are needed": the number after the result that it leads to.
_LEADS_TO = re.compile(r"[,;]\s(?:and\s)?(?:so|therefore|thus|hence)\b", re.I)
_CHECKS = re.compile(
    r"\W{0,4}(?:(?:to|let's|let\sme|let\sus|i)\s(?:check|verify|confirm)|check(?:ing)?|verification|proof)\b",
    re.I,
)
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
    r"(?<!out of )\b(?:a\s(?:grand\s)?total\sof|adds?\sup\sto|sums?\sup\sto|total:)\s{1,3}[$€£]{0,2}\s{0,60}",
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
    if (first := first_number(text)) is not None:
        return _first(text, first, concluding, given)
    if concluding is None and not _DIGIT.search(text):
        concluding = only_words(text)
    return Answers(concluding, [], concluding, None)


def _first(
    text: str, first: tuple[Number, int], concluding: Number | None, given: frozenset[Fraction]
) -> Answers:
    """Take the number a text begins with; what it then concludes is another answer."""
    number, at = first
    last = concluding
    if last is not None and last.start > at:
        start = max(text.rfind("\n", 0, last.start), text.rfind(". ", 0, last.start), at)
        concludes = last.value not in given and CUE.search(text, start, last.start)
        others = [last] if concludes and last.value != number.value else []
        return Answers(number, [*others, number], number, None)
    return Answers(number, [number], number, None)


def alternative(text: str, answer: Number) -> Number | None:
    """Return the number that a text offers beside its answer: "12 or 13"."""
    either = _EITHER.match(text, answer.end)
    if either is None:
        return None
    if either[0].strip() == "and" and not _BETWEEN.search(text, 0, answer.start):
        return None
    return number_at(text, either.end())


def stated_results(text: str, given: frozenset[Fraction], *, start: int = 0) -> list[Number]:
    """Return the numbers a text states as results: after ``=``, or as news in a conclusion."""
    signs = EQUALS.finditer(text, start)
    results = [number for at in signs if (number := result_at(text, at.end()))]
    for first, last in sentences(text, start, len(text)):
        if (cue := CUE.search(text, first, last)) is not None:
            news = sentence_numbers(text, cue.end(), last)
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
    last = min(one.end, one.start + _CONCLUSION)
    end = last if one.boxed else sentence_end(text, one.start, last)
    if (work := lone_sum(text, one.start, end)) is not None:
        return Number(work.start, work.end, text[work.start : work.end], (work.value,))
    found = not_denied(text, numbers(text, one.start, end))
    found = found or number_words(text, one.start, end)[:1]
    if not found:
        return _of_option(text, one, given)
    direct = _is_direct(text, one, found[0])
    result = last_result(text, one.start, end)
    if one.block and not one.settled and not (direct and end - one.start <= 25):
        return None
    if direct and _UNITS_THEN_REASON.match(text, found[0].end):
        return found[0]
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


def _is_direct(text: str, one: Statement, first: Number) -> bool:
    """Tell "Answer: 12 apples" from "Answer: 12 + 3 …", "1. First …" and "Bob has 12"."""
    before = text[one.start : first.start]
    if not one.boxed and any(c.isalpha() for c in before) and not _LEADS_IN.fullmatch(before):
        return False
    marks_item = LIST_MARK.match(text, first.end) is not None and not before.strip()
    return not marks_item and GOES_ON.match(text, first.end) is None


def _concluding(text: str, end: int, given: frozenset[Fraction]) -> Number | None:
    """Return the number of the concluding sentence, or of the last that has one."""
    spans = sentences(text, max(0, end - _CONCLUSION), end)
    tried = 0
    last: Number | None = None
    checked: Number | None = None
    for start, stop in reversed(spans):
        number = _choose(text, start, stop, given)
        if number is None or (number.value in given and _LOOKS_BACK.match(text, start, stop)):
            continue
        if _CHECKS.match(text, start, stop) is not None and start > 0:
            checked = checked or number
            continue
        concludes = CUE.search(text, start, stop) or EQUALS.search(text, start, stop)
        if last is None and (concludes or number.value not in given):
            return number
        if last is not None and CUE.search(text, start, stop) and number.value not in given:
            return number
        last = last or number
        tried += 1
        if tried > _LOOK_BACK:
            break
    return last or checked


def _choose(text: str, start: int, end: int, given: frozenset[Fraction]) -> Number | None:
    if (told := _told_before_reason(text, start, end, given)) is not None:
        return told
    result = last_result(text, start, end)
    if result is not None:
        return _led_to(text, result, end, given) or result
    found = sentence_numbers(text, start, end)
    if len(found) < 2:
        return found[0] if found else None
    totals = {phrase.end() for phrase in _TOTAL.finditer(text, start, end)}
    for number in reversed(found):
        if number.start in totals and number.value not in given:
            return number
    computed = last_result(text, max(0, start - _CONCLUSION), start)
    for number in found:
        if computed is not None and number.value == computed.value:
            return number
    news = [number for number in found if number.value not in given]
    last_cue = max((cue.end() for cue in CUE.finditer(text, start, end)), default=start)
    after = [number for number in news if number.start >= last_cue]
    return after[0] if after else news[0] if news else found[-1]


def _told_before_reason(
    text: str, start: int, end: int, given: frozenset[Fraction]
) -> Number | None:
    """Return the only news of "She needs 8 buses, as 30/4 = 7.5" before its reason."""
    reason = _BECAUSE.search(text, start, end)
    if reason is None or EQUALS.search(text, start, reason.start()):
        return None
    found = [n for n in sentence_numbers(text, start, reason.start()) if n.value not in given]
    if len(found) != 1:
        return None
    signs = [at for at in EQUALS.finditer(text, reason.end(), end) if result_at(text, at.end())]
    result = last_result(text, reason.end(), end)
    # Of "20 hours because 7 x 2 = 14" the sum is as likely meant; rounding and long work are clear.
    rounds = result is not None and abs(result.value - found[0].value) < 1
    return found[0] if rounds or len(signs) > 1 else None


def _led_to(text: str, result: Number, end: int, given: frozenset[Fraction]) -> Number | None:
    leads = _LEADS_TO.search(text, result.end, end)
    if leads is None:
        return None
    news = [n for n in sentence_numbers(text, leads.end(), end) if n.value not in given]
    return news[0] if news else None
