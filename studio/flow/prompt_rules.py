"""What each prompt is for, and what must stand in it so that its stage can work."""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.domain.errors import SpecError
from studio.prompts import Template

STYLE = "mapd"  #: the folder of the committee's prompts
STYLED = ("exam", "learn_explanation")  #: those that students may have in a style of their own
LONGEST = 20_000  #: characters; a prompt is sent with every call

_FIELD = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FENCE = re.compile(r"<<<\{\{mark\}\}(.*?)\{\{mark\}\}>>>", re.DOTALL)
_SCORE = "SCORE_{{mark}}:"


class Purpose(NamedTuple):
    """What a prompt is for.

    ``stage`` is what the ledger calls its calls; ``table`` is where its records go; ``fenced`` are
    the placeholders for text of others, which must stand between the marks.
    """

    meaning: str
    stage: str
    table: str
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    fenced: tuple[str, ...] = ()
    scores: bool = False


_REVIEW = "every other teacher scores a rationale"
PURPOSES: dict[str, Purpose] = {
    "exam": Purpose("the student answers a question", "attempt", "attempts", ("question",)),
    "explain": Purpose(
        "each teacher says what went wrong in a mistake", "explain", "explanations",
        ("question", "wrong"), ("gold",),
    ),
    "solve": Purpose("each teacher solves a question", "solve", "rationales", ("question",)),
    "review": Purpose(
        _REVIEW, "review", "reviews", ("question", "candidate", "mark"), ("gold",),
        ("candidate",), scores=True,
    ),
    "review_blind": Purpose(
        f"{_REVIEW} without seeing gold (run --blind)", "review", "reviews",
        ("question", "candidate", "mark"), (), ("candidate",), scores=True,
    ),
    "review_explanation": Purpose(
        "every other teacher scores an explanation", "review explanations", "reviews",
        ("question", "wrong", "candidate", "mark"), ("gold",), ("wrong", "candidate"), scores=True,
    ),
    "revise": Purpose(
        "the author of a rejected rationale tries again", "revise", "rationales",
        ("question", "solution", "comments", "mark"), (), ("solution", "comments"),
    ),
    "learn_explanation": Purpose(
        "what the student is asked when it learns an explanation", "train", "explanations",
        ("question",), ("wrong", "wrong_final", "gold"),
    ),
}  # fmt: skip


def checked(purpose: str, text: str) -> str:
    """Return a prompt's text as it is stored.

    Raises:
        SpecError: its stage could not work with it; says in one line what to put in.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise SpecError(f"the prompt {purpose} is empty: go back to a former version instead")
    if len(text) > LONGEST:
        raise SpecError(
            f"the prompt {purpose} has {len(text):,} characters: {LONGEST:,} at most, it is sent "
            "with every call"
        )
    _check_fields(purpose, text)
    _check_marks(purpose, _FIELD.sub(r"{{\1}}", text))
    _check_messages(purpose, text)
    return text


def _check_fields(purpose: str, text: str) -> None:
    rule, fields = PURPOSES[purpose], Template(purpose, text).fields
    for name in rule.needs:
        if name not in fields:
            raise SpecError(
                f"the prompt {purpose} needs {{{{{name}}}}}: put it where that is to stand"
            )
    for name in sorted(fields - {*rule.needs, *rule.may}):
        known = ", ".join(f"{{{{{one}}}}}" for one in (*rule.needs, *rule.may))
        raise SpecError(f"nothing is filled in for {{{{{name}}}}} in {purpose}: it knows {known}")


def _check_marks(purpose: str, text: str) -> None:
    rule = PURPOSES[purpose]
    inside = "".join(_FENCE.findall(text))
    outside = _FENCE.sub("", text)
    for name in rule.fenced:
        field = f"{{{{{name}}}}}"
        if field not in inside or field in outside:
            raise SpecError(
                f"in {purpose} {field} must stand between <<<{{{{mark}}}} and {{{{mark}}}}>>>: else "
                "what it says could pass for an instruction"
            )
    if rule.scores and _SCORE not in outside:
        raise SpecError(
            f"the prompt {purpose} must ask for a line {_SCORE} N: the score is read from it"
        )


def _check_messages(purpose: str, text: str) -> None:
    rule = PURPOSES[purpose]
    dummies = dict.fromkeys((*rule.needs, *rule.may), "x")
    roles = [message["role"] for message in Template(purpose, text).messages(dummies)]
    if "assistant" in roles or roles[-1:] != ["user"]:
        raise SpecError(
            f"the prompt {purpose} must end with the user's message: ---system--- first, if at all, "
            "then ---user---"
        )
