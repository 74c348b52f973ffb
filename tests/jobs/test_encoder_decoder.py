"""Students of the shape of T5 and CodeT5: they train, sit exams and are exported as others do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import T5GemmaConfig, T5GemmaForConditionalGeneration

from studio.domain.errors import StudentError
from studio.domain.specs import ExportSpec, GenerateSpec, StudentSpec, read_spec
from studio.jobs.batches import Item, collate, supervised_tokens
from studio.jobs.decode import decode
from studio.jobs.export import export
from studio.jobs.generate import generate
from studio.jobs.job import Job
from studio.jobs.objectives.mapd import Mapd
from studio.jobs.student import Student, load_student
from tests.jobs.conftest import (
    MakeFolder,
    StoppedAfter,
    events_of,
    examples,
    losses_of,
    questions,
)
from tests.jobs.test_generate import answers_of
from tests.jobs.test_train import SETTINGS, go, same, weights_in
from tests.tiny_student import encoder_decoder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a random T5."""
    folder = tmp_path_factory.mktemp("models") / "t5"
    encoder_decoder(folder)
    return folder


@pytest.fixture(scope="module")
def t5(place: Path) -> Student:
    found = load_student(StudentSpec(location=str(place)), beside=place, dtype=torch.float32)
    found.model.eval()
    return found


def items(student: Student) -> list[Item]:
    made = []
    for n, (asked, learned) in enumerate([("1 + 1?", "two"), ("Why?", "It is so."), ("2", "3")]):
        ids = student.prompt_ids([{"role": "user", "content": asked}])
        role = "explanation" if n == 1 else "rationale"
        made.append(Item(ids + student.completion_ids(learned), len(ids), role))
    return made


def test_what_is_read_ends_and_so_does_what_is_written(t5: Student) -> None:
    assert t5.answer_start == 0
    one = items(t5)[0]
    assert t5.tokenizer.decode(one.ids) == "1 + 1?\n</s>two</s>"
    assert one.supervised == 4


def test_the_loss_is_that_of_the_models_own_forward_pass(t5: Student) -> None:
    lot = items(t5)
    sides: dict[str, list[torch.Tensor]] = {"explanation": [], "rationale": []}
    for item in lot:
        asked, learned = (torch.tensor([part]) for part in (item.ids[: item.prompt],
                                                            item.ids[item.prompt :]))  # fmt: skip
        logits = t5.model(input_ids=asked, labels=learned).logits[0]
        sides[item.role].append(cross_entropy(logits, learned[0], reduction="none"))
    means = {role: torch.cat(losses).mean() for role, losses in sides.items()}
    batch = collate(lot, pad=t5.pad_id, totals=supervised_tokens(lot), start=t5.answer_start)
    loss, _ = Mapd(alpha=0.3, roles=sides).loss(t5.model, batch)
    plain = 0.3 * means["explanation"] + 0.7 * means["rationale"]
    assert loss.item() == pytest.approx(plain.item(), abs=1e-5)


def test_answers_are_those_of_transformers_generate(t5: Student) -> None:
    prompts = [item.ids[: item.prompt] for item in items(t5)]
    replies = decode(t5, prompts, max_new_tokens=12)
    assert replies is not None
    for prompt, reply in zip(prompts, replies, strict=True):
        model: Any = t5.model
        whole = model.generate(
            torch.tensor([prompt]), max_new_tokens=12, do_sample=False, num_beams=1
        )[0].tolist()[1:]
        assert reply.ids == [token for token in whole if token not in t5.stops]


@pytest.mark.parametrize("settings", [{}, {"full": True, "gradient_checkpointing": True}])
def test_it_learns_resumes_exactly_sits_an_exam_and_is_exported(
    make_folder: MakeFolder, place: Path, settings: dict[str, Any]
) -> None:
    settings = {**SETTINGS, "epochs": 6, "student": {"location": str(place)}, **settings}
    whole = make_folder("train", settings, name="whole", train=examples(), validation=examples(3))
    made = go(whole)["adapter"]
    losses = losses_of(whole)
    assert losses[18]["loss"] < losses[1]["loss"]
    broken = make_folder("train", settings, name="broken", train=examples(), validation=examples(3))
    go(broken, StoppedAfter(broken, "metric", 7))
    go(broken)
    assert losses_of(broken) == losses
    file = "adapter/adapter_model" if made.endswith("adapter") else "model/model"
    assert same(weights_in(broken, file), weights_in(whole, file))

    tuned = (
        {"location": str(place), "adapter": str(whole / made)}
        if made.endswith("adapter")
        else {"location": str(whole / made)}
    )
    exam = make_folder(
        "generate", {"student": tuned, "max_new_tokens": 8}, name="exam", questions=questions(5)
    )
    spec = read_spec(exam)
    assert isinstance(spec, GenerateSpec)
    generate(Job(exam), spec)
    assert len(answers_of(exam)) == 5

    out = make_folder("export", {"student": tuned}, name="export")
    out_spec = read_spec(out)
    assert isinstance(out_spec, ExportSpec)
    export(Job(out), out_spec)
    merged = out / "artifacts" / "merged"
    load_student(StudentSpec(location=str(merged)), beside=out, dtype=torch.float32)
    assert not (merged.parent / "Modelfile").exists(), "Ollama could not run it"
    told = [event.model_dump()["message"] for event in events_of(out, "warned")]
    assert any(one.startswith("no Modelfile was written: Ollama runs no") for one in told)


def test_one_that_names_no_start_begins_its_answers_as_transformers_does(t5: Student) -> None:
    """T5Gemma's configuration has no such name."""
    part = {"vocab_size": 258, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
            "sliding_window": 8}  # fmt: skip
    torch.manual_seed(0)
    config = T5GemmaConfig(encoder=dict(part), decoder=dict(part), vocab_size=258)
    model: Any = T5GemmaForConditionalGeneration(config).eval()
    gemma = t5._replace(model=model)
    assert gemma.answer_start == config.decoder.bos_token_id
    chance = torch.Generator().manual_seed(3)
    prompts = [torch.randint(3, 250, (n,), generator=chance).tolist() for n in (5, 14, 9)]
    told = decode(gemma, prompts, max_new_tokens=12)
    assert told is not None
    for prompt, reply in zip(prompts, told, strict=True):
        made = model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)
        theirs = made[0, 1:].tolist()
        end = next((n for n, token in enumerate(theirs) if token in gemma.stops), len(theirs))
        assert reply.ids == theirs[:end]
    model.generation_config.bos_token_id = None
    with pytest.raises(StudentError, match="set decoder_start_token_id in its config"):
        _ = gemma.answer_start
