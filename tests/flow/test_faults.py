"""Every fault an endpoint can have, through the whole engine: typed, kept, counted, mended.

One stage runs with a teacher for each fault, all at once; then the faults end and it runs again.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from studio.domain.records import Rationale, Review
from studio.flow.rationales import SolveStage
from studio.flow.reviews import ReviewStage
from studio.store.tables import Store
from studio.teachers.base import Outcome
from tests import faults
from tests.fakes import FaultyEndpoint, add_mistakes, teacher
from tests.killing import run
from tests.ledger import check_ledger, check_length

QUESTIONS = 2
DEADLINE_S = 3.0  #: long enough to be connected and asked on a busy machine
SLOW = {"hang", "hang after headers", "drip", "slow drip"}


class Expected(NamedTuple):
    """What one fault comes to."""

    outcome: Outcome
    tries: int = 1  #: requests for one item
    is_left_out: bool = False  #: after the first request nothing more is asked


PASSES = {name: Expected(Outcome.SERVER, 3) for name in ("500", "502", "503", "529")} | {
    name: Expected(Outcome.RATE_LIMITED, 3)
    for name in (
        "429",
        "429 for a second",
        "429 in ms",
        "429 with a date",
        "429 negative",
        "429 garbage",
    )
}
LASTS = {
    "429 for an hour": Expected(Outcome.RATE_LIMITED, is_left_out=True),
    "quota": Expected(Outcome.QUOTA, is_left_out=True),
    "no money": Expected(Outcome.QUOTA, is_left_out=True),
    "401": Expected(Outcome.DENIED, is_left_out=True),
    "403": Expected(Outcome.DENIED, is_left_out=True),
    "key in an error": Expected(Outcome.DENIED, is_left_out=True),
    "404": Expected(Outcome.NO_MODEL, is_left_out=True),
    "400": Expected(Outcome.REJECTED), "too long": Expected(Outcome.REJECTED),
    "odd error": Expected(Outcome.REJECTED), "redirect": Expected(Outcome.REJECTED),
}  # fmt: skip
MALFORMED = {
    name: Expected(Outcome.UNREADABLE, 3)
    for name in (
        "html", "null", "nothing", "half json", "bad utf-8", "deep json", "deep in a reply",
        "not a number", "huge number", "names twice", "no choices", "choices of nothing",
        "error with 200", "bomb", "events",
    )
}  # fmt: skip
SAYS_NOTHING = {
    "content null": Expected(Outcome.EMPTY), "content a list": Expected(Outcome.EMPTY),
    "blank": Expected(Outcome.EMPTY), "tool calls": Expected(Outcome.EMPTY),
    "refusal": Expected(Outcome.REFUSED), "filtered": Expected(Outcome.REFUSED),
}  # fmt: skip
USABLE = {"length": Expected(Outcome.TRUNCATED)} | {
    name: Expected(Outcome.ANSWERED)
    for name in (
        "byte order mark", "1e999", "odd id", "nul and surrogate", "one long line",
        "absurd usage", "no usage", "another model", "key in an answer", "doubled",
        "two choices", "log probabilities",
    )
}  # fmt: skip
BREAKS_OFF = {
    name: Expected(Outcome.BROKEN, 3)
    for name in ("cut", "cut chunked", "no http", "hang up")
} | {
    name: Expected(Outcome.TOO_LARGE) for name in ("too large", "endless chunked", "endless error")
} | {name: Expected(Outcome.TIMED_OUT) for name in SLOW}  # fmt: skip
EXPECTED = PASSES | LASTS | MALFORMED | SAYS_NOTHING | USABLE | BREAKS_OFF
CHECKED_ELSEWHERE = {"few ids", "same id"}  # test_committee.py


class Aftermath(NamedTuple):
    """The ledger after the faults and after the second, calm run; what was told at the end."""

    faulty: dict[str, list[Any]]
    complaint: str
    requests: dict[str, int]
    store: Store
    raw_was: dict[str, list[bytes | None]]


def echo(request: dict[str, Any]) -> str:
    """Answer so that the question can be recognised in the answer."""
    text = str(request["messages"][-1]["content"])
    return f"About: {' '.join(text.split())}\nAnswer: 1"


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    store = Store.create(tmp_path_factory.mktemp("faults") / "project")
    ends = [False]
    endpoint = FaultyEndpoint(echo, fault=lambda r: "" if ends[0] else str(r["model"]))
    for name in EXPECTED:
        deadline = DEADLINE_S if name in SLOW else 30.0
        store.put(teacher(name, endpoint.url, concurrency=1, timeout_s=deadline,
                          price_in=1.0, price_out=1.0))  # fmt: skip
    add_mistakes(store, QUESTIONS)
    complaint = asyncio.run(run(store, SolveStage(), key=faults.CANARY))
    rows: dict[str, list[Any]] = {name: [] for name in EXPECTED}
    for row in store.rows("SELECT * FROM calls ORDER BY rowid"):
        rows[row["teacher"]].append(row)
    asked = dict.fromkeys(EXPECTED, 0)
    for prompt, times in endpoint.asked.items():
        asked[prompt.partition(":")[0]] += times
    check_ledger(store, requests=sum(asked.values()))
    ends[0] = True
    assert asyncio.run(run(store, SolveStage(), key=faults.CANARY)) == ""
    check_ledger(store, requests=sum(endpoint.asked.values()))
    endpoint.close()
    raw = {name: [row["reply"] for row in rows[name]] for name in EXPECTED}
    yield Aftermath(rows, complaint, asked, store, raw)
    store.close()


def test_every_fault_is_in_the_table() -> None:
    named = {*faults.STATUSES, *faults.BODIES, *faults.WIRES}
    assert named - CHECKED_ELSEWHERE == set(EXPECTED)


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_is_typed_counted_and_passes(aftermath: Aftermath, fault: str) -> None:
    expected, rows = EXPECTED[fault], aftermath.faulty[fault]
    assert {row["outcome"] for row in rows} == {str(expected.outcome)}
    items = 1 if expected.is_left_out else QUESTIONS
    assert len(rows) == aftermath.requests[fault] == items * expected.tries
    tries: dict[str, int] = {}
    for row in rows:
        tries[row["subject"]] = tries.get(row["subject"], 0) + 1
    assert set(tries.values()) == {expected.tries}
    assert (f"{fault} is left out" in aftermath.complaint) == expected.is_left_out
    assert aftermath.store.count(Rationale, "teacher = ?", fault) == QUESTIONS


@pytest.mark.parametrize("fault", [*faults.BODIES.keys() - CHECKED_ELSEWHERE])
def test_a_whole_reply_is_kept_as_it_came(aftermath: Aftermath, fault: str) -> None:
    for n, reply in enumerate(aftermath.raw_was[fault]):
        assert reply is not None, n
        like = faults.BODIES[fault](1)
        assert abs(len(reply) - len(like)) < 20, "request numbers differ in length, nothing else"
        assert reply[:7] == like[:7]


@pytest.mark.parametrize(
    ("fault", "kept"),
    [("cut", b"choices"), ("cut chunked", b"choices"), ("drip", b"{"),
     ("slow drip", b'{'), ("500", b"boom"), ("401", b"bad key"), ("odd error", b"\\ud800"),
     ("429", b"slow down")],
)  # fmt: skip
def test_a_part_of_a_reply_is_kept_as_a_part(aftermath: Aftermath, fault: str, kept: bytes) -> None:
    assert all(kept in (reply or b"") for reply in aftermath.raw_was[fault])


def test_what_is_not_known_is_not_told_as_nothing(aftermath: Aftermath) -> None:
    for fault in ("absurd usage", "no usage"):
        for row in aftermath.faulty[fault]:
            assert (row["tokens_in"], row["tokens_out"], row["cost_usd"]) == (None, None, None)
    assert {row["served_model"] for row in aftermath.faulty["another model"]} == {
        "something-cheaper"
    }


def test_the_key_is_nowhere_in_the_project(aftermath: Aftermath) -> None:
    assert "[key]" in str(aftermath.faulty["key in an error"][0]["detail"])
    answers = list(aftermath.store.all(Rationale, "teacher = 'key in an answer'"))
    assert all("[key]" in answer.text for answer in answers)
    assert faults.CANARY not in aftermath.complaint
    for file in aftermath.store.path.rglob("*"):
        assert not file.is_file() or faults.CANARY.encode() not in file.read_bytes(), file


Make = Callable[..., FaultyEndpoint]


@pytest.fixture
def endpoint() -> Iterator[Make]:
    made: list[FaultyEndpoint] = []

    def make(answer: Any = echo, **options: Any) -> FaultyEndpoint:
        made.append(FaultyEndpoint(answer, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def test_no_attempt_outlasts_its_deadline(store: Store, endpoint: Make) -> None:
    """Whatever trickles in: the deadline is for the whole of it, on a clock that nobody sets."""
    served = endpoint(fault=lambda request: str(request["model"]))
    for name in SLOW:
        store.put(teacher(name, served.url, concurrency=1, timeout_s=DEADLINE_S))
    add_mistakes(store, 1)
    await run(store, SolveStage())
    check_ledger(store, requests=len(SLOW))
    check_length(store, DEADLINE_S)
    assert {row[0] for row in store.rows("SELECT state FROM calls")} == {"unknown"}


@pytest.mark.parametrize("fault", ["quota", "401"])
async def test_after_an_account_s_no_at_most_what_was_in_flight_is_asked(
    store: Store, endpoint: Make, fault: str
) -> None:
    served = endpoint(fault=lambda request: fault, latency_s=0.1)
    store.put(teacher("a", served.url, concurrency=4))
    add_mistakes(store, 30)
    assert "a is left out" in await run(store, SolveStage())
    assert sum(served.asked.values()) <= 4
    check_ledger(store, requests=sum(served.asked.values()))


async def test_an_endpoint_that_is_not_there_is_waited_for_by_nobody_and_used_when_it_is_back(
    store: Store, endpoint: Make
) -> None:
    gone = FaultyEndpoint()
    gone.close()
    store.put(teacher("a", gone.url))
    store.put(teacher("b", endpoint().url))
    add_mistakes(store, 3)
    started = time.monotonic()
    told = await run(store, SolveStage())
    assert "a is left out: the endpoint does not answer, is it running?" in told
    assert time.monotonic() - started < 5
    assert store.count(Rationale, "teacher = 'b'") == 3
    check_ledger(store)
    store.put(store.teachers()[0].changed(base_url=endpoint().url))
    assert await run(store, SolveStage()) == ""
    assert store.count(Rationale, "teacher = 'a'") == 3
    check_ledger(store)


async def test_a_redirect_is_not_followed_with_the_key(
    store: Store, endpoint: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = endpoint()
    for status in (301, 302, 303, 307, 308):
        name = f"{status} elsewhere"
        there = {"Location": f"{elsewhere.url}/chat/completions"}
        monkeypatch.setitem(faults.STATUSES, name, (status, {}, there))
        store.put(teacher(name, endpoint(fault=lambda request: str(request["model"])).url))
    add_mistakes(store, 1)
    await run(store, SolveStage(), key=faults.CANARY)
    assert elsewhere.headers == []
    rows = store.rows("SELECT outcome, status FROM calls")
    assert {row["outcome"] for row in rows} == {"rejected"}
    assert {row["status"] for row in rows} == {301, 302, 303, 307, 308}


async def test_replies_swapped_on_the_way_score_nobody(store: Store, endpoint: Make) -> None:
    """Two reviewers' replies change places: each holds the mark of the other call."""
    meet, prompts = threading.Barrier(2), dict[int, str]()

    def swapped(request: dict[str, Any]) -> str:
        if "SCORE_" not in str(request["messages"]):
            return echo(request)
        place = meet.wait(5)
        prompts[place] = str(request["messages"])
        meet.wait(5)
        other = prompts[1 - place]
        mark = other[other.rindex("SCORE_") :][:22]
        return f"Fine.\n{mark}: 5"

    served = endpoint(swapped)
    for name in ("a", "b"):
        store.put(teacher(name, served.url, concurrency=1))
    add_mistakes(store, 2)
    await run(store, SolveStage(), ReviewStage())
    reviews = list(store.all(Review))
    assert len(reviews) == 4
    assert {review.score for review in reviews} == {None}
    assert all(review.missing for review in reviews)
    check_ledger(store, requests=sum(served.asked.values()))


async def test_a_storm_is_ridden_out(store: Store, endpoint: Make) -> None:
    """Half of all requests fail in some passing way: what is left over is done next time."""
    chance = random.Random(3)
    kinds = [*PASSES, *faults.PASSING, "hang up", "no http"]
    kinds.remove("429 with a date")
    served = endpoint(fault=lambda r: chance.choice(kinds) if chance.random() < 0.5 else "")
    for name in ("a", "b"):
        store.put(teacher(name, served.url, concurrency=16))
    questions = add_mistakes(store, 24)
    for _ in range(8):
        await run(store, SolveStage())
        check_ledger(store, requests=sum(served.asked.values()))
        if not SolveStage().todo(store):
            break
    assert store.count(Rationale) == 2 * len(questions)
    texts = {question.id: question.text for question in questions}
    for rationale in store.all(Rationale):
        assert texts[rationale.question_id] in rationale.text, "under its own question"
    assert max(served.sold.values()) == 1, "nothing good was bought twice"
