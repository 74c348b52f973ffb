"""What a teacher is to the flow: something that is sent messages and gives back a reply.

Sending and reading are apart, because the raw bytes of a paid reply are put on disk before
anything looks at them; what was stored can be read again at any time without a call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel


class Outcome(StrEnum):
    """How a call ended. Only the first two carry a text that may be used."""

    ANSWERED = "answered"
    TRUNCATED = "truncated"  #: stopped at the token limit
    REFUSED = "refused"
    EMPTY = "empty"
    UNREADABLE = "unreadable"  #: not the JSON it should be, or cut short
    RATE_LIMITED = "rate-limited"
    QUOTA = "quota"
    DENIED = "denied"
    NO_MODEL = "no such model"
    REJECTED = "rejected"  #: the endpoint does not take this request
    SERVER = "server error"
    OFFLINE = "offline"  #: nothing was sent
    BROKEN = "broken off"  #: sent, then the connection failed; maybe billed
    TIMED_OUT = "timed out"  #: sent, no whole reply within the deadline; maybe billed
    TOO_LARGE = "too large"
    REPEATED = "repeated reply"  #: the reply of another call came back

    @property
    def is_usable(self) -> bool:
        """Whether the reply's text may become a record."""
        return self in (Outcome.ANSWERED, Outcome.TRUNCATED)


#: The endpoint as a whole cannot be used: asking it for the next item would fail the same way.
ACCOUNT_WIDE = frozenset({Outcome.QUOTA, Outcome.DENIED, Outcome.NO_MODEL, Outcome.OFFLINE})
#: Worth another try after a pause.
PASSING = frozenset({Outcome.RATE_LIMITED, Outcome.SERVER, Outcome.BROKEN, Outcome.UNREADABLE,
                     Outcome.REPEATED})  # fmt: skip
#: Sent, and what became of it is not known. Who let a whole deadline pass, or did not come to an
#: end, is not asked for the same item again at once.
MAYBE_BILLED = frozenset({Outcome.BROKEN, Outcome.TIMED_OUT, Outcome.TOO_LARGE})
#: Turned away before anything was computed.
NOT_BILLED = frozenset({Outcome.RATE_LIMITED, Outcome.QUOTA, Outcome.DENIED, Outcome.NO_MODEL,
                        Outcome.REJECTED, Outcome.SERVER, Outcome.OFFLINE})  # fmt: skip


class RawReply(NamedTuple):
    """What came over the wire, unread. ``failure`` is set when there is nothing to read."""

    body: bytes = b""
    status: int | None = None
    failure: Outcome | None = None
    detail: str = ""
    retry_after_s: float | None = None  #: as the endpoint asked, however long


class Reply(NamedTuple):
    """A reply that was read. ``text`` is never guessed: it is empty unless usable."""

    outcome: Outcome
    text: str = ""
    reply_id: str | None = None
    served_model: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    detail: str = ""
    call_id: str = ""  #: the ledger row; put in by the committee


class EndpointFault(Exception):
    """The batch interface did not do what it was asked; ``raw`` says how it failed."""

    def __init__(self, raw: RawReply) -> None:
        super().__init__(raw.detail)
        self.raw = raw


class BatchState(NamedTuple):
    """How far a batch is at its endpoint."""

    state: str  #: in the endpoint's words: validating, in_progress, completed, failed, expired, …
    done: int = 0  #: requests answered or failed
    outputs: tuple[str, ...] = ()  #: files that hold what came of them
    detail: str = ""  #: why it failed as a whole

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ("completed", "failed", "expired", "cancelled")


class Batches(Protocol):
    """Many requests handed over together and answered within a day; all raise EndpointFault."""

    def line(
        self,
        custom_id: str,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: type[BaseModel] | None = None,
    ) -> bytes:
        """Return a request as a line of the file that is handed over."""

    async def submit(self, lines: Sequence[bytes], *, mark: str) -> str:
        """Hand requests over; returns the batch's id at the endpoint. ``mark`` finds it again."""

    async def find(self, mark: str) -> str:
        """Return the id of the batch that was handed over with this mark; empty: there is none."""

    async def state(self, remote_id: str) -> BatchState:
        """Return how far a batch is."""

    async def output(self, file_id: str) -> list[bytes]:
        """Return the lines of a file of outputs, each as it is."""

    async def cancel(self, remote_id: str) -> None:
        """Ask the endpoint to answer nothing more of a batch."""

    def learn(self, line: bytes, raw: RawReply) -> bool:
        """Take note of a request's refusal; returns whether it is worth asking in other words."""


class Teacher(Protocol):
    """A large model behind an endpoint."""

    name: str

    async def send(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: type[BaseModel] | None = None,
    ) -> RawReply:
        """Send one request, once, within the teacher's deadline; never raises for a fault."""

    async def answer(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: type[BaseModel] | None = None,
    ) -> Reply:
        """Send and read in one step, for calls that need no ledger."""

    def in_batches(self) -> Batches:
        """Return the endpoint's batch interface."""

    async def drop_connections(self) -> None:
        """Close what is open, so that a connection with leftover bytes is not used again."""

    async def aclose(self) -> None:
        """Let go of the endpoint."""


def read_reply(raw: RawReply) -> Reply:
    """Read a raw reply; whatever is wrong with it becomes a typed outcome.

    A line of a batch's output, which holds the reply within, is read as that reply.
    """
    if raw.failure is not None:
        return Reply(raw.failure, detail=storable(raw.detail))
    try:
        body = json.loads(raw.body.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Reply(Outcome.UNREADABLE, detail=f"no JSON: {excerpt(raw.body)}")
    if isinstance(body, dict) and "custom_id" in body and isinstance(body.get("response"), dict):
        body = body["response"].get("body")
    if not isinstance(body, dict):
        return Reply(Outcome.UNREADABLE, detail=f"no completion: {excerpt(raw.body)}")
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        return Reply(Outcome.UNREADABLE, detail=f"no completion: {excerpt(raw.body)}")
    return _from_choice(body, first, message)


def _from_choice(body: dict[str, Any], choice: dict[str, Any], message: dict[str, Any]) -> Reply:
    usage = body.get("usage") if isinstance(body.get("usage"), dict) else {}
    assert isinstance(usage, dict)
    facts = {
        "reply_id": _name(body.get("id")) or None,
        "served_model": _name(body.get("model")),
        "tokens_in": _count(usage.get("prompt_tokens")),
        "tokens_out": _count(usage.get("completion_tokens")),
    }
    text, reason = storable(_text(message.get("content"))), _text(choice.get("finish_reason"))
    refusal = storable(_text(message.get("refusal")))
    if refusal or reason == "content_filter":
        return Reply(Outcome.REFUSED, detail=refusal[:200] or "stopped by the content filter",
                     **facts)  # type: ignore[arg-type]  # fmt: skip
    if not text.strip():
        return Reply(Outcome.EMPTY, detail=f"no text (finish reason {reason or 'not given'})",
                     **facts)  # type: ignore[arg-type]  # fmt: skip
    outcome = Outcome.TRUNCATED if reason == "length" else Outcome.ANSWERED
    return Reply(outcome, text=text, **facts)  # type: ignore[arg-type]


def storable(text: str) -> str:
    """Return ``text`` as the store can keep it: NUL and lone surrogates become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def excerpt(body: bytes) -> str:
    """Return the beginning of a body as one short line."""
    return " ".join(body[:200].decode("utf-8", "replace").split())[:120]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _name(value: object) -> str:
    """Return a name the endpoint gave, as the store can keep it, and no longer than a name is."""
    return storable(_text(value))[:200]


def _count(value: object) -> int | None:
    """Return a token count the endpoint gave, or None for one that cannot be meant."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 40:
        return None
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
