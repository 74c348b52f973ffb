"""The report of a round: one safe file that stands by itself, and the tables it is made of."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from studio.domain.errors import StorageError, StudioError
from studio.domain.records import Attempt, Dataset, Grade, Question, Run, StudentRecord, Verdict
from studio.flow.comparison import (
    by_dataset,
    differences,
    interval_in_words,
    round_lines,
    run_lines,
    settings_of_run,
)
from studio.flow.evaluation import Part, Score, evaluate
from studio.flow.report import report, write_report
from studio.flow.reports.html import esc
from studio.flow.reports.svg import Drawn, curves, intervals
from studio.flow.run_curves import Curve
from studio.store.tables import Store

EVIL = '<script>alert("1")</script><img src="http://evil/x.png">\u202egnp'
VOID = {"meta", "line", "circle", "polyline", "img"}


def fill(store: Store) -> Run:
    """Two students, four held-out questions in two datasets: one fixed, one broken."""
    manifest = {"examples": {"train": {"rationale": 5}, "validation": {}}, "questions": 3, "overrides": 1,
                "policy": {"rule": "mean > 3"}, "spec": {"replay": 0.5}}  # fmt: skip
    dataset = Dataset(
        content_hash="c", method="mapd", policy_id="p", created_at=1.0, manifest=manifest
    )
    run = Run(dataset_id=dataset.id, method="mapd", student="small", spec={"lr": 0.1, "lora": {"r": 4}},
              created_at=50.0)  # fmt: skip
    store.add([dataset, run])
    result = {"val_loss": 0.5, "lives": {"1.000": 60.0, "9.000": 30.0}}
    store.set_run_state(run.id, state="finished", step=4, steps=4, loss=1.0, result=result)
    store.put(StudentRecord(name="small", location="org/small"))
    store.put(StudentRecord(name="small+1", location="org/small", round=1, run_id=run.id))
    before, after = (False, True, True, False), (True, False, True, False)
    for n, (first, second) in enumerate(zip(before, after, strict=True)):
        question = Question(text=f"{EVIL} {n}?", gold="7", split="test", dataset=f"set {n % 2}")
        store.add([question])
        for student, round_, right in (("small", 0, first), ("small+1", 1, second)):
            attempt = Attempt(
                question_id=question.id,
                student=student,
                round=round_,
                text=f"{EVIL} says {student}",
            )
            verdict = Verdict.CORRECT if right else Verdict.WRONG
            grade = Grade(subject_id=attempt.id, verdict=verdict, extracted="7", grader="rules:1")
            store.add([attempt, grade])
    folder = store.path / "runs" / run.id
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("".join(
        json.dumps({"kind": "metric", "t": n, "step": n, "steps": 60, "epoch": 0.1, "loss": 2 / n,
                    "loss_rationale": 1 / n, "lr": 0.1, "tokens_per_s": 9.0}) + "\n"
        for n in range(1, 61)
    ))  # fmt: skip
    return run


class Reader(HTMLParser):
    """Checks that every element is closed, and keeps names, addresses and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "xlink:href")
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def test_the_report_is_one_file_without_scripts_or_addresses(store: Store) -> None:
    fill(store)
    text = report(store, store.path)
    found = read(text)
    assert not found.seen & {"script", "img", "link", "iframe", "object"}
    assert found.links == []
    assert "http" not in re.sub(r"evil/x.png|http(?=://evil)|http-equiv", "", text)
    assert 'alert("1")' in found.text  # shown, not run
    assert "\u202e" not in text
    assert "⟨U+202E⟩gnp" in found.text
    assert "prefers-color-scheme: dark" in text
    assert "<svg" in text


def test_the_report_says_what_was_measured(store: Store) -> None:
    run = fill(store)
    found = read(report(store, store.path, round=0))
    for said in ("50.0 % → 50.0 % of 4 held-out questions right, +0.0 percentage points: 1 fixed",
                 "50.0 % (15 to 85 %, n 4)", "1 fixed, 1 broken, exact McNemar p = 1", "small+1",
                 run.id[:8], "5 examples from 3 questions", "1.5 min", "dataset set 1", "mean > 3"):  # fmt: skip
        assert said in found.text, said


def test_a_report_of_an_empty_project_says_so_and_holds_together(store: Store) -> None:
    assert "train questions" in read(report(store, store.path)).text
    with pytest.raises(StudioError, match="no run of round 3: rounds with runs are none yet"):
        report(store, store.path, round=3)


def test_a_report_goes_where_it_can_be_written(store: Store, tmp_path: Path) -> None:
    out = write_report(store, store.path, tmp_path / "deep" / "round.html")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="name another file"):
        write_report(store, store.path, tmp_path / "file" / "round.html")


def test_a_curve_of_one_point_at_the_start_or_of_no_number_is_drawn_or_left_out() -> None:
    start, lost, both = Curve(), Curve(), Curve()
    start.add(0, 2.0)
    lost.add(1, math.nan)
    for step, value in enumerate((1.0, math.inf, 3.0)):
        both.add(step, value)
    assert "circle" in curves("Loss", [Drawn("held out", start, dots=True)])
    assert curves("Loss", [Drawn("training", lost)]) == ""
    drawn = curves("Loss", [Drawn("training", both, dots=True), Drawn("lost", lost)])
    assert drawn.count("<circle") == 2
    assert "nan" not in drawn.lower()


def test_long_texts_are_capped(store: Store) -> None:
    del store
    assert "more characters" in esc("x" * 5_000)


def test_runs_and_rounds_tell_what_they_gained_and_took(store: Store) -> None:
    run = fill(store)
    (line,) = run_lines(store)
    assert (line.run, line.examples, line.seconds, line.fixed, line.broken) == (
        run.id,
        5,
        90.0,
        1,
        1,
    )
    assert line.before == line.after == Score(4, 2)
    assert line.gained == 0.0
    (taken,) = round_lines(store, [line])
    assert (taken.calls, taken.cost_usd, taken.training_s, taken.student) == (
        0,
        None,
        90.0,
        "small+1",
    )
    found = evaluate(store, student="small+1", base="small")
    assert [(p.kind, p.tuned.n) for p in by_dataset(store, found)] == [
        ("dataset set 0", 2),
        ("dataset set 1", 2),
    ]
    assert interval_in_words(None) == interval_in_words(Score(0, 0)) == "–"


def test_a_run_without_a_student_has_no_accuracy_rather_than_none(store: Store) -> None:
    run = Run(dataset_id="d", method="mapd", student="small", spec={}, created_at=5.0)
    store.add([run])
    (line,) = run_lines(store)
    assert (line.student, line.before, line.after, line.gained, line.seconds) == (
        "",
        None,
        None,
        None,
        None,
    )


def test_only_settings_that_differ_are_named(store: Store) -> None:
    run = fill(store)
    one = settings_of_run(store, run.id)
    assert one["examples"] == 5
    other = {**one, "lr": 0.2, "lora": {"r": 4, "alpha": 8.0}}
    assert differences({"a": one, "b": other}) == [
        ("lr", ("0.1", "0.2")),
        ("lora.alpha", ("–", "8")),
    ]
    assert differences({"a": one, "b": one}) == []
    assert settings_of_run(store, "nothing") == {}


def test_what_got_worse_is_red_and_what_is_folded_is_printed(store: Store) -> None:
    fill(store)
    text = report(store, store.path)
    one = Part("worse", Score(10, 2), Score(10, 5))
    assert 'class="cb"' in intervals([one])
    assert 'class="cb"' not in intervals([one._replace(tuned=Score(10, 7))])
    assert "details::details-content { content-visibility: visible; }" in text
    assert text.count("--page: #f3f4f7") == 2, (
        "for light screens, and for paper whatever the screen is"
    )
