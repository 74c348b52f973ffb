"""How exactly a run goes on: killed twenty times, also while saving, against one left alone.

    python tests/benchmarks/kills.py [--kills 20] [--seed 731] [--full]

Both runs are real jobs in processes of their own, ended with SIGKILL at random moments; every second
one in the midst of writing a checkpoint. Printed is where each kill fell; it fails where a loss, of
any role at any step, or a weight differs in a single bit.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from studio.flow.job_folder import write_rows
from studio.jobs import checkpoints
from tests.jobs.conftest import examples, losses_of
from tests.jobs.test_kill import Jobs, some_steps_later, steps_in, while_saving
from tests.tiny_student import main as make_student


def main() -> int:
    """Kill, resume, compare."""
    options = _options()
    jobs, chance = Jobs(), random.Random(options.seed)
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        make_student(place / "student")
        whole, broken = (_folder(place, name, options) for name in ("whole", "broken"))
        assert jobs.run(whole) == 0
        for n in range(options.kills):
            saving = n % 2 == 1
            moment = while_saving(broken) if saving else some_steps_later(broken, chance)
            if jobs.run(broken, kill_when=moment) != -signal.SIGKILL:
                print(f"the run ended before kill {n + 1}: take more epochs")
                return 1
            whole_ones = checkpoints.complete(broken / "artifacts")
            step = whole_ones[0].name.rpartition("-")[2] if whole_ones else "the start"
            print(f"kill {n + 1:>2} after {steps_in(broken):>4} steps told, "
                  f"{'while saving' if saving else 'between':<12} goes on from {step}")  # fmt: skip
        assert jobs.run(broken) == 0
        jobs.close()
        same = losses_of(broken) == losses_of(whole)
        name = "model/model" if options.full else "adapter/adapter_model"
        one, other = (load_file(each / f"artifacts/{name}.safetensors") for each in (whole, broken))
        equal = all(value.equal(other[key]) for key, value in one.items())
        print(f"{len(losses_of(whole))} steps: losses {'identical' if same else 'DIFFER'}, "
              f"weights {'identical' if equal else 'DIFFER'}")  # fmt: skip
    return 0 if same and equal else 1


def _folder(place: Path, name: str, options: argparse.Namespace) -> Path:
    folder = place / name
    (folder / "data").mkdir(parents=True)
    (folder / "artifacts").mkdir()
    spec: dict[str, Any] = {
        "job": "train", "student": {"location": str(place / "student")}, "threads": 1,
        "epochs": 4 * options.kills, "batch_examples": 4, "save_steps": 1, "lr": 0.01,
        "eval_steps": 5, "full": options.full, "lora": {"r": 4, "dropout": 0.1},
    }  # fmt: skip
    (folder / "spec.json").write_text(json.dumps(spec))
    write_rows(folder / "data" / "train.jsonl", examples())
    write_rows(folder / "data" / "validation.jsonl", examples(3))
    return folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill a training run at random, again and again.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=731)
    parser.add_argument("--full", action="store_true", help="train all weights")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
