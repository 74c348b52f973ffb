"""The text checks in their plain form, as they were before they were made fast: the same rules, said
one by one. ``test_fast_checks.py`` holds the fast ones to it on real records and on made-up texts.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from studio.domain.arithmetic import Mistaken
from studio.domain.checks import LONGEST, Flag, Task

_SHOWN = 120

_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ANSWERING = frozenset(
    ("the", "final", "correct", "right", "answer", "is", "so", "therefore", "thus", "hence", "it")
)
_HANDED = r"(?:gold|reference|provided|given|expected|known|official|ground[- ]truth|target)"
#: Words of somebody who was told the answer, wherever they stand.
_CITES = re.compile(
    rf"\b(?:the|this|as a|your) hint\b|\banswer key\b|\bground[- ]truth\b"
    rf"|\b(?:the|with|to the|a) {_HANDED} (?:final )?(?:answer|solution|label)\b"
    r"|\bwe (?:already )?(?:know|are told|are given|were told|were given)(?: that)? the"
    r" (?:correct |right |final )*answer\b"
    rf"|\bto (?:get|reach|obtain|match|arrive at) the {_HANDED} (?:answer|result|value)\b"
    r"|\b(?:the|my) (?:reviewers?|previous solution|first solution)\b",
    re.IGNORECASE,
)
_ANSWER_FIRST = re.compile(
    r"\W*(?:the )?(?:final |correct |right )*answer(?: to \w+ question)?\s*(?:is|:|=)\W*(?P<said>[^\n]{1,80}?(?=[.!?,;](?:\s|$)|\s*(?:\n|$)))",
    re.IGNORECASE,
)
_TO_REVIEWERS = re.compile(
    r"\bSCORE_[0-9a-f]{4,}|\bignore (?:all |any )?(?:the |your )?(?:previous|above|prior|earlier) instructions"
    r"|\b(?:give|rate|score|grade|mark) (?:this|me|it|my)\b[^.\n]{0,40}\b(?:[45]|five|full marks|highest)\b",
    re.IGNORECASE,
)
_SCRIPTS = ((0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F),
            (0xE00, 0xE7F), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7AF))  # fmt: skip
_SMALL_WORDS = {
    "en": "the and of to is are was were in that it for with how many each she he they have has from",
    "de": "der die das und ist sind war nicht ein eine von zu mit wie viele er sie hat auch wird dass",
    "fr": "le la les et est sont était une des du dans que pour avec combien elle il ont chaque sur donc",
    "es": "el los las y es son era una de en que para con cuántos cuántas ella cada tiene por entonces",
    "it": "il gli le e è sono era una di che per con quanti quante lei ogni ha quindi nel della",
    "pt": "os as e é são era uma de que para com quantos quantas ela cada tem por então não",
    "nl": "de het en is zijn was een van dat voor met hoeveel zij hij elke heeft niet ook dus",
}
_LANGUAGES = {name: frozenset(words.split()) for name, words in _SMALL_WORDS.items()}


def flags_of(text: str, task: Task, *, is_solution: bool = True) -> dict[Flag, str]:
    """Return what a text is marked with, each with what betrays it.

    Args:
        is_solution: it is a rationale, which is to hold reasoning of its own; an explanation may be
            short, and was told the answer.
    """
    if not any(c.isalnum() for c in text):
        return {Flag.EMPTY: "no word and no number"}
    found: dict[Flag, str] = {}
    if is_solution and _is_bare(text, task.gold):
        found[Flag.BARE] = _short(text)
    if repeated := _repeats(text, f"{task.prompt}\n{task.question}"):
        found[Flag.PROMPT] = repeated
    if (cited := _cites(text, task.gold)) and Flag.BARE not in found:
        found[Flag.LEAK] = cited
    if other := _other_language(text[:LONGEST], task.question):
        found[Flag.LANGUAGE] = other
    if len(text) > LONGEST:
        found[Flag.LONG] = f"{len(text):,} characters"
    if said := _TO_REVIEWERS.search(text):
        found[Flag.ORDERS] = _short(said[0])
    if wrong := mistaken_sum(text[:LONGEST]):
        found[Flag.SUM] = f"{wrong.sum} = {wrong.said}, which is {wrong.is_}"
    if is_solution and not found.keys() & {Flag.BARE, Flag.LANGUAGE} and _is_elsewhere(text, task):
        found[Flag.SWAPPED] = "shares no number and hardly a word with its question"
    return found


def _is_bare(text: str, gold: str) -> bool:
    """Return whether there is nothing but an answer."""
    if text.strip().casefold() == gold.strip().casefold():
        return True
    words = [word for word in _WORD.findall(text.casefold()) if word not in _ANSWERING]
    of_gold = set(_WORD.findall(gold.casefold()))
    is_said = len(_NUMBER.findall(text)) <= 1
    return is_said and all(word in of_gold for word in words)


def _repeats(text: str, prompt: str) -> str:
    """Return how much of a text is the words it was asked in, where that is nearly all."""
    asked, said = _runs(prompt), _runs(text[:LONGEST])
    if len(said) < 4 or len(asked) < 4:
        return ""
    share = sum(run in asked for run in said) / len(said)
    return f"{share:.0%} of it are the words it was asked in" if share >= 0.8 else ""


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return frozenset(zip(words, words[1:], words[2:], words[3:], words[4:], strict=False))


def _cites(text: str, gold: str) -> str:
    if cited := _CITES.search(text):
        return _short(text[max(0, cited.start() - 20) : cited.end() + 40])
    first = _ANSWER_FIRST.match(text)
    if first is None or len(text) - first.end() < 40:
        return ""
    said = {one.replace(",", "") for one in _NUMBER.findall(first["said"])}
    wanted = {one.replace(",", "") for one in _NUMBER.findall(gold)}
    is_gold = said & wanted if wanted else gold.casefold() in first["said"].casefold()
    return _short(first[0]) if is_gold else ""


def _other_language(text: str, question: str) -> str:
    """Return what sets the languages of a text and its question apart, where it is plain."""
    ours, theirs = _script(question), _script(text)
    if ours is not None and theirs is not None and ours != theirs:
        return "another script than the question's"
    said, asked = _language(text), _language(question)
    return f"{said} for a question in {asked}" if said and asked and said != asked else ""


def _script(text: str) -> int | None:
    """Return the script of most letters; None where there are too few to tell."""
    letters = [c for c in text if c.isalpha()]
    if len(letters) < 12:
        return None
    if text.isascii():
        return 0
    times = Counter(
        next((n for n, (first, last) in enumerate(_SCRIPTS, 1) if first <= ord(c) <= last), 0)
        for c in letters
    )
    script, most = times.most_common(1)[0]
    return script if most * 2 > len(letters) else None


def _language(text: str) -> str:
    """Return the language of a text by its small words; empty where it is not plain."""
    words = Counter(_WORD.findall(text.casefold()))
    times = {name: sum(words[one] for one in known) for name, known in _LANGUAGES.items()}
    (first, most), (_, second) = sorted(times.items(), key=lambda item: -item[1])[:2]
    return first if most >= 5 and most >= 2 * second else ""


def _is_elsewhere(text: str, task: Task) -> bool:
    """Return whether a text seems to be about another question."""
    wanted, said = _numbers(task.question), _numbers(text)
    if len(wanted) < 2 or wanted & said:
        return False
    about = {word for word in _WORD.findall(task.question.casefold()) if len(word) > 3}
    words = {word for word in _WORD.findall(text.casefold()) if len(word) > 3}
    return len(about) >= 5 and len(words) >= 5 and len(about & words) < 0.15 * len(about)


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in _NUMBER.findall(text)}


def _short(text: str) -> str:
    return " ".join(text.split())[:_SHOWN]


_AMOUNT = r"[$€£]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[$€£]?\d{1,15}(?:\.\d{1,9})?"
_TIMES, _OVER = "*×·x", "/÷"
_SUM = re.compile(
    rf"(?<![\d.,])(?P<left>(?:{_AMOUNT})(?:\s*[-+*×·x/÷−]\s*(?:{_AMOUNT})){{1,8}})"
    rf"\s*=\s*(?P<right>-?(?:{_AMOUNT}))(?![\d]|[.,]\d)"
)
_PART = re.compile(rf"(?P<number>{_AMOUNT})|(?P<sign>[-+*×·x/÷−])")
_JOINED_BEFORE = re.compile(r"[-+*×·/÷−^=(\[{)\]}\w%.,:]\s*$|[A-Za-z]\s*$")
_JOINED_AFTER = re.compile(r"\s*(?:[-+*×·/÷−^%(]|x\s*\d|R\b|r\b|remainder)|[A-Za-z_]")
_END_OF_BOLD = re.compile(r"(?<=[A-Za-z:.,)])\*\*\s+$")
_WORD_BEFORE = re.compile(r"[A-Za-z]{2,}[:,.]?\s+$")


def mistaken_sum(text: str) -> Mistaken | None:
    """Return the first sum of a text that is wrong, or None."""
    for match in _SUM.finditer(text):
        before = text[max(0, match.start() - 24) : match.start()].rpartition("\n")[2]
        before = _END_OF_BOLD.sub(" ", before)
        joined = _JOINED_BEFORE.search(before) and not _WORD_BEFORE.search(before)
        if joined or _JOINED_AFTER.match(text, match.end()):
            continue
        value = _value(match["left"])
        said = _amount(match["right"])
        if value is not None and not _agree(value, said, match["right"]):
            return Mistaken(match.span(), " ".join(match["left"].split()), _shown(value),
                            match["right"])  # fmt: skip
    return None


def _value(text: str) -> Fraction | None:
    """Return what a row of numbers and signs comes to; None where it divides by nothing."""
    total, product, sign, sum_sign = Fraction(0), Fraction(1), "×", 1
    for part in _PART.finditer(text):
        if part["sign"]:
            sign = part["sign"]
            if sign in "+-−":
                total += sum_sign * product
                product, sum_sign, sign = Fraction(1), 1 if sign == "+" else -1, "×"
            continue
        number = _amount(part["number"])
        if sign in _OVER and not number:
            return None
        product = product / number if sign in _OVER else product * number
    return total + sum_sign * product


def _amount(text: str) -> Fraction:
    return Fraction(re.sub(r"[$€£,]", "", text))


def _agree(value: Fraction, said: Fraction, written: str) -> bool:
    """Return whether a result is right, cut or rounded to its own digits."""
    return abs(value - said) < Fraction(1, 10 ** len(written.partition(".")[2]))


def _shown(value: Fraction) -> str:
    if value.denominator == 1:
        return f"{value.numerator:,}"
    return f"{float(value):,.4g}"


NEAR = 0.85  #: Jaccard likeness of the two sets of words from which on questions count as the same


_RECKONED = re.compile(r"\d+(?:[.,]\d+)*|[-+*/^×÷−·](?=\s?[\d(])")


class _Print(NamedTuple):
    """What is compared of a text: its numbers in order, its words as a set, all of it in order."""

    numbers: tuple[str, ...]
    words: frozenset[str]
    whole: tuple[str, ...]


class Pair(NamedTuple):
    """Two texts that count as the same; ``likeness`` is 1 for the same words in the same order."""

    one: str
    other: str
    likeness: float


def alike(texts: Mapping[str, str]) -> Iterator[Pair]:
    """Yield the pairs of texts of one lot that are nearly the same, each pair once."""
    lot = _Lot(texts)
    for key, text in texts.items():
        yield from lot.like(key, text)
        lot.add(key, text)


class _Lot:
    """Texts to compare with, found by the rare words they hold."""

    def __init__(self, *texts: Mapping[str, str]) -> None:
        self._rarity = Counter(
            word for lot in texts for text in lot.values() for word in _print(text).words
        )
        self._by_word: dict[tuple[tuple[str, ...], str], list[tuple[str, _Print]]] = defaultdict(
            list
        )

    def add(self, key: str, text: str) -> None:
        one = _print(text)
        for word in self._rarest(one):
            self._by_word[one.numbers, word].append((key, one))

    def like(self, key: str, text: str) -> list[Pair]:
        one = _print(text)
        found = {
            other_key: other
            for word in self._rarest(one)
            for other_key, other in self._by_word.get((one.numbers, word), ())
        }
        likeness = {name: _likeness(one, other) for name, other in found.items()}
        return [Pair(key, name, value) for name, value in likeness.items() if value >= NEAR]

    def _rarest(self, one: _Print) -> list[str]:
        if not one.words:
            return [""]  # numbers alone: they are all there is to compare
        keep = len(one.words) - math.ceil(NEAR * len(one.words)) + 1
        return sorted(one.words, key=lambda word: (self._rarity[word], word))[:keep]


def _print(text: str) -> _Print:
    folded = text.casefold()
    words = _WORD.findall(folded)
    numbers = tuple(number.replace(",", "") for number in _RECKONED.findall(folded))
    return _Print(numbers, frozenset(words), (*words, *numbers))


def _likeness(one: _Print, other: _Print) -> float:
    if one.whole == other.whole:
        return 1.0
    shared = len(one.words & other.words)
    together = len(one.words) + len(other.words) - shared
    # The same words in another order are not quite the same text.
    return min(shared / together, 0.999) if together else 0.0
