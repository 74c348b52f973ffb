"""What cannot be a student is refused in one line, before any library opens it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from studio.domain.errors import StudentError
from studio.domain.specs import StudentSpec
from studio.jobs.student import load_student
from studio.jobs.weights import find_adapter, find_weights, is_hub_id

Change = Callable[[Path], None]


def edit(name: str, **fields: object) -> Change:
    def change(folder: Path) -> None:
        path = folder / name
        config = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**config, **fields}))

    return change


def as_pickle(suffix: str) -> Change:
    return lambda folder: (folder / "model.safetensors").rename(
        folder / f"pytorch_model{suffix}"
    ) and None  # fmt: skip


def write(name: str, text: str) -> Change:
    return lambda folder: (folder / name).write_text(text) and None


def lose(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5000])


BAD: dict[str, tuple[Change, str]] = {
    "no weights": (lose("model.safetensors"), "holds no weights"),
    "no config": (lose("config.json"), "holds no config.json"),
    "a pickle": (as_pickle(".bin"), "as a pickle only .pytorch_model.bin."),
    "a checkpoint": (as_pickle(".ckpt"), "as a pickle only"),
    "a torch file": (as_pickle(".pt"), "as a pickle only"),
    "own code": (edit("config.json", auto_map={"AutoModel": "x.Y"}), r"run code .*auto_map"),
    "own code beneath": (
        edit("config.json", text_config={"auto_map": {}}), r"config\.json wants to run code"),
    "own tokenizer": (
        edit("tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]}), "run code"),
    "asks for trust": (edit("config.json", trust_remote_code=True), "trust_remote_code"),
    "broken config": (write("config.json", "{"), "cannot be read as JSON"),
    "config of another kind": (write("config.json", "[]"), "not what a model folder holds"),
    "a missing shard": (
        write("model.safetensors.index.json", '{"weight_map": {"a": "model-2.safetensors"}}'),
        r"lacks model-2\.safetensors"),
    "weights cut short": (cut_short, "cannot be loaded"),
    "an unknown kind": (edit("config.json", model_type="mystery"), "cannot be loaded"),
    "not causal": (edit("config.json", model_type="t5", architectures=["T5Model"]),
                   r"weights lack .*98 in all"),
    "no tokenizer": (lose("tokenizer.json"), "cannot be loaded"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_model_folder_is_one_clear_line(tmp_path: Path, weights: Path, case: str) -> None:
    change, says = BAD[case]
    shutil.copytree(weights, tmp_path / "bad")
    change(tmp_path / "bad")
    with pytest.raises(StudentError, match=says) as refused:
        load_student(StudentSpec(location="bad"), beside=tmp_path, dtype=torch.float32)
    assert "\n" not in str(refused.value)


def test_safetensors_are_taken_where_a_pickle_lies_beside_them(
    tmp_path: Path, weights: Path
) -> None:
    shutil.copytree(weights, tmp_path / "both")
    (tmp_path / "both" / "pytorch_model.bin").write_bytes(b"not to be opened")
    found = load_student(StudentSpec(location="both"), beside=tmp_path, dtype=torch.float32)
    assert sum(one.numel() for one in found.model.parameters()) > 1000


def test_an_adapter_as_a_pickle_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    with pytest.raises(StudentError, match=r"no adapter_model\.safetensors"):
        find_adapter(str(tmp_path), beside=tmp_path)
    with pytest.raises(StudentError, match="no adapter folder"):
        find_adapter("elsewhere", beside=tmp_path)


def test_a_hub_id_is_told_from_a_path(tmp_path: Path) -> None:
    (tmp_path / "student").mkdir()
    assert is_hub_id("org/model-1.5B", beside=tmp_path)
    assert is_hub_id("gpt2", beside=tmp_path)
    assert not is_hub_id("student", beside=tmp_path)
    assert not is_hub_id("/no/such/folder", beside=tmp_path)
    with pytest.raises(StudentError, match="no model folder"):
        find_weights("/no/such/folder", beside=tmp_path)


def test_a_gguf_file_is_named_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    found = find_weights(str(tmp_path / "small.gguf"), beside=tmp_path)
    assert found == (str(tmp_path), "small.gguf")
    assert find_weights(str(tmp_path), beside=tmp_path) == found
    with pytest.raises(StudentError, match="cannot be loaded"):
        load_student(StudentSpec(location="small.gguf"), beside=tmp_path, dtype=torch.float32)
