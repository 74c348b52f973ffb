"""Lists of teachers as a person types them."""

from __future__ import annotations

import pytest

from studio.domain.teacher_values import listed, names_in


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set()),
        (" , ", set()),
        ("gpt", {"gpt"}),
        ("gpt, gemini ,", {"gpt", "gemini"}),
        ('"gpt, of May", gemini', {"gpt, of May", "gemini"}),
        ('a "b" c', {'a "b" c'}),
    ],
)
def test_names_are_divided_by_commas_and_one_with_a_comma_stands_in_quotes(
    text: str, names: set[str]
) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize("name", ["gpt", "gpt, of May", 'the "best", so far', '"', "a b"])
def test_what_is_listed_is_read_again(name: str) -> None:
    assert names_in(listed([name])) == {name}
    assert names_in(listed([name, "other"])) == {name, "other"}
