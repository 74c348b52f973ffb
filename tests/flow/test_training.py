"""A run: pinned to its dataset, followed to its end, resumable, and a new student comes out."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import RunError, SpecError, StudentError
from studio.domain.events import Finished, Metric
from studio.domain.records import Attempt, Dataset, Question, Run, StudentRecord
from studio.domain.specs import PAPER_TRAINING, DatasetSpec
from studio.flow import run_ledger
from studio.flow.dataset import build_dataset, draft_dataset
from studio.flow.job_folder import last_launch, read_events
from studio.flow.run_ledger import RunLedger
from studio.flow.stage import Bench, Progress
from studio.flow.students import base_of, find_student, weights_of
from studio.flow.training import (
    follow_run,
    outlook,
    resume_run,
    run_spec,
    settle_run,
    start_run,
    stop_run,
)
from studio.store.tables import Store
from tests.curated import ChildLauncher, add_case, bench, collect, launcher, make_student

__all__ = ["bench", "launcher"]


@pytest.fixture
def student(tmp_path: Path, store: Store) -> StudentRecord:
    """A student with three mistakes to learn from."""
    for n in range(3):
        add_case(store, f"How many are {n} and 4?")
    return make_student(tmp_path)


def start(bench: Bench, student: StudentRecord, **values: Any) -> Run:
    dataset = build_dataset(bench, student=student, options=DatasetSpec(val_share=0.1))
    spec = run_spec(bench.project, student, "mapd", values)
    return start_run(bench, dataset=dataset, student=student, spec=spec)


def follow(bench: Bench, run: Run) -> list[Progress]:
    return asyncio.run(collect(follow_run(bench, run.id)))


def state_of(store: Store, run: Run) -> dict[str, Any]:
    row = store.run_state(run.id)
    assert row is not None
    return {**dict(row), "result": json.loads(row["result"])}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_folder_holds_all_the_job_needs(bench: Bench, student: StudentRecord) -> None:
    run = start(bench, student, epochs="2")
    folder = bench.project / "runs" / run.id
    spec = json.loads((folder / "spec.json").read_text())
    assert (spec["job"], spec["method"], spec["epochs"]) == ("train", "mapd", 2.0)
    assert spec["student"]["location"] == student.location
    train, kept_out = rows(folder / "data/train.jsonl"), rows(folder / "data/validation.jsonl")
    assert (len(train), len(kept_out)) == (8, 4)
    assert set(train[0]) == {"key", "role", "messages", "question_id"}
    follow(bench, run)


def test_the_steps_told_before_a_run_are_counted_as_epochs_are_written(
    bench: Bench, student: StudentRecord
) -> None:
    draft = draft_dataset(bench, student=student, options=DatasetSpec(val_share=0.0))
    spec = run_spec(bench.project, student, "mapd", {"epochs": "2.2", "batch_examples": 1})
    many = {**draft.dataset.manifest, "examples": {"train": {"rationale": 25}}}
    told = outlook(draft._replace(dataset=draft.dataset.changed(manifest=many)), spec)
    assert told.steps == 55


def test_the_quiz_is_of_train_questions_that_are_not_learned_from(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    others = [
        Question(text=f"What is {n}?", gold=str(n), answer_kind="number", split=split)
        for n in range(6)
        for split in ("train", "test")
    ]
    store.add(others)
    run = start(bench, student, quiz="4")
    data = bench.project / "runs" / run.id / "data"
    asked = [row["key"] for row in rows(data / "quiz.jsonl")]
    kept_out = {row["question_id"] for row in rows(data / "validation.jsonl")}
    unused = {one.id for one in others if one.split == "train"}
    assert len(asked) == 4
    assert kept_out < set(asked) <= kept_out | unused
    assert set(rows(data / "quiz.jsonl")[0]) == {"key", "messages", "question"}
    follow(bench, run)
    without = start(bench, student, quiz="0")
    assert not (bench.project / "runs" / without.id / "data" / "quiz.jsonl").exists()
    follow(bench, without)


def test_a_finished_run_makes_a_student_one_round_on(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    run = start(bench, student)
    last = follow(bench, run)[-1]
    assert (last.stage, last.done, last.total) == ("train", 6, 6)
    state = state_of(store, run)
    assert (state["state"], state["step"], state["steps"]) == ("finished", 6, 6)
    assert state["loss"] == pytest.approx(sum(1 / n for n in range(1, 7)) / 6)
    assert state["result"]["tokens_per_s"] == 100.0
    tuned = find_student(store, state["result"]["student"])
    assert tuned.name == f"small+{run.id[:6]}"
    assert (tuned.round, tuned.run_id, tuned.prompts) == (1, run.id, "bare")
    assert tuned.adapter == f"runs/{run.id}/artifacts/adapter" == state["result"]["adapter"]
    assert weights_of(tuned, bench.project).adapter == str(bench.project / tuned.adapter)
    assert base_of(store, tuned) == "small"


def test_a_student_of_the_second_round_is_named_after_the_first(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    first = start(bench, student)
    follow(bench, first)
    second = start(bench, find_student(store, f"small+{first.id[:6]}"))
    follow(bench, second)
    assert find_student(store, f"small+{second.id[:6]}").round == 2


def test_a_run_is_pinned_to_the_dataset_it_began_with(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    run = start(bench, student)
    add_case(store, "How many are 9 and 9?")
    store.execute("UPDATE decisions SET accepted = 0")
    follow(bench, run)
    assert len(rows(bench.project / "runs" / run.id / "data/train.jsonl")) == 8
    assert store.get(Dataset, run.dataset_id) is not None


def test_a_run_whose_data_was_changed_is_not_gone_on_with(
    bench: Bench, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "fail"
    run = start(bench, student)
    with pytest.raises(RunError):
        follow(bench, run)
    data = bench.project / "runs" / run.id / "data/train.jsonl"
    before = data.read_bytes()
    data.write_bytes(before.replace(b"4", b"5"))
    with pytest.raises(RunError, match="is not what it began with: put"):
        resume_run(bench, run.id)
    data.write_bytes(before)
    launcher.behaviour = ""
    follow(bench, resume_run(bench, run.id))


def test_a_run_that_did_not_fit_goes_on_with_what_it_offered(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "no-room"
    run = start(bench, student)
    for tokens in (2048, 1024):
        with pytest.raises(RunError, match="memory is full"):
            follow(bench, run)
        assert state_of(store, run)["result"]["offer"] == {"batch_tokens": tokens}
        launcher.behaviour = "no-room" if tokens == 2048 else ""
        run = resume_run(bench, run.id)
        spec = json.loads((bench.project / "runs" / run.id / "spec.json").read_text())
        assert spec["batch_tokens"] == tokens
    follow(bench, run)
    state = state_of(store, run)
    assert state["state"] == "finished"
    assert "offer" not in state["result"]


def test_a_failed_run_says_so_in_the_jobs_own_words(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "fail"
    run = start(bench, student)
    with pytest.raises(RunError, match="the weights are not to be read"):
        follow(bench, run)
    state = state_of(store, run)
    assert (state["state"], state["message"]) == ("failed", "the weights are not to be read")
    assert store.count(StudentRecord) == 1


def test_a_run_whose_second_process_failed_alone_says_so_and_takes_its_offer(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "left-alone"
    run = start(bench, student)
    with pytest.raises(RunError, match="process 2: memory is full"):
        follow(bench, run)
    state = state_of(store, run)
    assert (state["state"], state["message"]) == ("failed", "process 2: memory is full")
    launcher.behaviour = "die"
    resume_run(bench, run.id)
    spec = json.loads((bench.project / "runs" / run.id / "spec.json").read_text())
    assert spec["batch_tokens"] == 64
    with pytest.raises(RunError, match="ended without a word"):  # not what was told before
        follow(bench, run)


def test_a_killed_run_is_interrupted_and_can_be_resumed(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "die"
    run = start(bench, student)
    with pytest.raises(RunError, match="ended without a word at step 3: resume it"):
        follow(bench, run)
    assert state_of(store, run)["state"] == "interrupted"
    launcher.behaviour = ""
    assert resume_run(bench, run.id) == run
    assert follow(bench, run)[-1].done == 6
    assert state_of(store, run)["state"] == "finished"
    assert launcher.started == [bench.project / "runs" / run.id] * 2
    with pytest.raises(RunError, match="is finished: there is nothing to resume"):
        resume_run(bench, run.id)


def test_a_run_is_told_by_all_its_steps_and_by_the_weights_it_ends_with(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    run = start(bench, student)
    follow(bench, run)
    ledger = RunLedger(bench, run)
    for step, seconds, tokens, held_out in ((1, 3.0, 30, 0.5), (2, 1.0, 90, 0.9)):
        told: dict[str, Any] = {"t": 0.0, "step": step, "steps": 2, "epoch": 1.0}
        ledger.note(Metric(loss=1.0, seconds=seconds, tokens_per_s=tokens / seconds, **told))
        ledger.note(Metric(val_loss=held_out, **told))
    ends = {"t": 1.0, "best_step": 1, "held_out_loss": 0.5}
    for kept, held_out in ((2, 0.9), (1, 0.5)):
        ledger.note(Finished(**ends, weights_step=kept))
        ledger.settle()
        result = state_of(store, run)["result"]
        assert (result["tokens_per_s"], result["val_loss"]) == (30.0, held_out)


def test_the_loss_of_a_run_is_the_mean_of_its_last_steps_also_where_some_are_done_anew(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    run = start(bench, student)
    follow(bench, run)
    store.set_run_state(run.id, result={})  # as if it began now

    def told(*losses: tuple[int, float]) -> float:
        ledger = RunLedger(bench, run)
        for step, loss in losses:
            ledger.note(Metric(loss=loss, t=0.0, step=step, steps=40, epoch=1.0))
        ledger.settle()
        return float(state_of(store, run)["loss"])

    assert told((1, 4.0), (2, 2.0)) == 3.0
    assert told(*((n, float(n % 2)) for n in range(1, 26))) == 0.5
    assert told((21, 10.0)) == (2 * 1.0 + 10.0) / 6, "killed after 25, gone on with at 21"
    assert told(*((n, 2.0) for n in range(22, 32))) == 2.0


def test_a_run_goes_on_with_other_settings_only_where_it_stays_the_same_run(
    bench: Bench, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "die"
    run = start(bench, student)
    with pytest.raises(RunError):
        follow(bench, run)
    spec = bench.project / "runs" / run.id / "spec.json"
    before = spec.read_bytes()
    for other in ({"lr": "0.5"}, {"data": {"draw": "one"}}, {"batch_tokens": 64, "epochs": 9}):
        with pytest.raises(
            RunError, match="start a new one, or resume with changes to batch_token"
        ):
            resume_run(bench, run.id, settings=other)
    with pytest.raises(SpecError, match="there is no nonsense"):
        resume_run(bench, run.id, settings={"nonsense": "1"})
    assert spec.read_bytes() == before
    launcher.behaviour = ""
    resume_run(bench, run.id, settings={"batch_tokens": "64", "result": "best"})
    with pytest.raises(RunError, match="is going: stop it"):
        resume_run(bench, run.id, settings={"batch_tokens": 128})
    follow(bench, run)
    told = json.loads(spec.read_text())
    assert (told["batch_tokens"], told["result"]) == (64, "best")


def test_a_run_that_is_asked_to_stop_keeps_what_it_has(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "slow"
    run = start(bench, student)

    async def stopped() -> None:
        async for step in follow_run(bench, run.id):
            if step.done == 2:
                stop_run(bench, run.id)

    asyncio.run(stopped())
    state = state_of(store, run)
    assert state["state"] == "stopped"
    assert 2 <= state["step"] < 6
    early = find_student(store, state["result"]["student"])
    question = next(store.all(Question))
    store.add([Attempt(question_id=question.id, student=early.name, text="7", round=1)])
    launcher.behaviour = ""
    resume_run(bench, run.id)
    follow(bench, run)
    later = state_of(store, run)["result"]["student"]
    assert later != early.name, "what was measured of the early student stays the early student's"


def test_a_run_told_to_stop_in_a_long_step_is_not_ended_in_it(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour, launcher.grace_s = "long-step", 0.2
    run = start(bench, student)

    async def interrupted() -> None:
        task: asyncio.Task[list[Progress]] = asyncio.create_task(
            collect(follow_run(bench, run.id, stop_when_cancelled=True))
        )
        while len(list(read_events(bench.project / "runs" / run.id))) < 4:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)  # it has been heard of
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    started = last_launch(bench.project / "runs" / run.id)
    assert started is not None
    assert started.is_alive(launcher)
    assert state_of(store, run)["state"] == "running"
    while started.is_alive(launcher):
        time.sleep(0.05)
    assert settle_run(bench, run.id) == "stopped"
    assert state_of(store, run)["step"] == 3
    launcher.grace_s = 10.0


def test_early_stopping_is_an_end_like_any_other(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "early"
    run = start(bench, student)
    follow(bench, run)
    state = state_of(store, run)
    assert (state["state"], state["message"]) == ("finished", "no gain on held-out questions")


def test_garbage_among_the_events_is_passed_over(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "garbage"
    run = start(bench, student)
    follow(bench, run)
    assert state_of(store, run)["state"] == "finished"


def test_a_job_without_a_word_is_told_of_and_left_alone(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(run_ledger, "QUIET_AFTER_S", 0.5)
    launcher.behaviour = "quiet"
    run = start(bench, student)
    told = [progress.note for progress in follow(bench, run)]
    assert any(note.startswith("no word for") for note in told)
    assert state_of(store, run)["state"] == "finished", "nobody ended it for that"
    assert launcher.started


def test_letting_go_of_a_run_lets_it_go_on(
    bench: Bench, store: Store, student: StudentRecord, launcher: ChildLauncher
) -> None:
    launcher.behaviour = "slow"
    run = start(bench, student)

    async def let_go(**options: bool) -> None:
        task = asyncio.ensure_future(collect(follow_run(bench, run.id, **options)))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(let_go())
    going = last_launch(bench.project / "runs" / run.id)
    assert going is not None
    assert launcher.is_alive(going.handle)
    assert resume_run(bench, run.id) == run
    assert len(launcher.started) == 1, "a run that is going is not started twice"
    asyncio.run(let_go(stop_when_cancelled=True))
    assert not launcher.is_alive(going.handle)
    assert state_of(store, run)["state"] == "stopped"


def test_settling_twice_changes_nothing(bench: Bench, store: Store, student: StudentRecord) -> None:
    run = start(bench, student)
    follow(bench, run)
    before = state_of(store, run)
    assert settle_run(bench, run.id) == "finished"
    assert state_of(store, run) == before
    assert store.count(StudentRecord) == 2


def test_the_outlook_tells_counts_steps_and_the_first_messages(
    bench: Bench, store: Store, student: StudentRecord
) -> None:
    spec = run_spec(bench.project, student, "mapd", {**PAPER_TRAINING, "batch_examples": 5})
    draft = draft_dataset(bench, student=student, options=DatasetSpec(val_share=0.1))
    seen = outlook(draft, spec)
    assert seen.examples["train"] == {"explanation": 4, "rationale": 4}
    assert seen.steps == 20
    assert (seen.spec.full, seen.spec.lr, seen.questions) == (True, 1e-5, 3)
    assert [message["role"] for message in seen.first] == ["user", "assistant"]
    short = run_spec(bench.project, student, "mapd", {"max_steps": "2"})
    assert outlook(draft, short).steps == 2
    assert store.count(Run) == 0
    assert list((bench.project / "runs").iterdir()) == []


def test_a_wrong_setting_is_named(bench: Bench, student: StudentRecord) -> None:
    with pytest.raises(SpecError, match=r"lora\.r: Input should be a valid integer"):
        run_spec(bench.project, student, "mapd", {"lora": {"r": "many"}})
    endpoint = StudentRecord(name="far", location="http://localhost/v1#far")
    with pytest.raises(StudentError, match="is an endpoint"):
        run_spec(bench.project, endpoint, "mapd", {})


def test_a_run_that_is_not_there_is_told(bench: Bench) -> None:
    for wish in (resume_run, stop_run, settle_run):
        with pytest.raises(RunError, match="there is no run 'abc'"):
            wish(bench, "abc")
