"""The records of the MAPD paper's repository: a student's mistakes, and what a committee said.

Three files belong together, told apart by name and by their fields:
``<student>_<dataset>_false_round<n>.json`` holds the mistakes, ``…_feedback_…`` one explanation a
teacher, ``…_rationale_…`` one rationale a teacher as [text, score, score], the scores being those
of the other teachers in the order gpt, gemini, mistral. Each file alone is enough. What a record
says beyond our own words for it is carried along, so that an export writes it back unchanged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from studio.domain.records import AnswerKind, Attempt, Question, Review
from studio.flow.formats.answers import gold, plain
from studio.flow.formats.base import (
    IMPORTED,
    LONGEST_NAME,
    Draft,
    Fault,
    Format,
    Head,
    Item,
    Options,
    Raw,
    RowError,
    Solution,
    each,
    record,
    split_of,
    text,
)
from studio.flow.formats.reading import json_rows

PARTS = ("false", "feedback", "rationale")
TEACHERS = ("gpt", "gemini", "mistral")  #: the paper's committee, in the order of its scores
ACCEPTED = "correct_rationale"
_BASE = ("id", "question", "gold_answer", "student_wrong_pred", "student_wrong_final_answer")
_NAME = re.compile(
    r"(?P<student>.+)_(?P<dataset>[^_]+)_(?:false|feedback|rationale)_round(?P<n>\d{1,9})"
)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")
_TRUTH = re.compile(r"(true|false)\.?(?:\t(.*))?", re.IGNORECASE | re.DOTALL)


class Origin(NamedTuple):
    """What the name of a file tells."""

    student: str = IMPORTED
    dataset: str = "committee"
    round: int = 0


def claims(head: Head) -> bool:
    """Return whether a file that begins like this is the committee's."""
    return head.first.keys() >= {"id", "gold_answer", "student_wrong_pred"}


def read(path: Path, options: Options) -> Iterator[Item | Fault]:
    """Yield the questions, each with the mistake and what the file says about it."""
    origin = origin_of(path)
    split = split_of(Path(), options)

    def convert(raw: Raw) -> Item:
        row = record(raw, *_BASE[:-1])
        text(as_source(row), "the record")  # whatever is carried along must be storable, too
        answer, worked = _gold(row["gold_answer"])
        question = Question(
            text=text(row["question"], "question").strip(),
            gold=answer.text,
            answer_kind=answer.kind,
            split=split,
            dataset=options.dataset or origin.dataset,
            gold_rationale=worked,
        )
        return Item(raw.line, question, (_draft(row, origin),))

    return each(json_rows(path), convert)


def origin_of(path: Path) -> Origin:
    """Return student, dataset and round from the file's name, as far as it tells."""
    found = _NAME.fullmatch(path.stem.encode(errors="replace").decode())
    if found is None:
        return Origin()
    return Origin(found["student"][:LONGEST_NAME], found["dataset"], int(found["n"]))


def file_name(origin: Origin, part: str) -> str:
    """Return the authors' name for a file."""
    return f"{origin.student}_{origin.dataset}_{part}_round{origin.round}.json"


def gold_answer(question: Question) -> str:
    """Return gold as these files write it."""
    if question.answer_kind is not AnswerKind.YES_NO:
        return question.gold
    truth = {"yes": "true", "no": "false"}.get(question.gold, question.gold)
    return f"{truth}.\t{question.gold_rationale}"


def record_id(key: str) -> int | str:
    """Return a record's own id: a number where it is written like one."""
    return int(key) if _WHOLE.fullmatch(key) else key


def as_source(value: object) -> str:
    """Return a value as the file holds it, as JSON text: 5, 5.0 and '5' are three."""
    return json.dumps(value, ensure_ascii=False)


def score_back(score: int | None, source: str) -> Any:
    """Return the score to write: the file's own, else ours, else null."""
    return json.loads(source) if source else score


def review(subject_id: str, reviewer: str, raw: object) -> Review:
    """Return one score of the file as a review; anything but a whole number 1-5 is missing."""
    whole = isinstance(raw, int | float) and not isinstance(raw, bool) and raw in (1, 2, 3, 4, 5)
    return Review(
        subject_id=subject_id,
        reviewer=reviewer,
        score=int(raw) if whole else None,  # type: ignore[call-overload]
        missing="" if whole else _why_missing(raw),
        source_score=as_source(raw),
    )


def unsaid(question: Question, attempt: Attempt, draft: Draft) -> dict[str, object]:
    """Return the fields of the source's record that our records would write otherwise."""
    ours = written(question, attempt)
    for teacher, words in draft.explanations.items():
        ours[f"{teacher}_feedback"] = words
    for teacher, solution in draft.rationales.items():
        ours[f"{teacher}_rationale"] = [solution.text, *solution.scores.values()]
    return {
        field: value
        for field, value in draft.carried.items()
        if field not in ours or as_source(ours[field]) != as_source(value)
    }


def written(question: Question, attempt: Attempt) -> dict[str, object]:
    """Return the fields that all three files have."""
    return {
        "id": record_id(attempt.key),
        "question": question.text,
        "gold_answer": gold_answer(question),
        "student_wrong_pred": attempt.text,
        "student_wrong_final_answer": attempt.stated,
    }


def _why_missing(value: object) -> str:
    return (
        "no score in the file" if value is None else f"the file's score {value!r} is not 1-5"[:120]
    )


def _gold(value: object) -> tuple[Any, str]:
    if isinstance(value, str) and (found := _TRUTH.fullmatch(value)):
        return gold(found[1]), text(found[2], "gold_answer", empty=True)
    return gold(value), ""


def _draft(row: Mapping[str, Any], origin: Origin) -> Draft:
    final = row.get("student_wrong_final_answer")
    return Draft(
        student=origin.student,
        text=text(row["student_wrong_pred"], "student_wrong_pred", empty=True),
        round=origin.round,
        key=plain(row["id"]),
        stated=""
        if final is None
        else text(_as_text(final), "student_wrong_final_answer", empty=True),
        source_verdict="wrong",  # the files hold mistakes only
        explanations=_explanations(row),
        rationales=_rationales(row),
        part=_part(row),
        carried={field: value for field, value in row.items() if field != ACCEPTED},
    )


def _part(row: Mapping[str, Any]) -> str:
    if any(_names(row, "rationale")):
        return "rationale"
    return "feedback" if any(_names(row, "feedback")) else "false"


def _names(row: Mapping[str, Any], part: str) -> list[str]:
    """Return the teachers with a text of this part, in the order of their scores."""
    ending = f"_{part}"
    found = [
        name.removesuffix(ending) for name in row if name.endswith(ending) and name != ACCEPTED
    ]
    return in_order(found)


def in_order(teachers: Sequence[str]) -> list[str]:
    """Return teachers in the order of their scores: the paper's committee, then as they come."""
    known = [teacher for teacher in TEACHERS if teacher in teachers]
    return known + [teacher for teacher in teachers if teacher not in TEACHERS]


def _explanations(row: Mapping[str, Any]) -> dict[str, str]:
    said = {
        teacher: text(row[f"{teacher}_feedback"], f"{teacher}_feedback", empty=True)
        for teacher in _names(row, "feedback")
    }
    return {teacher: words for teacher, words in said.items() if words.strip()}


def _rationales(row: Mapping[str, Any]) -> dict[str, Solution]:
    teachers = _names(row, "rationale")
    found: dict[str, Solution] = {}
    for teacher in teachers:
        field = f"{teacher}_rationale"
        value = row[field]
        others = [other for other in teachers if other != teacher]
        if not isinstance(value, list) or len(value) != 1 + len(others):
            raise RowError(f"{field} is not [text{', score' * len(others)}]")
        words = text(value[0], field, empty=True)
        if words.strip():
            found[teacher] = Solution(words, dict(zip(others, value[1:], strict=True)))
    return found


def _as_text(value: object) -> object:
    return plain(value) if isinstance(value, bool | int | float) else value


FORMAT = Format("committee", claims, read)
