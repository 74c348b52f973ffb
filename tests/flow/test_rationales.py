"""Questions with a mistake become rationales; what was cut is kept and said to be cut."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from studio.domain.records import Question, Rationale
from studio.flow.rationales import SolveStage
from studio.flow.stage import Bench, Scope
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from tests.fakes import FaultyEndpoint, add_mistakes, teacher


@pytest.fixture
async def bench(store: Store) -> AsyncIterator[Bench]:
    opener = TeacherOpener(lambda record: None)
    yield Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
    await opener.aclose()


async def solve(bench: Bench, scope: Scope = Scope()) -> None:
    async for _ in SolveStage(scope).run(bench):
        pass


async def test_the_teacher_sees_the_bare_question(bench: Bench) -> None:
    endpoint = FaultyEndpoint()
    bench.store.put(teacher("org/a", endpoint.url))
    (question,) = add_mistakes(bench.store, 1)
    bench.store.add([Question(text="Nobody got this wrong.", gold="7")])
    await solve(bench)
    endpoint.close()
    (prompt,) = endpoint.asked
    assert question.text in prompt
    assert "Answer: 0" not in prompt, "the student's text stays out of it"
    (rationale,) = bench.store.all(Rationale)
    assert (rationale.question_id, rationale.teacher) == (question.id, "org/a")
    assert rationale.call_id
    assert rationale.prompt_hash == Prompts().get("mapd", "solve").hash


async def test_a_reply_cut_at_the_limit_is_kept_as_cut(bench: Bench) -> None:
    endpoint = FaultyEndpoint(fault=lambda request: "length")
    bench.store.put(teacher("a", endpoint.url))
    add_mistakes(bench.store, 1)
    await solve(bench)
    endpoint.close()
    (rationale,) = bench.store.all(Rationale)
    assert rationale.truncated
    assert SolveStage().todo(bench.store) == 0


async def test_an_empty_reply_is_no_rationale(bench: Bench) -> None:
    endpoint = FaultyEndpoint(fault=lambda request: "blank")
    bench.store.put(teacher("a", endpoint.url))
    add_mistakes(bench.store, 1)
    await solve(bench)
    endpoint.close()
    assert bench.store.count(Rationale) == 0
    assert bench.store.value("SELECT outcome FROM calls") == "empty"
    assert SolveStage().todo(bench.store) == 1
