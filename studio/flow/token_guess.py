"""How many tokens a run's examples have, about, before a job has counted them.

A sample of the texts is counted with the student's own tokenizer, which needs no torch; where that
is not here or cannot be read, so many letters are taken for a token.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from studio.domain.dealing import Size
from studio.domain.errors import StudentError
from studio.flow.model_files import read_json

LETTERS_A_TOKEN = 3.0  #: of English, by and large; a small vocabulary knows fewer
_SAMPLE = 256  #: texts that are counted
_A_TURN = 5  #: tokens that a chat template puts around what is said: a role and its two marks
_ANSWER = 3  #: and before an answer


class Said(NamedTuple):
    """An example's texts."""

    asked: tuple[str, ...]
    learned: str
    role: str


def guessed_sizes(folder: Path, examples: Sequence[Said], *, limit: int) -> list[Size]:
    """Return about how large the examples are in tokens of a student.

    Args:
        folder: of the student's model.
        limit: tokens that an example may have.
    """
    asked = letters_a_token(folder, [text for one in examples for text in one.asked])
    said = letters_a_token(folder, [one.learned for one in examples])  # sums, say, are dense
    around, before = (_A_TURN, _ANSWER) if _has_template(folder) else (1, 0)
    found = []
    for one in examples:
        shown = sum(math.ceil(len(text) / asked) + around for text in one.asked) + before
        learned = math.ceil(len(one.learned) / said) + 1  # and the token that ends it
        whole = min(shown + learned, limit)
        found.append(Size(whole, min(learned, max(0, whole - shown)), one.role))
    return found


def letters_a_token(folder: Path, texts: Sequence[str]) -> float:
    """Return how many letters of such texts make up a token, on average."""
    few = [text for text in texts[:: max(1, len(texts) // _SAMPLE)] if text][:_SAMPLE]
    tokens = _counted(folder / "tokenizer.json", few)
    return sum(map(len, few)) / tokens if tokens else LETTERS_A_TOKEN


def _counted(path: Path, texts: Sequence[str]) -> int:
    """Return how many tokens texts have together; 0 where that cannot be told."""
    try:
        from tokenizers import Tokenizer
    except ImportError:  # it comes with what training needs
        return 0
    if not (texts and path.is_file()):
        return 0
    try:
        core = Tokenizer.from_file(str(path))
        core.no_truncation()
        core.no_padding()
        # One by one: a batch would use threads, which a process that starts others had better not.
        return sum(len(core.encode(text, add_special_tokens=False)) for text in texts)
    except BaseException as error:
        # The library raises nothing narrower, and panics of its core are no exceptions even; what is
        # wrong with the file a job will say.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return 0
        raise


def _has_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    try:
        told: dict[str, Any] = read_json(folder / "tokenizer_config.json")
    except StudentError:
        return False
    return bool(told.get("chat_template"))
