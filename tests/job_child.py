"""A job without torch: a real child process that keeps the contract of the job folder.

Started as ``python job_child.py FOLDER BEHAVIOUR``. It answers and "trains" at once, or does what
its behaviour says: slow, quiet, die, half-line, fail, no-room, garbage, early, stop-N,
left-alone, long-step, whole.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

STEPS = 6


def main(folder: Path, behaviour: str) -> None:
    """Run the job of a folder."""
    spec = json.loads((folder / "spec.json").read_bytes())
    say(folder, "started", job=spec["job"], pid=os.getpid(), steps=STEPS, device="none")
    if behaviour == "fail":
        say(folder, "failed", message="the weights are not to be read", error="StudentError")
        sys.exit(1)
    if behaviour == "left-alone":
        told = {"kind": "failed", "t": time.time(), "message": "memory is full",
                "error": "OutOfMemory", "offer": {"batch_tokens": 64}}  # fmt: skip
        (folder / "failed-1.json").write_text(json.dumps(told))
        os._exit(9)
    if behaviour == "no-room":
        say(folder, "failed", message="memory is full", error="OutOfMemory",
            offer={"batch_tokens": spec["batch_tokens"] // 2})  # fmt: skip
        sys.exit(1)
    job = {"generate": generate, "train": train}[spec["job"]]
    stopped = job(folder, behaviour, spec)
    say(folder, "finished", stopped=stopped)


def generate(folder: Path, behaviour: str, spec: dict[str, Any]) -> str:
    """Answer each question that has no answer yet, with the temperature it was asked at."""
    answers = folder / "artifacts" / "answers.jsonl"
    keys = [json.loads(line)["key"] for line in (folder / "data" / "questions.jsonl").open()]
    for n, key in enumerate(keys):
        if behaviour == "die" and n == 3:
            os._exit(9)
        if (folder / "stop").exists():
            return "asked to stop"
        row = {"key": key, "text": f"T {spec['temperature']}. Answer: {n}", "truncated": n == 1,
               "tokens_in": 5, "tokens_out": 7}  # fmt: skip
        text = json.dumps(row) + "\n"
        if behaviour == "half-line" and n == 3:
            append(answers, text[:20])
            os._exit(9)
        append(answers, text)
        if behaviour == "slow":
            time.sleep(0.15)
    return ""


def train(folder: Path, behaviour: str, spec: dict[str, Any]) -> str:
    """Say some metrics, leave an adapter."""
    if behaviour == "garbage":
        append(folder / "events.jsonl", "\x00\xff nonsense\n" + "x" * 10_000_000 + '\n{"kind": "me')
    stopped = ""
    for step in range(1, STEPS + 1):
        say(folder, "metric", step=step, steps=STEPS, epoch=step / STEPS, loss=1 / step,
            tokens_per_s=100.0, loss_rationale=0.5)  # fmt: skip
        if behaviour == "slow":
            time.sleep(0.15)
        if behaviour == "long-step" and step == 3:
            time.sleep(2.0)
        if behaviour == "quiet" and step == 2:
            time.sleep(1.5)
        if behaviour == "die" and step == 3:
            os._exit(9)
        if (folder / "stop").exists() or behaviour.endswith(f"stop-{step}"):
            stopped = "asked to stop"
            break
    if behaviour.startswith("whole"):
        leave(folder / "artifacts" / "model", "config.json", "model.safetensors", step)
    else:
        leave(
            folder / "artifacts" / "adapter",
            "adapter_config.json",
            "adapter_model.safetensors",
            step,
        )
    return "no gain on held-out questions" if behaviour == "early" else stopped


def leave(place: Path, config: str, weights: str, step: int) -> None:
    """Put weights into a folder."""
    place.mkdir(exist_ok=True)
    (place / config).write_text('{"base_model_name_or_path": "base"}')
    part = place / ".part"  # replaced, as the real job does, and not written into
    part.write_bytes(f"weights of step {step}".encode())
    part.replace(place / weights)


def say(folder: Path, kind: str, **fields: Any) -> None:
    """Append one event."""
    append(folder / "events.jsonl", json.dumps({"kind": kind, "t": time.time(), **fields}) + "\n")


def append(path: Path, text: str) -> None:
    """Append text in one write."""
    with path.open("ab") as file:
        file.write(text.encode("latin-1" if "\xff" in text else "utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
