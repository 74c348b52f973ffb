"""How fast training is: our loop beside Transformers' Trainer, on the same data in the same run.

    python tests/benchmarks/training.py [--hidden 256] [--layers 6] [--examples 480] [--rounds 2]

Both train all weights of the same random Llama in fp32, 16 examples a step, lengths log-normal from
16 to 256 tokens. Printed are real (unpadded) tokens a second; machines differ, so look at ratios.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as a job sets it
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import Trainer, TrainingArguments

from studio.domain.events import Metric
from studio.domain.specs import StudentSpec, TrainSpec
from studio.flow.job_folder import read_events, write_folder
from studio.jobs.batches import Item, read_examples
from studio.jobs.job import Job
from studio.jobs.student import Student, load_student
from studio.jobs.train import train
from tests.tiny_student import main as make_student

BATCH = 16


class Speed(NamedTuple):
    """What one trainer did in one round."""

    name: str
    tokens_per_s: float
    seconds: float


def main() -> None:
    """Measure both, turn by turn, and print a table."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_student(place / "student", hidden_size=options.hidden, layers=options.layers)
        rows = _rows(options.examples)
        speeds = [
            speed
            for number in range(options.rounds)
            for speed in (_ours(place, rows, number), *_theirs(place, rows, number))
        ]
    print(f"{'':<28}{'tokens/s':>12}{'seconds':>10}")
    for speed in speeds:
        print(f"{speed.name:<28}{speed.tokens_per_s:>12,.0f}{speed.seconds:>10.1f}")


def _rows(n: int) -> list[dict[str, Any]]:
    """Return examples of random letters; a token is a byte."""
    chance = random.Random(731)
    return [_row(n, min(240, max(16, round(chance.lognormvariate(4.2, 0.6))))) for n in range(n)]


def _row(n: int, length: int) -> dict[str, Any]:
    letters = "".join(random.Random(n).choices("abcdefghij ", k=length - 14))
    half = max(1, len(letters) // 3)
    messages = [{"role": "user", "content": letters[:half]},
                {"role": "assistant", "content": f"{letters[half:]}."}]  # fmt: skip
    role = "explanation" if n % 2 else "rationale"
    return {"key": str(n), "role": role, "messages": messages}


def _ours(place: Path, rows: list[dict[str, Any]], number: int) -> Speed:
    spec = _spec(place)
    folder = place / f"job-{number}"
    write_folder(folder, spec, {"train.jsonl": rows})
    train(Job(folder), spec)
    steps = [event for event in read_events(folder) if isinstance(event, Metric)]
    seconds = steps[-1].t - steps[0].t  # from the end of the first step to that of the last
    done = sum(len(item.ids) for item in _items(folder, spec)[0]) * (len(steps) - 1) / len(steps)
    shutil.rmtree(folder)
    return Speed("our loop", done / seconds, seconds)


def _theirs(place: Path, rows: list[dict[str, Any]], number: int) -> list[Speed]:
    folder = place / f"data-{number}"
    write_folder(folder, _spec(place), {"train.jsonl": rows})
    items, student = _items(folder, _spec(place))
    return [
        _trainer(place, items, student, sampling=sampling)
        for sampling in ("random", "group_by_length")
    ]


def _trainer(place: Path, items: list[Item], student: Student, *, sampling: str) -> Speed:
    arguments = TrainingArguments(
        output_dir=str(place / "theirs"), per_device_train_batch_size=BATCH, num_train_epochs=1,
        train_sampling_strategy=sampling, report_to=[], save_strategy="no", disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(), logging_strategy="no", max_grad_norm=0.3,
        dataloader_pin_memory=False, remove_unused_columns=False,
    )  # fmt: skip
    data = [{"input_ids": item.ids, "prompt": item.prompt} for item in items]
    trainer = Trainer(
        model=student.model, args=arguments, train_dataset=data,  # type: ignore[arg-type]
        data_collator=_padded,
    )  # fmt: skip
    started = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - started
    tokens = sum(len(item.ids) for item in items)
    return Speed(f"Trainer, {sampling.replace('_', ' ')}", tokens / seconds, seconds)


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


def _spec(place: Path) -> TrainSpec:
    return TrainSpec(
        student=StudentSpec(location=str(place / "student")), full=True, epochs=1,
        batch_examples=BATCH, max_tokens=512, precision="fp32", lr=1e-4, save_steps=10**6,
    )  # fmt: skip


def _items(folder: Path, spec: TrainSpec) -> tuple[list[Item], Student]:
    student = load_student(spec.student, beside=folder, dtype=torch.float32)
    return read_examples(folder / "data" / "train.jsonl", student, spec).items, student


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed of training, ours and theirs.")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--examples", type=int, default=480)
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
