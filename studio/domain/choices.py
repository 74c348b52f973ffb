"""Choices: which option a text picks, by its letter, its number or its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from studio.domain.choice_letters import (
    Letter,
    called_right,
    corrected_letter,
    last_bare,
    leading_letter,
)
from studio.domain.plain import plain, squeezed
from studio.domain.statements import next_item, statements

_LONGEST = 2000
#: A question for what is wrong: of its options "B is incorrect" picks one.
_SEEKS_WRONG = re.compile(
    r"\b(?:not|except|incorrect(?:ly)?|false|wrong|untrue|inaccurate|flaw(?:ed)?|cannot|mistaken|least)\b|n't\b",
    re.IGNORECASE,
)
_FIRST_OF_LIST = re.compile(r"[\s*(#-]{0,8}(?:option\s)?A\s?[).:*-]", re.I)
_SECOND_OF_LIST = re.compile(r"\n[ \t*(#-]{0,8}(?:option\s)?B\s?[).:*-]", re.I)
_NOT_MEANT = re.compile(
    r"(?:(?:\b(?:not|than|nor|neither|instead\sof)|n't)\s|[\w.,/-]|\d\w{0,3}\s(?:or|to|and)\s)$"
)
_JOINED = re.compile(r"\w|[.,-]\w|'\w")
_AROUND_LETTER = " \t.()*]}:\"'_-"


class Pick(NamedTuple):
    """One place where a text picks an option.

    ``option`` is its index; ``worded`` the option whose words stand beside the letter, if any.
    """

    option: int
    start: int
    end: int
    worded: int | None = None


class Picks(NamedTuple):
    """What a text picks, and every explicit pick; without one, what else it seems to pick."""

    chosen: Pick | None
    explicit: list[Pick]
    others: list[Pick]


def letter(index: int) -> str:
    """Return the letter of an option: 0 is A."""
    return chr(ord("A") + index)


def picks(text: str, options: Sequence[str], *, asked: str = "") -> Picks:
    """Read which option a plain text picks as its answer to what is ``asked``.

    An explicit answer comes first, then a first line that is nothing but a pick, then what is
    called right, then such a last line, then how the text begins, then the last letter in
    brackets, then the only option whose words the text contains.
    """
    text = _without_list(text, options)
    if _mere(text, first := _first_line(text), options) is not None:
        text = text[: next_item(text, first[1])]
    wrong = _SEEKS_WRONG.search(asked) is not None
    found = [
        (one, pick) for one in statements(text)
        if (pick := _read(text, (one.start, min(one.end, one.start + _LONGEST)), options,
                          stated=True, wrong=wrong))
    ]  # fmt: skip
    found.sort(key=lambda pair: pair[0].certain)
    explicit = [pick for _, pick in found]
    if explicit:
        if (last := _picked(corrected_letter(text, explicit[-1].end), options)) is not None:
            explicit.append(last)
        return Picks(explicit[-1], explicit, [])
    lists = _goes_through(text)  # its first line is about the first option, and no pick
    seen = [
        None if lists else _mere(text, first, options),
        _picked(called_right(text, seeks_wrong=wrong), options),
        None if lists else _mere(text, _last_line(text), options),
        None if lists else _read(text, first, options, stated=False, wrong=wrong),
    ]
    others = [pick for pick in seen if pick is not None]
    if others:
        if (last := _picked(corrected_letter(text, others[0].end), options)) is not None:
            others.insert(0, last)
        return Picks(others[0], [], others)
    bare = _picked(last_bare(text, seeks_wrong=wrong), options)
    return Picks(bare or _only_worded(text, options), [], [])


def gold_index(gold: str, options: Sequence[str]) -> int | None:
    """Return which option gold names: by its words, its letter, or (last) its number from 0."""
    words = squeezed(gold)
    for index, option in enumerate(options):
        if words and words == squeezed(option):
            return index
    bare = gold.strip().strip("().:*").strip()
    if len(bare) == 1 and bare.isalpha() and bare.isascii():
        return _within(bare, options)
    if bare.isdecimal() and len(bare) < 3 and int(bare) < len(options):
        return int(bare)
    lettered = re.match(r"\s*\(?([A-Za-z])[.):]\s+\S", gold)
    return _within(lettered[1], options) if lettered else None


def _goes_through(text: str) -> bool:
    """Tell a text that goes through the options, A and B, from one that begins with its pick."""
    return _FIRST_OF_LIST.match(text) is not None and _SECOND_OF_LIST.search(text) is not None


def _read(
    text: str, span: tuple[int, int], options: Sequence[str], *, stated: bool, wrong: bool
) -> Pick | None:
    """Read one line: a letter with its delimiter, or an option's own words."""
    start, line = span[0], text[slice(*span)]
    worded = _worded(line, options)
    lead = leading_letter(line, stated=stated, seeks_wrong=wrong)
    if lead is not None and (pick := _picked(lead, options)) is not None:
        rest = _worded(line[lead.end :], options)
        if worded is not None and _is_first_word(lead, options[worded]):
            return Pick(worded, start + lead.start, start + len(line.rstrip()))
        return pick._replace(start=start + lead.start, end=start + lead.end, worded=rest)
    if (pick := _picked(last_bare(line, seeks_wrong=wrong), options)) is not None:
        return pick._replace(start=start + pick.start, end=start + pick.end, worded=worded)
    return None if worded is None else Pick(worded, start, start + len(line.rstrip()))


def _mere(text: str, span: tuple[int, int], options: Sequence[str]) -> Pick | None:
    """Return the pick of a line that holds nothing else: a letter, with its option's words or not."""
    line = text[slice(*span)]
    lead = leading_letter(line, stated=True)
    pick = _picked(lead, options)
    if lead is None or pick is None:
        return None
    rest = squeezed(line[lead.end :].strip(_AROUND_LETTER))
    if rest and not (options and rest == squeezed(options[pick.option])):
        return None
    at = span[0] + lead.start
    return Pick(pick.option, at, at + 1, pick.option if rest else None)


def _picked(found: Letter | None, options: Sequence[str]) -> Pick | None:
    index = None if found is None else _within(found.letter, options)
    return None if found is None or index is None else Pick(index, found.start, found.end)


def _worded(line: str, options: Sequence[str]) -> int | None:
    """Return the only option whose words a line is, begins with, contains, or says the first of."""
    words = squeezed(re.sub(r"^\W*[A-Za-z]?[.):]\s", "", line))
    known = [squeezed(option) for option in options]
    for fits in (_equals, _begins, _contains, _is_begun):
        hits = [index for index, option in enumerate(known) if option and fits(words, option)]
        # "Paris and London" holds the words of "Paris" as well, but says more.
        said = {known[index] for index in hits}
        hits = [
            index for index in hits
            if not any(known[index] != one and known[index] in one for one in said)
        ]  # fmt: skip
        if hits:
            joined = [one for one in known if one and one not in known[hits[0]]]
            several = any(f" and {one}" in words for one in joined)
            return None if len(hits) > 1 or (fits is _begins and several) else hits[0]
    return None


def _is_first_word(lead: Letter, option: str) -> bool:
    """Tell the option "A is older than B" from the option A."""
    return re.match(rf"\W*{lead.letter}\s\w", option) is not None


def _equals(words: str, option: str) -> bool:
    return words == option


def _begins(words: str, option: str) -> bool:
    rest = words[len(option) :]
    return words.startswith(option) and not re.match(r"\w|,?\sor\s|\s?[-+*/=\u00d7]\s?\d", rest)


def _contains(words: str, option: str) -> bool:
    """Return whether an option's words stand somewhere, not as what is denied or half a number."""
    at = words.find(option) if len(option) > 2 else -1
    while at >= 0:
        end = at + len(option)
        before = words[max(0, at - 14) : at]
        if not (_NOT_MEANT.search(before) or _JOINED.match(words, end)):
            return True
        at = words.find(option, end)
    return False


def _is_begun(words: str, option: str) -> bool:
    return len(words) > 1 and re.match(rf"{re.escape(words[:200])}[\s,.;:(]", option) is not None


def _only_worded(text: str, options: Sequence[str]) -> Pick | None:
    words = f" {squeezed(text)} "
    hits = [index for index, option in enumerate(options) if _contains(words, squeezed(option))]
    return Pick(hits[0], 0, len(text)) if len(hits) == 1 else None


def _within(name: str, options: Sequence[str]) -> int | None:
    index = ord(name.upper()) - ord("A")
    return index if 0 <= index < (len(options) or 26) else None


def _without_list(text: str, options: Sequence[str]) -> str:
    """Blank the question's own list of options where the text repeats it."""
    if len(options) < 2:
        return text
    return _listed(tuple(plain(option).text.strip() for option in options)).sub(
        lambda echo: " " * len(echo[0]), text
    )


@lru_cache(maxsize=64)
def _listed(options: tuple[str, ...]) -> re.Pattern[str]:
    items = [
        rf"[*(\[]{{0,3}}{letter(index)}[*)\].:]{{1,3}}\s{{0,3}}{re.escape(option)}"
        for index, option in enumerate(options[:26])
    ]
    return re.compile(r"[\s.,;|*-]{0,8}".join(items), re.I)


def _first_line(text: str) -> tuple[int, int]:
    start = len(text) - len(text.lstrip())
    end = text.find("\n", start)
    return start, min(len(text) if end < 0 else end, start + _LONGEST)


def _last_line(text: str) -> tuple[int, int]:
    end = len(text.rstrip())
    return max(text.rfind("\n", 0, end) + 1, end - _LONGEST), end
