"""Yes and no, true and false: which of the two a text answers with.

Of true and false every denial counts ("cannot be true" is no); what is only asked, doubted or
supposed is no opinion. Bare *yes* and *no* count where they answer, not in running text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.domain.corrections import corrections
from studio.domain.denials import denies_word
from studio.domain.statements import Statement, next_item, sentence_end, statements

_YES = frozenset(("true", "yes", "yeah", "yep", "yup"))
_WORD = re.compile(r"\b(?P<word>true|false|yes|no|untrue)\b", re.IGNORECASE)
_CASE = re.compile(r"\bit\s(?:is|was)(?:n't|\snot)\sthe\s(?P<word>case)\b", re.IGNORECASE)
_ANY = r"[\"']?\b(?:true|false|yes|no)\b[\"']?"
#: The question's own alternatives, repeated, are no answer: "True or False: …", "yes/no".
_BOTH_OFFERED = re.compile(rf"{_ANY}\s?(?:,?\s?(?:or|and|nor|than)|/|\|)\s?{_ANY}", re.IGNORECASE)
_STOPS = r"(?=[\"']?(?:\s{0,8}(?:[.,!;:)\n—*_}<-]|$)))"
_LEADING = re.compile(
    rf"\W{{0,12}}(?P<word>(?:yes|yeah|yep|yup)\b|(?:true|false|no|nope|nah)\b{_STOPS})",
    re.IGNORECASE,
)
#: The words that may follow a bare "no" that answers; "no one", "no longer", "no evidence" are not.
_AFTER_NO = re.compile(
    r"\s{1,3}(?:it|he|she|they|we|you|this|that|these|those|there|because|since|as|a|an|the|not)\b",
    re.IGNORECASE,
)
_STOPPED = re.compile(_STOPS)
_CUE = re.compile(r"\b(?:therefore|thus|hence|so|conclusion|conclude)\b", re.IGNORECASE)
#: "Therefore, yes", "in short: no", "I would say yes".
_CONCLUDED = re.compile(
    r"(?:\b(?:therefore|thus|hence|so|conclusion|short|summary|overall|ultimately|finally|verdict)"
    r"[\s,:*]{1,4}|\bi(?:'d|\swould|\swill|'ll|\smust|\shave\sto)\s(?:say|answer)[\s,:]{1,2})"
    rf"(?:the\sanswer[\s,:]{{1,2}})?[\"'*]{{0,3}}(?P<word>yes|no){_STOPS}",
    re.IGNORECASE,
)
_LAST_LINE = re.compile(
    r"(?:\n|\?\s)[^\w\n]{0,8}(?P<word>true|false|yes|no)[^\w\n]{0,8}\s*\Z", re.IGNORECASE
)
#: "If it were true", "whether it is true", "I doubt that this is true".
_REST = r"\b(?:(?!\bthen\b)[^.!?\n,;]){0,80}$"
_SUPPOSED = re.compile(
    r"\b(?:if|whether|unless|doubt(?:ful)?(?:\sthat)?|(?:it|this|that)\swere|assum(?:e|ing)|suppos(?:e|ing)"
    r"|(?:no|little)\s(?:evidence|proof|indication|sign)"
    r"|(?:cannot|can't|could\snot|unable\sto)\s(?:confirm|verify|say|tell|know|determine)"
    r"|(?:may|might|could)\s(?:seem|appear|sound|look)|at\sfirst|common\s(?:belief|misconception)|myth"
    r"|(?:people|some|many|one|you)\s(?:(?:may|might|would|could)\s)?(?:think|believe|say|argue|assume)"
    r"|(?:do|does|did)(?:\snot|n't)\smake\s(?:it|this|that|the\s\w{1,20})"
    rf"|(?:may|might|could|can)\sor\s(?:may|might|could|can)\s?not){_REST}"
    r"|\b(?:rather\sthan|instead\sof)\s[\"'*]{0,3}$",
    re.IGNORECASE,
)
#: "Partially true", "a true friend", "dreams come true": neither is true nor false.
_NO_VERDICT_BEFORE = re.compile(
    r"\b(?:partially|partly|half|somewhat|come|comes|came|coming)[ -]$", re.IGNORECASE
)
#: Before a noun only these make a verdict of it: "is true love" may be one, "made false promises" not.
_VERDICT_BEFORE = re.compile(
    r"(?:^|[.:,;!?\"'(*]|\b(?:is|was|be|are|were|it's|that's|not|seems|holds?|remains?|stays|quite|always|never|"
    r"hardly|still|also|therefore|thus|hence|so|\w{1,12}ly))\s{0,2}$",
    re.IGNORECASE,
)
_NOUN_AFTER = re.compile(
    r"\s(?!(?:statement|claim|assertion|proposition|sentence|answer|that|because|since|if|when|for|in|to|"
    r"as|and|but|or|only|at|with|by|is|was|from|on|due|of|about|here|today|now|then|anymore|either|"
    r"overall|generally|under|given|based|according|until|unless|while)\b)[a-z]"
    r"|\sto\s(?!say|claim|state|assume)",
    re.IGNORECASE,
)
#: "Seems true at first", "would be true if…".
_ONLY_THEN = re.compile(r"\s(?:at\sfirst|initially|on\sthe\ssurface)\b", re.IGNORECASE)
_WOULD = re.compile(r"\bwould\s(?:only\s)?(?:be|hold)\s$", re.IGNORECASE)
_IF = re.compile(r"\s(?:only\s)?if\b", re.IGNORECASE)
#: What a text says of the statement after its first word: "Yes, the statement is false".
_SAYS_MORE = re.compile(
    r"(?:^[,.!]\s{1,2}(?:it|this|that)|\bthe\s(?:statement|claim|answer))(?:\sis|'s)\s(?:not\s|in\sfact\s){0,2}"
    r"(?P<word>true|false)\b(?!\sthat)",
    re.IGNORECASE,
)
_SURE = re.compile(r"\b(?:no|without(?:\sa)?|beyond(?:\sa)?|any)\sdoubt\s", re.IGNORECASE)
_ANY_WORD = re.compile(r"\w")
_LOOK_BACK = 90
_LONGEST = 1000  #: characters of a sentence
_MOST = 30  #: opinions looked at in a text, three times as many at its end


class Said(NamedTuple):
    """One place where a text says yes or no."""

    yes: bool
    start: int
    end: int


class YesNo(NamedTuple):
    """What a text answers, and what else it says."""

    chosen: Said | None
    explicit: list[Said]


def yes_no(text: str) -> YesNo:
    """Read a plain text: explicit answers first, then its first word, then what it concludes.

    Without any of these its only opinion counts, or the one it concludes with.
    """
    text = _BOTH_OFFERED.sub(lambda both: " " * len(both[0]), text)
    if (first := _LEADING.match(text)) is not None:
        text = text[: next_item(text, first.end())]
    found = [(one, said) for one in statements(text) if (said := _stated(text, one)) is not None]
    found.sort(key=lambda pair: pair[0].certain)
    explicit = [said for _, said in found]
    if first is not None:
        explicit.insert(0, _bare(first))
        explicit = explicit if len(explicit) > 1 else [*_said_later(text, first), explicit[0]]
    if explicit:
        last = _correction(text, explicit[-1])
        return YesNo(last or explicit[-1], [*explicit, last] if last else explicit)
    opinions = _opinions(text)
    concluded = _plainly_concluded(text)
    if concluded is not None and (not opinions or concluded.start > opinions[-1].start):
        return YesNo(concluded, [concluded])
    if len({said.yes for said in opinions}) == 1:
        return YesNo(opinions[-1], opinions)
    return YesNo(_concluding(text, opinions), opinions)


def _said_later(text: str, first: re.Match[str]) -> list[Said]:
    rest = text[first.end() : first.end() + 2000]
    later = [
        _said(rest, word) for word in _SAYS_MORE.finditer(rest) if not _is_supposed(rest, word)
    ]
    return [Said(s.yes, s.start + first.end(), s.end + first.end()) for s in later[-1:]]


def gold_yes_no(gold: str) -> bool | None:
    """Read gold: its first word counts, facts may follow it."""
    first = re.match(r"\W*(true|false|yes|no)\b", gold, re.IGNORECASE)
    return None if first is None else _is_yes(first[1])


def spoken(yes: bool, *, gold: str) -> str:
    """Return an answer in gold's own words: true and false, or yes and no."""
    if re.match(r"\W*(?:yes|no)\b", gold, re.IGNORECASE):
        return "yes" if yes else "no"
    return "true" if yes else "false"


def _stated(text: str, one: Statement) -> Said | None:
    end = one.end if one.boxed else sentence_end(text, one.start, one.end)
    words = list(_WORD.finditer(text, one.start, end))
    if not words:
        is_not = re.fullmatch(r"\W*not\W*", text[one.start : end], re.IGNORECASE)
        hedged = re.search(r"(?:ly|indeed)\s$", text[max(0, one.start - 12) : one.start])
        return Said(False, one.start, end) if is_not and hedged else None
    first = words[0]
    lead = text[one.start : first.start()]
    if not re.search(r"\w", lead):
        return None if _is_mere_no(text, first) else _said(text, first)
    if re.fullmatch(r"\W*(?:an?|definite|clear|firm|resounding|probable|likely|\W)*", lead, re.I):
        return None if _is_mere_no(text, first) else _said(text, first)
    opinions = _opinions(text[:end], one.start)
    return opinions[-1] if opinions and one.settled else None


def _is_mere_no(text: str, word: re.Match[str]) -> bool:
    """Tell "no one knows" from the answer no."""
    if word["word"].lower() != "no":
        return False
    return _STOPPED.match(text, word.end()) is None and _AFTER_NO.match(text, word.end()) is None


def _opinions(text: str, start: int = 0) -> list[Said]:
    """Return what a text calls true or false, what it only supposes or asks left out."""
    words = [w for w in _WORD.finditer(text, start) if w["word"].lower() not in ("yes", "no")]
    cases = _few(list(_CASE.finditer(text, start)))
    words = _few(words) + [case for case in cases if _concludes(text, case)]
    words.sort(key=lambda word: word.start("word"))
    return [_said(text, word) for word in words if not _is_supposed(text, word)]


def _few(words: list[re.Match[str]]) -> list[re.Match[str]]:
    """Return the first and the last, so that a text of nothing else costs no more."""
    return words if len(words) <= 4 * _MOST else words[:_MOST] + words[-3 * _MOST :]


def _concludes(text: str, case: re.Match[str]) -> bool:
    """Tell "so it is not the case that…" from a remark on the way, and from "… that it is false"."""
    end = sentence_end(text, case.end(), min(len(text), case.end() + _LONGEST))
    if _WORD.search(text, case.end(), end) is not None:
        return False
    begin = max(
        text.rfind(mark, max(0, case.start() - _LONGEST), case.start())
        for mark in (". ", "\n", "! ", "? ")
    )
    is_first_or_last = begin < 0 or not _ANY_WORD.search(text, end)
    return is_first_or_last or _CUE.search(text, max(0, begin + 1), case.start()) is not None


def _is_supposed(text: str, word: re.Match[str]) -> bool:
    before = text[max(0, word.start("word") - _LOOK_BACK) : word.start("word")]
    if _SUPPOSED.search(before) is not None and _SURE.search(before) is None:
        return True
    if _ONLY_THEN.match(text, word.end("word")) or (
        _WOULD.search(before) and _IF.match(text, word.end("word"))
    ):
        return True
    after = _NOUN_AFTER.match(text, word.end("word"))
    if _NO_VERDICT_BEFORE.search(before) or (after and not _VERDICT_BEFORE.search(before)):
        return True
    end = sentence_end(text, word.end("word"), min(len(text), word.end("word") + 200))
    return text[end : end + 1] == "?"


def _plainly_concluded(text: str) -> Said | None:
    """Return the bare yes or no alone on the last line, else after a word that concludes."""
    found = _LAST_LINE.search(text, max(0, len(text.rstrip()) - 40))
    for concluded in () if found else _CONCLUDED.finditer(text):
        found = concluded
    return None if found is None else _bare(found)


def _correction(text: str, said: Said) -> Said | None:
    for at in reversed(corrections(text, said.end)):
        if (word := _WORD.match(text, at)) is not None:
            return _said(text, word)
    return None


def _concluding(text: str, opinions: list[Said]) -> Said | None:
    """Return the opinion the text concludes with, else the one it begins with."""
    for said in reversed(opinions):
        if _CUE.search(text, max(0, said.start - 200), said.start):
            return said
    return opinions[0] if opinions else None


def _bare(word: re.Match[str]) -> Said:
    return Said(_is_yes(word["word"]), word.start("word"), word.end("word"))


def _said(text: str, word: re.Match[str]) -> Said:
    start = word.start("word")
    is_denied = word["word"].lower() != "case" and denies_word(text, start)
    return Said(_is_yes(word["word"]) != is_denied, start, word.end("word"))


def _is_yes(word: str) -> bool:
    return word.lower() in _YES
