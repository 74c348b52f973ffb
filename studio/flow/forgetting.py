"""What a student forgot: how well it foretells general text, given by the user, before and after.

Both students get the very same texts; the change is told with an interval from resampling the texts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain.errors import ImportRefused, RunError, StudioError
from studio.domain.events import Failed, Finished
from studio.domain.events import Progress as JobProgress
from studio.domain.records import StudentRecord, digest
from studio.domain.specs import MeasureSpec
from studio.flow import job_folder
from studio.flow.stage import Bench, Progress
from studio.flow.students import base_of, find_student, weights_of

if TYPE_CHECKING:
    from studio.domain.events import Event

LEAST_TEXTS, MOST_TEXTS = 8, 2000
_RESAMPLED = 2000
_SETTING = "forgetting"  #: in the project: the newest check of each student


class Forgetting(NamedTuple):
    """Mean loss of a token, before and after; a change above 0 means that it foretells worse."""

    student: str
    base: str
    texts: int
    tokens: int
    before: float
    after: float
    interval: tuple[float, float]  #: of the change, 95 %
    source: str = ""  #: the file's name

    @property
    def change(self) -> float:
        """Loss after less loss before."""
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """Return what it means, in words."""
        low, high = self.interval
        if low > 0:
            return "it foretells general text worse than before: some of it is forgotten"
        if high < 0:
            return "it foretells general text better than before"
        return "no change that these texts can tell"

    def as_json(self) -> dict[str, Any]:
        """Return the shape of ``forgetting --json``."""
        return {**self._asdict(), "interval": list(self.interval), "change": self.change,
                "verdict": self.verdict}  # fmt: skip

    def describe(self) -> str:
        """Return it as lines of text."""
        low, high = self.interval
        return (
            f"loss a token over {self.tokens:,} tokens of {self.texts:,} texts: {self.before:.4f}"
            f" before ({self.base}), {self.after:.4f} after ({self.student})\n"
            f"change {self.change:+.4f} (95 % interval {low:+.4f} to {high:+.4f}): {self.verdict}"
        )


def read_texts(path: Path) -> list[str]:
    """Return the texts of a file: JSONL with ``text``, or plain text, parted by empty lines.

    Raises:
        ImportRefused: it cannot be read, or holds too few texts.
    """
    try:
        whole = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ImportRefused(str(path), f"{error.strerror}: name a file of general text") from None
    except UnicodeDecodeError:
        raise ImportRefused(str(path), "not UTF-8: save it as UTF-8 text and try again") from None
    if path.suffix in (".jsonl", ".ndjson"):
        lines = enumerate(whole.split("\n"), 1)  # a text may hold other ends of lines
        texts = [_text_of(path, n, line).strip() for n, line in lines if line.strip()]
    else:
        texts = [part.strip() for part in whole.split("\n\n")]
    found = [text for text in texts if text]
    if len(found) < LEAST_TEXTS:
        raise ImportRefused(
            str(path),
            f"it holds {len(found)} texts, and fewer than {LEAST_TEXTS} tell nothing: take a file with"
            " more paragraphs, parted by empty lines",
        )
    return found[:MOST_TEXTS]


def _text_of(path: Path, number: int, line: str) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise ImportRefused(str(path), 'this is not of the form {"text": "…"}', line=number)
    return text


async def check_forgetting(bench: Bench, student: str, path: Path) -> AsyncIterator[Progress]:
    """Measure a student and its base on the texts of a file; ``forgetting_of`` tells the result.

    Raises:
        StudioError: the student was not trained here, or the texts cannot be read.
        RunError: a job failed.
    """
    tuned = find_student(bench.store, student)
    base = base_of(bench.store, tuned)
    if not base:
        raise StudioError(f"{tuned.name} was not trained here: there is nothing to compare with")
    texts = read_texts(path)
    found: list[list[tuple[float, int]]] = []
    for who in (find_student(bench.store, base), tuned):
        async for progress in _measured(bench, who, texts, found):
            yield progress
    result = _compared(tuned.name, base, *found)._replace(source=path.name)
    known = bench.store.setting(_SETTING, {})
    bench.store.set_setting(_SETTING, {**known, tuned.name: result._asdict()})
    bench.changed({"settings"})


def forgetting_of(bench: Bench, student: str) -> Forgetting | None:
    """Return the newest check of a student; None where there was none."""
    known = bench.store.setting(_SETTING, {}).get(student)
    if known is None:
        return None
    return Forgetting(**{**known, "interval": tuple(known["interval"])})


async def _measured(
    bench: Bench, who: StudentRecord, texts: Sequence[str], found: list[list[tuple[float, int]]]
) -> AsyncIterator[Progress]:
    """Let a job measure one student; what it found is put at the end of ``found``."""
    spec = MeasureSpec(student=weights_of(who, bench.project))
    folder = bench.project / "runs" / f"measure-{digest('measure', who.model_dump(), texts)}"
    rows = ({"key": str(n), "text": text} for n, text in enumerate(texts))
    work = job_folder.attended(bench.launcher, folder, spec, {"texts.jsonl": rows})
    ending: Event | None = None
    async with aclosing(work) as events:
        async for event in events:
            if isinstance(event, Failed | Finished):
                ending = event
            elif isinstance(event, JobProgress):
                yield Progress("forgetting", event.done, event.total, note=who.name)
    if isinstance(ending, Failed):
        raise RunError(f"{who.name} could not be measured: {ending.message}")
    if not isinstance(ending, Finished) or ending.stopped:
        raise RunError(f"measuring {who.name} was broken off: start it again")
    lines = (folder / "artifacts" / "losses.jsonl").read_text().splitlines()
    found.append([(row["loss"], row["tokens"]) for row in map(json.loads, lines)])
    shutil.rmtree(folder, ignore_errors=True)


def _compared(
    student: str, base: str, before: list[tuple[float, int]], after: list[tuple[float, int]]
) -> Forgetting:
    import numpy as np

    losses = np.array([[one[0], other[0]] for one, other in zip(before, after, strict=True)])
    tokens = np.array([one[1] for one in before], dtype=float)
    chance = np.random.default_rng(731)
    drawn = chance.integers(len(tokens), size=(_RESAMPLED, len(tokens)))
    changes = (losses[:, 1] - losses[:, 0])[drawn].sum(1) / tokens[drawn].sum(1)
    low, high = (float(value) for value in np.quantile(changes, (0.025, 0.975)))
    means = losses.sum(0) / tokens.sum()
    return Forgetting(
        student, base, len(tokens), int(tokens.sum()), float(means[0]), float(means[1]), (low, high)
    )
