"""Whole rounds: each starts from the last one's student, and none is done twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from studio.domain.errors import RunError
from studio.domain.records import Attempt, Override, Rationale, Run
from studio.flow import pipeline
from studio.flow.comparison import describe_rounds, round_lines, run_lines
from studio.flow.rounds import round_outlook, run_rounds
from studio.flow.run_queue import Entry
from studio.flow.stage import Bench, Progress
from studio.flow.students import register
from studio.store.tables import Store
from tests.curated import (
    ChildLauncher,
    Killed,
    KilledWhileStarting,
    add_case,
    add_question,
    bench,
    collect,
    launcher,
    make_student,
)

__all__ = ["bench", "launcher"]


@pytest.fixture
def taught(bench: Bench, store: Store) -> Bench:
    """A project with three cases, two held-out questions and no committee to ask."""
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    for n in range(2):
        add_question(store, f"How many are 5{n} and 4?", split="test")
    for rationale in store.all(Rationale):  # no reviewer is here to be asked
        store.add([Override(rationale_id=rationale.id, accepted=True, who="me", at=1.0)])
    store.set_setting("student", register(store, make_student(store.path)).name)
    return bench


def do(bench: Bench, **options: int) -> list[Progress]:
    return asyncio.run(collect(run_rounds(bench, {}, **options)))


def runs_of(bench: Bench) -> list[Run]:
    return sorted(bench.store.all(Run), key=lambda run: run.created_at)


def test_two_rounds_by_one_call_each_from_the_last_ones_student(taught: Bench) -> None:
    told = do(taught, rounds=2)
    first, second = runs_of(taught)
    assert (first.student, first.round, second.round) == ("small", 0, 1)
    assert second.student == f"small+{first.id[:6]}"
    assert taught.store.setting("student").startswith("small+")
    assert taught.store.setting("student") != second.student
    assert told[0].note.startswith("round 1 of 2")
    assert told[-1].note.startswith("round 2 of 2")
    sat = {(a.student, a.round) for a in taught.store.all(Attempt)}
    assert (second.student, 1) in sat, "the next round's exam is the tuned student's"
    lines = round_lines(taught.store, run_lines(taught.store))
    assert [line.round for line in lines] == [0, 1]
    assert lines[1].gained == 0
    words = describe_rounds(lines, lambda rows, head: f"{len(rows)} rows")
    assert "round 1 gained nothing" in words


def test_a_round_is_told_beforehand_by_whom_it_begins_with(taught: Bench) -> None:
    def told() -> tuple[str, int, str]:
        found = round_outlook(taught, {}, quality={})
        return found.student, found.round, found.taught

    assert told() == ("small", 0, "")
    asyncio.run(collect(pipeline.train(taught, "", {})))  # by hand: the project's student stays
    tuned = f"small+{runs_of(taught)[0].id[:6]}"
    assert told() == ("small", 0, tuned)
    taught.store.set_setting("student", tuned)
    assert told() == (tuned, 1, "")


def test_a_round_broken_off_goes_on_with_its_run(taught: Bench, launcher: ChildLauncher) -> None:
    launcher.behaviour = "die"
    with pytest.raises(RunError):
        do(taught)
    (run,) = runs_of(taught)
    assert taught.store.setting("student") == "small"
    launcher.behaviour = ""
    do(taught)
    assert [one.id for one in runs_of(taught)] == [run.id]
    assert taught.store.setting("student") == f"small+{run.id[:6]}"
    do(taught)
    assert len(runs_of(taught)) == 2, "the next is a round of its own"


@pytest.mark.parametrize("before", [True, False])
def test_a_round_killed_while_it_starts_its_run_goes_on_with_it(
    taught: Bench, before: bool
) -> None:
    starts = KilledWhileStarting(1, before=before)
    with pytest.raises(Killed):
        do(replace(taught, launcher=starts, changed=starts.end_the_studio))
    (run,) = runs_of(taught)
    do(replace(taught, launcher=starts))
    assert runs_of(taught) == [run]
    assert taught.store.setting("student") == f"small+{run.id[:6]}"
    starts.end()


def test_a_round_whose_run_failed_begins_another(taught: Bench, launcher: ChildLauncher) -> None:
    launcher.behaviour = "fail"
    with pytest.raises(RunError, match="the weights are not to be read"):
        do(taught)
    launcher.behaviour = ""
    do(taught)
    assert len(runs_of(taught)) == 2


def test_entries_of_a_queue_differ_by_what_they_ask_for() -> None:
    assert Entry("a", {"seed": 1}).key != Entry("a", {"seed": 2}).key
