"""What a run would be, before anything is started: its data, its steps, its memory, its tokens.

Reads only; the one thing that is written is the folder of the small job that shows the tokens.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain import memory
from studio.domain.dealing import Size
from studio.domain.errors import RunError, SpecError, StudentError
from studio.domain.events import Failed, Finished
from studio.domain.events import Progress as JobProgress
from studio.domain.records import StudentRecord, digest
from studio.domain.specs import DatasetSpec, PreviewSpec, TrainSpec, dataset_spec, merged
from studio.flow import job_folder, training
from studio.flow.contamination import Contamination, contamination
from studio.flow.dataset import Draft, draft_dataset
from studio.flow.model_files import model_folder, read_json, tensors_of
from studio.flow.stage import Bench, Progress
from studio.flow.students import find_student
from studio.flow.token_guess import Said, guessed_sizes

if TYPE_CHECKING:
    from studio.domain.events import Event

_PREVIEW = "2"  #: what a preview tells; one of an older kind is made anew


class Wanted(NamedTuple):
    """A run as it is asked for, checked."""

    student: StudentRecord
    spec: TrainSpec
    data: DatasetSpec
    method: str


def wanted_run(
    bench: Bench, student: str, settings: Mapping[str, Any], *, method: str = "mapd"
) -> Wanted:
    """Return student, training spec and dataset spec; ``data.*`` settings are the dataset's.

    Raises:
        SpecError: a setting is off, or no student is named.
        StudentError: that student cannot be taught here.
    """
    who = student or bench.store.setting("student", "")
    if not who:
        raise SpecError("no student is named yet: add --student with a model folder or hub id")
    record = find_student(bench.store, who)
    values = merged(bench.store.setting("training", {}), settings)
    data = dataset_spec(values.pop("data", {}))
    return Wanted(record, training.run_spec(bench.project, record, method, values), data, method)


def draft_of(bench: Bench, wanted: Wanted) -> Draft:
    """Return the examples the run would learn from; stores nothing."""
    return draft_dataset(bench, student=wanted.student, method=wanted.method, options=wanted.data)


def training_outlook(
    bench: Bench, student: str, settings: Mapping[str, Any], *, method: str = "mapd"
) -> dict[str, Any]:
    """Return what a run would be: examples per role, steps, settings; starts nothing."""
    wanted = wanted_run(bench, student, settings, method=method)
    found = training.outlook(draft_of(bench, wanted), wanted.spec)
    return {**found._asdict(), "spec": wanted.spec.model_dump(mode="json")}


def seen_in_exam(bench: Bench, draft: Draft) -> Contamination:
    """Return what the run would learn from that the held-out questions have, too."""
    learned = ((row.n, json.loads(row.messages)) for row in draft.rows if row.split == "train")
    return contamination(bench.store, draft.dataset.manifest, learned)


# -- memory ------------------------------------------------------------------------------------


def memory_needed(
    wanted: Wanted, draft: Draft, *, on_gpu: bool, free: int | None = None,
    tokens: Tokens | None = None,
) -> memory.Estimate:  # fmt: skip
    """Return what the run would take at its peak, with checkpointing where it would not fit else.

    Args:
        free: bytes; None where that is not known.
        tokens: of the data; where they were not counted, they are guessed from a sample.

    Raises:
        StudentError: the model's files are not here, or do not tell its shape.
    """
    folder = model_folder(wanted.spec.student.location)
    config = read_json(folder / "config.json")
    shape = memory.shape_of(config)
    if shape is None:
        raise StudentError(f"{folder / 'config.json'} does not tell the model's shape")
    tensors = tensors_of(folder) or memory.llama_tensors(shape)
    examples = _guessed(folder, wanted, draft) if tokens is None else tokens.sizes
    asked = wanted.spec
    if asked.student.adapter and not asked.full:
        told = read_json(Path(asked.student.adapter, "adapter_config.json"))
        asked = memory.with_its_adapter(asked, told)

    def needed(spec: TrainSpec) -> memory.Estimate:
        return memory.at_worst(
            shape, tensors, spec, examples=examples, on_gpu=on_gpu, cpu_has_bf16=_cpu_has_bf16()
        )

    found = needed(asked)
    if asked.gradient_checkpointing == "auto" and memory.is_tight(found.total, free):
        return needed(memory.with_checkpointing(asked))
    return found


def _guessed(folder: Path, wanted: Wanted, draft: Draft) -> list[Size]:
    """Return about how large the examples are that are learned from."""
    told = []
    for row in draft.rows:
        if row.split == "train":
            *asked, answer = json.loads(row.messages)
            texts = tuple(turn["content"] for turn in asked)
            told.append(Said(texts, answer["content"], row.role))
    return guessed_sizes(folder, told, limit=wanted.spec.max_tokens)


def _cpu_has_bf16() -> bool:
    """Return whether this processor multiplies bf16 by itself; a job then does, too."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16"})


# -- tokens ------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """A bit of text that a student reads as ``tokens`` tokens."""

    text: str
    fate: int  #: 0 shown only, 1 learned, 2 cut off
    tokens: int


class Shown(NamedTuple):
    """One example in tokens."""

    side: str
    role: str
    tokens: int
    prompt: int
    cut: int  #: tokens beyond the limit
    ends: bool  #: whether the end of the answer is learned
    pieces: tuple[Piece, ...]

    @property
    def learned(self) -> int:
        """Tokens of its answer within the limit."""
        return max(0, self.tokens - self.cut - self.prompt)


class Tokens(NamedTuple):
    """What training would make of the data."""

    limit: int
    end: str  #: the token that ends an answer
    end_is_trained: bool
    template: bool
    roles: dict[
        str, dict[str, int]
    ]  #: by side and role: examples, tokens, supervised, over, longest
    examples: tuple[Shown, ...]
    sizes: tuple[Size, ...] = ()  #: of all that is learned from

    @property
    def over(self) -> int:
        """Examples that are too long."""
        return self._sum("over")

    def _sum(self, name: str) -> int:
        return sum(counts.get(name, 0) for counts in self.roles.values())


async def show_tokens(
    bench: Bench, student: str, settings: Mapping[str, Any], then: Callable[[Tokens], None], *,
    method: str = "mapd", runs: Path | None = None,
) -> AsyncGenerator[Progress, None]:  # fmt: skip
    """Let a job put the data of a run into tokens, and hand them to ``then``.

    Args:
        runs: where the job's folder goes; else to the project's own.

    Raises:
        RunError: the job failed.
    """
    wanted = wanted_run(bench, student, settings, method=method)
    draft = draft_of(bench, wanted)
    folder = (runs or bench.project / "runs") / _preview_name(wanted, draft)
    if not (folder / "artifacts" / "preview.json").is_file():
        _write_preview(folder, wanted, draft)
        async with aclosing(_preview(bench, folder)) as steps:
            async for progress in steps:
                yield progress
    then(_tokens_in(folder))


def known_tokens(bench: Bench, wanted: Wanted, draft: Draft) -> Tokens | None:
    """Return the tokens of a run's data where they were shown before."""
    folder = bench.project / "runs" / _preview_name(wanted, draft)
    return _tokens_in(folder) if (folder / "artifacts" / "preview.json").is_file() else None


def _write_preview(folder: Path, wanted: Wanted, draft: Draft) -> None:
    for older in folder.parent.glob("preview-*"):  # only the newest is of use
        shutil.rmtree(older, ignore_errors=True)
    spec = PreviewSpec(
        student=wanted.spec.student, max_tokens=wanted.spec.max_tokens,
        overlong=wanted.spec.overlong,
    )  # fmt: skip
    data: dict[str, list[dict[str, Any]]] = {"train.jsonl": [], "validation.jsonl": []}
    for row in draft.rows:
        made = {"key": row.n, "role": row.role, "messages": json.loads(row.messages)}
        data[f"{row.split}.jsonl"].append(made)
    job_folder.write_folder(folder, spec, data)


async def _preview(bench: Bench, folder: Path) -> AsyncGenerator[Progress, None]:
    started = job_folder.launch(bench.launcher, folder)
    ending: Event | None = None
    async with aclosing(job_folder.follow(bench.launcher, folder, started)) as events:
        async for event in events:
            if isinstance(event, Failed | Finished):
                ending = event
            elif isinstance(event, JobProgress):
                yield Progress("tokens", event.done, event.total)
    if isinstance(ending, Failed):
        raise RunError(f"the tokens cannot be shown: {ending.message}")
    if ending is None:
        raise RunError("the job that shows the tokens ended without a word: try again")


def _tokens_in(folder: Path) -> Tokens:
    told = read_json(folder / "artifacts" / "preview.json")
    examples = tuple(
        Shown(
            one["side"], one["role"], one["tokens"], one["prompt"], one["cut"], one["ends"],
            tuple(Piece(*piece) for piece in one["pieces"]),
        )
        for one in told["examples"]
    )  # fmt: skip
    return Tokens(
        told["limit"], told["end"], told["end_is_trained"], told["template"], told["roles"], examples,
        tuple(Size(*size) for size in told["sizes"]),
    )  # fmt: skip


def _preview_name(wanted: Wanted, draft: Draft) -> str:
    spec = wanted.spec
    name = digest(
        draft.dataset.content_hash, spec.student.model_dump(), str(spec.max_tokens), spec.overlong,
        _PREVIEW,
    )  # fmt: skip
    return f"preview-{name}"
