"""A file larger than the memory it may take is imported: rows pass through, they are not piled up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.domain.records import Question
from studio.store.tables import Store

ROWS, EACH = 6_000, 10_000  #: 60 MB
MOST_MB = 30
IMPORTS = """
import sys
from pathlib import Path
from studio.flow.questions import import_files
from studio.store.tables import Store

def most() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10

project, small, large, *options = sys.argv[1:]
store = Store(Path(project))
import_files(store, [Path(small)], split="train")  # what is loaded at first use is there by now
before = most()
import_files(store, [Path(large)], split="train")
store.close()
print(most() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for its memory")
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_memory_is_bounded(tmp_path: Path, kind: str) -> None:
    Store.create(tmp_path / "p").close()
    small, large = tmp_path / f"small.{kind}", tmp_path / f"large.{kind}"
    for file, first, rows in ((small, 0, 5), (large, 5, ROWS)):
        with file.open("w", encoding="utf-8") as out:
            if kind == "csv":
                out.write("question,answer\n")
            for n in range(first, first + rows):
                text = f"What is {n} and 1? " + "x" * EACH
                row = {"question": text, "answer": str(n + 1)}
                out.write(f"{json.dumps(row)}\n" if kind == "jsonl" else f"{text},{n + 1}\n")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, tmp_path / "p", small, large],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MOST_MB, f"{large.stat().st_size >> 20} MB took {done.stdout} MB"
    store = Store(tmp_path / "p")
    assert store.count(Question) == ROWS + 5
    store.close()
