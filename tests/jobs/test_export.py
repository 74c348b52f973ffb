"""What leaves is whole without us: the adapter as it was, and weights that need none."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from studio.domain.specs import ExportSpec, StudentSpec, TrainSpec, read_spec
from studio.jobs import gguf, ollama
from studio.jobs.export import export
from studio.jobs.job import Job
from studio.jobs.student import Student, load_student
from studio.jobs.train import train
from tests import tiny_converter, tiny_student
from tests.jobs.conftest import MakeFolder, events_of, examples, questions
from tests.jobs.test_train import go
from tests.tiny_student import CHAT

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


@pytest.mark.filterwarnings("ignore::UserWarning:peft")
@pytest.mark.parametrize("targets", ["q_proj,lm_head", "q_proj,embed_tokens"])
def test_what_is_tied_is_parted_where_an_adapter_changes_one_of_both(
    make_folder: MakeFolder, weights: Path, tmp_path: Path, targets: str
) -> None:
    tied = tmp_path / "tied"
    shutil.copytree(weights, tied)
    model = LlamaForCausalLM.from_pretrained(weights)
    model.config.tie_word_embeddings = True
    model.tie_weights()
    model.save_pretrained(tied)
    student: dict[str, str] = {"location": str(tied)}
    settings = {**SETTINGS, "epochs": 4, "student": student}
    settings["lora"] = {"r": 4, "target_modules": targets}
    folder = make_folder("train", settings, name="first", train=examples())
    go(folder)
    student["adapter"] = str(folder / "artifacts" / "adapter")
    right = logits(tied, student["adapter"])
    assert not torch.allclose(right, logits(tied), atol=1e-3)
    made = run(make_folder("export", {"student": student, "gguf": "off"}, name="out"))
    torch.testing.assert_close(logits(made / "merged"), right)
    still = {**settings, "full": True, "lr": 1e-9}
    second = make_folder("train", still, name="second", train=examples())
    go(second)
    torch.testing.assert_close(logits(second / "artifacts" / "model"), right, atol=1e-4, rtol=0)


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
    assert suffixes <= {".safetensors", ".json", ".md", ".jinja", ""}


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


# -- for Ollama, and how alike the forms answer ----------------------------------------------------


@pytest.fixture(autouse=True)
def no_converter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Look for llama.cpp in an empty folder, whatever this machine has."""
    (tmp_path / "llama.cpp").mkdir()
    monkeypatch.setenv(gguf.VARIABLE, str(tmp_path / "llama.cpp"))
    monkeypatch.setenv("PATH", str(tmp_path))


def install(script: str, tmp_path: Path) -> None:
    (tmp_path / "llama.cpp" / gguf.SCRIPT).write_text(script)


def exported(make_folder: MakeFolder, adapter: Path, **settings: str) -> tuple[Path, list[str]]:
    folder = make_folder("export", settings, adapter=str(adapter), questions=questions(5))
    made = run(folder)
    return made, [event.model_dump()["message"] for event in events_of(folder, "warned")]


def test_without_llama_cpp_it_is_said_how_to_get_a_gguf_and_ollama_reads_the_weights(
    make_folder: MakeFolder, adapter: Path
) -> None:
    made, told = exported(make_folder, adapter, system='Say """it""".')
    where = f"{os.environ[gguf.VARIABLE]}, which {gguf.VARIABLE} names"
    assert told[0].startswith(
        f"no GGUF was written: convert_hf_to_gguf.py of llama.cpp was not found in {where}; fetch"
    )
    assert told[1] == "the Modelfile lets Ollama read the merged weights"
    assert told[2] == "parity: merged: 5 of 5 answers are ours to the letter"
    parity = json.loads((made / "parity.json").read_text())
    assert parity["same"] == {"merged": 5}
    assert [set(row) for row in parity["answers"]] == [{"key", "ours", "merged"}] * 5
    assert any(row["ours"] for row in parity["answers"])
    lines = (made / "Modelfile").read_text().splitlines()
    assert lines[0] == "FROM ./merged"
    assert 'SYSTEM """Say \\"\\"\\"it\\"\\"\\"."""' in lines
    assert 'PARAMETER stop "</s>"' in lines
    assert "PARAMETER num_ctx 512" in lines


def test_a_gguf_by_the_converter_answers_as_the_student_here(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    pytest.importorskip("gguf")
    tiny_student.main(tmp_path / "small", merges=("qq",))
    install(Path(tiny_converter.__file__).read_text(), tmp_path)
    folder = make_folder(
        "export", {"student": {"location": str(tmp_path / "small")}}, questions=questions(5)
    )
    made = run(folder)
    (told,) = (event.model_dump()["message"] for event in events_of(folder, "warned"))
    assert (made / "model.gguf").read_bytes()[:4] == b"GGUF"
    assert (made / "Modelfile").read_text().startswith("FROM ./model.gguf\n")
    parity = json.loads((made / "parity.json").read_text())
    assert parity["same"]["merged"] == 5
    assert parity["same"]["gguf"] >= 4, "f16 may turn a close choice"
    assert told.startswith("parity: merged: 5 of 5 answers are ours to the letter; gguf:")


def test_what_the_converter_says_last_is_told(
    make_folder: MakeFolder, adapter: Path, tmp_path: Path
) -> None:
    install("import sys; sys.exit('NotImplemented: this pre-tokenizer')", tmp_path)
    made, told = exported(make_folder, adapter)
    assert told[0].endswith("llama.cpp's converter says: NotImplemented: this pre-tokenizer")
    assert not list(made.glob("*.gguf*"))
    assert (made / "Modelfile").read_text().startswith("FROM ./merged\n")


CHATML = (
    "{% if messages[0]['role'] != 'system' %}<|s|>system\nBe kind.<|e|>\n{% endif %}"
    "{% for m in messages %}<|s|>{{ m['role'] }}\n{{ m['content'] }}<|e|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|s|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system text') }}{% endif %}"
    "{% for m in messages %}[{{ m['content'] }}]{% endfor %}"
)


@pytest.mark.parametrize(
    ("jinja", "systems"),
    [(CHAT, ["", "Short."]), (CHATML, ["", "Short."]), (NO_SYSTEM, [""]), (None, ["", "Short."])],
)
def test_ollama_asks_in_the_words_of_the_chat_template(
    student: Student, jinja: str | None, systems: list[str]
) -> None:
    tokenizer = copy.deepcopy(student.tokenizer)
    tokenizer.chat_template = jinja
    asked = student._replace(tokenizer=tokenizer)
    go = ollama.template(asked)
    for system in systems:
        messages = [{"role": "user", "content": "How many?"}]
        if system:
            messages.insert(0, {"role": "system", "content": system})
        read = str(tokenizer.decode(asked.prompt_ids(messages)))
        assert as_go_would(go, system, "How many?").startswith(read)


def as_go_would(template: str, system: str, prompt: str) -> str:
    """Fill the one kind of template that is written here."""
    found = re.fullmatch(
        r"(?:\{\{ if \.System \}\}(.*)\{\{ else \}\}(.*)\{\{ end \}\}|(.*))(\{\{ \.Prompt.*)",
        template, re.DOTALL,
    )  # fmt: skip
    assert found is not None
    opening = (found[1] if system else found[2]) if found[1] is not None else found[3]
    whole = (opening + found[4]).replace("{{ .System }}", system).replace("{{ .Prompt }}", prompt)
    return whole.replace("{{ .Response }}", "")
