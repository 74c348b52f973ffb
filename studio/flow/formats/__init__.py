"""Native files: one module per format, and the list of them in the order they are asked.

A new format is one module with a ``FORMAT`` and one word in ``FORMATS``.
"""

from __future__ import annotations

from pathlib import Path

from studio.domain.errors import ImportRefused, SpecError
from studio.flow.formats import (
    committee,
    csv_table,
    gsm8k,
    gsm8k_solutions,
    jsonl,
    logiqa,
    parquet,
    strategyqa,
    svamp,
)
from studio.flow.formats.base import Format, Head
from studio.flow.formats.reading import head

#: Those that know their own fields come before those that take any.
FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (
        committee, gsm8k_solutions, gsm8k, svamp, strategyqa, logiqa, jsonl, parquet, csv_table,
    )
}  # fmt: skip


def format_of(path: Path, name: str = "auto") -> Format:
    """Return the format called ``name``, or the one the file's content tells.

    Raises ImportRefused when the file cannot be read or told, SpecError for an unknown name.
    """
    if name != "auto" and name not in FORMATS:
        raise SpecError(f"no format {name!r}: choose auto or one of {', '.join(FORMATS)}")
    beginning = head(path)
    if name != "auto":
        return FORMATS[name]
    for candidate in FORMATS.values():
        if candidate.claims(beginning):
            return candidate
    raise ImportRefused(str(path), _untold(beginning), line=1)


_CALLED = {".jsonl": "JSON", ".ndjson": "JSON", ".json": "JSON", ".parquet": "Parquet"}


def _untold(beginning: Head) -> str:
    """Return why no format claims a file: what it is called, it is not, or nothing tells."""
    called = _CALLED.get(beginning.path.suffix.lower())
    begins = f" (it begins {beginning.lines[0].strip()[:40]!r})" if beginning.lines else ""
    why = f"this is not {called}{begins}" if called else "its format cannot be told"
    return f"{why}: name the format with --format {'|'.join(FORMATS)}, or mend the file"
