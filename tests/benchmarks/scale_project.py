"""Make a project of any size, fast: what a committee of three left behind, in realistic text.

    python tests/benchmarks/scale_project.py FOLDER [RATIONALES]

Every record has the id that the studio itself would give it. Rows go in by bulk, with the indexes
made afterwards: a million rationales take about two minutes and 2.5 GB.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from studio.domain.grading import GRADER
from studio.domain.policy import PRESETS
from studio.domain.records import (
    Attempt,
    Explanation,
    Grade,
    Question,
    Rationale,
    Record,
    Review,
    TeacherRecord,
    digest,
)
from studio.flow.decisions import apply_policy
from studio.store.tables import Store, row_of

TEACHERS = ("gemini", "gpt", "mistral")
DATASETS = ("gsm8k", "svamp", "strategyqa", "logiqa")
KINDS = ("addition", "subtraction", "division", "two steps", "rates", "")
BATCH = 2_000  #: questions


def make_project(folder: Path, rationales: int) -> Path:
    """Make a project of about ``rationales`` rationales at ``folder``, unless it is there."""
    if (folder / "whole").exists():
        return folder
    store = Store.create(folder)
    store.sql.execute("PRAGMA synchronous=OFF")
    store.sql.execute("PRAGMA cache_size=-300000")
    for name in TEACHERS:
        store.put(TeacherRecord(name=name, model=name, base_url="http://127.0.0.1:9/v1"))
    indexes = store.rows("SELECT name, sql FROM sqlite_master WHERE type='index' AND sql <> ''")
    for name, _ in indexes:
        store.execute(f"DROP INDEX {name}")
    text = Text(random.Random(1))
    questions = rationales // len(TEACHERS)
    for start in range(0, questions, BATCH):
        with store.transaction():
            for n in range(start, min(start + BATCH, questions)):
                text.add_case(n)
            text.write(store)
    for _, sql in indexes:
        store.execute(sql)
    apply_policy(store, PRESETS["paper"], who="benchmark")
    store.execute("ANALYZE")
    store.close()
    (folder / "whole").touch()
    return folder


class Text:
    """Cases made of sentences of made-up words, as frequent as words are."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]
        words = ["the", "of", "and", "to", "is", "so", "there", "are", "in", "each"]
        words += ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(30_000)]
        weights = list(accumulate(1 / (rank + 2) for rank in range(len(words))))
        self.sentences = [
            " ".join(
                chance.choices(words, cum_weights=weights, k=chance.randint(8, 16))
            ).capitalize()
            for _ in range(40_000)
        ]
        self.rows: dict[type[Record], list[list[Any]]] = {}
        self.shape = {kind: self._shape(kind) for kind in SAMPLES}

    def write(self, store: Store) -> None:
        """Write what was added."""
        for kind, rows in self.rows.items():
            names, _, _ = self.shape[kind]
            marks = ", ".join("?" * len(names))
            store.sql.executemany(
                f"INSERT OR IGNORE INTO {kind.table} ({', '.join(names)}) VALUES ({marks})", rows
            )
        self.rows.clear()

    def add_case(self, n: int) -> None:
        """Add a question with a mistake, three rationales and their reviews."""
        chance = self.chance
        gold = chance.randint(2, 900)
        question = self._add(
            Question, text=f"{self._said(2)} How many are {n} and {gold}?", gold=str(gold),
            context="", options="[]", dataset=DATASETS[n % 4], kind=chance.choice(KINDS), key=f"q{n}",
            split="train",
        )  # fmt: skip
        attempt = self._add(Attempt, question_id=question, student="Llama-2-7b-chat-hf",
                            text=f"{self._said(5)} Answer: {gold + 1}", round=n % 7 == 0, sample=0)  # fmt: skip
        doubt = '[{"name": "gold stated", "evidence": "it says so"}]' if n % 20 == 0 else "[]"
        self._add(Grade, subject_id=attempt, subject_kind="attempt", verdict="wrong",
                  extracted=str(gold + 1), doubts=doubt, grader=GRADER)  # fmt: skip
        self._add(
            Explanation, attempt_id=attempt, teacher=TEACHERS[n % 3], text=self._said(3), sample=0
        )
        for teacher in TEACHERS:
            self._add_rationale(question, teacher, gold)

    def _add_rationale(self, question: str, teacher: str, gold: int) -> None:
        chance = self.chance
        right = chance.random() < 0.8
        rationale = self._add(
            Rationale, question_id=question, teacher=teacher, sample=0, revision=0,
            text=f"{self._said(chance.randint(3, 7))} Answer: {gold if right else gold + 2}",
        )  # fmt: skip
        self._add(Grade, subject_id=rationale, subject_kind="rationale", grader=GRADER,
                  verdict="correct" if right else chance.choice(("wrong", "wrong", "unreadable")),
                  extracted=str(gold), doubts="[]")  # fmt: skip
        for reviewer in TEACHERS:
            if reviewer != teacher:
                score = chance.choice((1, 2, 3, 4, 4, 5, 5, 5, 5, None))
                self._add(Review, subject_id=rationale, subject_kind="rationale", reviewer=reviewer,
                          score=score, missing="" if score else "no score", comment=self._said(1), tries=0)  # fmt: skip

    def _said(self, sentences: int) -> str:
        return " ".join(f"{one} {self.chance.randint(1, 999)}." for one in
                        self.chance.choices(self.sentences, k=sentences))  # fmt: skip

    def _add(self, kind: type[Record], /, **fields: Any) -> str:
        _, row, places = self.shape[kind]
        mine = row.copy()
        for name, value in fields.items():
            mine[places[name]] = value
        identity = [fields[name] if name != "options" else [] for name in kind.identity]
        mine[0] = digest(kind.table, *identity)
        if kind is Rationale:
            mine[places["chars"]] = len(fields["text"])
        self.rows.setdefault(kind, []).append(mine)
        return str(mine[0])

    @staticmethod
    def _shape(kind: type[Record]) -> tuple[list[str], list[Any], dict[str, int]]:
        row = row_of(SAMPLES[kind])
        return list(row), list(row.values()), {name: n for n, name in enumerate(row)}


SAMPLES: dict[type[Record], Record] = {
    Question: Question(text="?", gold="1"),
    Attempt: Attempt(question_id="", student="x", text=""),
    Explanation: Explanation(attempt_id="", teacher="x", text=""),
    Grade: Grade(subject_id="", verdict="wrong", grader="x"),  # type: ignore[arg-type]
    Rationale: Rationale(question_id="", teacher="x", text=""),
    Review: Review(subject_id="", reviewer="x"),
}


def rows_of(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield how many records of each kind a project has."""
    store = Store(folder, read_only=True)
    for kind in SAMPLES:
        yield kind.table, store.count(kind)
    store.close()


if __name__ == "__main__":
    begun = time.monotonic()
    made = make_project(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
    counts = " · ".join(f"{n:,} {name}" for name, n in rows_of(made))
    size = (made / "studio.db").stat().st_size / 1e9
    print(f"{counts} · {size:.2f} GB · {time.monotonic() - begun:.0f} s")
