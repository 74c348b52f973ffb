"""General text before and after: the same texts, the change with an interval, in words."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from pathlib import Path

import pytest

from studio.domain.errors import ImportRefused, StudioError
from studio.domain.specs import DatasetSpec
from studio.flow.dataset import build_dataset
from studio.flow.forgetting import (
    Forgetting,
    _compared,
    check_forgetting,
    forgetting_of,
    read_texts,
)
from studio.flow.stage import Bench
from studio.flow.students import register, student_from
from studio.flow.training import follow_run, result_of, run_spec, start_run
from studio.store.tables import Store
from tests.curated import add_case, bench, collect, launcher
from tests.forked import ForkedLauncher, Jobs

__all__ = ["bench", "launcher"]

TEXTS = "The sea is wide.\nAnd deep.\n\n" + "A cat sat on a mat.\n\n\n\n" * 6 + "So it goes. " * 80


def test_a_real_student_is_measured_before_and_after(
    bench: Bench, store: Store, tmp_path: Path, jobs: Jobs, small_student: Path
) -> None:
    bench = replace(bench, launcher=ForkedLauncher(jobs))
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    student = register(store, student_from(str(small_student), prompts="bare"))
    texts = tmp_path / "texts.txt"
    texts.write_text(TEXTS)
    with pytest.raises(StudioError, match="was not trained here"):
        asyncio.run(collect(check_forgetting(bench, student.name, texts)))
    values = {"max_steps": 8, "lr": 0.05, "full": True, "threads": 1}
    dataset = build_dataset(bench, student=student, options=DatasetSpec(val_share=0))
    spec = run_spec(bench.project, student, "mapd", values)
    run = start_run(bench, dataset=dataset, student=student, spec=spec)
    asyncio.run(collect(follow_run(bench, run.id)))
    tuned = result_of(bench, run.id)["student"]
    assert forgetting_of(bench, tuned) is None
    asyncio.run(collect(check_forgetting(bench, tuned, texts)))
    found = forgetting_of(bench, tuned)
    assert found is not None
    assert (found.texts, found.base, found.source) == (8, student.name, "texts.txt")
    # A token is a byte; the long text is cut into two pieces, whose first tokens are given.
    assert found.tokens == len(TEXTS.replace("\n\n", "").strip()) - 9
    assert found.before == pytest.approx(math.log(258), abs=0.3), "random weights know nothing"
    assert found.change != 0
    assert found.interval[0] <= found.change <= found.interval[1]
    assert not list((bench.project / "runs").glob("measure-*"))


def test_the_interval_is_of_the_texts() -> None:
    worse = _compared("s", "b", [(10.0, 10)] * 30, [(12.0, 10)] * 30)
    assert (worse.before, worse.after, worse.interval) == (1.0, 1.2, pytest.approx((0.2, 0.2)))
    assert "some of it is forgotten" in worse.describe()
    mixed = _compared("s", "b", [(10.0, 10), (10.0, 10)] * 9, [(12.0, 10), (8.0, 10)] * 9)
    assert mixed.verdict == "no change that these texts can tell"
    assert mixed.interval[0] < 0 < mixed.interval[1]
    better = Forgetting("s", "b", 1, 1, 2.0, 1.0, (-1.5, -0.5))
    assert better.verdict == "it foretells general text better than before"


def test_texts_of_a_file(tmp_path: Path) -> None:
    lines = tmp_path / "texts.jsonl"
    lines.write_text('{"text": "one"}\n\n{"text": "two"}\n' * 4)
    assert read_texts(lines) == ["one", "two"] * 4
    lines.write_text('{"text": "one\u2028line"}\n' * 8, encoding="utf-8")
    assert read_texts(lines) == ["one\u2028line"] * 8, "such an end of a line stands inside a text"
    for bad in ('{"words": 3}', '{"text": null}', "prose", "[" * 100_000):
        lines.write_text(f'{{"text": "one"}}\n{bad}\n')
        with pytest.raises(ImportRefused, match="line 2: this is not of the form"):
            read_texts(lines)
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n")
    with pytest.raises(ImportRefused, match="it holds 0 texts, and fewer than 8 tell nothing"):
        read_texts(empty)
    with pytest.raises(ImportRefused, match="name a file of general text"):
        read_texts(tmp_path / "none.txt")
