"""Where two solutions part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.differences import difference, differing_step, steps


def test_words_that_differ_are_named_in_both_texts() -> None:
    one, other = "3 + 4 = 8. So it is 8.", "3 + 4 = 7. So it is 7!"
    found = difference(one, other)
    assert [one[a:b] for a, b in found.only_one] == ["8", "8."]
    assert [other[a:b] for a, b in found.only_other] == ["7", "7!"]


def test_space_alone_is_no_difference() -> None:
    assert difference("a  b\nc", " a b c ") == ((), ())


@given(text=st.text(max_size=80), other=st.text(max_size=80))
def test_outside_the_spans_both_say_the_same(text: str, other: str) -> None:
    found = difference(text, other)
    left, right = _without(text, found.only_one), _without(other, found.only_other)
    assert "".join(left.split()) == "".join(right.split())


def _without(text: str, spans: tuple[tuple[int, int], ...]) -> str:
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text


@pytest.mark.parametrize(
    ("answer", "solution", "step"),
    [
        ("First 9 went away. 34 - 9 = 25.\nThen 25 + 15 = 40.\nAnswer: 40",
         "34 - 9 = 25. 25 - 15 = 10.\nAnswer: 10", "Then 25 + 15 = 40."),
        ("1,000 - 1 = 999\nSo 998", "1000 - 1 = 999", "So 998"),
        ("It costs 2.50 each. 2.5 x 2 = 6.", "2.5 * 2 = 5", "2.5 x 2 = 6."),
        ("3 + 4 = 7", "3 + 4 = 7", None),
        ("I do not know", "3 + 4 = 7", None),
        ("No. 5 is it", "yes", None),
    ],
)  # fmt: skip
def test_the_step_that_leaves_the_way_is_found(
    answer: str, solution: str, step: str | None
) -> None:
    found = differing_step(answer, solution)
    assert (None if found is None else answer[slice(*found.span)]) == step


def test_a_sum_that_does_not_add_up_is_a_differing_step_and_says_why() -> None:
    answer = "It has 594 pages.\n607 / 3 = 205 a chapter.\nAnswer: 68"
    found = differing_step(answer, "594 pages / 3 = 198. Not 607, 205 or 68.")
    assert found is not None
    assert answer[slice(*found.span)] == "607 / 3 = 205 a chapter."
    assert found.why == "607 / 3 is 202.3, not 205"
    assert differing_step("So 5 + 1 = 6", "4 + 1 = 5") == (
        (0, 12),
        "the accepted rationale never has 6",
    )


def test_steps_are_lines_and_sentences_but_decimals_stay_whole() -> None:
    text = "One 1.5 pie.\n\n Two!  Three"
    assert [text[a:b] for a, b in steps(text)] == ["One 1.5 pie.", "Two!", "Three"]


def test_a_text_that_repeats_itself_without_end_is_compared_as_far_as_is_sensible() -> None:
    found = difference("a b " * 100_000, "a c " * 100_000)
    assert found.only_one
    assert max(end for _, end in found.only_one) <= 2 * 2_000
    assert steps("x" * 1_000_000) == [(0, 1_000_000)]


def test_of_a_solution_without_end_it_is_not_said_what_it_never_has() -> None:
    assert differing_step("So 998", "1000 - 1 = 999") is not None
    assert differing_step("So 998", "1000 - 1 = 999" + " so it is" * 20_000) is None
    assert differing_step("3 + 4 = 8", "7" * 1_000_000) is not None
