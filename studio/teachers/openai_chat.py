"""A teacher behind an OpenAI-compatible endpoint: OpenAI, Ollama, vLLM, llama.cpp, LM Studio.

One request a call: the client's own retries are off, the deadline is for the whole call on the
monotonic clock, and the size of a reply is capped. The client is imported at the first call; it
takes longer to import than the window takes to open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from studio.domain.records import TeacherRecord
from studio.domain.redaction import HIDDEN, SHORTEST
from studio.teachers.base import Outcome, RawReply, Reply, excerpt, read_reply
from studio.teachers.deadline import Deadline
from studio.teachers.dialect import Dialect, Words
from studio.teachers.waiting import seconds_asked_for

if TYPE_CHECKING:
    from openai import APIStatusError

    from studio.teachers.openai_batches import OpenAIBatches
    from studio.teachers.wire import Wire

_NO_KEY = "none"  #: local servers want a key that is not empty, and look at nothing else


class OpenAIChat:
    """Talks to one endpoint.

    Args:
        record: where it is and how it is to be asked.
        key: the API key; kept in memory only, and taken out of every text that is stored.
        base_url: overrides the record's, for an endpoint whose address is known at run time only.
        known: how this model wants to be asked, as far as it told earlier.
        learned: told when it says more.
    """

    def __init__(
        self,
        record: TeacherRecord,
        *,
        key: str | None,
        base_url: str = "",
        known: Words | None = None,
        learned: Callable[[TeacherRecord, Words], None] = lambda record, words: None,
    ) -> None:
        self.name = record.name
        self._record = record
        self._key = key or _NO_KEY
        self._base_url = base_url or record.base_url
        self._dialect = Dialect(record, known)
        self._learned = learned
        self._wire: Wire | None = None

    async def send(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: type[BaseModel] | None = None,
    ) -> RawReply:
        """Send one request, once, within the teacher's deadline; never raises for a fault."""
        tried: set[Words] = set()
        while self._dialect.words not in tried:  # else two refusals that contradict go on for ever
            tried.add(self._dialect.words)
            request = self.body(messages, max_tokens=max_tokens, schema=schema)
            raw = await self._send(request)
            self.learn(raw, request)
            # Not only what this refusal taught: of many calls at once the first to come back learns.
            if raw.failure is not Outcome.REJECTED or not self.has_outgrown(request):
                break  # a refusal computed nothing: asked again
        if self._dialect.may_be_about_schemas(raw, request):
            plain = {name: value for name, value in request.items() if name != "response_format"}
            again = await self._send(plain)
            if again.failure is None:
                self._dialect.words = self._dialect.words._replace(schemas=False)
                self._learned(self._record, self._dialect.words)
            return again
        return raw

    async def answer(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: type[BaseModel] | None = None,
    ) -> Reply:
        """Send and read in one step, for calls that need no ledger."""
        return read_reply(await self.send(messages, max_tokens=max_tokens, schema=schema))

    def in_batches(self) -> OpenAIBatches:
        """Return the endpoint's batch interface."""
        from studio.teachers.openai_batches import OpenAIBatches

        return OpenAIBatches(self, self._record, base_url=self._base_url, key=self._key)

    def body(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: type[BaseModel] | None = None,
    ) -> dict[str, Any]:
        """Return the body of a request, in the words that this model takes."""
        return self._dialect.request(messages, max_tokens, schema)

    def has_outgrown(self, request: Mapping[str, Any]) -> bool:
        """Return whether it would put a request into other words by now."""
        return self._dialect.has_outgrown(request)

    def learn(self, raw: RawReply, request: Mapping[str, Any]) -> bool:
        """Take note of a refusal; returns whether it is worth asking once more, in other words."""
        if not self._dialect.learns_from(raw, request):
            return False
        self._learned(self._record, self._dialect.words)
        return True

    async def drop_connections(self) -> None:
        """Use none of the open connections again; calls under way on them come to their end."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.retire()

    async def aclose(self) -> None:
        """Let go of the endpoint."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def _send(self, request: dict[str, Any]) -> RawReply:
        body = bytearray()
        try:
            async with Deadline(self._record.timeout_s):
                return await self._read(request, body)
        except TimeoutError:  # what came may be paid for
            return RawReply(self.redact_bytes(bytes(body)), None, Outcome.TIMED_OUT,
                            f"no whole reply within {self._record.timeout_s:g} s")  # fmt: skip
        except Exception as error:
            raw = self.fault(error)
            if raw is None:
                raise
            return raw

    def fault(self, error: Exception) -> RawReply | None:
        """Return what an error of the client means, or None for one that is none of the wire's."""
        import aiohttp
        import openai

        from studio.teachers.wire import ReplyTooLarge

        if isinstance(error, openai.APIStatusError):
            return self._status(error)
        if isinstance(error, ReplyTooLarge):
            return RawReply(failure=Outcome.TOO_LARGE, detail=str(error))
        # What is no HTTP at all passes the client as aiohttp's own error.
        if isinstance(error, openai.APIConnectionError | aiohttp.ClientError):
            return self._connection(error)
        return None

    async def _read(self, request: dict[str, Any], body: bytearray) -> RawReply:
        import aiohttp
        import httpx2

        async with self._open() as client:
            # The resource method would copy and check the request part by part: half of its time.
            response: httpx2.Response = await client.post(
                "/chat/completions", cast_to=httpx2.Response, body=request, stream=True
            )
            try:
                async for chunk in response.aiter_raw():
                    body += chunk
            except (aiohttp.ClientError, httpx2.HTTPError) as error:
                return RawReply(self.redact_bytes(bytes(body)), response.status_code,
                                Outcome.BROKEN, self.redact(f"cut short: {error}"))  # fmt: skip
            finally:
                await response.aclose()
            return RawReply(self.redact_bytes(bytes(body)), response.status_code)

    def _open(self) -> Wire:
        from studio.teachers.wire import Wire

        if self._wire is None:
            self._wire = Wire(self._base_url, key=self._key, timeout_s=self._record.timeout_s)
        return self._wire

    def _status(self, error: APIStatusError) -> RawReply:
        status = error.status_code
        detail = self.redact(f"HTTP {status}: {_message(error)}")
        code = _code(error)
        if status == 429:
            quota = "insufficient_quota" in (code, _type(error))
            outcome = Outcome.QUOTA if quota else Outcome.RATE_LIMITED
        elif status in (401, 403):
            outcome = Outcome.DENIED
        elif status == 402:
            outcome = Outcome.QUOTA
        elif status == 404:
            outcome = Outcome.NO_MODEL
        elif status >= 500 or status in (408, 409):
            outcome = Outcome.SERVER
        else:  # 4xx, and redirects, which are not followed
            outcome = Outcome.REJECTED
        body = self.redact_bytes(error.response.content)
        return RawReply(body, status, outcome, detail, seconds_asked_for(error.response.headers))

    def _connection(self, error: Exception) -> RawReply:
        import aiohttp

        # By type and not by text: the transport calls a server that hung up a "connect timeout".
        before_sending = (
            aiohttp.ClientConnectorError,  # refused, unknown host, certificate, no way to a proxy
            aiohttp.ConnectionTimeoutError,
            aiohttp.ClientHttpProxyError,
            aiohttp.InvalidURL,
        )
        causes = list(_causes(error))
        outcome = Outcome.BROKEN
        if any(isinstance(cause, before_sending) for cause in causes):
            outcome = Outcome.OFFLINE
        elif any(isinstance(cause, TimeoutError) for cause in causes):
            outcome = Outcome.TIMED_OUT
        text = self.redact(str(causes[-1]))
        return RawReply(failure=outcome, detail=" ".join(text.split())[:200] or "connection failed")

    def redact(self, text: str) -> str:
        """Return ``text`` without the API key, in whatever it was echoed."""
        return text.replace(self._key, HIDDEN) if len(self._key) >= SHORTEST else text

    def redact_bytes(self, body: bytes) -> bytes:
        """Return ``body`` without the API key."""
        if len(self._key) < SHORTEST:
            return body
        return body.replace(self._key.encode(), HIDDEN.encode())


def _message(error: APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return " ".join(str(body["message"]).split())[:200]
    return excerpt(error.response.content)


def _code(error: APIStatusError) -> str:
    return str(error.body.get("code")) if isinstance(error.body, dict) else ""


def _type(error: APIStatusError) -> str:
    return str(error.body.get("type")) if isinstance(error.body, dict) else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__
