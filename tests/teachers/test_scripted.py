"""The scripted committee keeps its three habits, over real HTTP, the same each time."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from studio.domain.records import TeacherRecord
from studio.flow.review_reading import read_review
from studio.flow.reviews import Judgement
from studio.prompts import Prompts, resources
from studio.teachers.base import Outcome
from studio.teachers.opener import TeacherOpener
from studio.teachers.scripted import KIND_OFF, MODELS

ROWS = [
    json.loads(line)
    for line in (resources() / "demo" / "questions.jsonl").read_text("utf-8").splitlines()
]
MARK = "0123456789abcdef"


def record(name: str) -> TeacherRecord:
    return TeacherRecord(name=name, model=name, base_url="scripted:demo", scripted=True)


@pytest.fixture
async def opener() -> AsyncIterator[TeacherOpener]:
    made = TeacherOpener(lambda teacher: None)
    yield made
    await made.aclose()


def solve(row: dict[str, str]) -> list[dict[str, str]]:
    return Prompts().get("mapd", "solve").messages({"question": row["question"]})


def review(row: dict[str, str], candidate: str) -> list[dict[str, str]]:
    fields = {"question": row["question"], "gold": row["answer"], "mark": MARK,
              "candidate": candidate}  # fmt: skip
    return Prompts().get("mapd", "review").messages(fields)


def is_right(row: dict[str, str], text: str) -> bool:
    return text.rstrip().endswith(f"Answer: {row['answer']}")


async def ask(
    opener: TeacherOpener, name: str, asks: list[list[dict[str, str]]], **options: Any
) -> list[str]:
    teacher = opener.open(record(name))
    replies = await asyncio.gather(
        *(teacher.answer(messages, max_tokens=99, **options) for messages in asks)
    )
    assert {reply.outcome for reply in replies} == {Outcome.ANSWERED}
    assert len({reply.reply_id for reply in replies}) == len(replies)
    return [reply.text for reply in replies]


async def test_each_solves_in_its_own_way_and_the_same_each_time(opener: TeacherOpener) -> None:
    rows = ROWS[::10]
    shares = {}
    for name in MODELS:
        texts = await ask(opener, name, [solve(row) for row in rows])
        assert texts == await ask(opener, name, [solve(row) for row in rows])
        right = [is_right(row, text) for row, text in zip(rows, texts, strict=True)]
        shares[name] = sum(right) / len(rows)
        if name == "one-kind-off":
            off = {row["kind"]: ok for row, ok in zip(rows, right, strict=True)}
            assert KIND_OFF in off
            assert not any(
                ok for row, ok in zip(rows, right, strict=True) if row["kind"] == KIND_OFF
            )
    assert shares["careful"] > 0.94
    assert 0.8 < shares["lenient"] < shares["careful"]


@pytest.mark.parametrize("schema", [None, Judgement])
async def test_the_careful_one_is_strict_and_the_lenient_one_passes_wrong_work(
    opener: TeacherOpener, schema: type[Judgement] | None
) -> None:
    rows = [row for row in ROWS if row["kind"] != KIND_OFF][::16]
    means = {}
    for name in ("careful", "lenient"):
        wrong = [review(row, row["wrong_solution"]) for row in rows]
        texts = await ask(opener, name, wrong, schema=schema)
        scores = Counter(read_review(text, mark=MARK).score for text in texts)
        assert None not in scores
        means[name] = sum(score * n for score, n in scores.items() if score) / len(rows)
    assert means["careful"] < 2 < 3.5 < means["lenient"]


async def test_an_explanation_is_told_apart_from_a_solution(opener: TeacherOpener) -> None:
    row = ROWS[0]
    fields = {"question": row["question"], "wrong": row["wrong_solution"], "gold": row["answer"]}
    messages = Prompts().get("mapd", "explain").messages(fields)
    assert await ask(opener, "careful", [messages]) == [row["explanation"]]


async def test_it_is_fast_enough_not_to_be_waited_for(opener: TeacherOpener) -> None:
    await ask(opener, "careful", [solve(ROWS[0])])
    started = time.perf_counter()
    await ask(opener, "careful", [solve(row) for row in ROWS[:300]])
    assert time.perf_counter() - started < 20  # 300 a second on a quiet machine
