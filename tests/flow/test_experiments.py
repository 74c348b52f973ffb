"""Runs one after another, whatever becomes of each; and the table of what each part is worth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from studio.domain.errors import RunError, StudioError
from studio.domain.records import Grade, Override, Run, Verdict
from studio.domain.specs import DatasetSpec
from studio.flow import ablation
from studio.flow.dataset import draft_dataset
from studio.flow.outlook import training_outlook
from studio.flow.run_queue import Entry, outcomes, outlooks, run_all, run_queued
from studio.flow.stage import Bench, Progress
from studio.flow.students import register
from studio.store.tables import Store
from tests.curated import (
    ChildLauncher,
    Killed,
    KilledWhileStarting,
    add_case,
    add_question,
    add_rationale,
    bench,
    collect,
    launcher,
    make_student,
)
from tests.fakes import teacher

__all__ = ["bench", "launcher"]


@pytest.fixture
def taught(bench: Bench, store: Store, tmp_path: Path) -> Bench:
    """A project with three cases of two teachers and two held-out questions."""
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    for n in range(2):
        add_question(store, f"How many are 5{n} and 4?", split="test")
    student = register(store, make_student(tmp_path))
    for name in ("gpt", "gemini"):
        store.put(teacher(name, "http://127.0.0.1:9/v1"))
    store.set_setting("student", student.name)
    return bench


def entries() -> list[Entry]:
    return [Entry(name, {"seed": n}) for n, name in enumerate(("one", "two", "three"))]


class FailsOnce(ChildLauncher):
    """Fails at the n-th start."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self._left = n

    def start(self, folder: Path) -> str:
        self._left -= 1
        self.behaviour = "fail" if self._left == 0 else ""
        return super().start(folder)


def test_a_queue_goes_on_after_a_failure_and_makes_the_rest_up(taught: Bench) -> None:
    failing = FailsOnce(2)
    bench = replace(taught, launcher=failing)
    with pytest.raises(RunError, match=r"1 of 3 runs failed \(two: .*do it once more"):
        asyncio.run(collect(run_all(bench, entries())))
    found = outcomes(bench, entries())
    assert [one.state for one in found] == ["finished", "failed", "finished"]
    assert "the weights are not to be read" in found[1].message
    before = [one.run for one in found]
    asyncio.run(collect(run_all(bench, entries())))
    again = outcomes(bench, entries())
    assert [one.state for one in again] == ["finished"] * 3
    assert [one.run for one in again] == before, "gone on with, not begun anew"
    assert again[1].message == ""
    failing.end()


def test_a_queue_is_told_beforehand_by_what_each_run_would_learn_from(taught: Bench) -> None:
    settings = {"data": {"val_share": 0.4}}
    told = training_outlook(taught, "", settings)
    assert told["examples"]["validation"]
    (found,) = outlooks(taught, [Entry("one", settings)])
    assert (found.examples, found.state) == (sum(told["examples"]["train"].values()), "")


def test_a_queue_stopped_between_goes_on_where_it_was(taught: Bench) -> None:
    asyncio.run(collect(run_all(taught, entries()[:2])))
    asyncio.run(collect(run_all(taught, entries())))
    assert taught.store.value("SELECT count(*) FROM runs") == 3


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("way", ["queue", "waiting"])
def test_what_is_killed_while_it_starts_a_run_goes_on_with_that_run(
    taught: Bench, before: bool, way: str
) -> None:
    def work(bench: Bench) -> AsyncIterator[Progress]:
        return run_all(bench, entries()[:1]) if way == "queue" else run_queued(bench, "", {})

    starts = KilledWhileStarting(1, before=before)
    with pytest.raises(Killed):
        asyncio.run(collect(work(replace(taught, launcher=starts, changed=starts.end_the_studio))))
    (run,) = taught.store.all(Run)
    asyncio.run(collect(work(replace(taught, launcher=starts))))
    assert next(taught.store.all(Run)) == run
    assert taught.store.count(Run) == (2 if way == "waiting" else 1), "and what was put behind it"
    assert {row[0] for row in taught.store.rows("SELECT state FROM run_states")} == {"finished"}
    starts.end()


@pytest.mark.parametrize(
    ("options", "teachers", "rationales"),
    [
        ({}, {"gpt", "gemini"}, 6),
        ({"teachers": "gpt"}, {"gpt"}, 3),
        ({"choice": "all"}, {"gpt", "gemini"}, 8),
        ({"choice": "answer"}, {"gpt", "gemini"}, 7),
        ({"choice": "human"}, {"gpt"}, 1),
        ({"choice": "all", "teachers": " gemini "}, {"gemini"}, 4),
    ],
)
def test_a_choice_of_rationales(
    taught: Bench, store: Store, options: dict[str, str], teachers: set[str], rationales: int
) -> None:
    unsure = add_question(store, "How many are 8 and 4?")
    add_rationale(store, unsure, teacher="gpt", accepted=False)
    add_rationale(store, unsure, teacher="gemini", accepted=False)
    ids = [row["id"] for row in store.rows("SELECT id FROM rationales ORDER BY rowid")]
    store.add([
        Grade(subject_id=one, verdict=Verdict.WRONG if n == 1 else Verdict.CORRECT, grader="rules:1")
        for n, one in enumerate(ids)
    ])  # fmt: skip
    if options.get("choice") == "human":
        store.add([Override(rationale_id=ids[0], accepted=True, who="me", at=1.0)])
    student = register(store, make_student(taught.project.parent))
    draft = draft_dataset(taught, student=student, options=DatasetSpec(val_share=0, **options))
    used = draft.dataset.manifest["teachers"]["rationale"]
    assert set(used) == teachers
    assert sum(used.values()) == rationales


def test_the_ablation_trains_each_variant_for_as_many_steps_and_fills_one_table(
    taught: Bench,
) -> None:
    wanted = ablation.plan(taught, {"batch_examples": 4})
    names = [entry.name.removeprefix("ablation: ") for entry in wanted]
    assert names == ["whole method", "no explanations", "only gemini", "only gpt", "no peer review",
                     "answer gate only", "human only"]  # fmt: skip
    assert {entry.settings["max_steps"] for entry in wanted} == {6}
    with pytest.raises(RunError, match=r"1 of 7 runs failed \(ablation: human only"):
        asyncio.run(collect(run_all(taught, wanted, evaluated=True)))
    found = ablation.lines(taught, wanted)
    assert [line.evaluation is not None for line in found] == [True] * 6 + [False]
    assert all(line.evaluation.tuned.n == 2 for line in found if line.evaluation)
    assert "no rationale is of that choice" in found[-1].message
    assert [line.p_whole for line in found] == [None, *[1.0] * 5, None], "all answer alike here"
    text = ablation.describe(found, lambda rows, head: "\n".join(map(str, [head, *rows])))
    assert "95 % interval" in text
    assert len(text.splitlines()) == 8
    assert found[0].as_json()["evaluation"]["n"] == 2


def test_a_variant_that_was_stopped_is_not_compared(taught: Bench) -> None:
    add_question(taught.store, "How many are 50 and 4?", split="test")
    stopping = ChildLauncher("stop-2")
    entries = ablation.plan(taught, {}, only=["no explanations"])
    bench = replace(taught, launcher=stopping)
    asyncio.run(collect(run_all(bench, entries, evaluated=True)))
    (line,) = ablation.lines(bench, entries)
    assert (line.evaluation, line.message) == (None, "asked to stop")
    stopping.behaviour = ""
    asyncio.run(collect(run_all(bench, entries, evaluated=True)))
    (line,) = ablation.lines(bench, entries)
    assert line.evaluation is not None
    assert line.evaluation.student.endswith(".6"), "not the one that was stopped"
    stopping.end()


def test_an_unknown_variant_is_refused(taught: Bench) -> None:
    with pytest.raises(StudioError, match="no variant 'moon': choose of whole method, no expl"):
        ablation.plan(taught, {}, only=["moon"])


def test_the_queue_does_not_wait_for_a_run_that_died_while_nobody_followed_it(
    taught: Bench, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "die"
    with pytest.raises(RunError, match="ended without a word"):
        asyncio.run(collect(run_queued(taught, "", {"seed": 1})))
    (dead,) = taught.store.all(Run)
    taught.store.set_run_state(dead.id, state="running")  # whoever followed it was killed, too
    launcher.behaviour = ""
    taught.store.set_setting("runs_waiting", [])
    asyncio.run(asyncio.wait_for(collect(run_queued(taught, "", {"seed": 2})), 60))
    states = {run.id: taught.store.run_state(run.id)["state"] for run in taught.store.all(Run)}
    assert states.pop(dead.id) == "interrupted"
    assert list(states.values()) == ["finished"]


def test_what_is_put_in_the_queue_while_it_works_is_made_after_it(taught: Bench) -> None:
    failing = FailsOnce(2)
    bench = replace(taught, launcher=failing)

    async def three() -> tuple[list[Progress], str]:
        first = asyncio.create_task(collect(run_queued(bench, "", {"seed": 1})))
        await asyncio.sleep(0)
        put = [await collect(run_queued(bench, "", {"seed": seed})) for seed in (2, 3)]
        assert [len(told) for told in put] == [1, 1], "they only queue up"
        with pytest.raises(RunError, match=r"1 failed .*the weights are not to be read") as found:
            await first
        return put[1], str(found.value)

    told, _ = asyncio.run(three())
    assert told[0].note == "3 in the queue"
    runs = list(bench.store.all(Run))
    assert [run.spec["seed"] for run in sorted(runs, key=lambda run: run.created_at)] == [1, 2, 3]
    states = [bench.store.run_state(run.id)["state"] for run in runs]
    assert sorted(states) == ["failed", "finished", "finished"]
    assert bench.store.setting("runs_waiting") == []
    assert bench.store.setting("run_queue") == {}, "nobody can ask for these again"
    failing.end()
