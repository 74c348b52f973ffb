"""Grading by rules: read the answer out of a text, compare it with gold, and say what is doubtful.

Nothing here calls a model, reads a file or raises on any text. The same text always gets the same
grade, so new rules mean a new ``GRADER`` and a new row beside the old ones. Where plain rules
cannot decide (LaTeX, expressions) the caller may lend an ``equal``; see ``flow/latex.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from studio.domain import doubts
from studio.domain.choices import gold_index, letter, picks
from studio.domain.number_words import number_words
from studio.domain.numbers import Number, numbers, same, values_in
from studio.domain.plain import Plain, plain, squeezed
from studio.domain.records import AnswerKind, Doubt, Question, Verdict
from studio.domain.results import Answers, alternative, answers, stated_results
from studio.domain.statements import Statement, sentence_end, statements
from studio.domain.units import in_unit_asked
from studio.domain.yes_no import gold_yes_no, spoken, yes_no

GRADER = "rules:2"
Equal = Callable[[str, str], bool]

_EXPRESSION = re.compile(
    r"\\[a-zA-Z]{2}|[\^√π]|\d\s?[-+*/\u00d7÷]\s?[\d(]|[a-z]\s?[=+*/^-]\s?[\d(a-z]|[({\[]"
)
_MARKED = re.compile(r"\$([^$]{1,400})\$|\\\((.{1,400}?)\\\)|\\\[(.{1,400}?)\\\]", re.DOTALL)
_PROSE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_MORE_THAN_A_NUMBER = re.compile(r"[\\^=+*_√π]|(?<![a-z$€£])/")
_LONGEST_EXPRESSION = 400
_LONGEST_EXTRACT = 200


class Verdicted(NamedTuple):
    """A verdict with what it rests on; ``span`` is where in the text the answer stands."""

    verdict: Verdict
    extracted: str = ""
    span: tuple[int, int] | None = None
    doubts: tuple[Doubt, ...] = ()


class _Read(NamedTuple):
    """What the reader of one answer kind found; places are in the plain text."""

    verdict: Verdict
    extracted: str = ""
    span: tuple[int, int] | None = None
    doubts: tuple[Doubt | None, ...] = ()
    explicit: bool = False


_NOTHING = _Read(Verdict.UNREADABLE)


def grade_answer(
    text: str, *, question: Question, truncated: bool = False, equal: Equal | None = None
) -> Verdicted:
    """Grade one answer to ``question``.

    Args:
        truncated: generation stopped at the token limit.
        equal: ``equal(gold, answer)`` decides about LaTeX and expressions; None leaves them to
            a comparison of their characters.
    """
    seen = plain(text)
    if not seen.text.strip():
        nothing = Doubt(name=doubts.EMPTY, evidence="the answer is empty")
        return Verdicted(Verdict.UNREADABLE, doubts=(nothing,))
    if not question.gold.strip():
        missing = Doubt(name=doubts.GOLD_UNREADABLE, evidence="the question has no gold answer")
        return Verdicted(Verdict.UNREADABLE, doubts=(missing,))
    read = _READERS[question.answer_kind](seen, question, equal)
    refused = doubts.refusal(seen)
    if refused and not read.explicit:
        read = _NOTHING
    found = [*read.doubts, refused]
    if truncated and not _is_complete(read, seen):
        found.append(doubts.truncation(seen))
    span = None if read.span is None else seen.origin(*read.span)
    return Verdicted(read.verdict, read.extracted, span, tuple(one for one in found if one))


def _is_complete(read: _Read, seen: Plain) -> bool:
    """Tell an answer that was followed by idle talk from one that was cut."""
    return read.explicit and read.span is not None and bool(seen.text[read.span[1] :].strip())


# -- numbers ------------------------------------------------------------------------------------


def _read_number(seen: Plain, question: Question, equal: Equal | None) -> _Read:
    gold = _gold_number(question.gold)
    if gold is None:
        return _read_text(seen, question, equal)
    given = values_in(plain(f"{question.context}\n{question.text}").text)
    found = answers(seen.text, given)
    if found.chosen is None:
        return _expression(seen, question, equal) or _NOTHING
    match = in_unit_asked(
        same(found.chosen, gold), found.chosen, seen.text, gold=gold, asked=question.text
    )
    verdict = Verdict.CORRECT if match.equal else Verdict.WRONG
    if verdict is Verdict.WRONG and (settled := _expression(seen, question, equal)):
        return settled
    read = _Read(verdict, found.chosen.canonical, (found.chosen.start, found.chosen.end))
    formats = Doubt(name=doubts.FORMATS, evidence=match.odd) if match.odd else None
    others = _other_numbers(found, gold, alternative(seen.text, found.chosen))
    hidden = None
    if verdict is Verdict.WRONG:
        # Work that leads to an explicit answer is not another answer; what follows it may be.
        after = found.chosen.end if found.statement else 0
        results = stated_results(seen.text, given, start=after)
        hidden = _gold_among([*found.explicit, *results], gold, seen)
    return read._replace(doubts=(formats, others, hidden), explicit=found.statement is not None)


def _other_numbers(found: Answers, gold: Number, offered: Number | None) -> Doubt | None:
    """Explicit answers that differ; or a later conclusion that differs, where gold is at stake."""
    said = [*found.explicit, *([offered] if offered and found.explicit else [])]
    if offered and found.chosen and not found.explicit:
        said = [found.chosen, offered]
    last = found.concluding
    concludes = found.explicit and said and last is not None and last.start > said[-1].end
    if concludes and last and same(said[-1], gold).equal != same(last, gold).equal:
        said.append(last)
    return doubts.several([number.canonical for number in said])


def _gold_among(stated: list[Number], gold: Number, seen: Plain) -> Doubt | None:
    for number in stated:
        if same(number, gold).equal:
            evidence = seen.excerpt(number.start, number.end)
            return Doubt(name=doubts.GOLD_STATED, evidence=evidence)
    return None


@lru_cache(maxsize=4096)
def _gold_number(gold: str) -> Number | None:
    """Read gold as one number with at most a unit; None where it is an expression or words."""
    text = plain(gold.rpartition("####")[2]).text.strip()
    for box in (one for one in statements(text) if one.boxed):
        text = text[box.start : box.end]
        break
    found = list(numbers(text)) or number_words(text, 0, len(text))
    if len(found) != 1 or len(text) > _LONGEST_EXTRACT:
        return None
    rest = text[: found[0].start] + " " + text[found[0].end :]
    is_pair = bool(found[0].odd) and re.search(r"[(\[{]", rest)
    is_term = re.match(r"[xyznab]\b", text[found[0].end :])
    return None if _MORE_THAN_A_NUMBER.search(rest) or is_pair or is_term else found[0]


# -- choices, yes and no ------------------------------------------------------------------------


def _read_choice(seen: Plain, question: Question, equal: Equal | None) -> _Read:
    del equal
    gold = gold_index(question.gold, question.options)
    if gold is None:
        return _read_text(seen, question, None)
    found = picks(seen.text, question.options, asked=question.text)
    if found.chosen is None:
        return _NOTHING
    pick = found.chosen
    verdict = Verdict.CORRECT if pick.option == gold else Verdict.WRONG
    disagree = None
    if pick.worded is not None and pick.worded != pick.option:
        evidence = f"{letter(pick.option)}, but the words of {letter(pick.worded)}"
        disagree = Doubt(name=doubts.LETTER_AND_TEXT, evidence=evidence)
    others = doubts.several([letter(one.option) for one in found.explicit or found.others])
    span = (pick.start, pick.end)
    return _Read(verdict, letter(pick.option), span, (disagree, others), bool(found.explicit))


def _read_yes_no(seen: Plain, question: Question, equal: Equal | None) -> _Read:
    del equal
    gold = gold_yes_no(question.gold)
    if gold is None:
        return _read_text(seen, question, None)
    found = yes_no(seen.text)
    if found.chosen is None:
        return _NOTHING
    said = found.chosen
    verdict = Verdict.CORRECT if said.yes == gold else Verdict.WRONG
    others = doubts.several([spoken(one.yes, gold=question.gold) for one in found.explicit])
    extracted = spoken(said.yes, gold=question.gold)
    return _Read(verdict, extracted, (said.start, said.end), (others,), bool(found.explicit))


# -- text and expressions -----------------------------------------------------------------------


def _read_text(seen: Plain, question: Question, equal: Equal | None) -> _Read:
    settled = _expression(seen, question, equal)
    if settled is not None:
        return settled
    gold = squeezed(question.gold)
    stated = _best(seen.text)
    start, end = (stated.start, stated.end) if stated else _whole_or_last_line(seen.text)
    sentence = (
        (start, end) if stated and stated.boxed else (start, sentence_end(seen.text, start, end))
    )
    # "Still" may hedge an answer or begin it: "still water".
    hedged = (stated.said_at, sentence[1]) if stated and stated.said_at >= 0 else sentence
    for span in ((start, end), sentence, hedged):
        if _is_same_text(squeezed(_raw(seen, span)), gold):
            return _Read(Verdict.CORRECT, _shown(seen, span), span, explicit=stated is not None)
    hidden = None
    if len(gold) > 2 and f" {gold} " in f" {squeezed(seen.text)} ":
        hidden = Doubt(name=doubts.GOLD_STATED, evidence=question.gold.strip()[:_LONGEST_EXTRACT])
    if not squeezed(_raw(seen, sentence)):
        return _NOTHING._replace(doubts=(hidden,))
    shown = _shown(seen, sentence)
    return _Read(Verdict.WRONG, shown, sentence, (hidden,), stated is not None)


def _is_same_text(one: str, other: str) -> bool:
    """Compare squeezed texts; in formulas, coordinates and times blanks mean nothing."""
    if one == other:
        return True
    has_digit = any(character.isdigit() for character in other)
    return has_digit and one.replace(" ", "") == other.replace(" ", "")


def _expression(seen: Plain, question: Question, equal: Equal | None) -> _Read | None:
    """Let ``equal`` decide about an explicit answer that is more than a number; None: it is not."""
    stated = _best(seen.text) if equal is not None else None
    if equal is None or stated is None:
        return None
    end = stated.end if stated.boxed else sentence_end(seen.text, stated.start, stated.end)
    gold = question.gold.strip()
    answer = _formula(_raw(seen, (stated.start, end)), gold=gold)
    if not answer or max(len(answer), len(gold)) > _LONGEST_EXPRESSION:
        return None
    if not (_EXPRESSION.search(answer) or _EXPRESSION.search(gold)) or not equal(gold, answer):
        return None
    return _Read(Verdict.CORRECT, answer[:_LONGEST_EXTRACT], (stated.start, end), explicit=True)


def _formula(said: str, *, gold: str) -> str:
    """Return the formula a statement consists of or contains; "" where it is prose."""
    marked = _MARKED.search(said)
    if marked is not None:
        said = marked[1] or marked[2] or marked[3]
    elif len(_PROSE.findall(said)) > 2:
        return ""
    # Of "3 + 4 = 8" only the end is the answer: 7, its other side, must not count.
    return said.strip() if "=" in gold else said.rpartition("=")[2].strip()


def _best(text: str) -> Statement | None:
    found = sorted(statements(text), key=lambda one: one.certain)
    return found[-1] if found else None


def _whole_or_last_line(text: str) -> tuple[int, int]:
    end = len(text.rstrip())
    start = text.rfind("\n", 0, end) + 1
    return start, end


def _raw(seen: Plain, span: tuple[int, int]) -> str:
    first, last = seen.origin(*span)
    return seen.raw[first:last]


def _shown(seen: Plain, span: tuple[int, int]) -> str:
    return _raw(seen, span).strip().rstrip(".")[:_LONGEST_EXTRACT]


_READERS: dict[AnswerKind, Callable[[Plain, Question, Equal | None], _Read]] = {
    AnswerKind.NUMBER: _read_number,
    AnswerKind.CHOICE: _read_choice,
    AnswerKind.YES_NO: _read_yes_no,
    AnswerKind.TEXT: _read_text,
}
