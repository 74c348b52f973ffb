"""What a model wrote is shown as it is, and can neither hide nor hang anything."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.visible import LONGEST_LINE
from studio.ui.plain_text import MOST_CHARACTERS, in_sight, one_line, safe, safe_span


def test_common_text_stays_as_it_is() -> None:
    text = "Thus 3 × 4 = 12.\n\tAnswer: 12 – done ✓ 漢字 e\u0301"
    assert safe(text) == text


@pytest.mark.parametrize(
    "sign", ["\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x1b", "\r", "\u2028", "\ud800"]
)
def test_invisible_signs_are_written_out(sign: str) -> None:
    assert safe(f"gold 1{sign}2") == f"gold 1⟨U+{ord(sign):04X}⟩2"


def test_towers_of_marks_are_cut_down() -> None:
    shown = safe("a" + "\u0301" * 500)
    assert shown.count("\u0301") == 4
    assert "⟨U+0301⟩" in shown


def test_long_lines_are_broken_and_long_texts_capped() -> None:
    assert max(map(len, safe("x" * 9_000).split("\n"))) <= LONGEST_LINE
    assert safe("x" * 1_000_000).endswith(f"… {1_000_000 - MOST_CHARACTERS:,} more characters")


def test_what_is_looked_for_is_looked_for_in_what_is_shown() -> None:
    assert in_sight("3 * 4 = 12") == "3 * 4 = 12"
    words = "3 * 4 = 12 " * 100_000
    assert safe(words).startswith(in_sight(words)[:LONGEST_LINE])
    assert in_sight(words).endswith(("3", "*", "4", "=", "12"))
    assert MOST_CHARACTERS - 12 < len(in_sight(words)) <= MOST_CHARACTERS
    assert in_sight("7" * 1_000_000) == ""


def test_a_megabyte_of_hidden_signs_takes_no_time() -> None:
    begun = time.process_time()  # not the clock's: others may have the processor
    safe("\u202e" * 1_000_000)
    assert time.process_time() - begun < 2


@given(text=st.text(max_size=60).map(lambda t: t + "\u202e12" + "x" * 30), ends=st.data())
def test_a_span_is_found_again_in_what_is_shown(text: str, ends: st.DataObject) -> None:
    start = ends.draw(st.integers(0, len(text)))
    end = ends.draw(st.integers(start, len(text)))
    found = safe_span(text, (start, end))
    assert found is not None
    first, last = found
    assert safe(text)[:first] == safe(text[:start])
    assert safe(text)[:last] == safe(text[:end])


def test_a_span_that_is_cut_off_is_not_marked() -> None:
    text = "x" * (MOST_CHARACTERS + 10)
    assert safe_span(text, (MOST_CHARACTERS + 1, MOST_CHARACTERS + 3)) is None
    assert safe_span("short", (3, 99)) is None


def test_one_line_is_one_line() -> None:
    assert one_line("a\n\n  b\tc") == "a b c"
    assert len(one_line("x" * 5_000, most=80)) == 80
