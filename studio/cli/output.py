"""How verbs speak: a progress line with rate, ETA and cost, small tables, JSON."""

from __future__ import annotations

import asyncio
import json
import math
import re
import shutil
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from studio.domain.visible import visible
from studio.flow.stage import Progress

_EVERY_S = 0.1  #: seconds between two redraws of the line on a terminal
_NUMBER = re.compile(r"[-+−]?[\d,.]+( %)?|–")  #: as text: signed, with separators, or a share
_ENDLESS = 1_000_000
_LEAST = 24  #: letters; where there is less room for a text it is left to the terminal
_EVERY_PLAIN_S = 10.0  #: and between two lines where standard error is a file


class ProgressLine:
    """One line on standard error, redrawn in place on a terminal, sparse in a log."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._terminal = sys.stderr.isatty()
        self._quiet = quiet
        self._stage = ""
        self._started = time.monotonic()
        self._shown = 0.0
        self._latest: Progress | None = None

    def show(self, progress: Progress) -> None:
        """Take note of ``progress`` and draw it if it is time."""
        if not progress.total and not progress.note:  # a stage that found nothing to do
            return
        now = time.monotonic()
        if progress.stage != self._stage:
            self.end()
            self._stage, self._started, self._shown = progress.stage, now, 0.0
        self._latest = progress
        every = _EVERY_S if self._terminal else _EVERY_PLAIN_S
        # In a log the first line waits too: a short stage is told by its last line alone.
        since = self._shown if self._terminal else max(self._shown, self._started)
        if now - since >= every:
            self._shown = now
            self._write(progress)

    def end(self) -> None:
        """Draw the stage's last state and leave the line."""
        if self._latest is not None and self._latest.stage:
            self._write(self._latest)
            if self._terminal and not self._quiet:
                sys.stderr.write("\n")
        self._latest = None

    def _write(self, progress: Progress) -> None:
        if self._quiet:
            return
        spent = time.monotonic() - self._started
        text = describe(progress, spent_s=spent)
        if self._terminal:
            sys.stderr.write(f"\r\x1b[2K{text}")
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()


def describe(progress: Progress, *, spent_s: float) -> str:
    """Return a progress as words: stage, count, rate, time left, failures, cost."""
    parts = [f"{progress.stage:<9} {progress.done:,}/{progress.total:,}"]
    if progress.done and spent_s > 0:
        rate = progress.done / spent_s
        parts.append(f"{rate:,.1f}/s")
        if progress.done < progress.total:
            parts.append(f"{duration((progress.total - progress.done) / rate)} left")
        else:
            parts.append(f"in {duration(spent_s)}")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.cost_usd is not None:
        parts.append(f"${progress.cost_usd:,.4f}")
    if progress.note:
        parts.append(visible(progress.note))
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """Return a length of time as people write it: 42 s, 3 min 5 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


async def _nothing() -> None:
    pass


def drive(
    work: AsyncIterator[Progress],
    *,
    quiet: bool = False,
    after: Callable[[], Awaitable[None]] = _nothing,
) -> Progress | None:
    """Run a stage to its end with a progress line; Ctrl-C and SIGTERM end it cleanly.

    Args:
        after: closes what belongs to the same event loop, however the stage ended.

    Returns the last progress. Raises KeyboardInterrupt when interrupted, after the stage has kept
    the replies in flight.
    """
    line = ProgressLine(quiet=quiet)

    async def run() -> Progress | None:
        task = asyncio.current_task()
        assert task is not None  # asyncio.run always makes one
        if sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        last = None
        try:
            async with aclosing(work) as steps:  # type: ignore[type-var]  # all are generators
                async for progress in steps:
                    last = progress
                    line.show(progress)
        finally:
            await after()
        return last

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        line.end()


def print_json(value: Any) -> None:
    """Print one JSON object on standard output, in letters it can hold."""
    known = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"
    print(json.dumps(_finite(value), ensure_ascii=not known, indent=2, default=str))


def _finite(value: Any) -> Any:
    """Return the value with null for what JSON has no number for: a loss that ran away, say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def table(rows: Iterable[Sequence[Any]], *, head: Sequence[str]) -> str:
    """Return rows as aligned text; columns of numbers to the right, the header underlined.

    On a terminal that is too narrow for it each row is a block of lines instead, a name and a value.
    """
    values = [list(row) for row in rows]
    cells = [list(head), *([_cell(value) for value in row] for row in values)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    if values and sum(widths) + 2 * (len(widths) - 1) > _room():
        return "\n\n".join(named(zip(head, row, strict=True)) for row in cells[1:])
    numeric = [bool(values) and all(_is_number(row[i]) for row in values) for i in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def named(facts: Iterable[tuple[str, str]]) -> str:
    """Return names with what they are, a line each; a long one goes on below its beginning."""
    told = list(facts)
    wide = max((len(name) for name, _ in told), default=0) + 2
    return "\n".join(_wrapped(f"{name:<{wide}}{text}".rstrip(), indent=wide) for name, text in told)


def sentence(text: str) -> str:
    """Return a text that breaks between its words where the terminal ends."""
    return _wrapped(text, indent=0)


def _wrapped(text: str, *, indent: int) -> str:
    room = _room()
    if len(text) <= room or room - indent < _LEAST:
        return text
    first, rest = text[:indent], text[indent:]
    return textwrap.fill(
        rest, room, initial_indent=first, subsequent_indent=" " * indent, break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip


def _room() -> int:
    """Return how many letters fit a line: a terminal's own width; in a file lines may be any length."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _ENDLESS


def when(seconds: float) -> str:
    """Return a time since the epoch by this machine's clock, to the minute."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | None) or bool(_NUMBER.fullmatch(str(value)))


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float) else " ".join(visible(str(value)).split("\n"))
