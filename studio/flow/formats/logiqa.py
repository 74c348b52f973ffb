"""LogiQA: text, eight lines a question: blank, right letter, context, question, four options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from studio.domain.records import AnswerKind, Question
from studio.flow.formats.answers import unlabelled
from studio.flow.formats.base import (
    Fault,
    Format,
    Head,
    Item,
    Options,
    Raw,
    RowError,
    each,
    split_of,
    text,
)
from studio.flow.formats.reading import lines

_LINES = 8
_LETTERS = "abcd"


def claims(head: Head) -> bool:
    """Return whether a file that begins like this is LogiQA."""
    some = [line.strip() for line in head.lines]
    return len(some) == _LINES and not some[0] and _is_letter(some[1]) and all(some[2:])


def read(path: Path, options: Options) -> Iterator[Item | Fault]:
    """Yield the questions."""
    split = split_of(path, options)

    def convert(raw: Raw) -> Item:
        blank, letter, context, question, *choices = raw.value
        if blank or not _is_letter(letter):
            raise RowError("a question begins with a blank line and the letter a, b, c or d")
        named = [text(unlabelled(choice, n), "option") for n, choice in enumerate(choices)]
        return Item(
            raw.line,
            Question(
                text=text(question, "question"),
                gold=letter.upper(),
                answer_kind=AnswerKind.CHOICE,
                context=text(context, "context"),
                options=tuple(named),
                split=split,
                dataset=options.dataset or "logiqa",
            ),
        )

    return each(_blocks(path), convert)


def _blocks(path: Path) -> Iterator[Raw]:
    """Yield the lines of one question at a time.

    A question begins where a blank line is followed by a letter, so one with a line too many or
    too few does not spoil all after it.
    """
    block: list[str] = []
    start = 1
    for number, line in lines(path):
        bare = line.strip()
        if _is_letter(bare) and block and not block[-1]:
            yield from _finished(block[:-1], start)
            block, start = [""], number - 1
        block.append(bare)
    yield from _finished(block, start)


def _finished(block: list[str], start: int) -> Iterator[Raw]:
    while block and not block[-1]:
        block.pop()
    if len(block) == _LINES:
        yield Raw(start, block)
    elif block:
        yield Raw(start, "\n".join(block), f"{len(block)} lines where {_LINES} are expected")


def _is_letter(line: str) -> bool:
    return len(line) == 1 and line.lower() in _LETTERS


FORMAT = Format("logiqa", claims, read)
