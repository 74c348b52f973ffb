"""Make a loaded student ready to learn: a LoRA adapter, its old adapter opened, or all weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from studio.domain.errors import SpecError
from studio.domain.memory import WIDE
from studio.domain.specs import TrainSpec
from studio.jobs.four_bit import ready_to_learn_on
from studio.jobs.gauges import processor
from studio.jobs.job import Job
from studio.jobs.merging import merged
from studio.jobs.student import (
    DTYPES,
    Student,
    load_student,
    pick_device,
    pick_precision,
    quiet_peft,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Trainable(NamedTuple):
    """A student ready to learn, and the precision it computes in."""

    student: Student
    precision: str


def trainable_student(job: Job, spec: TrainSpec) -> Trainable:
    """Load the student with a LoRA adapter to train, or with all weights open (``full``).

    An adapter that the student has already is trained on, so that one adapter holds all rounds.
    What is trained is kept in fp32, what is not in the precision it is computed in.
    """
    device = pick_device()
    precision = pick_precision(spec.precision, device)
    dtype = torch.float32 if spec.full else DTYPES[precision]
    student = load_student(spec.student, beside=job.folder, dtype=dtype,
                           for_training=not spec.full, four_bit=spec.four_bit)  # fmt: skip
    model: Any = student.model
    if spec.four_bit:
        model = ready_to_learn_on(model)
    on_cpu = device.type == "cpu" and not spec.four_bit  # of which no weight changes its kind
    if spec.precision == "auto" and on_cpu and _is_faster_in_bf16(model):
        precision = "bf16"
        if not spec.full:
            model.to(torch.bfloat16)
    if spec.full:
        if spec.student.adapter:
            model = merged(model)
        model.requires_grad_(True)
    elif not spec.student.adapter:
        model = _with_lora(model, spec)
    elif other := _otherwise(model, spec):
        job.say("warned", message=f"the student's adapter is trained on as it is, with {other}: the"
                                  " settings of lora are for a new one")  # fmt: skip
    model.config.use_cache = False
    for value in model.parameters():
        if value.requires_grad:
            value.data = value.data.float()
    if not spec.four_bit:  # which is where it belongs already
        model = model.to(device)
    return Trainable(student._replace(model=model), precision)


def _is_faster_in_bf16(model: PreTrainedModel) -> bool:
    """Return whether this CPU multiplies bf16 by itself, and the model is large enough to gain."""
    found = processor()
    has = any(found.get(name) for name in ("avx512_bf16", "amx_bf16"))
    width = getattr(model.config.get_text_config(), "hidden_size", 0)
    return has and width >= WIDE


def _with_lora(model: PreTrainedModel, spec: TrainSpec) -> Any:
    from peft import LoraConfig, get_peft_model

    names = spec.lora.target_modules
    targets: str | list[str] = (
        names if names == "all-linear" else [n.strip() for n in names.split(",")]
    )
    config = LoraConfig(
        r=spec.lora.r, lora_alpha=spec.lora.alpha, lora_dropout=spec.lora.dropout,  # type: ignore[arg-type]
        target_modules=targets,
        task_type="SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM",
    )  # fmt: skip
    try:
        with quiet_peft():
            return get_peft_model(model, config)
    except ValueError as error:
        raise SpecError(f"lora.target_modules {names!r}: {' '.join(str(error).split())}") from None


def _otherwise(model: Any, spec: TrainSpec) -> str:
    """Return what an adapter has otherwise than the settings say, in words; empty for nothing."""
    config = model.peft_config[model.active_adapter]
    names = {"r": "r", "lora_alpha": "alpha", "lora_dropout": "dropout"}
    own = {told: getattr(config, name, None) for name, told in names.items()}
    return ", ".join(
        f"lora.{name}={value:g}" for name, value in own.items()
        if value is not None and value != getattr(spec.lora, name)
    )  # fmt: skip
