"""The loop: it learns, it goes on exactly where it ended, and it keeps what it has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.domain.errors import RunError, SpecError
from studio.domain.events import ASKED_TO_STOP
from studio.domain.specs import StudentSpec, TrainSpec, read_spec
from studio.jobs import checkpoints
from studio.jobs.job import Job
from studio.jobs.standing import Standing, learning_rate
from studio.jobs.student import load_student
from studio.jobs.train import train
from tests.jobs.conftest import (
    MakeFolder,
    StoppedAfter,
    events_of,
    example,
    examples,
    losses_of,
)

SETTINGS: dict[str, Any] = {
    "epochs": 3, "batch_examples": 4, "save_steps": 2, "lr": 0.01, "batch_tokens": 128,
    "lora": {"r": 4, "dropout": 0.1},
}  # fmt: skip


def go(folder: Path, job: Job | None = None) -> dict[str, Any]:
    """Run the job to its end; returns its last event."""
    spec = read_spec(folder)
    assert isinstance(spec, TrainSpec)
    train(job or Job(folder), spec)
    return events_of(folder, "finished")[-1].model_dump()


def weights_in(folder: Path, name: str = "adapter/adapter_model") -> dict[str, torch.Tensor]:
    return load_file(folder / "artifacts" / f"{name}.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_an_adapter_that_loads_is_left_with_its_card_and_curves(
    make_folder: MakeFolder, weights: Path
) -> None:
    folder = make_folder(
        "train", {**SETTINGS, "epochs": 6}, train=examples(), validation=examples(3)
    )
    ended = go(folder)
    assert (ended["stopped"], ended["steps"], ended["adapter"]) == ("", 18, "artifacts/adapter")
    losses = losses_of(folder)
    assert sorted(step for step, said in losses.items() if "val_loss" in said) == [
        3,
        6,
        9,
        12,
        15,
        18,
    ]
    card = (folder / "artifacts" / "card.md").read_text()
    assert "LoRA adapter of tiny" in card
    assert "4 explanation, 6 rationale, 2 replay; 3 more kept out" in card
    assert "Steps: 18; ended after all steps. Seed 731." in card
    spec = StudentSpec(location=str(weights), adapter=str(folder / "artifacts" / "adapter"))
    load_student(spec, beside=folder, dtype=torch.float32)
    assert (folder / "artifacts" / "adapter" / "tokenizer.json").is_file()
    assert list((folder / "artifacts" / "tensorboard").iterdir())


def test_a_metric_tells_what_the_curves_need(make_folder: MakeFolder) -> None:
    folder = make_folder("train", SETTINGS, train=examples())
    go(folder)
    started = events_of(folder, "started")[0].model_dump()
    assert (started["job"], started["steps"], started["step"]) == ("train", 9, 0)
    first = events_of(folder, "metric")[0].model_dump()
    assert (first["step"], first["steps"], first["epoch"]) == (1, 9, pytest.approx(1 / 3))
    for name in ("loss", "lr", "grad_norm", "tokens_per_s", "unpadded_tokens_per_s"):
        assert first[name] > 0
    said = {name for losses in losses_of(folder).values() for name in losses}
    assert said == {"loss", "loss_explanation", "loss_rationale", "loss_replay"}
    assert first["unpadded_tokens_per_s"] > first["tokens_per_s"]


@pytest.mark.parametrize("stop_at", [1, 3, 4])
def test_a_run_stopped_anywhere_goes_on_with_the_same_losses_bit_for_bit(
    make_folder: MakeFolder, stop_at: int
) -> None:
    data = {"train": examples(), "validation": examples(3)}
    whole = make_folder("train", SETTINGS, name="whole", **data)
    go(whole)
    broken = make_folder("train", SETTINGS, name="broken", **data)
    # A validation speaks too: the fourth word is that of step 3, at the end of the first epoch.
    stopped = go(broken, StoppedAfter(broken, "metric", stop_at))
    assert stopped["stopped"] == ASKED_TO_STOP
    assert stopped["steps"] == min(stop_at, 3)
    assert (broken / "artifacts" / "adapter" / "adapter_model.safetensors").is_file()
    assert go(broken)["stopped"] == ""
    assert losses_of(broken) == losses_of(whole)
    assert same(weights_in(broken), weights_in(whole))
    assert "goes on from the checkpoint" in events_of(broken, "warned")[0].model_dump()["message"]


def test_epochs_are_counted_as_written_and_a_run_of_before_goes_on_as_it_was_counted(
    make_folder: MakeFolder,
) -> None:
    settings = {**SETTINGS, "epochs": 2.2, "batch_examples": 1, "save_steps": 50}
    folder = make_folder("train", settings, train=examples(25))
    assert go(folder)["steps"] == 55
    before = make_folder("train", settings, name="before", train=examples(25))
    go(before, StoppedAfter(before, "metric", 52))
    found = checkpoints.newest(before / "artifacts")
    assert found is not None
    assert found.state.pop("steps") == 55  # as one that was written before has it not
    checkpoints.save(before / "artifacts", found, keep=2)
    assert go(before)["steps"] == 56, "the rate of its steps was that of 56"


def test_training_all_weights_lowers_the_loss_and_resumes_exactly_too(
    make_folder: MakeFolder,
) -> None:
    settings = {**SETTINGS, "full": True, "epochs": 8, "gradient_checkpointing": True}
    whole = make_folder("train", settings, name="whole", train=examples())
    assert go(whole)["adapter"] == "artifacts/model"
    assert losses_of(whole)[24]["loss"] < 0.8 * losses_of(whole)[1]["loss"]
    broken = make_folder("train", settings, name="broken", train=examples())
    go(broken, StoppedAfter(broken, "metric", 5))
    go(broken)
    assert losses_of(broken) == losses_of(whole)
    assert same(weights_in(broken, "model/model"), weights_in(whole, "model/model"))
    spec = StudentSpec(location=str(whole / "artifacts" / "model"))
    load_student(spec, beside=whole, dtype=torch.float32)


def test_a_finished_run_launched_again_changes_nothing(make_folder: MakeFolder) -> None:
    folder = make_folder("train", SETTINGS, train=examples())
    go(folder)
    before, n = weights_in(folder), len(events_of(folder, "metric"))
    assert go(folder)["steps"] == 9
    assert same(weights_in(folder), before)
    assert len(events_of(folder, "metric")) == n


def test_a_half_written_checkpoint_is_passed_over(make_folder: MakeFolder) -> None:
    folder = make_folder("train", {**SETTINGS, "keep_checkpoints": 3}, train=examples())
    go(folder)
    whole, losses = weights_in(folder), losses_of(folder)
    newest = folder / "artifacts" / "checkpoint-9" / "optimiser.safetensors"
    newest.write_bytes(newest.read_bytes()[:-7])
    (folder / "artifacts" / "checkpoint-8" / "manifest.json").unlink()
    (folder / "artifacts" / ".checkpoint-10.part").mkdir()
    go(folder)
    warned = events_of(folder, "warned")[-1].model_dump()["message"]
    assert warned == "goes on from the checkpoint of step 6"
    assert losses_of(folder) == losses
    assert same(weights_in(folder), whole)
    assert not list((folder / "artifacts").glob(".checkpoint*"))


def test_only_the_newest_checkpoints_stay(make_folder: MakeFolder) -> None:
    folder = make_folder("train", SETTINGS, train=examples())
    go(folder)
    left = {path.name for path in (folder / "artifacts").glob("checkpoint-*")}
    assert left == {"checkpoint-8", "checkpoint-9"}


def test_a_checkpoint_is_not_written_over_by_one_of_the_same_step(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, save = [], checkpoints.save

    def noted(folder: Path, checkpoint: checkpoints.Checkpoint, **options: Any) -> Path:
        written.append(checkpoint.step)
        return save(folder, checkpoint, **options)

    monkeypatch.setattr(checkpoints, "save", noted)
    folder = make_folder("train", SETTINGS, train=examples())
    go(folder, StoppedAfter(folder, "metric", 2))  # where one was written a moment ago
    go(folder, StoppedAfter(folder, "metric", 0))  # at once, where it was taken up
    assert written == [2]
    go(folder)
    assert written == [2, 4, 6, 8, 9]


def test_settings_that_have_no_effect_are_told(make_folder: MakeFolder) -> None:
    settings = {**SETTINGS, "max_steps": 2, "early_stopping": 3, "result": "best"}
    for held_out, n in ((examples(2), 0), ([], 1)):
        folder = make_folder(
            "train", settings, name=f"of-{n}", train=examples(), validation=held_out
        )
        go(folder)
        told = [event.model_dump()["message"] for event in events_of(folder, "warned")]
        words = [one for one in told if one.startswith("early_stopping and result=best: without")]
        assert len(words) == n


def test_an_older_checkpoint_stays_until_the_newer_is_read_back(tmp_path: Path) -> None:
    def at(step: int) -> checkpoints.Checkpoint:
        return checkpoints.Checkpoint(step, {"w": torch.ones(3)}, {}, {})

    checkpoints.save(tmp_path, at(1), keep=1)
    unwritable = tmp_path / ".checkpoint-2.part"
    unwritable.write_text("in the way")
    with pytest.raises(FileExistsError):
        checkpoints.save(tmp_path, at(2), keep=1)
    assert checkpoints.newest(tmp_path) is not None
    unwritable.unlink()
    checkpoints.save(tmp_path, at(2), keep=1)
    assert [path.name for path in checkpoints.complete(tmp_path)] == ["checkpoint-2"]


def test_a_folder_whose_data_changed_is_not_gone_on_with(make_folder: MakeFolder) -> None:
    folder = make_folder("train", SETTINGS, train=examples())
    go(folder, StoppedAfter(folder, "metric", 2))
    with (folder / "data" / "train.jsonl").open("a") as file:
        file.write(json.dumps(example(99)) + "\n")
    with pytest.raises(RunError, match="changed since the checkpoint of step 2: start a new run"):
        go(folder)


def test_waiting_in_vain_ends_the_run_and_keeps_the_best_weights(make_folder: MakeFolder) -> None:
    settings = {**SETTINGS, "epochs": 30, "lr": 0.05, "eval_steps": 1, "early_stopping": 2,
                "keep_checkpoints": 1}  # fmt: skip
    held_out = [example(100 + n, words=5) for n in range(3)]
    folder = make_folder("train", settings, train=[example(1, words=1)] * 4, validation=held_out)
    ended = go(folder)
    assert ended["stopped"].startswith("early: the held-out loss did not fall in 2 validations")
    assert ended["steps"] == ended["best_step"] + 2 < 30
    best = checkpoint_of(folder, ended["best_step"])
    saved = weights_in(folder)
    for name, value in best.weights.items():
        assert torch.equal(saved[name.replace(".default", "")], value)
    assert go(folder)["steps"] == ended["steps"], "it does not go on after all"


def checkpoint_of(folder: Path, step: int) -> checkpoints.Checkpoint:
    found = checkpoints.of_step(folder / "artifacts", step)
    assert found is not None
    return found


OVERDONE = {**SETTINGS, "epochs": 6, "lr": 0.05, "eval_steps": 1, "save_steps": 1}
NARROW = {"train": [example(1, words=1)] * 4, "validation": [example(100, words=5)]}


def test_the_checkpoint_of_the_best_validation_is_kept_also_where_the_run_goes_on(
    make_folder: MakeFolder,
) -> None:
    folder = make_folder("train", {**OVERDONE, "keep_checkpoints": 1}, **NARROW)
    ended = go(folder)
    assert ended["best_step"] < ended["steps"] == 6
    left = {path.name for path in (folder / "artifacts").glob("checkpoint-*")}
    assert left == {"checkpoint-6", f"checkpoint-{ended['best_step']}"}
    last = checkpoint_of(folder, 6).weights
    assert all(torch.equal(weights_in(folder)[name.replace(".default", "")], value)
               for name, value in last.items())  # fmt: skip
    assert ended["weights_step"] == 6
    card = (folder / "artifacts" / "card.md").read_text()
    assert f" at step {ended['best_step']}. These are the weights of step 6." in card
    # ... and so does this one, told so afterwards: no step is done anew.
    spec, n = folder / "spec.json", len(events_of(folder, "metric"))
    spec.write_text(json.dumps({**json.loads(spec.read_text()), "result": "best"}))
    go(folder)
    assert len(events_of(folder, "metric")) == n
    best = checkpoint_of(folder, ended["best_step"]).weights
    assert all(torch.equal(weights_in(folder)[name.replace(".default", "")], value)
               for name, value in best.items())  # fmt: skip


@pytest.mark.parametrize(("settings", "best"), [
    ({"result": "best", "save_steps": 0}, True), ({"early_stopping": 2}, True),
    ({"early_stopping": 2, "result": "last"}, False),
])  # fmt: skip
def test_the_result_is_the_best_or_the_last_as_wished(
    make_folder: MakeFolder, settings: dict[str, Any], best: bool
) -> None:
    folder = make_folder("train", {**OVERDONE, **settings}, **NARROW)
    ended = go(folder)
    assert ended["best_step"] < ended["steps"]
    assert ended["weights_step"] == ended["best_step" if best else "steps"]
    kept = checkpoint_of(folder, ended["weights_step"])
    saved = weights_in(folder)
    assert all(torch.equal(saved[name.replace(".default", "")], value)
               for name, value in kept.weights.items())  # fmt: skip
    if settings.get("early_stopping"):
        words = f"those of step {ended['best_step']} (" if best else "its weights are the last"
        assert words in ended["stopped"]


def test_where_no_checkpoint_of_the_best_step_is_there_the_last_weights_are_kept(
    make_folder: MakeFolder,
) -> None:
    folder = make_folder("train", {**OVERDONE, "save_steps": 0, "epochs": 6}, **NARROW)
    ended = go(folder)
    last = weights_in(folder)
    shutil.rmtree(folder / "artifacts" / f"checkpoint-{ended['best_step']}", ignore_errors=True)
    spec = folder / "spec.json"
    spec.write_text(json.dumps({**json.loads(spec.read_text()), "result": "best"}))
    assert go(folder)["weights_step"] == 6, "what was learned is not lost for the lack of it"
    assert same(weights_in(folder), last)
    told = [event.model_dump()["message"] for event in events_of(folder, "warned")]
    assert told[-1].endswith("was kept: the weights are those of step 6")
    standing = Standing(step=6, best=0.5, best_step=4, waited=2)
    wishes = TrainSpec(student=StudentSpec(location="x"), result="best", early_stopping=1)
    assert standing.patience_spent(wishes).endswith("its weights are those of step 4 (0.5000)")
    assert standing.patience_spent(wishes, kept_step=6).endswith("its weights are the last")


def test_losses_that_run_away_end_the_run_before_they_spoil_it(
    make_folder: MakeFolder, weights: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(weights, broken)
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"].fill_(float("nan"))
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    settings = {**SETTINGS, "student": {"location": str(broken)}}
    folder = make_folder("train", settings, train=examples())
    with pytest.raises(RunError, match="the loss became nan at step 1: start a new run with a low"):
        go(folder)
    assert not checkpoints.complete(folder / "artifacts")


def test_an_adapter_is_trained_on_so_that_one_holds_all_rounds(
    make_folder: MakeFolder, weights: Path
) -> None:
    first = make_folder("train", SETTINGS, name="first", train=examples())
    go(first)
    adapter = str(first / "artifacts" / "adapter")
    second = make_folder("train", SETTINGS, name="second", adapter=adapter, train=examples())
    go(second)
    assert weights_in(second).keys() == weights_in(first).keys()
    assert losses_of(second)[1]["loss"] < losses_of(first)[1]["loss"]
    config = json.loads((second / "artifacts" / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(weights)
    assert not events_of(second, "warned")
    other = {**SETTINGS, "lora": {"r": 64, "alpha": 32, "dropout": 0.1}}
    third = make_folder("train", other, name="third", adapter=adapter, train=examples())
    go(third)
    (warned,) = events_of(third, "warned")
    assert "trained on as it is, with lora.r=4: the settings" in warned.model_dump()["message"]
    whole = {**SETTINGS, "full": True}
    fourth = make_folder("train", whole, name="fourth", adapter=adapter, train=examples())
    go(fourth)
    assert not events_of(fourth, "warned")
    assert losses_of(fourth)[1]["loss"] == pytest.approx(losses_of(third)[1]["loss"], rel=0.1)
    made = fourth / "artifacts" / "model"
    assert not [path.name for path in made.iterdir() if "adapter" in path.name]
    student = load_student(StudentSpec(location=str(made)), beside=made, dtype=torch.float32)
    assert student.model.config.use_cache


@pytest.mark.parametrize(
    ("settings", "rows", "says"),
    [
        ({}, [], "no example to learn from"),
        ({"max_tokens": 8, "overlong": "drop"}, examples(2), "no example to learn from"),
        ({"method": "moon"}, examples(2), "no method 'moon'"),
        ({"lora": {"target_modules": "moon"}}, examples(2), r"lora\.target_modules 'moon'"),
        ({"precision": "fp16"}, examples(2), "fp16 needs a GPU"),
        ({}, [example(1, "negative")], "no role 'negative'"),
    ],
)
def test_what_makes_no_run_is_refused_before_a_step(
    make_folder: MakeFolder, settings: dict[str, Any], rows: list[dict[str, Any]], says: str
) -> None:
    folder = make_folder("train", {**SETTINGS, **settings}, train=rows)
    with pytest.raises(SpecError, match=says):
        go(folder)


def test_dropped_examples_are_told(make_folder: MakeFolder) -> None:
    settings = {**SETTINGS, "max_tokens": 40, "overlong": "drop", "epochs": 1}
    folder = make_folder("train", settings, train=[*examples(4), example(7, words=40)])
    go(folder)
    (warned,) = events_of(folder, "warned")
    words = "of the examples longer than 40 tokens, 1 left out"
    assert warned.model_dump()["message"] == words
    assert words in (folder / "artifacts" / "card.md").read_text()


# -- what follows from where a run stands ----------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", [0.5, 1.0, 1.0, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
        ("cosine", [0.5, 1.0, 1.0, 0.9330127, 0.75, 0.5, 0.25, 0.0669873]),
    ],
)
def test_the_rate_warms_up_and_follows_its_schedule(schedule: str, rates: list[float]) -> None:
    spec = TrainSpec.model_validate(
        {"student": {"location": "x"}, "schedule": schedule, "warmup": 0.25, "lr": 1.0}
    )
    assert [learning_rate(spec, step, steps=8) for step in range(8)] == pytest.approx(rates)


def test_patience_counts_validations_since_the_best() -> None:
    spec = TrainSpec.model_validate({"student": {"location": "x"}, "early_stopping": 2})
    at = Standing().stepped(3.0).validated(2.0).stepped(2.5).validated(2.1)
    assert (at.best, at.best_step, at.waited) == (2.0, 1, 1)
    assert not at.patience_spent(spec)
    assert at.stepped(2.2).validated(2.0).patience_spent(spec)
    assert not at.stepped(2.2).validated(1.9).patience_spent(spec)
