"""How fast an exam is: our batches beside the plain loop that asks Transformers one by one.

    python tests/benchmarks/exam.py [--hidden 128] [--questions 48] [--new-tokens 64] [--rounds 2]

The same random Llama answers the same questions of mixed length, greedily. One token in
sixty ends an answer, so that answers end at many lengths, as a real student's do. Printed are answers
a second, the best round of each, and whether all answers are the same.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as a job sets it
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from studio.domain.specs import GenerateSpec, StudentSpec
from studio.jobs.decode import decode
from studio.jobs.generate import Asked, batches
from studio.jobs.student import Student, load_student, use_threads
from tests.tiny_student import main as make_student


def main() -> None:
    """Measure both, turn by turn, and print a table."""
    options = _options()
    use_threads(0)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "student"
        make_student(place, hidden_size=options.hidden, layers=options.layers,
                     vocabulary_size=options.vocabulary)  # fmt: skip
        student = load_student(StudentSpec(location=str(place)), beside=place, dtype=torch.float32)
    student.model.eval()
    spec = GenerateSpec(
        student=StudentSpec(location="x"), temperature=0, max_new_tokens=options.new_tokens
    )
    asked = [
        Asked(str(n), student.prompt_ids([{"role": "user", "content": f"{n} " + "How many? " * (n % 9)}]))
        for n in range(options.questions)
    ]  # fmt: skip
    _end_often(student)
    lanes = {"one by one": _plain, "our batches": _ours}
    best: dict[str, float] = dict.fromkeys(lanes, 0.0)
    said: dict[str, dict[str, list[int]]] = {}
    for _ in range(options.rounds):
        for name, lane in lanes.items():
            began = time.perf_counter()
            said[name] = lane(student, asked, spec)
            best[name] = max(best[name], len(asked) / (time.perf_counter() - began))
    lengths = [len(ids) for ids in said["our batches"].values()]
    print(f"{len(asked)} questions, answers of {min(lengths)} to {max(lengths)} tokens")
    for name, speed in best.items():
        print(f"{name:<14}{speed:>8.1f} answers/s{speed / best['one by one']:>8.1f}x")
    same = sum(said["one by one"][key] == ids for key, ids in said["our batches"].items())
    print(f"{same} of {len(asked)} answers are the same to the token")


def _plain(student: Student, asked: list[Asked], spec: GenerateSpec) -> dict[str, list[int]]:
    model: Any = student.model
    found = {}
    for one in asked:
        with torch.inference_mode():
            whole = model.generate(
                torch.tensor([one.ids]), attention_mask=torch.ones(1, len(one.ids), dtype=torch.long),
                max_new_tokens=spec.max_new_tokens, do_sample=False, pad_token_id=student.pad_id,
            )[0].tolist()  # fmt: skip
        found[one.key] = [token for token in whole[len(one.ids) :] if token not in student.stops]
    return found


def _ours(student: Student, asked: list[Asked], spec: GenerateSpec) -> dict[str, list[int]]:
    found = {}
    for batch in batches(asked, student, spec):
        replies = decode(student, [one.ids for one in batch], max_new_tokens=spec.max_new_tokens)
        assert replies is not None
        found |= {one.key: reply.ids for one, reply in zip(batch, replies, strict=True)}
    return found


def _end_often(student: Student) -> None:
    """Let one token in sixty end an answer."""
    chance = torch.Generator().manual_seed(731)
    size = student.model.config.vocab_size
    ends = torch.randperm(size, generator=chance)[: size // 60].tolist()
    student.model.generation_config.eos_token_id = [*ends, *student.stops]  # type: ignore[union-attr]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed of an exam, ours and the plain loop's.")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--questions", type=int, default=48)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
