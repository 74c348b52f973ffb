"""How fast training is: our loop beside TRL's SFTTrainer and Transformers' Trainer, in one run.

    python tests/benchmarks/training.py [--hidden 256] [--vocabulary 8192] [--rounds 3]

All train all weights of the same random Llama on the same examples, 16 a step, lengths log-normal
from 16 to 256 tokens, two of three tokens learned; beside them a plain loop over padded batches, as
in a tutorial. The peers run in the settings that are best for them: by length, packed, in bf16 where
the machine has it, with plain attention. Printed are real (unpadded) tokens a second between the end
of the first step and that of the last, the best round of each, and what ours is of theirs. The
rounds alternate, for machines are never quiet.

Where there is a GPU the same lanes run on it, TRL with flash-attn where that is installed, and a
second table tells memory and model FLOP utilisation; ``--hidden 2048 --layers 16 --vocabulary 32768
--batch-tokens 16384 --longest 1024`` is a model of about a billion weights. Where there is none, the
table says so.

TRL is no dependency of ours: where it is not installed, the table says so.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as a job sets it
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from accelerate.state import AcceleratorState
from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments

from studio.domain.events import Metric
from studio.domain.specs import StudentSpec, TrainSpec
from studio.flow.job_folder import read_events, write_folder
from studio.jobs.batches import Item, item_of, read_examples
from studio.jobs.job import Job
from studio.jobs.student import load_student
from studio.jobs.train import train
from tests.benchmarks import gpu_use
from tests.tiny_student import main as make_student

try:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer
except ImportError:
    SFTTrainer = None

BATCH = 16
ROWS = 5  #: packed ones, of the longest's length, hold about a batch's tokens
OURS = "our loop"
TRL = ("padded", "by length", "packed", "padding-free")


class Bench(NamedTuple):
    """What all are measured on."""

    place: Path  #: holds the student, and the folders of the runs
    longest: int  #: tokens
    batch_tokens: int


class Speed(NamedTuple):
    """What one trainer did in one round."""

    tokens_per_s: float
    cpu_tokens_per_s: float  #: for each second of all processors together
    peak_gb: float = 0.0  #: of the GPU, if there is one


def main() -> None:
    """Measure all, turn by turn, and print a table."""
    options = _options()
    logging.disable(logging.WARNING)  # the peers have much to say
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_student(
            place / "student", hidden_size=options.hidden, layers=options.layers,
            vocabulary_size=options.vocabulary, heads=max(2, options.hidden // 128),
            context=2 * options.longest,
        )  # fmt: skip
        bench = Bench(place, options.longest, options.batch_tokens)
        rows = _rows(options.examples, longest=options.longest)
        lanes = _lanes(bench, rows)
        if not options.compiled:
            del lanes[f"{OURS}, compiled"]
        lanes = {name: lane for name, lane in lanes.items() if options.only in name or name == OURS}
        speeds: dict[str, list[Speed]] = {name: [] for name in lanes}
        for _ in range(options.rounds):
            for name, lane in lanes.items():
                AcceleratorState._reset_state(
                    reset_partial_state=True
                )  # else one precision for all
                speeds[name].append(_measured(lane))
        best = {name: Speed(*map(max, zip(*said, strict=True))) for name, said in speeds.items()}
        _print(best)
        _print_use(bench, best, rows)
    if SFTTrainer is None:
        print("TRL is not installed: 'pip install trl' for the comparison")


def _print(best: dict[str, Speed]) -> None:
    ours = best[OURS][:2]
    print(f"{'':<34}{'tokens/s':>10}{'ours is':>9}{'a CPU second':>14}{'ours is':>9}")
    for name, speed in best.items():
        ratios = (mine / other for mine, other in zip(ours, speed[:2], strict=True))
        columns = zip(speed[:2], ratios, (10, 14), strict=True)
        cells = (f"{value:>{width},.0f}{ratio:>8.2f}x" for value, ratio, width in columns)
        print(f"{name:<34}{''.join(cells)}")


def _measured(lane: Callable[[], Speed]) -> Speed:
    if not torch.cuda.is_available():
        return lane()
    gpu_use.forget_peak()
    return lane()._replace(peak_gb=gpu_use.peak_gb())


def _print_use(bench: Bench, best: dict[str, Speed], rows: list[dict[str, Any]]) -> None:
    """Print what each took of the GPU."""
    if not torch.cuda.is_available():
        print("there is no GPU here: its memory and its use (MFU) were not measured")
        return
    spec = _spec(bench)
    student = load_student(spec.student, beside=bench.place, dtype=torch.float32)
    lengths = [len(item_of(row, student).ids) for row in rows]
    seen = sum(n * n for n in lengths) / sum(lengths) / 2
    each = gpu_use.flops_a_token(student.model, seen=seen)
    whole = gpu_use.promised()
    print(f"\n{torch.cuda.get_device_name()}, {student.model.num_parameters():,} weights")
    print(f"{'':<34}{'peak GB':>10}{'MFU':>9}")
    for name, speed in best.items():
        print(f"{name:<34}{speed.peak_gb:>10.1f}{speed.tokens_per_s * each / whole:>9.1%}")


def _lanes(bench: Bench, rows: list[dict[str, Any]]) -> dict[str, Callable[[], Speed]]:
    spec = _spec(bench)
    write_folder(bench.place / "data", spec, {"train.jsonl": rows})
    student = load_student(spec.student, beside=bench.place, dtype=torch.float32)
    items = read_examples(bench.place / "data" / "data" / "train.jsonl", student, spec).items
    lanes: dict[str, Callable[[], Speed]] = {
        OURS: lambda: _ours(bench, rows),
        f"{OURS}, fp32": lambda: _ours(bench, rows, precision="fp32"),
        f"{OURS}, packed": lambda: _ours(bench, rows, packing="on"),
        f"{OURS}, compiled": lambda: _ours(bench, rows, compile="always"),
    }
    for bf16 in (False, True):
        name = f"plain loop, padded, {'bf16, eager' if bf16 else 'fp32'}"
        lanes[name] = lambda b=bf16: _plain(bench, items, bf16=b)
    for sampling, bf16 in (
        ("random", False),
        ("group_by_length", False),
        ("group_by_length", True),
    ):
        name = f"Trainer, {sampling.replace('_', ' ')}, {'bf16, eager' if bf16 else 'fp32'}"
        lanes[name] = lambda s=sampling, b=bf16: _trainer(bench, items, sampling=s, bf16=b)
    for way in TRL if SFTTrainer is not None else ():
        for bf16 in (False, True):
            name = f"TRL SFTTrainer, {way}, {'bf16, eager' if bf16 else 'fp32'}"
            lanes[name] = lambda w=way, b=bf16: _trl(bench, items, way=w, bf16=b)
    return lanes


def _rows(n: int, *, longest: int) -> list[dict[str, Any]]:
    """Return examples of random letters; a token is a byte."""
    chance = random.Random(731)
    middle = math.log(longest / 256) + 4.2
    return [
        _row(n, min(longest - 16, max(16, round(chance.lognormvariate(middle, 0.6)))))
        for n in range(n)
    ]


def _row(n: int, length: int) -> dict[str, Any]:
    letters = "".join(random.Random(n).choices("abcdefghij ", k=length - 14))
    half = max(1, len(letters) // 3)
    messages = [{"role": "user", "content": letters[:half]},
                {"role": "assistant", "content": f"{letters[half:]}."}]  # fmt: skip
    role = "explanation" if n % 2 else "rationale"
    return {"key": str(n), "role": role, "messages": messages}


def _ours(bench: Bench, rows: list[dict[str, Any]], **settings: Any) -> Speed:
    spec, folder = _spec(bench, **settings), bench.place / "job"
    write_folder(folder, spec, {"train.jsonl": rows})
    clock = _Clock()
    job = _Timed(folder, clock)
    train(job, spec)
    sizes = [event.model_dump() for event in read_events(folder) if isinstance(event, Metric)]
    shutil.rmtree(folder)
    return clock.speed(
        sum(round(said["unpadded_tokens_per_s"] * said["seconds"]) for said in sizes[1:])
    )


class _Timed(Job):
    """Our job, its steps timed like those of the peers."""

    def __init__(self, folder: Path, clock: _Clock) -> None:
        super().__init__(folder)
        self._clock = clock

    def say(self, kind: str, **fields: Any) -> None:
        super().say(kind, **fields)
        if kind == "metric":
            self._clock.on_step_end()


class _Clock(TrainerCallback):
    """From the end of the first step to that of the last."""

    def __init__(self) -> None:
        self._at: list[tuple[float, float]] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note the time."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._at.append((time.perf_counter(), time.process_time()))

    def speed(self, tokens: float) -> Speed:
        """Return the speed at which the steps after the first went over so many tokens."""
        (began, cpu_began), (ended, cpu_ended) = self._at[0], self._at[-1]
        return Speed(tokens / (ended - began), tokens / (cpu_ended - cpu_began))

    def whole(self, tokens: float) -> Speed:
        """Return the speed over steps of which the first is known as a share only."""
        return self.speed(tokens * (len(self._at) - 1) / len(self._at))


def _plain(bench: Bench, items: list[Item], *, bf16: bool) -> Speed:
    """The loop of a tutorial: batches in the order they come, padded to the longest."""
    model = _model(bench, bf16=bf16).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    rows = [{"input_ids": item.ids, "prompt": item.prompt} for item in items]
    random.Random(731).shuffle(rows)
    clock = _Clock()
    for first in range(0, len(rows), BATCH):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = model(**_padded(rows[first : first + BATCH])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3)
        optimiser.step()
        optimiser.zero_grad()
        clock.on_step_end()
    return clock.whole(sum(len(item.ids) for item in items))


def _trainer(bench: Bench, items: list[Item], *, sampling: str, bf16: bool) -> Speed:
    arguments = TrainingArguments(
        **_common(bench), bf16=bf16, train_sampling_strategy=sampling, remove_unused_columns=False,
    )  # fmt: skip
    data = [{"input_ids": item.ids, "prompt": item.prompt} for item in items]
    clock = _Clock()
    Trainer(
        model=_model(bench, bf16=bf16), args=arguments, train_dataset=data,  # type: ignore[arg-type]
        data_collator=_padded, callbacks=[clock],
    ).train()  # fmt: skip
    return clock.whole(sum(len(item.ids) for item in items))


def _trl(bench: Bench, items: list[Item], *, way: str, bf16: bool) -> Speed:
    sampling = "group_by_length" if way == "by length" else "random"
    packed = way == "packed"
    arguments = SFTConfig(
        **_common(bench) | ({"per_device_train_batch_size": ROWS} if packed else {}),
        bf16=bf16, train_sampling_strategy=sampling, packing=packed, max_length=bench.longest if packed else None,
        padding_free=way == "padding-free", gradient_checkpointing=False,
        completion_only_loss=True, dataset_kwargs={"skip_prepare_dataset": False},
    )  # fmt: skip
    data = Dataset.from_list([
        {"input_ids": item.ids,
         "completion_mask": [0] * item.prompt + [1] * (len(item.ids) - item.prompt)}
        for item in items
    ])  # fmt: skip
    clock = _Clock()
    student = load_student(_spec(bench).student, beside=bench.place, dtype=torch.float32)
    SFTTrainer(
        model=_model(bench, bf16=bf16), args=arguments, train_dataset=data,
        processing_class=student.tokenizer, callbacks=[clock],
    ).train()  # fmt: skip
    return clock.whole(sum(len(item.ids) for item in items))


def _common(bench: Bench) -> dict[str, Any]:
    return {
        "output_dir": str(bench.place / "theirs"), "per_device_train_batch_size": BATCH,
        "num_train_epochs": 1, "report_to": [], "save_strategy": "no", "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(), "logging_strategy": "no", "max_grad_norm": 0.3,
        "dataloader_pin_memory": False, "learning_rate": 1e-4,
    }  # fmt: skip


def _model(bench: Bench, *, bf16: bool) -> Any:
    how = "eager" if bf16 and not torch.cuda.is_available() else "sdpa"
    if bf16 and torch.cuda.is_available() and find_spec("flash_attn"):
        how = "flash_attention_2"
    return AutoModelForCausalLM.from_pretrained(
        bench.place / "student", dtype=torch.float32, attn_implementation=how
    )


def _padded(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    width = max(len(row["input_ids"]) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    mask = torch.zeros_like(ids)
    for n, row in enumerate(rows):
        own, prompt = torch.tensor(row["input_ids"]), row["prompt"]
        ids[n, : len(own)], mask[n, : len(own)] = own, 1
        labels[n, prompt : len(own)] = own[prompt:]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _spec(bench: Bench, **settings: Any) -> TrainSpec:
    return TrainSpec(
        student=StudentSpec(location=str(bench.place / "student")), full=True, epochs=1,
        batch_examples=BATCH, max_tokens=2 * bench.longest, batch_tokens=bench.batch_tokens, lr=1e-4, save_steps=10**6, **settings,
    )  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed of training, ours and theirs.")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--vocabulary", type=int, default=8192)
    parser.add_argument("--examples", type=int, default=320)
    parser.add_argument("--longest", type=int, default=256, help="tokens of the longest example")
    parser.add_argument("--batch-tokens", type=int, default=4096, help="of our micro-batches")
    parser.add_argument("--compiled", action="store_true", help="our loop compiled, too: minutes")
    parser.add_argument("--only", default="", help="ours, and those with this in their name")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
