"""Training by the command line: interrupted it keeps what it learned, and says how to go on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.cli.afterwards import tell_trained
from studio.cli.dry_run import _in_words
from studio.domain.dealing import Load
from studio.domain.memory import estimate, shape_of
from studio.domain.records import StudentRecord
from studio.domain.specs import train_spec
from studio.flow.model_files import tensors_of
from studio.prompts import resources
from studio.store.tables import Store
from tests.curated import add_case, add_question, add_rationale

HELD_OUT = "A baker made 48 rolls on Monday and sold 29 of them before noon. How many were left?"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    store = Store.create(tmp_path / "p")
    cases = [add_case(store, f"How many are {n} and 4?") for n in range(6)]
    add_question(store, HELD_OUT, split="test")
    for case in cases:
        add_rationale(store, case, teacher="llama", text=f"{HELD_OUT} Answer: 7")
    student = str(resources() / "demo" / "student")
    store.put(StudentRecord(name="small", location=student, prompts="bare"))
    store.set_setting("student", "small")
    store.close()
    return tmp_path / "p"


def begin(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "studio", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUTF8": "1"}, preexec_fn=hear_interrupts,
    )  # fmt: skip


def hear_interrupts() -> None:
    """Undo what a shell does to work in its background: its children would not hear Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="another key ends a program there")
def test_an_interrupted_run_says_how_to_go_on_and_does(project: Path) -> None:
    pytest.importorskip("torch")
    settings = ["epochs=12", "batch_examples=1", "quiz=0", "early_stopping=0", "data.val_share=0"]
    child = begin("train", project, *(part for one in settings for part in ("--set", one)))
    until = time.monotonic() + 90
    while time.monotonic() < until and child.poll() is None:
        told = [path.read_text("utf-8") for path in project.glob("runs/*/events.jsonl")]
        if any('"kind":"metric"' in text.replace(" ", "") for text in told):
            break
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    found = re.search(r"is kept: '.* --resume (\w+)' goes on with it", said)
    assert found, said
    again = begin("train", project, "--resume", found[1])
    told, said = again.communicate(timeout=240)
    assert again.returncode == 0, said
    assert re.search(r"finished after 360 steps", told), told
    assert "note: examples that share 8 to 13 words in a row with a held-out question: 6" in told
    store = Store(project, read_only=True)
    (row,) = store.rows("SELECT state, result FROM run_states")
    store.close()
    assert row["state"] == "finished"
    assert len(json.loads(row["result"])["lives"]) == 2


def test_it_says_which_weights_were_kept_and_which_had_the_lowest_held_out_loss(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = {"run": "ab", "state": "finished", "steps": 9, "loss": 0.5, "tokens_per_s": 10.0,
             "message": "", "warnings": [], "adapter": "here"}  # fmt: skip
    last = {"loss": 0.25, "step": 6, "weights_step": 9}
    for held_out, more, said in (
        ({}, {}, ""),
        ({"loss": None, "step": 0, "weights_step": 9}, {}, ""),
        ({"loss": 0.25, "step": 6, "weights_step": None}, {}, ""),
        ({"loss": 0.25, "step": 9, "weights_step": 9}, {}, "9 (0.2500): these are the weights"),
        (last, {}, "6 (0.2500), the weights are of step 9; --set result=best ends with the former"),
        (last, {"ends_with_best": True},
         "6 (0.2500), the weights are of step 9, for no checkpoint of the former was kept"),
        (last, {"ends_with_best": True, "state": "stopped"},
         "6 (0.2500), the weights are of step 9, where it was stopped"),
    ):  # fmt: skip
        tell_trained({**ended, "ends_with_best": False, "held_out": held_out, **more})
        told = capsys.readouterr().out.splitlines()
        assert "after 9 steps, loss 0.5000 (mean of its last steps, 10 at most), 10 sup" in told[0]
        assert told[1:] == [
            *([f"held-out loss lowest at step {said}"] if said else []),
            "adapter: here",
        ]


def test_a_run_stopped_before_its_first_step_is_told_without_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell_trained({"run": "ab", "state": "stopped", "steps": 0, "loss": None, "tokens_per_s": None,
                  "message": "asked to stop", "warnings": [], "adapter": "here",
                  "held_out": {"loss": None, "step": 0, "weights_step": 0}})  # fmt: skip
    told = capsys.readouterr().out.splitlines()
    assert told == ["run ab stopped after 0 steps", "ended asked to stop", "adapter: here"]


def test_the_memory_foretold_follows_from_the_tokens_that_were_counted(project: Path) -> None:
    pytest.importorskip("torch")
    child = begin("train", project, "--dry-run", "--json", "--set", "precision=fp32")
    out, said = child.communicate(timeout=120)
    assert child.returncode == 0, said
    told = json.loads(out)
    spec, load = train_spec(told["spec"]), Load(**told["memory"]["micro_batch"])
    longest = max(of["longest"] for name, of in told["tokens"]["roles"].items() if "train" in name)
    assert load.longest <= longest
    assert load.tokens % load.longest == 0  # padded to the longest of the micro-batch
    assert load.longest <= load.tokens <= spec.batch_tokens
    assert 0 < load.supervised < load.tokens
    student = resources() / "demo" / "student"
    shape = shape_of(json.loads((student / "config.json").read_text()))
    assert shape is not None
    expected = estimate(shape, tensors_of(student), spec, load=load, on_gpu=False)
    assert told["memory"]["lines"] == {need.name: need.bytes for need in expected.needs}


def test_where_nothing_tells_what_memory_is_free_the_need_is_told_alone() -> None:
    told = {"examples": {}, "questions": 1, "steps": 2, "spec": {"student": {"location": "x"}},
            "memory": {"total": 2_000_000, "free": None, "on_gpu": False, "checkpointing": False,
                       "lines": {"weights": 2_000_000}}}  # fmt: skip
    assert ("memory", "2.0 MB: weights 2.0 MB") in list(_in_words(told))
