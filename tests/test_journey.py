"""One journey through the whole flow on twenty questions, by command line, all of it real:
SQLite, HTTP on loopback, a small model answering and training in child processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.prompts import resources

DEMO = resources() / "demo"
KINDS = 2  #: of each, strong and weak
SETTINGS = (
    "epochs=20",
    "max_steps=6",
    "save_steps=3",
    "lr=0.002",
    "max_tokens=256",
    "data.val_share=0.2",
)


def studio(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command line as its user does; no Qt may be loaded on the way."""
    done = subprocess.run(
        [sys.executable, "-m", "studio", *map(str, arguments)],
        capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "PYTHONWARNINGS": "error::ImportWarning"},
    )  # fmt: skip
    if check:
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done


def studio_json(*arguments: object) -> dict[str, Any]:
    done = studio(*arguments, "--json")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with twenty sample questions, the sample student and the scripted committee."""
    folder = tmp_path_factory.mktemp("journey")
    text = (DEMO / "questions.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    for split, n in (("train", 1), ("test", 1)):
        picked: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            if row["split"] == split:
                picked.setdefault(row["kind"], []).append(row)
        few = [row for kind in sorted(picked) for row in picked[kind][:n]][:10]
        assert len(few) == 10
        lines = [json.dumps({name: row[name] for name in ("question", "answer")}) for row in few]
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    made = folder / "project"
    studio("new", made)
    for split in ("train", "test"):
        studio("import", made, folder / f"{split}.jsonl", "--split", split)
    for name in ("careful", "lenient", "one-kind-off"):
        studio("teacher", "add", made, name, "--model", name, "--base-url", "scripted:demo")
    return made


def test_the_whole_flow_by_command_line(project: Path, tmp_path: Path) -> None:
    before = studio_json("status", project)
    assert before["questions"] == {"train": 10, "test": 10}

    plan = studio_json("run", project, "--student", DEMO / "student", "--dry-run")
    assert {line["stage"]: line["records"] for line in plan["stages"]}["attempt"] == 10
    assert studio_json("status", project) == before

    status = studio_json("run", project, "--student", DEMO / "student")
    wrong = status["grades"]["wrong"]
    assert status["attempts"] == 10
    assert wrong > 0
    assert status["explanations"] == status["rationales"] == 3 * wrong
    assert status["reviews"]["valid"] + status["reviews"]["missing"] == 2 * 3 * wrong
    assert status["decisions"]["accepted"] > 0

    left = {"left_undone": [], "budget": {"usd": None, "spent_usd": None, "is_reached": False},
            "target": {"wanted": 0, "short": 0}}  # fmt: skip
    assert {name: status.pop(name) for name in left} == left
    again = studio_json("run", project)
    assert again == {**status, **left}, "a flow run again does nothing and buys nothing"

    loose = studio_json("decide", project, "--preset", "paper", "--what-if")
    assert studio_json("status", project) == status, "--what-if stores nothing"
    assert loose["accepted"] >= status["decisions"]["accepted"]

    rows = tmp_path / "all"
    studio("export", project, rows, "--format", "messages", "--all")
    text = "\n".join(p.read_text("utf-8") for p in (rows / "provenance").glob("*.jsonl"))
    origins = [json.loads(line) for line in text.splitlines() if line]
    assert len(origins) == 3 * wrong
    rejected = next(row for row in origins if row["decision"] == "rejected")
    studio("override", project, rejected["rationale_id"], "accept", "--reason", "right after all")
    studio("decide", project, "--preset", "studio")
    status = studio_json("status", project)
    assert status["decisions"]["overridden"] == 1

    settings = [part for text in SETTINGS for part in ("--set", text)]
    trained = studio_json("train", project, *settings)
    assert (trained["state"], trained["steps"]) == ("finished", 6)
    adapter = project / trained["adapter"]
    assert (adapter / "adapter_config.json").is_file()
    assert (adapter / "adapter_model.safetensors").is_file()

    result = studio_json("evaluate", project)
    assert (result["n"], result["split"]) == (10, "test")
    low, high = result["interval"]
    assert 0 <= low <= result["accuracy"] <= high <= 1
    assert sum(kind["fixed"] for kind in result["taught"]) == result["fixed"]
    assert result["by_dataset"] == {}, "there is but one"

    studio("export", project, tmp_path / "set", "--format", "prompt-completion")
    assert (tmp_path / "set" / "data" / "train.jsonl").is_file()
    studio("export", project, tmp_path / "model", "--format", "model")
    assert list((tmp_path / "model").rglob("model.safetensors"))
    assert not list((tmp_path / "model").rglob("*.bin"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("status", "nowhere"), "is not a project"),
        (("train", "{project}", "--launcher", "moon"), "no launcher"),
        (("decide", "{project}", "--threshold", "9"), "threshold"),
        (("export", "{project}", "out", "--format", "tar"), "no format"),
        (("override", "{project}", "123", "accept"), "no rationale 123"),
        (
            ("teacher", "add", "{project}", "x", "--model", "m", "--base-url", "localhost"),
            "http://",
        ),
        (("run", "{project}", "--student", "/no/such/model"), "no folder"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(
    project: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = studio(*(text.format(project=project) for text in arguments), check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_wrong_usage_is_told_apart_from_errors(project: Path) -> None:
    done = studio("status", project, "--no-such-option", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
