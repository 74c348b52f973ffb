"""What leaves is whole without us: the adapter as it was, and weights that need none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from studio.domain.specs import ExportSpec, StudentSpec, TrainSpec, read_spec
from studio.jobs.export import export
from studio.jobs.job import Job
from studio.jobs.student import load_student
from studio.jobs.train import train
from tests.jobs.conftest import MakeFolder, events_of, examples

SETTINGS = {"epochs": 1, "batch_examples": 4, "lr": 0.05, "lora": {"r": 4}}
ASKED = torch.tensor([[5, 9, 30, 41, 52, 60]])


@pytest.fixture
def adapter(make_folder: MakeFolder) -> Path:
    folder = make_folder("train", SETTINGS, name="trained", train=examples())
    spec = read_spec(folder)
    assert isinstance(spec, TrainSpec)
    train(Job(folder), spec)
    return folder / "artifacts" / "adapter"


def run(folder: Path) -> Path:
    spec = read_spec(folder)
    assert isinstance(spec, ExportSpec)
    export(Job(folder), spec)
    return folder / "artifacts"


def logits(location: Path, adapter: str = "") -> torch.Tensor:
    spec = StudentSpec(location=str(location), adapter=adapter)
    student = load_student(spec, beside=location, dtype=torch.float32)
    with torch.no_grad():
        made: torch.Tensor = student.model.eval()(input_ids=ASKED).logits
    return made


def test_merged_weights_answer_as_base_and_adapter_together(
    make_folder: MakeFolder, adapter: Path, weights: Path
) -> None:
    made = run(make_folder("export", name="out", adapter=str(adapter)))
    merged = made / "merged"
    torch.testing.assert_close(logits(merged), logits(weights, str(adapter)))
    assert not torch.allclose(logits(merged), logits(weights))
    assert (merged / "generation_config.json").is_file()
    assert (merged / "tokenizer.json").is_file()
    assert "merged" in (merged / "README.md").read_text()
    for file in adapter.iterdir():
        assert (made / "adapter" / file.name).read_bytes() == file.read_bytes()
    suffixes = {path.suffix for path in made.rglob("*") if path.is_file()}
    assert suffixes <= {".safetensors", ".json", ".md", ".jinja"}


def test_weights_leave_in_the_precision_asked_for(make_folder: MakeFolder, adapter: Path) -> None:
    for precision, dtype in (("bf16", torch.bfloat16), ("as-is", torch.float32)):
        folder = make_folder(
            "export", {"precision": precision}, name=precision, adapter=str(adapter)
        )
        tensors = load_file(run(folder) / "merged" / "model.safetensors")
        assert {value.dtype for value in tensors.values()} == {dtype}


def test_as_is_keeps_the_precision_of_the_base(
    make_folder: MakeFolder, weights: Path, tmp_path: Path
) -> None:
    half = load_student(StudentSpec(location=str(weights)), beside=tmp_path, dtype=torch.float16)
    half.model.save_pretrained(tmp_path / "half")
    half.tokenizer.save_pretrained(tmp_path / "half")
    folder = make_folder("export", {"student": {"location": str(tmp_path / "half")}})
    made = run(folder)
    tensors = load_file(made / "merged" / "model.safetensors")
    assert {value.dtype for value in tensors.values()} == {torch.float16}
    assert json.loads((made / "merged" / "config.json").read_text())["dtype"] == "float16"
    assert not (made / "adapter").exists()
    last = events_of(folder, "progress")[-1].model_dump()
    assert last["done"] == last["total"]
