"""Two rounds by one command with everything that can be asked for beyond once, over HTTP on loopback:
samples, target, revisions, blind reviews, reviews of explanations, a budget; broken off, and gone on with."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain.records import Review
from studio.prompts import resources
from studio.store.tables import Store
from tests.fakes import FaultyEndpoint
from tests.ledger import check_ledger

DEMO = resources() / "demo"
MARK = re.compile(r"SCORE_([0-9a-f]{16}):")
ASKED = ("--samples", "2", "--target", "5", "--most-samples", "3", "--revise", "1", "--blind",
         "--review-explanations", "--budget", "1")  # fmt: skip
FEW_STEPS = ("--set", "max_steps=4", "--set", "save_steps=2", "--set", "max_tokens=256",
             "--set", "lr=0.002")  # fmt: skip


class Committee:
    """Answers every purpose: each first solution is wrong, each revision right; scores say which."""

    def __init__(self, gold: dict[str, str]) -> None:
        self._gold = gold
        self.asked: Counter[str] = Counter()

    def answer(self, request: dict[str, Any]) -> str:
        text = "\n".join(message["content"] for message in request["messages"])
        gold = next(answer for question, answer in self._gold.items() if question in text)
        if marks := MARK.findall(text):
            kind = "explanations" if "You check an explanation" in text else "rationales"
            self.asked[f"reviews of {kind}"] += 1
            self.asked["told gold"] += "right final answer is" in text and kind == "rationales"
            score = 1 if "Answer: 987" in text else 5
            return f"{'The last sum is off' if score == 1 else 'Fine'}.\nSCORE_{marks[-1]}: {score}"
        if "was not accepted" in text:
            assert "The last sum is off" in text, "a revision is asked for with the comments"
            self.asked["revisions"] += 1
            return f"Count again, step by step.\nAnswer: {gold}"
        self.asked["others"] += 1
        return "I count them.\nAnswer: 987"


@pytest.fixture
def rows() -> dict[str, list[dict[str, Any]]]:
    """Questions of the sample project by split: kinds that its student does not know."""
    text = (DEMO / "questions.jsonl").read_text(encoding="utf-8")
    found: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    for row in map(json.loads, text.splitlines()):
        found[row["split"]].append(row)
    return {split: of_split[:: len(of_split) // 14] for split, of_split in found.items()}


@pytest.fixture
def committee(rows: dict[str, list[dict[str, Any]]]) -> Committee:
    return Committee({row["question"]: row["answer"] for row in rows["train"]})


@pytest.fixture
def endpoint(committee: Committee) -> Iterator[FaultyEndpoint]:
    made = FaultyEndpoint(committee.answer, latency_s=0.02)
    yield made
    made.close()


def studio(*arguments: object) -> str:
    done = subprocess.run([sys.executable, "-m", "studio", *map(str, arguments)],
                          capture_output=True, text=True, timeout=240, check=False)  # fmt: skip
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def make_project(place: Path, rows: dict[str, list[dict[str, Any]]], url: str) -> Path:
    project = place / "p"
    studio("new", project)
    for split, of_split in rows.items():
        file = place / f"{split}.jsonl"
        file.write_text("\n".join(
            json.dumps({name: row[name] for name in ("question", "answer")}) for row in of_split
        ), encoding="utf-8")  # fmt: skip
        studio("import", project, file, "--split", split)
    for name in ("a", "b"):
        studio("teacher", "add", project, name, "--model", name, "--base-url", url,
               "--price-in", "1", "--price-out", "1")  # fmt: skip
    studio("run", project, "attempt", "grade", "--student", DEMO / "student")
    return project


def test_two_rounds_with_all_that_can_be_asked_for(
    tmp_path: Path, rows: dict[str, list[dict[str, Any]]], committee: Committee,
    endpoint: FaultyEndpoint,
) -> None:  # fmt: skip
    pytest.importorskip("torch")
    project = make_project(tmp_path, rows, endpoint.url)
    command = ("round", project, "--rounds", "2", *ASKED, *FEW_STEPS, "--json")
    child = subprocess.Popen(
        [sys.executable, "-m", "studio", *map(str, command)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until = time.monotonic() + 120
    while endpoint.requests < 20 and child.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)  # in the midst of the first
    child.communicate(timeout=30)
    bought = endpoint.requests
    told = json.loads(studio(*command))
    first, second = told["rounds"]
    assert (first["round"], second["round"]) == (0, 1)
    assert first["calls"] > 0
    store = Store(project)
    check_ledger(store, requests=endpoint.requests)
    lost = store.value("SELECT count(*) FROM calls WHERE outcome = 'unknown'")
    assert bought > 0
    assert lost <= 16, "no more than what was in flight at the kill"
    kinds = {row[0] for row in store.rows("SELECT DISTINCT stage FROM calls")}
    assert kinds >= {"explain", "solve", "review", "review explanations", "revise"}
    assert committee.asked["told gold"] == 0
    assert all(one.blind for one in store.all(Review) if one.subject_kind == "rationale")
    made = "SELECT max(sample), max(revision) FROM rationales"
    assert tuple(store.rows(made)[0]) == (2, 1), "a third sample for the target, one revision each"
    per_question = store.rows(
        "SELECT question_id, sum(accepted) FROM final_decisions d JOIN current_rationales r"
        " ON r.id = d.rationale_id GROUP BY question_id"
    )
    assert per_question
    assert all(row[1] >= 5 for row in per_question), "the target is reached at each mistake"
    assert (store.spent_usd() or 0) > 0
    runs = store.rows("SELECT state, result FROM run_states ORDER BY rowid")
    assert [row["state"] for row in runs] == ["finished", "finished"]
    assert store.setting("student") == json.loads(runs[1]["result"])["student"]
    store.close()
