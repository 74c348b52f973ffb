"""Specs: everything a job needs to know, validated before it starts.

``spec.json`` in a job folder is one of these; ``job`` tells which. Paths inside a job folder are
relative to it. Field descriptions are the help texts of the form and of ``train --set``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from studio.domain.errors import SpecError
from studio.domain.misfits import one_line, with_names
from studio.domain.spec_kinds import Precision, Switch


class _Spec(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


class StudentSpec(_Spec):
    """Which weights to load: a base model, with an adapter on top where there is one."""

    location: str = Field(
        description="Folder or hub id of a Transformers model, causal or encoder-decoder"
    )
    adapter: str = Field("", description="PEFT folder to put on top; empty for none")


class LoraSpec(_Spec):
    """Low-rank adaptation."""

    r: Annotated[int, Field(ge=1, le=1024)] = Field(16, description="Rank of the update")
    alpha: Annotated[float, Field(gt=0)] = Field(32, description="Scale of the update")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.05, description="Dropout on its input")
    target_modules: str = Field("all-linear", description="Which layers, comma separated")


#: Settings of a training run that decide what its steps take, not what they come to.
EFFORT = (
    "batch_tokens", "gradient_checkpointing", "packing", "threads", "quiz", "quiz_tokens",
    "compile", "sharded", "result",
)  # fmt: skip


class TrainSpec(_Spec):
    """One training run. The loss mixture is arXiv 2410.03663: alpha*CE + (1-alpha)*CE."""

    job: Literal["train"] = "train"
    method: str = Field("mapd", description="Loss and examples; see methods")
    student: StudentSpec
    epochs: Annotated[float, Field(gt=0, le=1e5)] = Field(3.0, description="Passes over the data")
    max_steps: Annotated[int, Field(ge=0)] = Field(0, description="Stop after so many; 0: no limit")
    save_steps: Annotated[int, Field(ge=0)] = Field(
        0, description="Checkpoint every n; 0: an epoch"
    )
    keep_checkpoints: Annotated[int, Field(ge=1)] = Field(2, description="Newest ones kept")
    lr: Annotated[float, Field(gt=0)] = Field(2e-4, description="Peak learning rate")
    schedule: Literal["cosine", "constant", "linear"] = Field("cosine", description="Of the rate")
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.03, description="Share of steps warming up"
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.01, description="AdamW decay")
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(0.3, description="Clip gradients to this")
    alpha: Annotated[float, Field(ge=0, le=1)] = Field(0.5, description="Weight of explanations")
    batch_tokens: Annotated[int, Field(ge=16)] = Field(
        4096, description="Padded tokens a micro-batch"
    )
    batch_examples: Annotated[int, Field(ge=1)] = Field(
        16, description="Examples an optimiser step"
    )
    max_tokens: Annotated[int, Field(ge=8)] = Field(
        1024, description="Longest example, prompt and all"
    )
    overlong: Literal["refuse", "drop", "cut"] = Field(
        "refuse", description="Longer examples: refuse to start, leave out, or cut the end"
    )
    precision: Precision = Field(
        "auto", description="auto: bf16 where the machine is faster in it, else fp32"
    )
    packing: Switch = Field(
        "auto", description="Examples in one row without padding; auto: on a GPU"
    )
    full: bool = Field(False, description="Train all weights instead of a LoRA adapter")
    four_bit: bool = Field(
        False,
        description="Base in 4 bit below the adapter (QLoRA): less memory; needs bitsandbytes",
    )
    lora: LoraSpec = Field(default_factory=LoraSpec)
    gradient_checkpointing: Switch = Field(
        "auto",
        description="Less memory, about a third slower; auto: where the run would not fit without it",
    )
    seed: Annotated[int, Field(ge=0)] = Field(731, description="Of data order, dropout and adapter")
    eval_steps: Annotated[int, Field(ge=0)] = Field(
        0, description="Validate every n; 0: each epoch"
    )
    quiz: Annotated[int, Field(ge=0, le=2000)] = Field(
        32, description="Questions not learned from, asked at each validation; 0: none"
    )
    quiz_tokens: Annotated[int, Field(ge=1)] = Field(256, description="Longest answer of a quiz")
    early_stopping: Annotated[int, Field(ge=0)] = Field(
        0, description="Stop after so many validations without gain; 0: never"
    )
    result: Literal["auto", "best", "last"] = Field(
        "auto",
        description="Weights to end with: of the lowest held-out loss, or of the last step;"
        " auto: the best with early_stopping, else the last",
    )
    threads: Annotated[int, Field(ge=0)] = Field(0, description="CPU threads; 0: all cores")
    compile: Literal["off", "try", "always"] = Field(
        "off", description="torch.compile; try: kept only if the first steps are faster with it"
    )
    processes: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="Train in so many processes together, one for each GPU"
    )
    sharded: bool = Field(
        False, description="The processes share the weights (FSDP) instead of each holding all"
    )

    @property
    def ends_with_best(self) -> bool:
        """Whether the weights of the lowest held-out loss are the result."""
        return self.result == "best" or (self.result == "auto" and self.early_stopping > 0)

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
        if self.max_steps and self.save_steps > self.max_steps:
            raise ValueError("save_steps is larger than max_steps: set it to no more, or to 0")
        if self.full and self.four_bit:
            raise ValueError("full and four_bit exclude each other: what is in 4 bit cannot learn")
        if self.sharded and self.processes < 2:
            raise ValueError("sharded shares weights between processes: set processes=2 or more")
        if self.sharded and (self.four_bit or self.compile != "off"):
            raise ValueError("sharded goes with neither four_bit nor compile: set one of them off")
        return self


def effort_of(spec: TrainSpec) -> tuple[str, ...]:
    """Return the settings by which two runs may differ and still be the same run.

    One that came later is among them where it is off: so older runs can be resumed.
    """
    return EFFORT if spec.four_bit else (*EFFORT, "four_bit")


class DatasetSpec(_Spec):
    """Which curated records become training examples, and how they are divided."""

    questions: Literal["accepted", "mistakes"] = Field(
        "accepted",
        description="Every question with an accepted rationale, of earlier rounds too, or of those"
        " this round's mistakes alone",
    )
    choice: Literal["decided", "all", "answer", "human"] = Field(
        "decided",
        description="Rationales: as decided; all, reviewed or not; those with the right answer;"
        " those a person accepted",
    )
    teachers: str = Field("", description="Of these teachers only, comma separated; empty: all")
    draw: Literal["all", "one"] = Field(
        "all", description="All texts of a question, or one explanation and one rationale by lot"
    )
    explanations: bool = Field(True, description="Teach what went wrong besides how to solve it")
    replay: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="Share of the student's own correct train attempts mixed in"
    )
    val_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.05, description="Share of questions whose examples are kept out to measure loss"
    )
    seed: Annotated[int, Field(ge=0)] = Field(731, description="Of the draw and the division")


class GenerateSpec(_Spec):
    """An exam: the student answers every question of ``data/questions.jsonl``.

    A row is ``{"key": ..., "messages": [{"role": ..., "content": ...}]}``; each answer is a row of
    ``artifacts/answers.jsonl``: ``{"key", "text", "truncated", "tokens_in", "tokens_out"}``.
    Defaults: arXiv 2410.03663, released code (T 0.3, top-p 0.9, 512 new tokens).
    """

    job: Literal["generate"] = "generate"
    student: StudentSpec
    temperature: Annotated[float, Field(ge=0, le=2)] = Field(0.3, description="0: greedy")
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(0.9, description="Nucleus sampling")
    max_new_tokens: Annotated[int, Field(ge=1)] = Field(512, description="Longest answer")
    batch_tokens: Annotated[int, Field(ge=16)] = Field(
        16384, description="Tokens in flight a batch"
    )
    engine: Literal["auto", "own", "vllm"] = Field(
        "auto", description="What asks; auto: vLLM where it is installed and there is a GPU"
    )
    precision: Precision = "auto"
    seed: Annotated[int, Field(ge=0)] = 731
    threads: Annotated[int, Field(ge=0)] = 0


class ExportSpec(_Spec):
    """Write an adapter (``artifacts/adapter``) and the merged weights (``artifacts/merged``).

    Beside them a Modelfile for Ollama and, where llama.cpp's converter is found, ``model.gguf``. The
    questions of ``data/questions.jsonl`` are put to each form; ``parity.json`` shows the answers.
    """

    job: Literal["export"] = "export"
    student: StudentSpec
    merge: bool = True
    precision: Literal["fp32", "bf16", "fp16", "as-is"] = "as-is"
    gguf: Literal["f16", "bf16", "q8_0", "off"] = Field(
        "f16", description="Numbers of the GGUF; off: none is made"
    )
    system: str = Field("", description="What an exam tells the student before the question")


class MeasureSpec(_Spec):
    """Foretell the texts of ``data/texts.jsonl``; ``artifacts/losses.jsonl`` tells how well."""

    job: Literal["measure"] = "measure"
    student: StudentSpec
    max_tokens: Annotated[int, Field(ge=8)] = 512
    batch_tokens: Annotated[int, Field(ge=16)] = 4096
    precision: Precision = "auto"
    threads: Annotated[int, Field(ge=0)] = 0


class PreviewSpec(_Spec):
    """Show the tokens of a training run's data: ``artifacts/preview.json``; needs no weights."""

    job: Literal["preview"] = "preview"
    student: StudentSpec
    max_tokens: Annotated[int, Field(ge=8)] = 1024
    overlong: Literal["refuse", "drop", "cut"] = "refuse"
    each: Annotated[int, Field(ge=1)] = Field(5, description="Examples shown of each role and side")


JobSpec = Annotated[
    TrainSpec | GenerateSpec | ExportSpec | PreviewSpec | MeasureSpec, Field(discriminator="job")
]
JOB_SPEC: TypeAdapter[JobSpec] = TypeAdapter(JobSpec)

#: Settings of the released code of arXiv 2410.03663 (full fine-tuning).
PAPER_TRAINING: dict[str, Any] = {
    "full": True, "lr": 1e-5, "schedule": "constant", "warmup": 0.0, "epochs": 10.0,
    "batch_examples": 16, "max_tokens": 512, "weight_decay": 0.01, "max_grad_norm": 0.3,
    "alpha": 0.5,
}  # fmt: skip


def read_spec(folder: Path) -> JobSpec:
    """Read and validate ``spec.json`` of a job folder; raises SpecError in one line."""
    try:
        return JOB_SPEC.validate_json((folder / "spec.json").read_bytes())
    except FileNotFoundError:
        raise SpecError(f"{folder} holds no spec.json: it is not a job folder") from None
    except ValidationError as error:
        raise SpecError(f"{folder / 'spec.json'}: {one_line(error)}") from None


def with_settings(base: dict[str, Any], settings: dict[str, str]) -> dict[str, Any]:
    """Return ``base`` with dotted ``key=value`` settings put in; values stay text for pydantic."""
    made = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
    for dotted, value in settings.items():
        *path, last = dotted.split(".")
        place = made
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise SpecError(f"{dotted}: {part} has no fields of its own")
        place[last] = value
    return made


def train_spec(values: dict[str, Any]) -> TrainSpec:
    """Validate a training spec; raises SpecError that names the field."""
    try:
        return TrainSpec.model_validate(values)
    except ValidationError as error:
        raise SpecError(f"training settings: {with_names(error, TrainSpec)}") from None


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of ``base`` with those of ``over`` put in, table by table."""
    made = dict(base)
    for name, value in over.items():
        both = isinstance(value, Mapping) and isinstance(made.get(name), Mapping)
        made[name] = merged(made[name], value) if both else value
    return made


def dataset_spec(values: dict[str, Any]) -> DatasetSpec:
    """Validate a dataset spec; raises SpecError that names the field."""
    try:
        return DatasetSpec.model_validate(values)
    except ValidationError as error:
        raise SpecError(f"dataset settings: {with_names(error, DatasetSpec)}") from None
