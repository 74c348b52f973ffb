"""The report of a round: one file, nothing loaded, nothing run, whatever models wrote."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from studio.domain.errors import ExportError, StudioError
from studio.domain.policy import PRESETS
from studio.domain.records import (
    Attempt,
    Grade,
    Question,
    Rationale,
    Review,
    Run,
    StudentRecord,
    TeacherRecord,
    Verdict,
)
from studio.flow.decisions import apply_policy
from studio.flow.report import report, write_report
from studio.store.tables import Store

EVIL = '<script>alert(1)</script><img src="file:///etc/passwd" onerror=x>\u202e"\'&'


class Elements(HTMLParser):
    """Collects the names of elements and attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def filled(store: Store) -> Store:
    """A round whose run fixed one held-out question and broke another; every text is hostile."""
    run = Run(dataset_id="d", method="mapd", student="small", spec={"lr": 0.1}, created_at=1.0)
    store.put(TeacherRecord(name=f"a{EVIL[:8]}", model="m", base_url="http://localhost/v1"))
    store.put(StudentRecord(name="small"))
    store.put(StudentRecord(name="small+1", run_id=run.id, round=1))
    store.add([run])
    for n, (split, before, after) in enumerate(
        (("train", False, None), ("test", False, True), ("test", True, False))
    ):
        question = Question(text=f"{n} {EVIL}", gold=EVIL, split=split, kind=EVIL)  # type: ignore[arg-type]
        store.add([question])
        for student, right in (("small", before), ("small+1", after)):
            if right is not None:
                attempt = Attempt(question_id=question.id, student=student, text=f"{EVIL} {n}",
                                  round=int(student != "small"))  # fmt: skip
                store.add([attempt, Grade(subject_id=attempt.id, grader="rules:1", extracted=EVIL,
                                          verdict=Verdict.CORRECT if right else Verdict.WRONG)])  # fmt: skip
        if split == "train":
            rationale = Rationale(question_id=question.id, teacher="a", text=EVIL)
            store.add([rationale, Review(subject_id=rationale.id, reviewer="b", score=5)])
    apply_policy(store, PRESETS["paper"], who="ada")
    return store


def test_it_tells_what_was_fixed_what_broke_and_by_which_rule(filled: Store) -> None:
    text = Elements(report(filled, 0)).text
    assert "50.0% → 50.0% of 2 held-out questions right" in text
    assert "Fixed: wrong before, right now: 1" in text
    assert "Broken: right before, wrong now: 1" in text
    assert "version 1: mean of valid scores > 3, at least 1 valid review" in text
    assert re.search(r"accepted rationales\s*1", text)


def test_nothing_is_loaded_or_run_and_nothing_hides(filled: Store) -> None:
    page = report(filled, 0)
    found = Elements(page)
    assert not found.names & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert not {name for name in found.attributes if name.startswith("on")} | found.attributes & {
        "src",
        "href",
    }
    assert "default-src 'none'" in page
    assert "<script>alert(1)</script>" in found.text  # it is told, as text
    assert "\u202e" not in page
    assert "⟨U+202E⟩" in page
    assert "url(" not in page
    assert "@import" not in page


def test_a_project_without_an_exam_says_what_to_do(store: Store) -> None:
    with pytest.raises(StudioError, match="run PROJECT attempt"):
        report(store)
    with pytest.raises(StudioError, match="no round 3"):
        report(store, 3)


def test_it_is_written_whole_over_an_older_one_but_over_nothing_else(
    filled: Store, tmp_path: Path
) -> None:
    file = write_report(filled, tmp_path / "reports", 0)
    assert file == tmp_path / "reports" / "round-0.html"
    write_report(filled, file, 0)
    other = tmp_path / "mine.html"
    other.write_text("mine")
    with pytest.raises(ExportError, match="no report of ours"):
        write_report(filled, other, 0)
    assert other.read_text() == "mine"
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["round-0.html"]


def test_the_verb_writes_it(filled: Store, tmp_path: Path) -> None:
    path = filled.path
    done = subprocess.run([sys.executable, "-m", "studio", "report", str(path), str(tmp_path / "r.html"),
                           "--round", "0"], capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
