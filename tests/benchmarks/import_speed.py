"""Import speed and memory: 100,000 JSONL questions into a fresh project, in a fresh process.

    python tests/benchmarks/import_speed.py [ROWS]

Prints seconds, rows a second, and how far the resident memory grew beyond an import of one row.
Target: 100,000 questions in under 30 s, in a memory that does not grow with the file.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from studio.flow.questions import import_files
from studio.store.tables import Store


def main(rows: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        store = Store.create(place / "project")
        import_files(store, [questions(place / "one.jsonl", 1, first=rows)])
        before = peak_mb()
        file = questions(place / "many.jsonl", rows)
        start = time.perf_counter()
        report = import_files(store, [file])
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        again = import_files(store, [file])
        second = time.perf_counter() - start
        assert (report.new, again.new, again.duplicates) == (rows, 0, rows)
        store.close()
        print("| questions | MB on disk | seconds | a second | MB more | seconds again |")
        print("|---|---|---|---|---|---|")
        size, more = file.stat().st_size / 1e6, peak_mb() - before
        print(
            f"| {rows:,} | {size:.0f} | {seconds:.1f} | {rows / seconds:,.0f} | {more:.0f}"
            f" | {second:.1f} |"
        )


def questions(path: Path, rows: int, *, first: int = 0) -> Path:
    """Write word problems of about 300 characters."""
    with path.open("w", encoding="utf-8") as file:
        for n in range(first, first + rows):
            text = (
                f"A farm packs {n} boxes with {n % 97 + 2} apples each. " + "It rains. " * 20
            ) + "How many apples are packed?"
            row = {"question": text, "answer": str(n * (n % 97 + 2)), "key": f"q{n}"}
            file.write(json.dumps(row) + "\n")
    return path


def peak_mb() -> float:
    """Return the most memory this process ever held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
