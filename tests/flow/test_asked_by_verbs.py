"""What is asked of the committee beyond once, through the command line: given, kept, shown, undone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain.records import Rationale, Review
from studio.store.tables import Store
from tests.fakes import FaultyEndpoint, add_mistakes, teacher

MARK = re.compile(r"SCORE_([0-9a-f]{16}):")


def answer(request: dict[str, Any]) -> str:
    text = "\n".join(message["content"] for message in request["messages"])
    if marks := MARK.findall(text):
        return f"Fine.\nSCORE_{marks[-1]}: 4"
    return "This is 1 + 1 = 3.\nAnswer: 1"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Path, FaultyEndpoint]]:
    served = FaultyEndpoint(answer)
    path = tmp_path / "p"
    store = Store.create(path)
    for name in ("a", "b"):
        store.put(teacher(name, served.url).changed(model="fake-1"))
    add_mistakes(store, 1)
    store.close()
    yield path, served
    served.close()


def told_by(*arguments: str | Path) -> str:
    """Return what a verb prints; it must succeed."""
    done = subprocess.run([sys.executable, "-m", "studio", *map(str, arguments)],
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(*arguments: str | Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(told_by(*arguments, "--json"))
    return told


def test_a_dry_run_tells_and_keeps_nothing_and_a_run_keeps_what_was_said(
    project: tuple[Path, FaultyEndpoint],
) -> None:
    path, served = project
    wanted = ("--samples", "2", "--blind", "--review-explanations")
    told = said("run", path, *wanted, "--dry-run")
    calls = {line["stage"]: line["calls"] for line in told["stages"]}
    assert calls["solve"] == 4
    assert calls["review explanations"] == 2
    assert told["quality"]["blind"] is True
    assert served.requests == 0
    assert said("status", path)["quality"]["samples"] == 0
    told = said("run", path, *wanted)
    assert told["quality"] == {"samples": 2, "target": 0, "most_samples": 4, "revise": 0,
                               "blind": True, "review_explanations": True}  # fmt: skip
    bought = served.requests
    assert bought == 2 + 4 + 4 + 2
    said("run", path)
    assert served.requests == bought, "the next run means the same, and all of it is there"
    store = Store(path)
    assert store.count(Rationale) == 4
    assert all(review.blind for review in store.all(Review, "subject_kind = 'rationale'"))
    store.close()
    assert said("run", path, "--with-gold", "--samples", "0")["quality"]["blind"] is False


def test_marks_and_the_gate_are_seen_without_a_window(
    project: tuple[Path, FaultyEndpoint],
) -> None:
    path, _ = project
    told = said("run", path)
    assert told["flags"]["rationales"]["wrong sum"] == 2
    assert told["flags"]["explanations"]["wrong sum"] == 2
    assert told["other_models"] == []
    lenient = ("--no-answer-gate", "--min-reviews", "1")
    told = said("decide", path, *lenient)
    assert (told["accepted"], told["flagged"]["wrong sum"]) == (2, 2)
    told = said("decide", path, "--arithmetic-gate", "--what-if")
    assert (told["accepted"], told["changed"]) == (0, {"to_accepted": 0, "to_rejected": 2})
    assert said("decide", path, "--arithmetic-gate")["policy"]["arithmetic_gate"] is True
    assert said("decide", path, "--no-arithmetic-gate")["accepted"] == 2
    told = said("reviewers", path)
    assert [(one["kind"], one["reviewer"], one["author"]) for one in told["warnings"]] == [
        ("self-family", "a", "b"), ("self-family", "b", "a"),
    ]  # fmt: skip
    whole = said("ledger", path)["all"]
    each = said("ledger", path, "--by", "question")["questions"]
    assert sum(one["calls"] for one in each) == whole["calls"]
    of_one = said("ledger", path, "--question", each[0]["question"][:6])
    assert (of_one["all"]["calls"], len(of_one["calls"])) == (each[0]["calls"],) * 2
    assert each[0]["text"][:20] in told_by("ledger", path, "--by", "question", "--most", "1")
    told = said("reviewers", path)
    assert told["matrix_corrected"] == {"a": {"b": None}, "b": {"a": None}}
    assert "beware: a judges b of its own family, fake" in told_by("reviewers", path)
