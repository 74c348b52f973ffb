"""A sum is called wrong only where it can be read in one way."""

from __future__ import annotations

import time

import pytest

from studio.domain.arithmetic import mistaken_sum


@pytest.mark.parametrize(
    ("text", "is_"),
    [("607 / 3 = 205 pages", "202.3"), ("so 4 x 86 = 352.", "344"), ("$5 + $6 = $12", "11"),
     ("1,200 + 300 = 1,600", "1,500"), ("10 - 3 - 2 = 6", "5"), ("2 + 3 * 4 = 20", "14"),
     ("2 - 4 = 2", "-2"), ("Total: 3 × 4 = 13", "12"), ("9 ÷ 2 = 4.6", "4.5"),
     ("**Sum:** 2 + 2 = 5", "4"), ("First 1 + 1 = 2, then 2 + 2 = 5", "4")],
)  # fmt: skip
def test_a_wrong_sum_is_found(text: str, is_: str) -> None:
    found = mistaken_sum(text)
    assert found is not None
    assert found.is_ == is_
    assert text[slice(*found.span)].endswith(found.said)


@pytest.mark.parametrize(
    "text",
    ["607 / 3 = 202", "607 / 3 = 202.3", "2 / 3 = 0.67", "2 / 3 = 0.66", "x + 3 * 2 = 10",
     "2(3 + 4) = 14", "2 * (3 + 4) = 14", "3 + 4 = 5 + 2", "10 / 4 = 2 R 2", "10 / 4 = 2 remainder 2",
     "3 + 4 = 75%", "3x = 205", "5 / 0 = 0", "- 3 + 4 = 7", "2^3 + 1 = 9", "x = 3 + 4", "12:30 - 1 = 11",
     "50% - 20 = 30", "2 ** 3 + 1 = 9"],
)  # fmt: skip
def test_what_is_right_or_can_be_read_otherwise_is_left_alone(text: str) -> None:
    assert mistaken_sum(text) is None


def test_long_rows_take_no_time() -> None:
    for text in ("1+" * 10_000, "1 " * 10_000, "1+1=" * 5_000, "9" * 20_000, "1,000" * 4_000):
        begun = time.process_time()  # not the clock's: others may have the processor
        mistaken_sum(text)
        assert time.process_time() - begun < 2
