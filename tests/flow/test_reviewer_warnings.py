"""Kinship, drift and models that were not asked: said with numbers where there are enough."""

from __future__ import annotations

import json

import numpy as np
import pytest

from studio.cli import main
from studio.domain.records import Question, Rationale, Review, TeacherRecord
from studio.flow import score_values
from studio.flow.reviewers import calibrate
from studio.flow.scorebook import Scorebook
from studio.store.tables import Store

MODELS = {"big": "gpt-5", "small": "gpt-5-mini", "other": "qwen3:14b"}


def fill(store: Store, n: int, scores: dict[tuple[str, str], list[int]]) -> None:
    """Add ``n`` questions with a rationale of each; ``scores`` by reviewer and author, in turns."""
    for name, model in MODELS.items():
        store.put(TeacherRecord(name=name, model=model, base_url="http://localhost/v1"))
    for i in range(n):
        question = Question(text=f"question {i}", gold="1")
        store.add([question])
        for author in MODELS:
            rationale = Rationale(question_id=question.id, teacher=author, text="one")
            store.add([rationale])
            store.add(Review(subject_id=rationale.id, reviewer=reviewer, score=given[i * len(given) // n])
                      for (reviewer, of), given in scores.items() if of == author)  # fmt: skip


def test_a_reviewer_of_its_own_family_is_named_with_what_it_gives_beyond(store: Store) -> None:
    fill(store, 25, {("big", "small"): [5], ("other", "small"): [3], ("big", "other"): [3],
                     ("small", "other"): [3], ("small", "big"): [3], ("other", "big"): [3]})  # fmt: skip
    found = [one for one in calibrate(store).warnings if one.kind == "self-family"]
    assert [(one.reviewer, one.author, one.n, one.gap) for one in found] == [
        ("big", "small", 25, pytest.approx(2.0)), ("small", "big", 25, pytest.approx(0.0)),
    ]  # fmt: skip
    assert "judges small of its own family, gpt and gives it +2.00" in found[0].text


def test_too_few_to_measure_is_said_without_a_number(store: Store) -> None:
    fill(store, 3, {("big", "small"): [5], ("other", "small"): [3]})
    (found,) = calibrate(store).warnings
    assert (found.kind, found.gap, found.n) == ("self-family", None, 3)


def test_who_was_imported_without_a_model_is_known_by_its_name(store: Store) -> None:
    fill(store, 3, {("big", "small"): [5], ("other", "small"): [3]})
    for name in ("big", "small", "other"):
        store.put(TeacherRecord(name=name, model="", base_url="", active=False))
    assert calibrate(store).warnings == []


def test_a_reviewer_that_gets_milder_is_named_and_one_that_wavers_is_not(store: Store) -> None:
    fill(store, 60, {("other", "small"): [2, 4], ("big", "small"): [3, 4, 2, 3, 4, 2]})
    drifts = [one for one in calibrate(store).warnings if one.kind == "drift"]
    assert {one.reviewer for one in drifts} == {"other", "big"}, "one moves against the other"
    milder = next(one for one in drifts if one.reviewer == "other")
    assert milder.gap is not None
    assert milder.gap > 1.5
    assert "got milder as it went on" in milder.text


def test_corrected_scores_stand_beside_the_raw_ones(store: Store) -> None:
    fill(store, 20, {("big", "small"): [4], ("other", "small"): [2], ("big", "other"): [4]})
    told = calibrate(store).as_json()
    assert told["matrix"]["small"] == {"big": 4.0, "other": 2.0}
    assert told["matrix_corrected"]["small"] == {
        "big": pytest.approx(3.0),
        "other": pytest.approx(3.0),
    }
    book = Scorebook(store)
    raw, corrected = score_values.question_means(book), score_values.question_corrected(book)
    assert raw.tolist() == pytest.approx([10 / 3] * 20)
    assert corrected.tolist() == pytest.approx([3.0] * 20), "the lenient one alone is no bonus"
    assert not np.isnan(corrected).any()
    each = score_values.rationale_scores(book)
    assert len(each) == 40, "nobody scored the third author"
    of_small = next(one for one in each if one.author == "small")
    assert (of_small.mean, of_small.given) == (3.0, {"big": 4, "other": 2})
    assert of_small.corrected == pytest.approx(3.0)
    of_other = next(one for one in each if one.author == "other")
    assert (of_other.mean, of_other.corrected) == (4.0, pytest.approx(3.0))


def test_the_verb_lists_each_rationale_with_both_scores(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, 20, {("big", "small"): [4], ("other", "small"): [2], ("big", "other"): [4]})
    store.close()
    assert main(["reviewers", str(store.path), "--rationales", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["rationales"]
    assert {(one["author"], one["mean"], round(one["corrected"], 6)) for one in told} == {
        ("small", 3.0, 3.0), ("other", 4.0, 3.0),
    }  # fmt: skip
    assert main(["reviewers", str(store.path), "--rationales"]) == 0
    assert "big 4, other 2" in capsys.readouterr().out
