"""A teacher behind an OpenAI-compatible endpoint: OpenAI, Ollama, vLLM, llama.cpp, LM Studio.

One request a call: the client's own retries are off, the deadline is for the whole call on the
monotonic clock, and the size of a reply is capped. The client is imported at the first call; it
takes longer to import than the window takes to open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from studio.domain.records import TeacherRecord
from studio.teachers.base import Outcome, RawReply, Reply, excerpt, read_reply

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

LARGEST_REPLY = 32 << 20  #: bytes
_NO_KEY = "none"  #: local servers want a key that is not empty, and look at nothing else
_LONGEST_WAIT_S = 120.0  #: a longer Retry-After is not waited for


class OpenAIChat:
    """Talks to one endpoint.

    Args:
        record: where it is and how it is to be asked.
        key: the API key; kept in memory only, and taken out of every text that is stored.
        base_url: overrides the record's, for an endpoint whose address is known at run time only.
    """

    def __init__(self, record: TeacherRecord, *, key: str | None, base_url: str = "") -> None:
        self.name = record.name
        self._record = record
        self._key = key or _NO_KEY
        self._base_url = base_url or record.base_url
        self._structured = record.structured
        self._client: AsyncOpenAI | None = None

    async def send(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: type[BaseModel] | None = None,
    ) -> RawReply:
        """Send one request, once, within the teacher's deadline; never raises for a fault."""
        wants_schema = schema is not None and self._structured
        raw = await self._send(messages, max_tokens, schema if wants_schema else None)
        if wants_schema and raw.failure is Outcome.REJECTED:
            # The endpoint knows no JSON schema: asked without, from now on. Nothing was computed.
            self._structured = False
            return await self._send(messages, max_tokens, None)
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

    async def drop_connections(self) -> None:
        """Close what is open; the next call opens anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def aclose(self) -> None:
        """Let go of the endpoint."""
        await self.drop_connections()

    async def _send(
        self,
        messages: Sequence[Mapping[str, str]],
        max_tokens: int,
        schema: type[BaseModel] | None,
    ) -> RawReply:
        import aiohttp
        import httpx2
        import openai

        request: dict[str, Any] = {
            "model": self._record.model, "messages": list(messages), "max_tokens": max_tokens,
            "temperature": self._record.temperature,
        }  # fmt: skip
        if schema is not None:
            request["response_format"] = _response_format(schema)
        try:
            async with asyncio.timeout(self._record.timeout_s):
                return await self._read(request)
        except TimeoutError:
            await self.drop_connections()
            return RawReply(failure=Outcome.TIMED_OUT,
                            detail=f"no whole reply within {self._record.timeout_s:g} s")  # fmt: skip
        except openai.APIStatusError as error:
            return self._status(error)
        except openai.APITimeoutError as error:
            # A refused connection comes as a "connect timeout" too; nothing was sent then.
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                return RawReply(failure=Outcome.OFFLINE, detail=self.redact(str(error.__cause__)))
            return RawReply(failure=Outcome.TIMED_OUT, detail="timed out")
        except openai.APIConnectionError as error:
            return self._connection(error)
        except aiohttp.ClientError as error:  # what is no HTTP at all passes the client as it is
            return self._connection(error)

    async def _read(self, request: dict[str, Any]) -> RawReply:
        import aiohttp
        import httpx2

        client = self._open()
        create = client.chat.completions.with_streaming_response.create
        async with create(**request) as response:
            body = bytearray()
            try:
                async for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST_REPLY:
                        return RawReply(failure=Outcome.TOO_LARGE, status=response.status_code,
                                        detail=f"more than {LARGEST_REPLY >> 20} MB")  # fmt: skip
            except (aiohttp.ClientError, httpx2.HTTPError) as error:
                return RawReply(bytes(body), response.status_code, Outcome.BROKEN,
                                self.redact(f"cut short: {error}"))  # fmt: skip
            return RawReply(self._redact_bytes(bytes(body)), response.status_code)

    def _open(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI, DefaultAioHttpClient

            self._client = AsyncOpenAI(
                api_key=self._key,
                base_url=self._base_url,
                max_retries=0,
                timeout=self._record.timeout_s,
                # aiohttp throws a connection with leftover bytes away; and a redirect could carry
                # the key to another host.
                http_client=DefaultAioHttpClient(follow_redirects=False, trust_env=False),
            )
        return self._client

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
        wait = _retry_after(error.response.headers.get("retry-after"))
        return RawReply(b"", status, outcome, detail, wait)

    def _connection(self, error: Exception) -> RawReply:
        text = self.redact(f"{error.__cause__ or error}")
        refused = any(
            sign in text.lower()
            for sign in ("cannot connect", "connect call failed", "refused", "name or service",
                         "getaddrinfo", "nodename", "certificate", "unreachable")
        )  # fmt: skip
        outcome = Outcome.OFFLINE if refused else Outcome.BROKEN
        return RawReply(failure=outcome, detail=" ".join(text.split())[:200] or "connection failed")

    def redact(self, text: str) -> str:
        """Return ``text`` without the API key, in whatever it was echoed."""
        return text.replace(self._key, "[key]") if len(self._key) > len(_NO_KEY) else text

    def _redact_bytes(self, body: bytes) -> bytes:
        if len(self._key) <= len(_NO_KEY):
            return body
        return body.replace(self._key.encode(), b"[key]")


def _response_format(schema: type[BaseModel]) -> dict[str, Any]:
    shape = schema.model_json_schema()
    shape["additionalProperties"] = False
    return {"type": "json_schema",
            "json_schema": {"name": schema.__name__, "strict": True, "schema": shape}}  # fmt: skip


def _message(error: APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return " ".join(str(body["message"]).split())[:200]
    return excerpt(error.response.content)


def _code(error: APIStatusError) -> str:
    return str(error.body.get("code")) if isinstance(error.body, dict) else ""


def _type(error: APIStatusError) -> str:
    return str(error.body.get("type")) if isinstance(error.body, dict) else ""


def _retry_after(value: str | None) -> float | None:
    """Return the seconds asked for; None for a date or for longer than anyone would wait."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds <= _LONGEST_WAIT_S else None
