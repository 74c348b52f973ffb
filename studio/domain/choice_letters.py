"""Letters of options in a text: which are picked, called right, or ruled out.

A letter counts where it is set off as one: "B", "(b)", "option B", "B is correct", not "a city".
"B is wrong" picks nothing, and neither does "A or B".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.domain.corrections import corrections
from studio.domain.denials import denies_number

_LETTER = r"(?P<letter>[A-Za-z])"
_LEADING = re.compile(
    rf"[\W_]{{0,6}}(?:(?:the\s)?(?:option|choice|letter|alternative)\s{{1,3}})?[\W_]{{0,4}}{_LETTER}"
    r"(?![^\W_])(?P<after>.?)",
    re.I | re.S,
)
_BARE = re.compile(
    rf"\(\s?{_LETTER}\s?\)|\b(?i:option|choice|letter)\s{{1,3}}\(?(?P<named>[A-Za-z])\b"
)
#: After "A" (or "a") these words show that it was no article.
_GIVES_REASON = re.compile(r"\s(?:because|since|as)\b", re.I)
_GOES_ON = re.compile(r"\s(?:is|it|this|which|with)\b", re.I)
#: "A or B", "A, B and C".
_TWO = re.compile(
    r"[)\"'*]{0,3}(?:\s?(?:/|&|\||,)\s?|,?\s(?:and|or)\s)(?:option\s|choice\s)?[(\"'*]{0,3}[A-Z]"
    r"(?=[)\"'*]{0,3}\s{0,3}(?:[.,;!?)\n]|$|(?:are|as|and|or)\b))"
)
_CLOSES = r"(?=[\"'*)\]:]{0,3}\s{0,3}(?:[.,;!\n]|$|(?:because|since|as|not)\b))"
_BEFORE_RIGHT = r"(?i:so|therefore|thus|hence|that|only|think|believe|option|choice|letter|answer)"
#: "B is correct", "option (B) would be the best answer".
_IS_RIGHT = re.compile(
    rf"(?:^|(?<=[.,;:!?\n(*])|\b{_BEFORE_RIGHT})[\s(\"'*]{{0,4}}(?P<letter>[A-Z])[)\"'*.:]{{0,3}}\s"
    r"(?:is|must\sbe|would\sbe|seems|appears)\s(?:(?:to\sbe|most\slikely|clearly|therefore|thus)\s){0,2}"
    r"(?:the\s(?:only\s|most\s)?)?(?:correct|right|best|answer|true|accurate|suitable|appropriate)\b"
)
_CHOOSES = (
    r"\bI(?:'d|'ll|\swould|\swill|\smust)?\s(?:choose|chose|pick|picked|select|selected|go\swith|say|"
    r"opt\sfor|think|believe|guess)|\b[Ii]t(?:'s|\s(?:is|(?:must|should|would)\sbe))|\b(?:[Mm]y|the)\s(?:choice|pick|selection)\sis"
)
_HEADING = r"(?:^|\n)[ \t*#]{0,4}(?i:choice|option|selection|selected|pick|(?:final\s)?answer)\s?[:>*-]{0,4}"
_CONCLUDES = (
    r"\b(?:(?i:therefore|thus|hence|so|conclusion|(?<!anything\s)but)|[Nn]ot\s[A-Z])\b[,:]?"
)
#: "I choose B", "so it is B", "therefore, (B)", "choice: B".
_PICKED = re.compile(
    rf"(?:{_CHOOSES}|{_HEADING}|{_CONCLUDES})\s{{0,3}}(?:the\s)?(?:(?:option|choice|letter|answer)\s)?"
    rf"(?:(?:is|it\sis|it's|but)\s)?(?:[(\"'*]{{0,3}}(?P<letter>[A-Z])|\((?P<small>[a-z])\)){_CLOSES}"
)
_NOT_RIGHT = (
    r"(?:the\s)?(?:\w{1,20}\s)?(?:correct|right|true|answer|option|choice|accurate|supported)\b"
)
#: "A is wrong"; not "(B) cannot be determined", which may be what the option says.
_WRONG = re.compile(
    r"[)\"'*.:]{0,3}\s(?:(?:is|are|was|would\sbe|can\sbe|seems)\s(?:(?:also|clearly|therefore|thus|then)\s)?"
    r"(?:wrong|incorrect|false|untrue|inaccurate|eliminated|ruled\sout|impossible|irrelevant"
    r"|contradicted|unsupported|weaker|worse"
    rf"|not\s{_NOT_RIGHT})|(?:isn't|(?:cannot|can't)\sbe)\s{_NOT_RIGHT})"
    r"|[)\"'*.:]{0,3}\s?[-:(]?\s?(?:(?:incorrect|wrong|false|untrue|not\scorrect)\b|[✗✘❌×])",
    re.I,
)
_EXCEPT = re.compile(
    r"\b(?:except|eliminate|exclude|rule\sout|neither|nor|than|contradicts?|(?:unlike|against)\s(?:option)?)\s(?:option\s)?[(\"'*]{0,3}$|\banything\sbut\s[(\"'*]{0,3}$",
    re.I,
)
_SUPPOSED = re.compile(
    r"\b(?:if|whether|why|unless|when)\s(?:the\s)?(?:(?:option|choice|letter|answer)\s)?[(\"'*]{0,3}$",
    re.I,
)
_CORRECTED = re.compile(r"[(\[\"'*]{0,3}(?P<letter>[A-Z])(?![^\W_])(?!\s\w)|\((?P<small>[a-z])\)")


class Letter(NamedTuple):
    """A letter that stands for an option, and its place."""

    letter: str
    start: int

    @property
    def end(self) -> int:
        """The place behind the letter."""
        return self.start + 1


def leading_letter(line: str, *, stated: bool, seeks_wrong: bool = False) -> Letter | None:
    """Return the letter a line begins with, if it stands for one option.

    Args:
        stated: the line is an answer, so that "B is what remains" begins with a letter as well.
        seeks_wrong: the question asks for what is wrong, so that "B is wrong" rules nothing out.
    """
    lead = _LEADING.match(line)
    if lead is None or not _is_set_off(lead, line, stated=stated):
        return None
    end = lead.end("letter")
    if (not seeks_wrong and _WRONG.match(line, end)) or (
        lead["letter"].isupper() and _TWO.match(line, end)
    ):
        return None
    return Letter(lead["letter"], end - 1)


def last_bare(text: str, *, seeks_wrong: bool = False) -> Letter | None:
    """Return the last letter in brackets, or named an option, that is neither one of two nor wrong."""
    found, joined = None, 0
    for bare in _BARE.finditer(text):
        name = "letter" if bare["letter"] else "named"
        two = _TWO.match(text, bare.end(name))
        is_joined, joined = bare.start() < joined, two.end() if two else joined
        if bare[name].isupper() and not (
            two or is_joined or _is_ruled_out(text, bare, seeks_wrong=seeks_wrong)
        ):
            found = Letter(bare[name], bare.start(name))
    return found


def called_right(text: str, *, seeks_wrong: bool = False) -> Letter | None:
    """Return the last letter that is called right or that the text says it picks."""
    found = None
    for pattern in (_PICKED,) if seeks_wrong else (_PICKED, _IS_RIGHT):
        for one in pattern.finditer(text):
            name = "letter" if one["letter"] else "small"
            at = one.start(name)
            supposed = _SUPPOSED.search(text, max(0, at - 40), at)
            if supposed or _TWO.match(text, at + 1) or (found and found.start > at):
                continue
            found = Letter(one[name], at)
    return found


def corrected_letter(text: str, after: int) -> Letter | None:
    """Return the letter with which a text corrects the answer that ends at ``after``."""
    for at in reversed(corrections(text, after)):
        if (found := _CORRECTED.match(text, at)) is not None:
            name = "letter" if found["letter"] else "small"
            return Letter(found[name], found.start(name))
    return None


def _is_set_off(lead: re.Match[str], line: str, *, stated: bool) -> bool:
    """Tell the letter A from the word "a" and from the A of "A's brother" and "A-level"."""
    after, sign, end = lead["after"], lead["letter"], lead.end("letter")
    if sign.islower() and re.search(r"</?$", line[: end - 1]):
        return False  # <b>, </i>
    if not line[end:].strip(" \t\r\n.)*]}:$\"'!;_>/"):
        return True
    if after in (*"-'_/",) and line[end + 1 : end + 2].isalnum():
        return False
    named = sign.isupper() or bool(re.match(r"[\W_]*[(\[\"']", line))
    if (named and after in (*".):,;!]*}-\"'_/>",)) or _GIVES_REASON.match(line, end):
        return True
    goes_on = sign.upper() not in "AI" and after.isspace()
    return stated and (goes_on or _GOES_ON.match(line, end) is not None)


def _is_ruled_out(text: str, bare: re.Match[str], *, seeks_wrong: bool) -> bool:
    begin = max(0, bare.start() - 40)
    if _EXCEPT.search(text, begin, bare.start()) or _SUPPOSED.search(text, begin, bare.start()):
        return True
    if denies_number(text, bare.start()):
        return True
    return not seeks_wrong and _WRONG.match(text, bare.end()) is not None
