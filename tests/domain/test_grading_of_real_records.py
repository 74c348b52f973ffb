"""Our verdicts on published answers, against the files' own. Skipped where they are absent."""

from __future__ import annotations

import re
from pathlib import Path

from studio.domain.records import AnswerKind, Verdict
from tests.benchmarks.grading import (
    FALSE_MISTAKES,
    accepted_rationales,
    gsm8k,
    mistakes,
    unmarked,
)


def test_gsm8k_solutions_are_judged_as_their_file_judges_them(shared_data: Path) -> None:
    graded = list(gsm8k(shared_data))
    assert len(graded) == 1200
    assert [one.name for one in graded if one.ours.verdict != one.theirs] == []
    assert [one.name for one in graded if one.ours.doubts] == []


def test_solutions_are_read_as_marked_when_their_marked_answer_is_taken_away(
    shared_data: Path,
) -> None:
    """Most of the rest mark something else than they found: 5 after 5.01, 33 after 33.5."""
    graded = list(unmarked(shared_data))
    assert len(graded) == 2095
    assert sum(one.ours.verdict is Verdict.CORRECT for one in graded) >= 2056


def test_listed_false_mistakes_of_svamp_are_noticed_and_few_others(shared_data: Path) -> None:
    graded = list(mistakes(shared_data, name="svamp", kind=AnswerKind.NUMBER))
    listed = [one for number, one in graded if number in FALSE_MISTAKES]
    others = [one for number, one in graded if number not in FALSE_MISTAKES]
    noticed = [one for one in listed if one.ours.verdict == "correct" or one.ours.doubts]
    assert (len(noticed), len(listed)) == (17, 17)
    assert [one.name for one in others if one.ours.verdict is Verdict.CORRECT] == []
    assert sum(bool(one.ours.doubts) for one in others) <= 0.08 * len(others)


def test_strategyqa_answers_with_neither_true_nor_false_are_unreadable(shared_data: Path) -> None:
    graded = [one for _, one in mistakes(shared_data, name="strategyQA", kind=AnswerKind.YES_NO)]
    neither = [one for one in graded if not re.search("true|false", one.text, re.IGNORECASE)]
    assert len(neither) == 44
    assert {one.ours.verdict for one in neither} == {Verdict.UNREADABLE}
    for one in graded:  # where both read an answer it is the same, but for an echoed alternative
        if one.ours.extracted and "true or false" not in one.text.lower():
            assert one.ours.extracted == one.theirs


def test_accepted_rationales_are_read_better_than_by_their_last_number(shared_data: Path) -> None:
    graded = list(accepted_rationales(shared_data))
    won = [one for one in graded if one.ours.verdict == "correct" != one.theirs]
    lost = [one for one in graded if one.theirs == "correct" != one.ours.verdict]
    assert (len(graded), len(won), len(lost)) == (420, 29, 2)
