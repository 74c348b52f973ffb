"""Calibration of reviewers: worked examples, planted reviewers, and the released records."""

from __future__ import annotations

import json
import random
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from studio.cli import main
from studio.domain.errors import SpecError
from studio.domain.policy import PRESETS
from studio.domain.records import Grade, Question, Rationale, Review, Verdict
from studio.flow.decisions import apply_policy, override
from studio.flow.questions import import_files
from studio.flow.reviewers import calibrate, flips_without
from studio.flow.severity import fit
from studio.store.tables import Store

PAPER = PRESETS["paper"]
Said = dict[str, int | None]


def add(store: Store, author: str, said: Said, verdict: Verdict | None = None) -> str:
    """Add a question with one rationale, its reviews and its grade; returns the rationale's id."""
    question = Question(text=f"question {store.count(Question)}", gold="1")
    rationale = Rationale(question_id=question.id, teacher=author, text="so")
    store.add([question, rationale])
    store.add(
        Review(subject_id=rationale.id, reviewer=name, score=score,
               missing="" if score else "no score in the reply")
        for name, score in said.items()
    )  # fmt: skip
    if verdict:
        store.add([Grade(subject_id=rationale.id, subject_kind="rationale", verdict=verdict,
                         grader="rules:1")])  # fmt: skip
    return rationale.id


def test_a_card_counts_what_a_reviewer_did(store: Store) -> None:
    right, wrong = Verdict.CORRECT, Verdict.WRONG
    ids = [
        add(store, "ann", {"bob": 5, "cat": 3}, right),
        add(store, "ann", {"bob": 5, "cat": 1}, wrong),
        add(store, "ann", {"bob": 4, "cat": None}, wrong),
        add(store, "ann", {"bob": 2, "cat": 1}, wrong),
        add(store, "cat", {"bob": 4}, right),
    ]
    override(store, [ids[0]], "accept", who="eve")
    override(store, [ids[2]], "reject", who="eve")
    report = calibrate(store, PAPER)
    bob, cat = report.cards
    assert (bob.reviewer, bob.n_valid, bob.n_missing) == ("bob", 5, 0)
    assert (cat.n_valid, cat.n_missing, cat.missing_rate) == (3, 1, 0.25)
    assert bob.mean == 4.0
    assert (bob.severity, bob.n_shared) == (pytest.approx((2 + 4 + 1) / 3), 3)
    assert (bob.n_wrong, bob.fives_on_wrong, bob.high_on_wrong) == (3, 1 / 3, 2 / 3)
    assert (bob.auc.value, bob.auc.n_right, bob.auc.n_wrong) == (pytest.approx(4 / 6), 2, 3)
    assert (bob.agrees_with_people, bob.n_people) == (0.5, 2)
    # without bob: (3) no longer above 3, nothing valid, (1), and nothing at all for the last one
    assert (bob.flips_without, bob.accepted_without) == (3, 0)
    assert (cat.flips_without, cat.accepted_without) == (1, 1)  # 5 and 1 are 3; 5 alone is accepted
    assert report.matrix["ann"]["bob"] == (4.0, 4)
    assert report.n_alpha == 3


def test_the_list_of_flips_holds_as_many_as_the_card_says(store: Store) -> None:
    first = add(store, "ann", {"bob": 5, "cat": 1})
    add(store, "ann", {"bob": 5, "cat": 5})
    assert flips_without(store, "cat", PAPER) == [first]
    with pytest.raises(SpecError, match="reviewers are: bob, cat"):
        flips_without(store, "dan", PAPER)


def test_the_additive_model_finds_planted_reviewers_though_they_saw_other_items() -> None:
    chance = random.Random(3)
    planted = [0.8, 0.1, -0.9]
    given = np.full((3, 3000), -1, dtype=np.int8)
    for item in range(3000):
        # each item has its own author, who does not review; the third author's are the weakest
        deserved = 3.2 - 0.5 * (item % 3 == 2)
        for reviewer in {0, 1, 2} - {item % 3}:
            exact = deserved + planted[reviewer] + chance.uniform(-0.5, 0.5)
            given[reviewer, item] = min(5, max(1, round(exact + chance.uniform(-0.5, 0.5))))
    model = fit(given)
    assert model.severity == pytest.approx(np.array(planted), abs=0.1)
    assert model.severity.sum() == pytest.approx(0, abs=1e-9)
    by_author = [model.corrected[np.arange(3000) % 3 == n].mean() for n in range(3)]
    assert by_author == pytest.approx([3.2, 3.2, 2.7], abs=0.1)


def test_the_model_solves_the_least_squares_problem_it_stands_for() -> None:
    chance = np.random.default_rng(5)
    given = chance.integers(-1, 6, size=(4, 30)).astype(np.int8)
    model = fit(given)
    rows, scores = [], []
    for reviewer, item in zip(*np.nonzero(given > 0), strict=True):
        row = np.zeros(34)
        row[reviewer], row[4 + item] = 1, 1
        rows.append(row)
        scores.append(given[reviewer, item])
    solved = np.linalg.lstsq(np.array(rows), np.array(scores), rcond=None)[0][:4]
    assert model.severity == pytest.approx(solved - solved.mean())


def test_who_shares_no_item_has_no_severity() -> None:
    model = fit(np.array([[5, 4, -1], [-1, 3, -1], [-1, -1, 2]], dtype=np.int8))
    assert model.severity[:2] == pytest.approx([0.5, -0.5])
    assert np.isnan(model.severity[2])
    assert model.corrected[2] == 2
    assert fit(np.empty((0, 4), dtype=np.int8)).corrected.shape == (4,)


def test_an_empty_project_has_no_cards(store: Store) -> None:
    report = calibrate(store)
    assert (report.cards, report.alpha, report.n_rationales) == ([], None, 0)
    assert "No reviews yet" in report.notes()[0]


# -- the released records ---------------------------------------------------------------------

PEERS = {"gpt": ("gemini", "mistral"), "gemini": ("gpt", "mistral"), "mistral": ("gpt", "gemini")}


@pytest.fixture
def svamp(shared_data: Path, store: Store) -> tuple[Store, list[Any]]:
    """The first 200 SVAMP records as a project, and as they lie in the file."""
    files = sorted((shared_data / "learn_from_committee").glob("*svamp*"))
    import_files(store, files)
    apply_policy(store, PAPER, who="ada")
    return store, json.loads(next(f for f in files if "_rationale_" in f.name).read_text("utf-8"))


def scores_of(records: list[Any]) -> list[tuple[str, Said]]:
    """Read author and valid scores straight from the file, by nothing of the studio's."""
    found = []
    for record in records:
        for author, peers in PEERS.items():
            said: Said = {}
            for peer, score in zip(peers, record[f"{author}_rationale"][1:], strict=True):
                said[peer] = int(score) if str(score) in {"1", "2", "3", "4", "5"} else None
            found.append((author, said))
    return found


def passes(said: Said, without: str = "") -> bool:
    valid = [score for name, score in said.items() if score and name != without]
    return bool(valid) and fmean(valid) > 3


def test_leave_one_out_flips_what_it_flips_in_the_file(svamp: tuple[Store, list[Any]]) -> None:
    store, records = svamp
    cards = {card.reviewer: card for card in calibrate(store).cards}
    naive = {
        name: sum(passes(said) != passes(said, name) for _, said in scores_of(records))
        for name in PEERS
    }
    # all 387 records have 125, 71 and 40
    assert naive == {"mistral": 65, "gpt": 37, "gemini": 21}
    assert {name: card.flips_without for name, card in cards.items()} == naive
    assert len(flips_without(store, "mistral")) == 65


def test_severity_matrix_and_missing_are_those_of_the_file(svamp: tuple[Store, list[Any]]) -> None:
    store, records = svamp
    report = calibrate(store)
    cards, said = {card.reviewer: card for card in report.cards}, scores_of(records)
    assert {name: card.n_missing for name, card in cards.items()} == {
        "gemini": 0, "gpt": 1, "mistral": 1,
    }  # fmt: skip
    for name, card in cards.items():
        gaps = [s[name] - fmean(o for n, o in s.items() if n != name and o) for _, s in said
                if s.get(name) and any(o for n, o in s.items() if n != name)]  # fmt: skip
        assert card.severity == pytest.approx(fmean(gaps))
    for author, peers in PEERS.items():
        for peer in peers:
            valid = [s[peer] for a, s in said if a == author and s[peer]]
            assert report.matrix[author][peer] == (pytest.approx(fmean(valid)), len(valid))
    assert report.alpha == pytest.approx(0.47, abs=0.005)


def test_the_lenient_reviewer_is_seen_through(
    svamp: tuple[Store, list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the last number in the text: 4 or 5 on wrong answers .74, .36 and .22 in all records."""
    store, _ = svamp
    project = str(store.path)
    store.close()
    assert main(["run", project, "grade"]) == 0
    capsys.readouterr()
    assert main(["reviewers", project, "--json", "--flips", "gpt"]) == 0
    report = json.loads(capsys.readouterr().out)
    cards = {card["reviewer"]: card for card in report["cards"]}
    high = {name: round(card["high_on_wrong"], 2) for name, card in cards.items()}
    assert high == {"gemini": 0.71, "gpt": 0.24, "mistral": 0.09}
    auc = {name: card["auc"] for name, card in cards.items()}
    assert auc["gemini"]["high"] < auc["gpt"]["low"] < auc["mistral"]["low"]
    assert all(one["low"] < one["value"] < one["high"] for one in auc.values())
    assert len(report["flips"]["gpt"]) == 37
