"""Read the rows of a job's data files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.domain.errors import SpecError


def read_rows(
    path: Path, *, needs: tuple[str, ...] = ("key", "messages")
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSONL file; raises SpecError that names the line of a bad one."""
    if not path.is_file():
        raise SpecError(f"{path} is missing: the job folder is not whole; make it again")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _row(line, f"{path}, line {number}", needs)


def _row(line: str, where: str, needs: tuple[str, ...]) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise SpecError(f"{where}: not JSON ({error})") from None
    missing = [name for name in needs if not isinstance(row, dict) or name not in row]
    if missing:
        raise SpecError(f"{where}: no {missing[0]}")
    if "messages" not in needs:
        return dict(row)
    messages = row["messages"]
    fits = (
        isinstance(messages, list)
        and messages
        and all(
            isinstance(m, dict)
            and isinstance(m.get("role"), str)
            and isinstance(m.get("content"), str)
            for m in messages
        )
    )
    if not fits:
        raise SpecError(f"{where}: messages must be a list of role and content")
    return dict(row)
