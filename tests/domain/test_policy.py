"""The acceptance rule: the paper's, ours, and what neither may do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.errors import SpecError
from studio.domain.policy import PRESETS, Aggregate, Policy, aggregate_scores, preset, rule, seen
from studio.domain.records import Verdict

PAPER, STUDIO = PRESETS["paper"], PRESETS["studio"]


@pytest.mark.parametrize(
    ("scores", "accepted"),
    [((3, 3), False), ((3, 4), True), ((1, 5), False), ((5,), True), ((3,), False), ((), False)],
)
def test_the_paper_accepts_a_mean_strictly_above_three(
    scores: tuple[int, ...], accepted: bool
) -> None:
    assert rule(PAPER, scores, expected=2, verdict=Verdict.WRONG).accepted is accepted


def test_our_preset_asks_for_gold_and_for_every_review() -> None:
    assert rule(STUDIO, (5, 5), expected=2, verdict=Verdict.CORRECT).accepted
    assert rule(STUDIO, (5, 5), expected=2, verdict=Verdict.WRONG).reason == "own answer is wrong"
    assert rule(STUDIO, (5,), expected=2, verdict=Verdict.CORRECT).reason == "1 of 2 reviews valid"
    assert not rule(STUDIO, (5, 5), expected=2, verdict=None).accepted


def test_no_review_is_never_a_score() -> None:
    nothing = rule(PAPER, (), expected=2, verdict=Verdict.CORRECT)
    assert (nothing.accepted, nothing.score) == (False, None)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_aggregates_lie_between_the_lowest_and_the_highest_score(scores: list[int]) -> None:
    for aggregate in Aggregate:
        value = aggregate_scores(scores, aggregate)
        assert value is not None
        assert min(scores) <= value <= max(scores)


@given(st.lists(st.integers(1, 5), max_size=4), st.floats(0, 5), st.floats(0, 5))
def test_a_higher_threshold_never_accepts_more(scores: list[int], a: float, b: float) -> None:
    low, high = sorted((a, b))
    strict = rule(Policy(threshold=high), scores, expected=1, verdict=Verdict.CORRECT)
    loose = rule(Policy(threshold=low), scores, expected=1, verdict=Verdict.CORRECT)
    assert loose.accepted or not strict.accepted


def test_the_name_is_not_part_of_the_rule() -> None:
    assert Policy(name="a").id == Policy(name="b").id
    assert Policy(threshold=2).id != Policy(threshold=3).id


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(SpecError, match="paper, studio"):
        preset("best")


def test_who_is_left_out_is_neither_counted_nor_expected() -> None:
    strict = PRESETS["studio"].without("ann")
    found = seen(strict, {"ann": 1, "bob": 5}, {"ann", "bob"})
    assert (found.scores, found.expected, found.weights) == ((5,), 1, ())
    alone = seen(strict, {"ann": 5}, {"ann"})
    assert rule(strict, alone.scores, expected=alone.expected, verdict=Verdict.CORRECT).reason == (
        "no valid review"
    )


def test_who_reviewed_and_who_still_should_are_counted_together() -> None:
    found = seen(STUDIO, {"gone": 5, "ann": 5}, {"ann", "new"})
    assert found.expected == 3, "gone reviewed it, ann did, new should"
    ruling = rule(STUDIO, found.scores, expected=found.expected, verdict=Verdict.CORRECT)
    assert ruling.reason == "2 of 3 reviews valid"
    assert seen(STUDIO, {"ann": None}, {"ann"}).expected == 1


def test_a_weight_pulls_the_mean_and_the_median_to_its_score() -> None:
    assert aggregate_scores((1, 5), Aggregate.MEAN, (1, 3)) == 4
    assert aggregate_scores((1, 5), Aggregate.MEDIAN, (1, 3)) == 5
    assert aggregate_scores((1, 5), Aggregate.MEDIAN, (2, 2)) == 3
    assert aggregate_scores((1, 5), Aggregate.MIN, (0.1, 3)) == 1
    policy = Policy(answer_gate=False, weights={"ann": 3})
    scores, expected, weights = seen(policy, {"ann": 5, "bob": 1, "cat": None})
    ruling = rule(policy, scores, expected=expected, verdict=None, weights=weights)
    assert ruling.reason == "2 of 3 reviews valid"
    lax = policy.model_copy(update={"min_reviews": 1})
    ruling = rule(lax, scores, expected=expected, verdict=None, weights=weights)
    assert ruling == (True, "weighted mean 4 above 3", 4.0)


@given(st.integers(1, 5), st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_reviewers_of_one_mind_never_come_out_above_their_score(
    score: int, tenths: list[int]
) -> None:
    weights = [tenth / 10 for tenth in tenths]
    found = rule(Policy(threshold=score, answer_gate=False), [score] * len(weights),
                 expected=len(weights), verdict=None, weights=weights)  # fmt: skip
    assert (found.accepted, found.score) == (False, score)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4)), min_size=1, max_size=6))
def test_a_weight_of_n_is_n_reviewers_of_one_mind(pairs: list[tuple[int, int]]) -> None:
    scores, weights = zip(*sorted(pairs), strict=True)
    spelled_out = [score for score, n in pairs for _ in range(n)]
    for aggregate in Aggregate:
        assert aggregate_scores(scores, aggregate, weights) == pytest.approx(
            aggregate_scores(spelled_out, aggregate)
        )


def test_a_weight_of_one_is_no_weight_and_old_rules_keep_their_id() -> None:
    assert Policy(weights={"ann": 1.0}) == Policy()
    assert Policy().id == PRESETS["studio"].id == "d535ce4c3395b300"
    assert Policy(weights={"a": 0, "b": 2}).id == Policy(weights={"b": 2, "a": 0}).id
    assert Policy().without("ann").id != Policy().id
    said = Policy(weights={"ann": 0, "bob": 2}).describe()
    assert said.endswith("without ann, weights bob × 2")
