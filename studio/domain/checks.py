"""What a teacher's text betrays without anybody judging it: no reasoning, a cited answer, a wrong sum.

A flag is a reason to look and decides nothing by itself; only wrong sums can be made a gate of the
policy. The rules are narrow: what could be meant well is left alone.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from studio.domain.arithmetic import mistaken_sum
from studio.domain.words import has_odd_letters, numbers_of, tokens_of, vocabulary_of, words_of

CHECKER = "checks:1"  #: what these rules are called in the project; another name checks all anew
LONGEST = 20_000  #: characters; about 5,000 tokens
_SHOWN = 120


class Flag(StrEnum):
    """What a text is marked with. The order is that of the bits they are stored as."""

    EMPTY = "empty"
    BARE = "only the answer"
    PROMPT = "repeats the question"
    LEAK = "cites the answer"
    LANGUAGE = "another language"
    LONG = "very long"
    ORDERS = "speaks to the reviewer"
    SUM = "wrong sum"
    DUPLICATE = "nearly the same as another"
    MODEL = "another model"
    SWAPPED = "about something else"

    @property
    def bit(self) -> int:
        """How it is stored among others."""
        return 1 << list(Flag).index(self)


class Task(NamedTuple):
    """What a text is about: the question as it was asked, and its gold answer."""

    question: str
    gold: str
    prompt: str = ""  #: what was said in asking it, where that is known


Signs = dict[str, frozenset[str]]
_ANSWERING = frozenset(
    ("the", "final", "correct", "right", "answer", "is", "so", "therefore", "thus", "hence", "it")
)
_HANDED_WORDS = (
    "gold", "reference", "provided", "given", "expected", "known", "official", "target",
)  # fmt: skip
_HANDED = rf"(?:{'|'.join(_HANDED_WORDS)}|ground[- ]truth)"
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
_SAID = frozenset(("answer", "solution", "label", "result", "value"))
#: A word that each of those has, and words of which it has one besides: looked for first, as most
#: texts have no such pair.
_CITED: Signs = {
    **dict.fromkeys(("hint", "truth", "reviewer", "reviewers"), frozenset()),
    **dict.fromkeys(_HANDED_WORDS, _SAID),
    **dict.fromkeys(("key", "know", "told"), frozenset(("answer",))),
    **dict.fromkeys(("previous", "first"), frozenset(("solution",))),
}
_ANSWER_FIRST = re.compile(
    r"\W*(?:the )?(?:final |correct |right )*answer(?: to \w+ question)?\s*(?:is|:|=)\W*+(?P<said>[^\n]{1,80}?(?=[.!?,;](?:\s|$)|\s*(?:\n|$)))",
    re.IGNORECASE,
)
_TO_REVIEWERS = re.compile(
    r"\bSCORE_[0-9a-f]{4,}|\bignore (?:all |any )?(?:the |your )?(?:previous|above|prior|earlier) instructions"
    r"|\b(?:give|rate|score|grade|mark) (?:this|me|it|my)\b[^.\n]{0,40}\b(?:[45]|five|full marks|highest)\b",
    re.IGNORECASE,
)
_ADDRESSED: Signs = {
    **dict.fromkeys(("score", "ignore"), frozenset()),
    **dict.fromkeys(("give", "rate", "grade", "mark"), frozenset(("this", "me", "it", "my"))),
}  # fmt: skip
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
_LATIN = string.ascii_letters.encode()
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_LANGUAGES = {name: frozenset(words.split()) for name, words in _SMALL_WORDS.items()}
#: The languages of each small word.
_SPOKEN = {
    word: [name for name, words in _LANGUAGES.items() if word in words]
    for word in frozenset().union(*_LANGUAGES.values())
}


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
    if said := _found(_TO_REVIEWERS, _ADDRESSED, text):
        found[Flag.ORDERS] = _short(said[0])
    if wrong := mistaken_sum(text[:LONGEST]):
        found[Flag.SUM] = f"{wrong.sum} = {wrong.said}, which is {wrong.is_}"
    if is_solution and not found.keys() & {Flag.BARE, Flag.LANGUAGE} and _is_elsewhere(text, task):
        found[Flag.SWAPPED] = "shares no number and hardly a word with its question"
    return found


def bits_of(flags: dict[Flag, str]) -> int:
    """Return flags as one number."""
    return sum(flag.bit for flag in flags)


def _found(pattern: re.Pattern[str], signs: Signs, text: str) -> re.Match[str] | None:
    """Return where a pattern is found first; without its signs it is not looked for."""
    words = vocabulary_of(text)
    hits = [signs[word] for word in signs.keys() & words]
    if any(not besides or besides & words for besides in hits) or has_odd_letters(text):
        return pattern.search(text)
    return None


def _is_bare(text: str, gold: str) -> bool:
    """Return whether there is nothing but an answer."""
    words, of_gold = vocabulary_of(text), vocabulary_of(gold)
    if len(words) > len(of_gold) + len(_ANSWERING):
        return False
    if text.strip().casefold() == gold.strip().casefold():
        return True
    return words - _ANSWERING <= of_gold and len(numbers_of(text)) <= 1


def _repeats(text: str, prompt: str) -> str:
    """Return how much of a text is the words it was asked in, where that is nearly all."""
    asked, words = _runs(prompt), tokens_of(text[:LONGEST])
    if len(asked) < 4 or 0.8 * (len(set(words)) - 4) > len(asked):
        return ""  # each word has a run of its own at its first place, but for the first four
    said = _runs_of(words)
    if len(said) < 4:
        return ""
    share = len(said & asked) / len(said)
    return f"{share:.0%} of it are the words it was asked in" if share >= 0.8 else ""


@lru_cache(maxsize=32)  # several texts answer one question
def _runs(text: str) -> frozenset[tuple[str, ...]]:
    return _runs_of(tokens_of(text))


def _runs_of(words: Sequence[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(zip(words, words[1:], words[2:], words[3:], words[4:], strict=False))


def _cites(text: str, gold: str) -> str:
    if cited := _found(_CITES, _CITED, text):
        return _short(text[max(0, cited.start() - 20) : cited.end() + 40])
    first = _ANSWER_FIRST.match(text)
    if first is None or len(text) - first.end() < 40:
        return ""
    said, wanted = set(numbers_of(first["said"])), set(numbers_of(gold))
    is_gold = said & wanted if wanted else gold.casefold() in first["said"].casefold()
    return _short(first[0]) if is_gold else ""


def _other_language(text: str, question: str) -> str:
    """Return what sets the languages of a text and its question apart, where it is plain."""
    ours, theirs = _script(question), _script(text)
    if ours is not None and theirs is not None and ours != theirs:
        return "another script than the question's"
    said, asked = _language(text), _language(question)
    return f"{said} for a question in {asked}" if said and asked and said != asked else ""


@lru_cache(maxsize=32)
def _script(text: str) -> int | None:
    """Return the script of most letters; None where there are too few to tell."""
    plain = text.encode("ascii", "ignore")
    latin = len(plain) - len(plain.translate(None, _LATIN))
    if len(plain) == len(text):
        return None if latin < 12 else 0
    times = Counter({0: latin})
    for c in _BEYOND_ASCII.findall(text):
        if c.isalpha():
            times[_script_of(c)] += 1
    letters = times.total()
    script, most = times.most_common(1)[0]
    return script if letters >= 12 and most * 2 > letters else None


@lru_cache(maxsize=1024)
def _script_of(letter: str) -> int:
    found = (n for n, (first, last) in enumerate(_SCRIPTS, 1) if first <= ord(letter) <= last)
    return next(found, 0)


@lru_cache(maxsize=32)
def _language(text: str) -> str:
    """Return the language of a text by its small words; empty where it is not plain."""
    times = dict.fromkeys(_LANGUAGES, 0)
    for word, n in Counter(filter(_SPOKEN.__contains__, words_of(text))).items():
        for name in _SPOKEN[word]:
            times[name] += n
    (first, most), (_, second) = sorted(times.items(), key=lambda item: -item[1])[:2]
    return first if most >= 5 and most >= 2 * second else ""


def _is_elsewhere(text: str, task: Task) -> bool:
    """Return whether a text seems to be about another question."""
    wanted, said = set(numbers_of(task.question)), numbers_of(text)
    if len(wanted) < 2 or not wanted.isdisjoint(said):
        return False
    about = {word for word in vocabulary_of(task.question) if len(word) > 3}
    words = {word for word in vocabulary_of(text) if len(word) > 3}
    return len(about) >= 5 and len(words) >= 5 and len(about & words) < 0.15 * len(about)


def _short(text: str) -> str:
    return " ".join(text.split())[:_SHOWN]
