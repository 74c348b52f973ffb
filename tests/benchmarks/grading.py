"""Grade the real records and print how our verdicts compare with the files' own.

python tests/benchmarks/grading.py [FOLDER OF REAL RECORDS]
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from studio.domain.grading import Verdicted, grade_answer
from studio.domain.records import AnswerKind, Question, Verdict

#: SVAMP records among the first 200 that are not mistakes, found by reading.
FALSE_MISTAKES = frozenset(
    (0, 5, 11, 34, 85, 166, 179, 182, 186, 188, 221, 260, 292, 341, 345, 368, 371)
)
TEACHERS = ("gpt", "gemini", "mistral")
_LAST_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_COMMITTEE = "learn_from_committee/Llama-2-7b-chat-hf_{}_round0.json"


class Graded(NamedTuple):
    """One real answer and what we say about it."""

    name: str
    question: Question
    text: str
    theirs: str  #: the file's own verdict or extracted answer
    ours: Verdicted


def gsm8k(data: Path) -> Iterator[Graded]:
    """Yield the answers of four students, with the file's ``is_correct``."""
    lines = (data / "gsm8k/example_model_solutions.jsonl").read_bytes().splitlines()
    for number, line in enumerate(lines):
        row = json.loads(line)
        gold = row["ground_truth"].rpartition("\nA:")[2].strip()
        question = Question(text=row["question"], gold=gold)
        for student, answer in row.items():
            if isinstance(answer, dict):
                ours = grade_answer(answer["solution"], question=question)
                theirs = "correct" if answer["is_correct"] else "wrong"
                yield Graded(f"{number} {student}", question, answer["solution"], theirs, ours)


def unmarked(data: Path) -> Iterator[Graded]:
    """Yield worked solutions without the line that marks their answer; ``theirs`` is that answer.

    These are the reference solutions of GSM8K and the answers of the four students.
    """
    for name in ("train", "test"):
        lines = (data / f"gsm8k/{name}.jsonl").read_bytes().splitlines()
        for number, line in enumerate(lines):
            row = json.loads(line)
            work, _, answer = row["answer"].rpartition("####")
            yield _unmarked(f"{number} {name}", Question(text=row["question"], gold=answer), work)
    for one in gsm8k(data):
        work, _, answer = one.text.rpartition("\nA:")
        if work and answer.strip():
            yield _unmarked(one.name, one.question.changed(gold=answer), work)


def _unmarked(name: str, question: Question, work: str) -> Graded:
    return Graded(
        name, question, work, question.gold.strip(), grade_answer(work, question=question)
    )


def mistakes(data: Path, *, name: str, kind: AnswerKind) -> Iterator[tuple[int, Graded]]:
    """Yield the student answers the MAPD paper's repository lists as wrong, with their ids."""
    for row in json.loads((data / _COMMITTEE.format(f"{name}_false")).read_text("utf-8")):
        question = Question(text=row["question"], gold=row["gold_answer"], answer_kind=kind)
        text = row["student_wrong_pred"]
        ours = grade_answer(text, question=question)
        theirs = str(row["student_wrong_final_answer"])
        yield row["id"], Graded(f"{row['id']} {name}", question, text, theirs, ours)


def accepted_rationales(data: Path) -> Iterator[Graded]:
    """Yield the accepted rationales; ``theirs`` is what the last-number rule says."""
    for row in json.loads((data / _COMMITTEE.format("svamp_rationale")).read_text("utf-8")):
        question = Question(text=row["question"], gold=row["gold_answer"])
        for teacher in TEACHERS:
            text = row[f"{teacher}_rationale"][0]
            if text in row["correct_rationale"]:
                ours = grade_answer(text, question=question)
                theirs = last_number_verdict(text, row["gold_answer"])
                yield Graded(f"{row['id']} {teacher}", question, text, theirs, ours)


def last_number_verdict(text: str, gold: str) -> str:
    """Return the verdict of the rule "the last number of the text is its answer"."""
    found = _LAST_NUMBER.findall(text)
    value = float(found[-1].replace(",", "")) if found else None
    return "correct" if value is not None and abs(value - float(gold)) < 1e-6 else "wrong"


def main(data: Path) -> None:
    """Print the table, then each difference."""
    began = time.perf_counter()
    solutions = list(gsm8k(data))
    seconds = time.perf_counter() - began
    differ = [one for one in solutions if one.ours.verdict != one.theirs]
    print(f"gsm8k-solutions: {len(solutions) - len(differ)} of {len(solutions)} verdicts agree "
          f"({len(solutions) / seconds:,.0f} answers/s)")  # fmt: skip
    _show(differ)
    bare = list(unmarked(data))
    lost = [one for one in bare if one.ours.verdict is not Verdict.CORRECT]
    print(f"gsm8k without the marked answer: {len(bare) - len(lost)} of {len(bare)} read as marked")
    _show(lost)
    _svamp(list(mistakes(data, name="svamp", kind=AnswerKind.NUMBER)))
    _strategyqa([one for _, one in mistakes(data, name="strategyQA", kind=AnswerKind.YES_NO)])
    _rationales(list(accepted_rationales(data)))


def _svamp(graded: list[tuple[int, Graded]]) -> None:
    listed = [one for number, one in graded if number in FALSE_MISTAKES]
    others = [one for number, one in graded if number not in FALSE_MISTAKES]
    found = [one for one in listed if _is_suspected(one)]
    doubtful = [one for one in others if one.ours.doubts]
    correct = [one for one in others if one.ours.verdict is Verdict.CORRECT]
    print(f"svamp: {len(found)} of {len(listed)} false mistakes graded correct or doubted; of "
          f"{len(others)} others {len(doubtful)} doubted ({len(doubtful) / len(others):.1%}), "
          f"{len(correct)} graded correct")  # fmt: skip
    print(
        "  doubts of the others:", dict(Counter(d.name for one in others for d in one.ours.doubts))
    )
    print(" missed:")
    _show([one for one in listed if one not in found])
    print(" others graded correct:")
    _show(correct)
    print(" others doubted:")
    _show([one for one in doubtful if one not in correct])


def _strategyqa(graded: list[Graded]) -> None:
    neither = [one for one in graded if not re.search("true|false", one.text, re.IGNORECASE)]
    unreadable = [one for one in graded if one.ours.verdict is Verdict.UNREADABLE]
    silent = sum(one in unreadable for one in neither)
    print(f"strategyqa: {silent} of {len(neither)} with neither true nor false are unreadable, "
          f"{len(unreadable)} of {len(graded)} in all")  # fmt: skip
    _show(
        [one for one in graded if (one.ours.extracted or "absolute_wrong_final_ans") != one.theirs]
    )


def _rationales(graded: list[Graded]) -> None:
    counts = Counter((one.theirs, one.ours.verdict.value) for one in graded)
    print(f"accepted svamp rationales: {len(graded)}; (last number, ours): {dict(counts)}")
    _show([one for one in graded if one.ours.verdict != one.theirs])


def _is_suspected(one: Graded) -> bool:
    return one.ours.verdict is Verdict.CORRECT or bool(one.ours.doubts)


def _show(graded: list[Graded]) -> None:
    for one in graded:
        ours = one.ours
        raised = "; ".join(f"{doubt.name}: {doubt.evidence}" for doubt in ours.doubts)
        gold = one.question.gold.strip()[:30]
        print(f"  {one.name}: gold {gold!r}, file says {one.theirs}, we read {ours.extracted!r} "
              f"({ours.verdict}) [{raised}] … {one.text[-90:]!r}")  # fmt: skip


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else here)
