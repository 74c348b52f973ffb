"""Endpoints that want to be asked in other words: learned from a refusal, once, and remembered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from studio.app.dialects import KnownWords
from studio.store.tables import Store
from studio.teachers.base import Outcome
from studio.teachers.dialect import Dialect, Words
from studio.teachers.opener import TeacherOpener
from tests import faults
from tests.fakes import FaultyEndpoint, teacher

MESSAGES = [{"role": "user", "content": "What is 1 and 1?"}]
NEWER = (
    "Unsupported parameter: 'max_tokens' is not supported with this model."
    " Use 'max_completion_tokens' instead."
)
WARM = "Unsupported value: 'temperature' does not support 0.8 with this model."
NO_SCHEMA = "Invalid parameter: 'response_format' of type 'json_schema' is not supported."


class Shape(BaseModel):
    score: int


def refusal(message: str, **told: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    return 400, {"error": {"message": message, "type": "invalid_request_error", **told}}, {}


Make = Callable[[Callable[[dict[str, Any]], str]], tuple[FaultyEndpoint, list[dict[str, Any]]]]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make an endpoint that refuses what ``fault`` says, and keep what it was asked."""
    for name, message in (("newer", NEWER), ("warm", WARM), ("no schema", NO_SCHEMA)):
        code = {"newer": "unsupported_parameter", "warm": "unsupported_value"}.get(name, "")
        monkeypatch.setitem(faults.STATUSES, name, refusal(message, code=code))
    made: list[FaultyEndpoint] = []

    def make(fault: Callable[[dict[str, Any]], str]) -> tuple[FaultyEndpoint, list[dict[str, Any]]]:
        asked: list[dict[str, Any]] = []

        def note(request: dict[str, Any]) -> str:
            asked.append(request)
            return fault(request)

        made.append(FaultyEndpoint(lambda request: json.dumps({"score": 4}), fault=note))
        return made[-1], asked

    yield make
    for one in made:
        one.close()


def newer_model(request: dict[str, Any]) -> str:
    if "max_tokens" in request:
        return "newer"
    return "warm" if "temperature" in request else ""


async def test_a_newer_model_is_asked_its_own_way_and_the_project_remembers(
    tmp_path: Path, endpoint: Make
) -> None:
    served, asked = endpoint(newer_model)
    record = teacher("a", served.url)
    store = Store.create(tmp_path / "p")
    opener = TeacherOpener(lambda _: None, KnownWords(store))
    for _ in range(2):
        reply = await opener.open(record).answer(MESSAGES, max_tokens=7)
        assert reply.outcome is Outcome.ANSWERED
    await opener.aclose()
    assert len(asked) == 4, "two refusals, once"
    assert asked[-1]["max_completion_tokens"] == 7
    store.close()
    store = Store(tmp_path / "p")
    opener = TeacherOpener(lambda _: None, KnownWords(store))
    assert (await opener.open(record).answer(MESSAGES, max_tokens=7)).text
    await opener.aclose()
    assert len(asked) == 5, "after a restart nothing is learned anew"
    assert dict(KnownWords(store)) == {
        f"{served.url}#a": Words(limit="max_completion_tokens", temperature=False)
    }
    store.close()


async def test_of_many_calls_at_once_none_is_lost_to_what_the_first_learned(endpoint: Make) -> None:
    served, asked = endpoint(newer_model)
    opener = TeacherOpener(lambda _: None)
    client = opener.open(teacher("a", served.url))
    sent = [client.answer(MESSAGES, max_tokens=7) for _ in range(6)]
    outcomes = [reply.outcome for reply in await asyncio.gather(*sent)]
    await opener.aclose()
    assert outcomes == [Outcome.ANSWERED] * 6
    assert len(asked) <= 3 * 6


async def test_refusals_that_contradict_each_other_come_to_an_end(
    endpoint: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = "Invalid value: 'max_tokens' or 'max_completion_tokens' is too large."
    monkeypatch.setitem(faults.STATUSES, "large", refusal(large))
    served, asked = endpoint(lambda request: "large")
    opener = TeacherOpener(lambda _: None)
    client = opener.open(teacher("a", served.url))
    reply = await asyncio.wait_for(client.answer(MESSAGES, max_tokens=7), 10)
    await opener.aclose()
    assert (reply.outcome, len(asked)) == (Outcome.REJECTED, 2)


async def test_schemas_are_given_up_for_a_refusal_of_schemas_only(endpoint: Make) -> None:
    served, asked = endpoint(lambda request: "no schema" if "response_format" in request else "")
    opener = TeacherOpener(lambda _: None)
    client = opener.open(teacher("a", served.url))
    for _ in range(2):
        assert (await client.answer(MESSAGES, max_tokens=7, schema=Shape)).text
    await opener.aclose()
    assert ["response_format" in request for request in asked] == [True, False, False]


async def test_a_question_that_is_too_long_costs_nobody_the_schemas(endpoint: Make) -> None:
    served, asked = endpoint(lambda request: "too long" if len(asked) == 1 else "")
    opener = TeacherOpener(lambda _: None)
    client = opener.open(teacher("a", served.url))
    first = await client.answer(MESSAGES, max_tokens=7, schema=Shape)
    assert first.outcome is Outcome.REJECTED
    assert (await client.answer(MESSAGES, max_tokens=7, schema=Shape)).text
    await opener.aclose()
    assert ["response_format" in request for request in asked] == [True, True]


async def test_a_refusal_without_a_cause_is_tried_without_a_schema_and_proves_nothing_alone(
    endpoint: Make,
) -> None:
    served, asked = endpoint(lambda request: "400" if len(asked) <= 2 else "")
    opener = TeacherOpener(lambda _: None)
    client = opener.open(teacher("a", served.url))
    first = await client.answer(MESSAGES, max_tokens=7, schema=Shape)
    assert first.outcome is Outcome.REJECTED
    assert (await client.answer(MESSAGES, max_tokens=7, schema=Shape)).text
    await opener.aclose()
    assert ["response_format" in request for request in asked] == [True, False, True]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": NEWER, "param": "max_tokens"}}, Words("max_completion_tokens")),
        ({"detail": "temperature: extra inputs are not permitted"}, Words(temperature=False)),
        ({"error": "json_schema is not supported here"}, Words(schemas=False)),
        ({"error": {"message": "The question talks of max_tokens and temperature"}}, Words()),
        ([1, 2], Words()),
    ],
)
def test_what_is_learned_from_which_words(body: Any, words: Words) -> None:
    from studio.teachers.base import RawReply

    dialect = Dialect(teacher("a", "http://localhost"))
    request = dialect.request(MESSAGES, 7, Shape)
    raw = RawReply(json.dumps(body).encode(), 400, Outcome.REJECTED)
    assert dialect.learns_from(raw, request) == (words != Words())
    assert dialect.words == words
    assert not dialect.learns_from(raw._replace(status=413), request)
