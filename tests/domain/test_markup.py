"""Markup is read only where a sign can be nothing else, and every piece knows where it came from."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.formula import is_formula
from studio.domain.markup import Places, blocks


def looks(text: str) -> list[tuple[str, str]]:
    """Return what is shown, with its look."""
    return [
        (piece.text, " ".join(sorted(piece.style)) or block.kind)
        for block in blocks(text)
        for piece in block.pieces
    ]


def test_bold_italics_code_headings_and_lists_are_read() -> None:
    assert looks("# A **b**") == [("A ", "heading"), ("b", "bold")]
    assert looks("so *this* is `x*y`") == [
        ("so ", "text"), ("this", "italic"), (" is ", "text"), ("x*y", "code")
    ]  # fmt: skip
    assert looks("* one\n  - two\n12. three") == [
        ("• ", "item"), ("one", "item"), ("• ", "item"), ("two", "item"), ("12. ", "item"),
        ("three", "item"),
    ]  # fmt: skip
    assert [block.level for block in blocks("* one\n  - two")] == [0, 1]
    assert looks("**bold *and* more**") == [
        ("bold ", "bold"), ("and", "bold italic"), (" more", "bold")
    ]  # fmt: skip
    assert looks("**a `b`**") == [("a ", "bold"), ("b", "bold code")]


@pytest.mark.parametrize(
    "text",
    ["2*3*4 = 24", "2**3 and 3**2", "(a*b)*c*(d)", "2 * 3 * 4", "x_1 and x_2", "snake_case_name",
     "__init__", "#5 is it", "1.5 is more", "-3 is less", "* ", "**", "****", "5 ** 2 ** 3", "*3*",
     "a <b>bold</b> <img src=x>", "[link](http://example.org)", "![picture](file:///etc/passwd)",
     "| a | b |", "```\nnever closed", "&lt;", "~~gone~~"],
)  # fmt: skip
def test_what_may_mean_something_else_stays_as_it_is(text: str) -> None:
    found = blocks(text)
    assert all(block.kind == "text" for block in found)
    assert not any(piece.style for block in found for piece in block.pieces)
    assert "\n".join(piece for piece, _ in looks(text)) == text


def test_a_program_is_a_program() -> None:
    text = "def solution():\n    # 2*3 *apples*\n    return 2**3"
    assert [block.kind for block in blocks(text)] == ["code"] * 3
    assert "\n".join(piece for piece, _ in looks(text)) == text


def test_fenced_code_is_shown_without_its_fence() -> None:
    assert looks("so\n```python\n# c\nx = 2**3\n```\n*then*") == [
        ("so", "text"), ("# c", "code"), ("x = 2**3", "code"), ("then", "italic")
    ]  # fmt: skip


def test_formulas_are_read_and_money_is_money() -> None:
    def formulas(text: str) -> list[str]:
        return [piece for piece, look in looks(text) if "formula" in look]

    assert formulas(r"so $x$, $x^2$ and \(\frac{1}{2}\)") == ["x", "x^2", r"\frac{1}{2}"]
    assert formulas("\\[\n\\frac{1}{2}\n\\]") == [r"\frac{1}{2}"]
    assert formulas("$$a = 1$$") == ["a = 1"]
    assert formulas(r"$\$5 \times 3$") == [r"\$5 \times 3"]
    for money in ("$5 and $10", "$5-$7$ each", "She has $20. He has 5$", "from $3 to $4 a day",
                  r"\$5 and \$6", "$5 for each of the pens and 3$"):  # fmt: skip
        assert formulas(money) == []


@pytest.mark.parametrize(
    "latex",
    [r"\color{white}{7}", r"\href{http://x}{y}", r"\phantom{7}", r"\tiny 7", r"\hspace{-5em}x",
     r"\def\x{7}", r"\input{/etc/passwd}", r"\begin{evil}x\end{evil}", "{" * 40 + "}" * 40, "}{", "x}",
     "漢", "x" * 301, "", " "],
)  # fmt: skip
def test_what_may_hide_or_move_something_is_not_drawn(latex: str) -> None:
    assert not is_formula(latex)


@given(st.text(alphabet="ab1 *$`#-.\\()[]{}^_=\n~|😀é", max_size=80))
def test_every_piece_knows_its_source_and_nothing_is_shown_twice(text: str) -> None:
    at = 0
    for block in blocks(text):
        for piece in block.pieces:
            assert at <= piece.start <= piece.end <= len(text)
            at = piece.end
            source = text[piece.start : piece.end]
            assert piece.text == source or "formula" in piece.style or piece.text.endswith(" ")
    dropped = set(text) - {sign for piece, _ in looks(text) for sign in piece}
    assert dropped <= set("*`#-$~\\()[] \n")


@given(st.text(alphabet="ab *`#-1.\n😀", max_size=60), st.data())
def test_places_lead_there_and_back(text: str, data: st.DataObject) -> None:
    places, at = Places(), 0
    for block in blocks(text):
        for piece in block.pieces:
            at = places.add(piece, at)
        at += 1
    start = data.draw(st.integers(0, len(text)))
    span = (start, data.draw(st.integers(start, len(text))))
    shown = places.shown(span)
    if shown is not None:
        back = places.source(shown)
        assert back is not None
        assert text[slice(*back)].strip("*`#- \n1.•") == text[slice(*span)].strip("*`#- \n1.•")


@pytest.mark.parametrize(
    "text",
    ["*" * 20_000, "$" * 20_000, "$a " * 6_600, "`a " * 6_600, "\\(" * 10_000, "\\[" * 10_000,
     "**a " * 5_000, "\\[\n" * 6_600, "```\n" * 5_000, "- " * 10_000, "1+2=" * 5_000, "\n" * 20_000],
)  # fmt: skip
def test_odd_texts_take_no_time(text: str) -> None:
    begun = time.process_time()  # not the clock's: others may have the processor
    blocks(text)
    assert time.process_time() - begun < 2
