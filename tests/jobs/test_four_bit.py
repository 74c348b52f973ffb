"""A base in 4 bit: an adapter learns on it; refused in one line where the machine cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from studio.domain.errors import SpecError
from studio.domain.specs import EFFORT, ExportSpec, TrainSpec, effort_of, read_spec, train_spec
from studio.jobs.export import export
from studio.jobs.four_bit import four_bit_options
from studio.jobs.job import Job
from studio.jobs.trainable import trainable_student
from tests.jobs.conftest import MakeFolder, StoppedAfter, examples, losses_of
from tests.jobs.test_train import SETTINGS, go, same, weights_in
from tests.tiny_student import main as make_student


def spec(**values: object) -> TrainSpec:
    return train_spec({"student": {"location": "x"}, **values})


def test_a_base_in_four_bit_learns_resumes_exactly_and_is_exported_whole(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    """Really in 4 bit: bitsandbytes does it on the CPU, too."""
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    make_student(tmp_path / "wide", hidden_size=64, layers=2)
    student = {"location": str(tmp_path / "wide"), "adapter": ""}
    settings = {**SETTINGS, "student": student, "four_bit": True, "epochs": 8, "lr": 0.05}
    data = {"train": examples(), "validation": examples(3)}
    whole = make_folder("train", settings, name="whole", **data)
    go(whole)
    losses = losses_of(whole)
    assert losses[24]["loss"] < 0.95 * losses[1]["loss"]
    broken = make_folder("train", settings, name="broken", **data)
    go(broken, StoppedAfter(broken, "metric", 5))
    go(broken)
    assert losses_of(broken) == losses
    assert same(weights_in(broken), weights_in(whole))
    plain = make_folder("train", {**settings, "four_bit": False}, name="plain", **data)
    go(plain)
    first = losses_of(plain)[1]["loss"]
    assert losses[1]["loss"] != first, "its base is rounded"
    assert losses[1]["loss"] == pytest.approx(first, rel=0.05)
    # The adapter fits the base as it was: exams and exports load that.
    adapter = str(whole / "artifacts" / "adapter")
    out = make_folder(
        "export", {"student": {**student, "adapter": adapter}, "gguf": "off"}, name="out"
    )
    export(Job(out), read_export(out))
    assert (out / "artifacts" / "merged" / "model.safetensors").is_file()


def test_the_adapter_of_the_round_before_is_trained_on(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    make_student(tmp_path / "wide", hidden_size=64, layers=2)
    student = {"location": str(tmp_path / "wide"), "adapter": ""}
    settings = {**SETTINGS, "student": student, "four_bit": True}
    first = make_folder("train", settings, name="first", train=examples())
    go(first)
    before = weights_in(first)
    student["adapter"] = str(first / "artifacts" / "adapter")
    second = make_folder("train", settings, name="second", train=examples())
    go(second)
    after = weights_in(second)
    assert after.keys() == before.keys()
    assert not any(torch.equal(after[name], before[name]) for name in before)
    chosen = read_spec(second)
    assert isinstance(chosen, TrainSpec)
    model = trainable_student(Job(second), chosen).student.model
    learns = {name for name, value in model.named_parameters() if value.requires_grad}
    assert len(learns) == len(before)
    assert all("lora_" in name for name in learns)


def read_export(folder: Path) -> ExportSpec:
    spec = read_spec(folder)
    assert isinstance(spec, ExportSpec)
    return spec


def test_most_weights_are_in_four_bit_and_what_learns_is_in_fp32(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    make_student(tmp_path / "wide", hidden_size=128, layers=2)
    folder = make_folder(
        "train", {"student": {"location": str(tmp_path / "wide")}, "four_bit": True}
    )
    chosen = read_spec(folder)
    assert isinstance(chosen, TrainSpec)
    model = trainable_student(Job(folder), chosen).student.model
    kinds = {name: value.dtype for name, value in model.named_parameters()}
    packed = [name for name, kind in kinds.items() if kind == torch.uint8]
    assert len(packed) == 2 * 7  # of two layers every linear one
    assert {kinds[name] for name in kinds if name not in packed} == {torch.float32}
    learns = {name for name, value in model.named_parameters() if value.requires_grad}
    assert learns == {name for name in kinds if "lora_" in name}


def test_other_devices_are_refused_in_one_line_that_says_what_to_set() -> None:
    with pytest.raises(SpecError, match=r"an NVIDIA GPU or a CPU, not mps: set four_bit=false"):
        four_bit_options(torch.float32, torch.device("mps"))


def test_what_is_in_four_bit_cannot_learn_itself() -> None:
    with pytest.raises(SpecError, match="exclude each other"):
        spec(full=True, four_bit=True)


def test_without_the_package_it_says_which(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    folder = make_folder("train", {"four_bit": True}, train=examples())
    with pytest.raises(SpecError, match=r"pip install mapd-studio\[qlora\]"):
        go(folder)


def test_runs_of_before_keep_their_fingerprint(make_folder: MakeFolder) -> None:
    """Else an interrupted run could not be resumed once there was such a setting."""
    job, plain = Job(make_folder("train", train=examples())), spec()
    before = job.fingerprint(plain, but_for=EFFORT_AND_OFF)
    assert job.fingerprint(plain, but_for=effort_of(plain)) == before
    other = spec(four_bit=True)
    assert job.fingerprint(other, but_for=effort_of(other)) != before


EFFORT_AND_OFF = (*EFFORT, "four_bit")
