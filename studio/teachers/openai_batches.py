"""The batch interface of an OpenAI-compatible endpoint: a file of requests in, files of outputs out.

Each call here is one HTTP request, or two for handing a file over; none is repeated, and every fault
is raised with what came over the wire, so that the flow decides what to do about it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel

from studio.domain.records import TeacherRecord
from studio.teachers.base import BatchState, EndpointFault, Outcome, RawReply, storable
from studio.teachers.deadline import Deadline

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch

    from studio.teachers.openai_chat import OpenAIChat

ADDRESS: Literal["/v1/chat/completions"] = (
    "/v1/chat/completions"  #: what each line of a batch asks for, in the interface's own words
)
MARK = "mapd_studio"  #: name of the entry in a batch's metadata that finds it again
LARGEST_OUTPUT = 512 << 20  #: bytes of one file of outputs
LISTED = 100  #: batches looked through for one that was handed over
FILE_S = 600.0  #: to hand a file over; one of outputs may take as long again
T = TypeVar("T")


class OpenAIBatches:
    """The batches of one endpoint.

    Args:
        chat: the same endpoint, asked directly; knows its words, its faults and what to hide.
    """

    def __init__(self, chat: OpenAIChat, record: TeacherRecord, *, base_url: str, key: str) -> None:
        self._chat, self._record = chat, record
        self._base_url, self._key = base_url, key

    def line(
        self,
        custom_id: str,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: type[BaseModel] | None = None,
    ) -> bytes:
        """Return a request as a line of the file that is handed over."""
        body = self._chat.body(messages, max_tokens=max_tokens, schema=schema)
        line = {"custom_id": custom_id, "method": "POST", "url": ADDRESS, "body": body}
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"

    def learn(self, line: bytes, raw: RawReply) -> bool:
        """Take note of a request's refusal; returns whether it is worth asking in other words."""
        request = json.loads(line)["body"]
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            inner = json.dumps(json.loads(raw.body)["response"]["body"]).encode()
            self._chat.learn(raw._replace(body=inner), request)
        return self._chat.has_outgrown(request)

    async def submit(self, lines: Sequence[bytes], *, mark: str) -> str:
        """Hand requests over; returns the batch's id at the endpoint."""

        async def send(client: AsyncOpenAI) -> str:
            file = await client.files.create(
                file=(f"{MARK}-{mark}.jsonl", b"".join(lines)), purpose="batch"
            )
            batch = await client.batches.create(
                input_file_id=file.id, endpoint=ADDRESS, completion_window="24h",
                metadata={MARK: mark},
            )  # fmt: skip
            return _name(batch.id)

        return await self._do(send, within_s=FILE_S)

    async def find(self, mark: str) -> str:
        """Return the id of the batch that was handed over with this mark; empty: there is none."""

        async def look(client: AsyncOpenAI) -> str:
            page = await client.batches.list(limit=LISTED)
            for batch in page.data or ():
                if (batch.metadata or {}).get(MARK) == mark:
                    return _name(batch.id)
            return ""

        return await self._do(look)

    async def state(self, remote_id: str) -> BatchState:
        """Return how far a batch is."""

        async def look(client: AsyncOpenAI) -> BatchState:
            return _state(await client.batches.retrieve(remote_id))

        return await self._do(look)

    async def cancel(self, remote_id: str) -> None:
        """Ask the endpoint to answer nothing more of a batch."""

        async def end(client: AsyncOpenAI) -> None:
            await client.batches.cancel(remote_id)

        await self._do(end)

    async def output(self, file_id: str) -> list[bytes]:
        """Return the lines of a file of outputs, each as it is but for the key where it is echoed."""

        async def fetch(client: AsyncOpenAI) -> list[bytes]:
            found = await client.files.content(file_id)
            body = self._chat.redact_bytes(found.content)
            return [line for line in body.split(b"\n") if line.strip()]

        return await self._do(fetch, within_s=FILE_S)

    async def _do(
        self, what: Callable[[AsyncOpenAI], Awaitable[T]], *, within_s: float | None = None
    ) -> T:
        try:
            async with Deadline(within_s or self._record.timeout_s), self._wire() as client:
                return await what(client)
        except Exception as error:
            raise self._fault(error) from None

    def _wire(self) -> Any:
        """Return connections of one call's own: hours pass between two, and none would be left."""
        from studio.teachers.wire import Wire

        return _Once(Wire(self._base_url, key=self._key, timeout_s=self._record.timeout_s,
                          largest=LARGEST_OUTPUT))  # fmt: skip

    def _fault(self, error: Exception) -> Exception:
        if isinstance(error, EndpointFault):
            return error
        if isinstance(error, TimeoutError):
            return EndpointFault(RawReply(failure=Outcome.TIMED_OUT, detail="no reply in time"))
        raw = self._chat.fault(error)
        if raw is None and isinstance(error, ValueError | TypeError | AttributeError):
            # The client reads a reply of another shape without a word, and stumbles later.
            raw = RawReply(failure=Outcome.UNREADABLE, detail="no reply of a batch interface")
        return error if raw is None else EndpointFault(raw)


class _Once:
    """Connections that end with the call they were made for."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire

    async def __aenter__(self) -> AsyncOpenAI:
        client: AsyncOpenAI = await self._wire.__aenter__()
        return client

    async def __aexit__(self, *error: object) -> None:
        await self._wire.__aexit__(*error)
        await self._wire.close()


def _state(batch: Batch) -> BatchState:
    counts = batch.request_counts
    said = [storable(str(one.message or one.code or "")) for one in
            (batch.errors.data if batch.errors and batch.errors.data else ())]  # fmt: skip
    files = (batch.output_file_id, batch.error_file_id)
    return BatchState(
        state=storable(str(batch.status)),
        done=(counts.completed + counts.failed) if counts else 0,
        outputs=tuple(_name(one) for one in files if one),
        detail="; ".join(" ".join(one.split())[:200] for one in said[:3]),
    )


def _name(value: object) -> str:
    """Return an id the endpoint gave; raises ValueError for what is none."""
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable():
        raise ValueError("no id")
    return value
