"""How well training's memory is foretold: predicted beside measured peak, for fourteen settings.

    python tests/benchmarks/memory.py [--hidden 512] [--layers 8] [--heads 8] [--vocabulary 8192]

Each setting is a real job in a process of its own: over examples of equal length, or, for the sample
project's student, over that project's own questions with its own settings. Measured is how far
the resident memory rose above what the process had before it touched the student (a pass over a
student of another size is done first, so that the libraries' own memory is not counted). The C
library is told to give freed memory back at once (MALLOC_MMAP_THRESHOLD_): what is measured is what
the tensors take. Left alone (--as-it-runs), glibc keeps freed memory for later, which is faster, and
the process may grow to twice as much where memory is plenty. It fails where a prediction is more than
15 % off. Of several processes the peaks are added up, as if all had theirs at once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as a job sets it
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from studio.domain import memory
from studio.domain.dealing import Size
from studio.domain.specs import StudentSpec, TrainSpec, read_spec, train_spec
from studio.flow.job_folder import write_folder
from studio.flow.model_files import tensors_of

WITHIN = 0.15
DEMO = Path(__file__).parents[2] / "resources" / "demo"
LORA = {"lora": {"r": 16, "dropout": 0.05}}
SAMPLE = 0  #: instead of a length: the sample student, its questions and its settings


class Setting(NamedTuple):
    """One line of the table."""

    tokens: int  #: of each example; SAMPLE for what the sample project has
    values: dict[str, Any]
    student: str = "student"


SETTINGS = {
    "full, fp32, 240 tokens": Setting(240, {"full": True, "precision": "fp32"}),
    "full, bf16, 240 tokens": Setting(240, {"full": True, "precision": "bf16"}),
    "LoRA, fp32, 240 tokens": Setting(240, {"precision": "fp32", **LORA}),
    "LoRA, bf16, 480 tokens": Setting(480, {"precision": "bf16", **LORA}),
    "LoRA, fp32, 480 tokens, checkpointing": Setting(
        480, {"precision": "fp32", "gradient_checkpointing": "on", **LORA}
    ),
    "LoRA, fp32, 600 tokens": Setting(600, {"precision": "fp32", **LORA}),
    "LoRA, base in 4 bit, 240 tokens": Setting(
        240, {"precision": "fp32", "four_bit": True, **LORA}
    ),
    "full, fp32, 240 tokens, two processes": Setting(
        240, {"full": True, "precision": "fp32", "processes": 2}
    ),
    "full, fp32, 240 tokens, shared by two": Setting(
        240, {"full": True, "precision": "fp32", "processes": 2, "sharded": True}
    ),
    "T5, full, fp32, 240 tokens": Setting(240, {"full": True, "precision": "fp32"}, "t5"),
    "T5, LoRA, fp32, 240 tokens": Setting(240, {"precision": "fp32", **LORA}, "t5"),
    "sample student, LoRA": Setting(SAMPLE, {}),
    "sample student, LoRA, bf16": Setting(SAMPLE, {"precision": "bf16"}),
    "sample student, full": Setting(SAMPLE, {"full": True}),
}
EXAMPLES = 32
_PEAK = "peak:"


def main() -> int:
    """Measure each setting and print a table."""
    options = _options()
    if options.job:
        print(_PEAK, _peak(Path(options.job)), flush=True)
        return 0
    worst = 0.0
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        _make_students(place, options)
        print(f"{'':<40}{'predicted':>11}{'measured':>11}{'off by':>9}")
        for name, setting in SETTINGS.items():
            if options.only not in name:
                continue
            folder = place / name.replace(" ", "-").replace(",", "")
            spec, rows = _spec(place, setting), _rows(setting.tokens)
            write_folder(folder, spec, {"train.jsonl": rows})
            small = StudentSpec(location=str(place / "small"))
            warm = spec.model_copy(update={
                "student": small, "max_steps": 1, "max_tokens": 1024, "save_steps": 0
            })  # fmt: skip
            write_folder(_warm(folder), warm, {"train.jsonl": _rows(32)})
            found = _in_a_process(folder, as_it_runs=options.as_it_runs)
            told = _predicted(spec, [Size(*one) for one in json.loads(_sizes(folder).read_bytes())])
            off = told / found - 1
            worst = max(worst, abs(off))
            print(
                f"{name:<40}{told / 2**20:>8,.0f} MB{found / 2**20:>8,.0f} MB{off:>+9.1%}",
                flush=True,
            )
    return int(worst > WITHIN)


def _predicted(spec: TrainSpec, examples: Sequence[Size]) -> int:
    student = Path(spec.student.location)
    shape = memory.shape_of(json.loads((student / "config.json").read_bytes()))
    assert shape is not None
    flags = Path("/proc/cpuinfo").read_text().split()
    found = memory.at_worst(
        shape, tensors_of(student), spec, examples=examples, on_gpu=False,
        cpu_has_bf16=bool({"avx512_bf16", "amx_bf16"} & set(flags)),
    )  # fmt: skip
    return found.total


def _in_a_process(folder: Path, *, as_it_runs: bool) -> int:
    spec = read_spec(folder)
    assert isinstance(spec, TrainSpec)
    together = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={spec.processes}"]
    alone = spec.processes == 1
    command = [sys.executable, *([] if alone else together), __file__, "--job", str(folder)]
    told = {} if as_it_runs else {"MALLOC_MMAP_THRESHOLD_": "131072"}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **told}
    )
    said = [line.split()[1] for line in done.stdout.splitlines() if line.startswith(_PEAK)]
    assert len(said) == spec.processes
    return sum(map(int, said))


def _peak(folder: Path) -> int:
    """Run a job here; returns by how many bytes the memory rose at most. Writes how large its data is."""
    import torch

    from studio.jobs.batches import read_examples
    from studio.jobs.job import Job
    from studio.jobs.student import load_student
    from studio.jobs.train import train

    warm, spec = read_spec(_warm(folder)), read_spec(folder)
    assert isinstance(warm, TrainSpec)
    assert isinstance(spec, TrainSpec)
    train(Job(_warm(folder)), warm)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    train(Job(folder), spec)
    peak = _status("VmHWM") - before
    student = load_student(spec.student, beside=folder, dtype=torch.float32)
    items = read_examples(folder / "data" / "train.jsonl", student, spec).items
    sizes = [(item.tokens, item.supervised, item.role) for item in items]
    _sizes(folder).write_text(json.dumps(sizes), encoding="utf-8")
    return peak


def _sizes(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-sizes.json")


def _warm(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-warm")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024


def _rows(length: int) -> list[dict[str, Any]]:
    """Return examples of exactly so many tokens, half of them learned; a token is a byte.

    Args:
        length: or SAMPLE for questions and solutions of the sample project.
    """
    if length == SAMPLE:
        told = map(json.loads, (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines())
        learned = [one for one in told if one["split"] == "train"][: 8 * EXAMPLES]
        return [
            {"key": one["key"], "role": "rationale", "messages": [
                {"role": "user", "content": one["question"]},
                {"role": "assistant", "content": one["solution"]},
            ]}
            for one in learned
        ]  # fmt: skip
    from tests.benchmarks.training import _row

    return [_row(n, length) for n in range(EXAMPLES)]


def _spec(place: Path, setting: Setting) -> TrainSpec:
    if setting.tokens == SAMPLE:
        own = json.loads((DEMO / "training.json").read_bytes())
        own |= {"data": None, "student": {"location": str(DEMO / "student")}, "epochs": 1}
        return train_spec(
            {name: value for name, value in {**own, **setting.values}.items() if value}
        )
    return TrainSpec(
        student=StudentSpec(location=str(place / setting.student)), epochs=1, batch_examples=16,
        max_tokens=1024, max_steps=2, **setting.values,
    )  # fmt: skip


def _make_students(place: Path, options: argparse.Namespace) -> None:
    from tests.tiny_student import encoder_decoder
    from tests.tiny_student import main as make_student

    for name, hidden, layers in (("student", options.hidden, options.layers), ("small", 32, 2)):
        make_student(place / name, hidden_size=hidden, layers=layers, heads=options.heads, context=1024,
                     vocabulary_size=options.vocabulary)  # fmt: skip
    encoder_decoder(
        place / "t5", hidden_size=options.hidden, layers=options.layers // 2, heads=options.heads
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Predicted and measured memory of training.")
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--vocabulary", type=int, default=8192)
    parser.add_argument("--only", default="", help="settings with this in their name")
    parser.add_argument("--as-it-runs", action="store_true", help="leave the C library alone")
    parser.add_argument("--job", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
