"""One call against a real endpoint that goes wrong in every way: one request, one typed outcome."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from studio.teachers.base import Outcome, read_reply, storable
from studio.teachers.openai_chat import OpenAIChat
from tests.fakes import FaultyEndpoint, teacher

KEY = "sk-CANARY-123456"
MESSAGES = [{"role": "user", "content": "What is 1 and 1?"}]


class Faults:
    """An endpoint whose fault can be changed between calls."""

    def __init__(self) -> None:
        self.fault = ""
        self.endpoint = FaultyEndpoint(fault=lambda request: self.fault)


@pytest.fixture(scope="module")
def faults() -> Iterator[Faults]:
    made = Faults()
    yield made
    made.endpoint.close()


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("", Outcome.ANSWERED), ("length", Outcome.TRUNCATED), ("absurd usage", Outcome.ANSWERED),
        ("html", Outcome.UNREADABLE), ("null", Outcome.UNREADABLE),
        ("nothing", Outcome.UNREADABLE), ("half json", Outcome.UNREADABLE),
        ("bad utf-8", Outcome.UNREADABLE), ("deep json", Outcome.UNREADABLE),
        ("not a number", Outcome.UNREADABLE), ("no choices", Outcome.UNREADABLE),
        ("error with 200", Outcome.UNREADABLE), ("content null", Outcome.EMPTY),
        ("blank", Outcome.EMPTY), ("refusal", Outcome.REFUSED), ("filtered", Outcome.REFUSED),
        ("429", Outcome.RATE_LIMITED), ("quota", Outcome.QUOTA), ("401", Outcome.DENIED),
        ("404", Outcome.NO_MODEL), ("400", Outcome.REJECTED), ("500", Outcome.SERVER),
        ("redirect", Outcome.REJECTED), ("cut", Outcome.BROKEN),
        ("odd id", Outcome.ANSWERED), ("odd error", Outcome.REJECTED),
        ("endless error", Outcome.TOO_LARGE), ("bomb", Outcome.UNREADABLE),
    ],
)  # fmt: skip
async def test_each_fault_is_one_request_and_one_typed_outcome(
    faults: Faults, fault: str, outcome: Outcome
) -> None:
    faults.fault = fault
    faults.endpoint.asked.clear()
    client = OpenAIChat(teacher("t", faults.endpoint.url, timeout_s=5), key=KEY)
    reply = await client.answer(MESSAGES, max_tokens=5)
    await client.aclose()
    assert reply.outcome is outcome
    assert sum(faults.endpoint.asked.values()) == 1
    assert bool(reply.text) == outcome.is_usable
    assert KEY not in reply.detail
    "".join((reply.detail, reply.reply_id or "", reply.served_model)).encode()  # can be stored
    assert len(reply.reply_id or "") <= 200
    assert "\n" not in reply.detail


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_the_deadline_is_for_the_whole_call(faults: Faults, fault: str) -> None:
    faults.fault = fault
    client = OpenAIChat(teacher("t", faults.endpoint.url, timeout_s=1.0), key=KEY)
    started = time.monotonic()
    reply = await client.answer(MESSAGES, max_tokens=5)
    await client.aclose()
    assert reply.outcome is Outcome.TIMED_OUT
    assert time.monotonic() - started < 4.5, "the endpoint itself takes five seconds, or longer"


async def test_a_call_that_ends_badly_takes_no_other_with_it() -> None:
    """Neither a missed deadline nor a dropped connection breaks off what else is paid for."""

    def slowly(request: dict[str, object]) -> str:
        time.sleep(1.0)
        return "Answer: 1"

    endpoint = FaultyEndpoint(
        slowly, fault=lambda request: "hang" if "never" in str(request) else ""
    )
    client = OpenAIChat(teacher("t", endpoint.url, timeout_s=3.0), key=KEY)

    async def later() -> Outcome:
        await asyncio.sleep(2.5)  # it is under way when the other misses its deadline
        return (await client.answer(MESSAGES, max_tokens=5)).outcome

    async def drop() -> None:
        await asyncio.sleep(2.8)
        await client.drop_connections()

    never = [{"role": "user", "content": "never"}]
    missed, good, _ = await asyncio.gather(client.answer(never, max_tokens=5), later(), drop())
    await client.aclose()
    endpoint.close()
    assert (missed.outcome, good) == (Outcome.TIMED_OUT, Outcome.ANSWERED)


async def test_a_server_that_hangs_up_was_there_all_the_same() -> None:
    """It may have taken the money: that is not the same as nobody there."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = OpenAIChat(teacher("t", f"http://127.0.0.1:{port}/v1", timeout_s=5), key=None)
    reply = await client.answer(MESSAGES, max_tokens=5)
    await client.aclose()
    server.close()
    assert reply.outcome is Outcome.BROKEN


async def test_a_local_server_s_dummy_key_is_left_in_the_texts() -> None:
    endpoint = FaultyEndpoint(lambda request: "An empty box. ollama EMPTY")
    client = OpenAIChat(teacher("t", endpoint.url), key="EMPTY")
    reply = await client.answer(MESSAGES, max_tokens=5)
    await client.aclose()
    endpoint.close()
    assert reply.text == "An empty box. ollama EMPTY"


async def test_nobody_there_is_told_apart_from_a_broken_connection() -> None:
    client = OpenAIChat(teacher("t", "http://127.0.0.1:9/v1", timeout_s=5), key=None)
    reply = await client.answer(MESSAGES, max_tokens=5)
    await client.aclose()
    assert reply.outcome is Outcome.OFFLINE


@pytest.mark.parametrize("certificate", ["none", "of nobody"])
async def test_no_key_goes_over_a_line_that_cannot_be_trusted(
    tmp_path: Path, certificate: str
) -> None:
    """No TLS at all, or a certificate that nobody vouches for: nothing was sent, nothing billed."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100_000))
        writer.close()

    server = await asyncio.start_server(
        listen, "127.0.0.1", 0, ssl=_self_signed(tmp_path) if certificate != "none" else None
    )
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    client = OpenAIChat(teacher("t", url, timeout_s=5), key=KEY)
    reply = await client.answer(MESSAGES, max_tokens=5)
    await client.aclose()
    server.close()
    assert reply.outcome is Outcome.OFFLINE, reply
    assert "\n" not in reply.detail
    assert KEY.encode() not in b"".join(heard)


def _self_signed(folder: Path) -> ssl.SSLContext:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes a certificate with openssl")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


async def test_a_host_that_nobody_knows_is_offline() -> None:
    client = OpenAIChat(teacher("t", "http://no-such-host.invalid/v1", timeout_s=20), key=KEY)
    reply = await client.answer(MESSAGES, max_tokens=5)
    await client.aclose()
    assert reply.outcome is Outcome.OFFLINE
    assert "not known" in reply.detail or "resol" in reply.detail or "No address" in reply.detail


async def test_of_several_choices_the_first_is_the_answer(faults: Faults) -> None:
    faults.fault = "two choices"
    client = OpenAIChat(teacher("t", faults.endpoint.url), key=KEY)
    raw = await client.send(MESSAGES, max_tokens=5)
    await client.aclose()
    assert read_reply(raw).text == "Answer: 1"
    assert b"Answer: 2" in raw.body


async def test_an_endpoint_without_schemas_is_asked_without_from_then_on() -> None:
    class Shape(BaseModel):
        score: int

    seen: list[bool] = []

    def fault(request: dict[str, object]) -> str:
        seen.append("response_format" in request)
        return "400" if seen[-1] else ""

    endpoint = FaultyEndpoint(fault=fault)
    client = OpenAIChat(teacher("t", endpoint.url), key=None)
    for _ in range(2):
        reply = await client.answer(MESSAGES, max_tokens=5, schema=Shape)
        assert reply.outcome is Outcome.ANSWERED
    await client.aclose()
    endpoint.close()
    assert seen == [True, False, False]


async def test_what_cannot_be_stored_is_made_visible(faults: Faults) -> None:
    faults.fault = "nul and surrogate"
    client = OpenAIChat(teacher("t", faults.endpoint.url), key=None)
    reply = await client.answer(MESSAGES, max_tokens=5)
    await client.aclose()
    assert "\0" not in reply.text
    assert reply.text.encode("utf-8")
    assert storable("plain") == "plain"


async def test_a_raw_reply_read_again_says_the_same(faults: Faults) -> None:
    faults.fault = ""
    client = OpenAIChat(teacher("t", faults.endpoint.url), key=None)
    raw = await client.send(MESSAGES, max_tokens=5)
    await client.aclose()
    assert read_reply(raw) == read_reply(raw._replace(status=None))
