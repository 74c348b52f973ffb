"""The connections to one endpoint: aiohttp below the OpenAI client, nothing followed, all capped.

aiohttp throws a connection with leftover bytes away, which httpx would hand to the next question.
A redirect is never followed, because it could carry the key to another host; a reply is never
unpacked, because a small one can unpack to any size.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

LARGEST_REPLY = 32 << 20  #: bytes
LONGEST_CONNECT_S = 30.0  #: who has not even picked up by then is not there


class ReplyTooLarge(Exception):
    """A reply that goes on beyond what any completion needs."""


class Wire:
    """One pool of connections. ``async with`` it for each call; retired, it ends with the last."""

    def __init__(self, base_url: str, *, key: str, timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._users = 0
        self._is_retired = False
        self._client = AsyncOpenAI(
            api_key=key, base_url=base_url, max_retries=0,
            # The deadline of a call is not this client's: its timers run on in a standstill.
            timeout=httpx2.Timeout(None, connect=min(timeout_s, LONGEST_CONNECT_S)),
            default_headers={"Accept-Encoding": "identity"},
            http_client=DefaultAioHttpClient(
                follow_redirects=False,
                trust_env=not is_loopback(base_url),  # a proxy is for what is far away
                event_hooks={"response": [_cap]},
            ),
        )  # fmt: skip

    @property
    def is_of_this_loop(self) -> bool:
        """Whether the running event loop is the one these connections were made on."""
        return self._loop is asyncio.get_running_loop()

    async def __aenter__(self) -> AsyncOpenAI:
        self._users += 1
        return self._client

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        if self._is_retired and not self._users:
            await self._client.close()

    async def retire(self) -> None:
        """Close as soon as the calls under way have ended: each of them may be paid for."""
        self._is_retired = True
        if not self._users:
            await self._client.close()

    async def close(self) -> None:
        """Close now."""
        await self._client.close()


def is_loopback(url: str) -> bool:
    """Return whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _cap(response: httpx2.Response) -> None:
    response.headers.pop("content-encoding", None)  # asked for plain; what is packed stays so
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Capped(response.stream)


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._stream:
            seen += len(chunk)
            if seen > LARGEST_REPLY:
                await self._stream.aclose()
                raise ReplyTooLarge(f"more than {LARGEST_REPLY >> 20} MB and no end")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
