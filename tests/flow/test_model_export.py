"""A real student leaves the project whole, with all that is worth knowing in the last line."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from studio.flow import pipeline
from studio.flow.stage import Bench
from studio.flow.students import register, student_from
from studio.store.tables import Store
from tests.curated import add_question, bench, collect, launcher
from tests.forked import ForkedLauncher, Jobs

__all__ = ["bench", "launcher"]


def test_weights_modelfile_and_the_answers_to_held_out_questions(
    bench: Bench,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    jobs: Jobs,
    small_student: Path,
) -> None:
    monkeypatch.setenv("LLAMA_CPP", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    bench = replace(bench, launcher=ForkedLauncher(jobs))
    for n in range(20):
        add_question(store, f"How many are {n} and 4?", split="test", kind="sum")
        add_question(store, f"Say how many {n} and 4 are?", split="train", kind="sum")
    for text, split, kind in (
        ("What is 9 less 4?", "test", "difference"),
        ("Somebody asks at great length how many times 4 is in 20?", "test", "quotient"),
        ("Somebody asks at great length how many are 4 times 5?", "train", "product"),
    ):
        add_question(store, text, split=split, kind=kind)  # type: ignore[arg-type]
    student = register(store, student_from(str(small_student), prompts="mapd"))
    # Named: no run has made it, and of a run that was resumed there may be two.
    work = pipeline.export(bench, tmp_path / "out", format="model", student=student.name)
    last = asyncio.run(collect(work))[-1]
    assert "out: merged weights, Modelfile. No GGUF was written" in last.note, "there is no adapter"
    assert last.note.endswith("Parity: merged: 5 of 5 answers are ours to the letter.")
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {"merged", "Modelfile", "parity.json"}
    keys = [row["key"] for row in json.loads((out / "parity.json").read_text())["answers"]]
    splits = [store.value("SELECT split FROM questions WHERE id = ?", key) for key in keys]
    assert splits == ["test"] * 3 + ["train"] * 2
    kinds = [store.value("SELECT kind FROM questions WHERE id = ?", key) for key in keys]
    assert kinds == ["difference", "sum", "quotient", "sum", "product"]
    assert not list((bench.project / "runs").glob("export-*"))
