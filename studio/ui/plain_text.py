"""Makes text that a model wrote fit to be shown: never markup, never endless, nothing hidden."""

from __future__ import annotations

from studio.domain.visible import visible

MOST_CHARACTERS = 20_000


def safe(text: str, *, most: int = MOST_CHARACTERS) -> str:
    """Return ``text`` capped, its long lines broken, its invisible signs written as code points."""
    rest = len(text) - most
    shown = visible(text[:most])
    return f"{shown}\n… {rest:,} more characters" if rest > 0 else shown


def in_sight(text: str) -> str:
    """Return the part of ``text`` that ``safe`` shows, up to its last whole word.

    What is looked for to be marked is looked for in here: in a text without an end it would take
    longer than a person waits for a row.
    """
    if len(text) <= MOST_CHARACTERS:
        return text
    words = text[:MOST_CHARACTERS].rsplit(None, 1)
    return words[0] if len(words) == 2 else ""


def safe_span(text: str, span: tuple[int, int]) -> tuple[int, int] | None:
    """Return where ``span`` of ``text`` stands in ``safe(text)``; None when it is cut off."""
    start, end = span
    if not 0 <= start <= end <= min(len(text), MOST_CHARACTERS):
        return None
    return len(visible(text[:start])), len(visible(text[:end]))


def as_tip(text: str) -> str:
    """Return ``text`` so that a tooltip shows it as it is: Qt takes what looks like markup for markup.

    A sign without width behind what may begin a tag or an entity is enough for that.
    """
    return text.replace("<", "<\u2060").replace("&lt;", "&\u2060lt;")


def one_line(text: str, *, most: int = 200) -> str:
    """Return ``text`` as one short line."""
    line = " ".join(safe(text[: most * 4]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
