"""A project graded by older rules: what the verbs say of it, and what newer rules leave alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.cli import main
from studio.domain.grading import GRADER
from studio.domain.records import (
    Attempt,
    Grade,
    Question,
    Rationale,
    Review,
    SubjectKind,
    Verdict,
)
from studio.flow.decisions import override
from studio.flow.grades import mark_not_a_mistake
from studio.store.tables import Store

ASKED = Question(text="How many are 5 and 7?", gold="12")
TAUGHT = Rationale(question_id=ASKED.id, teacher="ann", text="It is not 10, it is 12.")
BY_HAND = Rationale(question_id=ASKED.id, teacher="bob", text="Answer: 12")
MISREAD = Attempt(question_id=ASKED.id, student="small", text="It is not 10, it is 12.")
EXCUSED = Attempt(question_id=ASKED.id, student="small", text="Answer: 10", sample=1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Everything graded wrong by older rules; one attempt and one rationale decided by hand."""
    store = Store.create(tmp_path / "p")
    store.add([ASKED])
    store.add([TAUGHT, BY_HAND])
    store.add([MISREAD, EXCUSED])
    kinds: dict[str, SubjectKind] = {TAUGHT.id: "rationale", BY_HAND.id: "rationale",
                                     MISREAD.id: "attempt", EXCUSED.id: "attempt"}  # fmt: skip
    store.add([
        Grade(subject_id=id, subject_kind=kind, verdict=Verdict.WRONG, grader="rules:1", extracted="10")
        for id, kind in kinds.items()
    ])  # fmt: skip
    store.add([
        Review(subject_id=subject, reviewer=who, score=5)
        for subject, who in ((TAUGHT.id, "bob"), (BY_HAND.id, "ann"))
    ])  # fmt: skip
    mark_not_a_mistake(store, EXCUSED.id, who="ada")
    override(store, [BY_HAND.id], "reject", who="ada")
    store.close()
    assert main(["decide", str(store.path), "--preset", "studio"]) == 0
    return store.path


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_status_says_what_older_rules_graded_and_how_to_grade_it_anew(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "status", project)["graded_by_older_rules"] == 4
    main(["status", str(project)])
    assert "4 answers were graded by them only: 'mapd-studio run PROJECT grade decide'" in (
        capsys.readouterr().out
    )
    assert main(["run", str(project), "grade", "decide"]) == 0
    assert "3 verdicts differ from the older rules'" in capsys.readouterr().err
    assert told(capsys, "status", project)["graded_by_older_rules"] == 0
    main(["status", str(project)])
    assert "older rules" not in capsys.readouterr().out


def test_newer_rules_change_what_rules_decided_and_nothing_decided_by_hand(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = told(capsys, "status", project)
    assert before["grades"]["wrong"] == 1
    assert (before["decisions"]["accepted"], before["decisions"]["overridden"]) == (0, 1)
    assert main(["run", str(project), "grade", "decide"]) == 0
    after = told(capsys, "status", project)
    assert (after["grades"]["correct"], after["grades"]["wrong"]) == (2, 0)
    assert (after["decisions"]["accepted"], after["decisions"]["overridden"]) == (1, 1)
    store = Store(project, read_only=True)
    try:
        assert store.count(Grade, "grader = 'rules:1'") == 4
        assert store.count(Grade, "grader = ?", GRADER) == 4
        assert store.count(Grade, "grader LIKE 'person:%'") == 1
        final = {row[0]: row[1] for row in store.rows(
            "SELECT rationale_id, accepted FROM final_decisions")}  # fmt: skip
    finally:
        store.close()
    assert final == {TAUGHT.id: 1, BY_HAND.id: 0}
