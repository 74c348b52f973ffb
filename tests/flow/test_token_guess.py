"""How many tokens examples have, about: counted where the student's tokenizer is here, else from letters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.flow.token_guess import LETTERS_A_TOKEN, Said, guessed_sizes, letters_a_token
from studio.prompts import resources

STUDENT = resources() / "demo" / "student"


def sayings() -> list[Said]:
    lines = (resources() / "demo" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Said((one["question"],), one["solution"], "rationale") for one in map(json.loads, lines)
    ]


def test_the_sample_students_examples_are_guessed_within_a_twentieth() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    core = tokenizers.Tokenizer.from_file(str(STUDENT / "tokenizer.json"))
    told = sayings()
    found = guessed_sizes(STUDENT, told, limit=1024)
    learned = sum(len(core.encode(one.learned, add_special_tokens=False)) + 1 for one in told)
    asked = sum(len(core.encode(one.asked[0], add_special_tokens=False)) for one in told)
    assert sum(one.supervised for one in found) == pytest.approx(learned, rel=0.05)
    marks = 8 * len(told)  # of a template, at most; this student's has three
    assert sum(one.tokens for one in found) == pytest.approx(learned + asked + marks, rel=0.05)
    # Letters alone would be far off: this student's vocabulary is small.
    letters = sum(len(one.learned) for one in told) / LETTERS_A_TOKEN
    assert abs(letters / learned - 1) > 0.15


@pytest.mark.parametrize("content", [None, "{", '{"model": null}', "[]"])
def test_without_a_tokenizer_that_can_be_read_letters_tell(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    assert letters_a_token(tmp_path, ["three words here"]) == LETTERS_A_TOKEN
    said = Said(("x" * 30,), "y" * 15, "rationale")
    (found,) = guessed_sizes(tmp_path, [said], limit=1024)
    assert (found.tokens, found.supervised) == (10 + 1 + 5 + 1, 5 + 1)


def test_a_tokenizer_whose_reader_panics_is_as_none(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    told = json.loads((STUDENT / "tokenizer.json").read_bytes())
    told["model"]["continuing_subword_prefix"] = "x" * 1000  # longer than any of its words
    (tmp_path / "tokenizer.json").write_text(json.dumps(told), encoding="utf-8")
    assert letters_a_token(tmp_path, ["Ada has 3 apples."]) == LETTERS_A_TOKEN


@pytest.mark.parametrize("inside", [False, True])
def test_a_chat_template_adds_its_marks(tmp_path: Path, inside: bool) -> None:
    bare = guessed_sizes(tmp_path, [Said(("x" * 30, "x" * 30), "y", "r")], limit=1024)[0]
    if inside:
        told = json.dumps({"chat_template": "{{ messages }}"})
        (tmp_path / "tokenizer_config.json").write_text(told, encoding="utf-8")
    else:
        (tmp_path / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    marked = guessed_sizes(tmp_path, [Said(("x" * 30, "x" * 30), "y", "r")], limit=1024)[0]
    assert marked.tokens > bare.tokens
    assert marked.supervised == bare.supervised


def test_what_is_too_long_is_taken_as_cut(tmp_path: Path) -> None:
    (long,) = guessed_sizes(tmp_path, [Said(("x" * 300,), "y" * 300, "r")], limit=150)
    assert (long.tokens, long.supervised) == (150, 150 - 101)
    (none,) = guessed_sizes(tmp_path, [Said(("x" * 300,), "y" * 300, "r")], limit=50)
    assert (none.tokens, none.supervised) == (50, 0)
