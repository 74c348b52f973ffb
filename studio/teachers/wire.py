"""The connections to one endpoint: aiohttp below the OpenAI client, nothing followed, all capped.

aiohttp throws a connection with leftover bytes away, which httpx would hand to the next question.
A redirect is never followed, because it could carry the key to another host; a reply is never
unpacked, because a small one can unpack to any size.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

LARGEST_REPLY = 32 << 20  #: bytes
LONGEST_CONNECT_S = 30.0  #: who has not even picked up by then is not there


class ReplyTooLarge(Exception):
    """A reply that goes on beyond what any completion needs."""


class Wire:
    """One pool of connections. ``async with`` it for each call; retired, it ends with the last."""

    def __init__(
        self, base_url: str, *, key: str, timeout_s: float, largest: int = LARGEST_REPLY
    ) -> None:
        self._users = 0
        self._is_retired = False
        self._client = AsyncOpenAI(
            api_key=key, base_url=base_url, max_retries=0,
            # The deadline of a call is not this client's: its timers run on in a standstill.
            timeout=httpx2.Timeout(None, connect=min(timeout_s, LONGEST_CONNECT_S)),
            default_headers={"Accept-Encoding": "identity"},
            http_client=_Http(
                largest=largest,
                follow_redirects=False,
                trust_env=not is_loopback(base_url),  # a proxy is for what is far away
            ),
        )  # fmt: skip

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


class _Http(DefaultAioHttpClient):  # type: ignore[misc,valid-type,unused-ignore]
    """The client's own HTTP client without what no call here needs, and half of its time went into.

    Every request has the same address and brings all its headers: nothing is merged. There is no
    sign-on, no cookie and no redirect: what comes back is the answer.
    """

    def __init__(self, *, largest: int = LARGEST_REPLY, **given: Any) -> None:
        super().__init__(**given)
        self._largest = largest

    def build_request(
        self, method: str, url: httpx2.URL | str, *, params: Any = None, **given: Any
    ) -> httpx2.Request:
        """Return a request as the client gives it, nothing added."""
        if params is not None or given.get("files") is not None:
            return super().build_request(method, url, params=params, **given)
        return httpx2.Request(
            method, _address(str(url)), headers=given.get("headers"), content=given.get("content"),
            extensions={"timeout": httpx2.Timeout(given.get("timeout")).as_dict()},
        )  # fmt: skip

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **given: Any
    ) -> httpx2.Response:
        """Send one request once; nothing is followed, and no reply is unpacked or without end."""
        del given
        transport = self._transport_for_url(request.url)  # a proxy's, where there is one
        response = await transport.handle_async_request(request)
        response.request = request
        response.headers.pop("content-encoding", None)  # asked for plain; what is packed stays so
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Capped(response.stream, self._largest)
        if not stream:
            await response.aread()
        return response


@lru_cache(maxsize=256)
def _address(url: str) -> httpx2.URL:
    return httpx2.URL(url)


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, largest: int) -> None:
        self._stream, self._largest = stream, largest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._stream:
            seen += len(chunk)
            if seen > self._largest:
                await self._stream.aclose()
                raise ReplyTooLarge(f"more than {self._largest >> 20} MB and no end")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
