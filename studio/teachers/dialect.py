"""What one endpoint has taught us about the requests that one of its models takes.

All speak "OpenAI", none the same: some know no JSON schema, newer models of OpenAI's own take
neither ``max_tokens`` nor a temperature. A request in the wrong dialect is refused before anything
is computed, and the refusal says what it was; from then on that model is asked without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from studio.domain.records import TeacherRecord
from studio.teachers.base import Outcome, RawReply

_REFUSED = frozenset({400, 422})  #: what is wrong with the request itself comes with these
_ABOUT_SCHEMAS = ("response_format", "json_schema", "json schema", "structured output", "guided")
_NOT_TAKEN = ("unsupported", "not support", "unknown", "unrecognized", "unexpected", "not permitted",
              "not allowed", "extra inputs", "use 'max_completion_tokens'", "invalid")  # fmt: skip


class Words(NamedTuple):
    """The words an endpoint wants to be asked in, as the project remembers them."""

    limit: str = "max_tokens"  #: what the token limit is called
    temperature: bool = True
    schemas: bool = True


class Dialect:
    """How one model wants to be asked.

    Args:
        known: what it taught us earlier.
    """

    def __init__(self, record: TeacherRecord, known: Words | None = None) -> None:
        self.words = known or Words()
        self._record = record
        self._has_answered_by_schema = False

    @property
    def knows_schemas(self) -> bool:
        """Whether it is worth sending a JSON schema."""
        return self._record.structured and self.words.schemas

    def request(
        self,
        messages: Sequence[Mapping[str, str]],
        max_tokens: int,
        schema: type[BaseModel] | None,
    ) -> dict[str, Any]:
        """Return the body of one chat completion."""
        request: dict[str, Any] = {"model": self._record.model, "messages": list(messages),
                                   self.words.limit: max_tokens}  # fmt: skip
        if self.words.temperature:
            request["temperature"] = self._record.temperature
        if schema is not None and self.knows_schemas:
            request["response_format"] = response_format(schema)
        return request

    def learns_from(self, raw: RawReply, request: Mapping[str, Any]) -> bool:
        """Take note of a refusal; returns whether to ask once more, in other words."""
        if raw.failure is None and "response_format" in request:
            self._has_answered_by_schema = True
        if raw.failure is not Outcome.REJECTED or raw.status not in _REFUSED:
            return False
        learned = self._learned(_said(raw.body), request)
        is_new, self.words = learned != self.words, learned
        return is_new

    def has_outgrown(self, request: Mapping[str, Any]) -> bool:
        """Return whether it would put a request into other words by now."""
        words = self.words
        return (words.limit not in request
                or ("temperature" in request and not words.temperature)
                or ("response_format" in request and not words.schemas))  # fmt: skip

    def may_be_about_schemas(self, raw: RawReply, request: Mapping[str, Any]) -> bool:
        """Return whether a refusal that names no cause may be one of the schema.

        Then it is asked once without; only if that is taken, schemas are what it does not know.
        """
        is_refusal = raw.failure is Outcome.REJECTED and raw.status in _REFUSED
        is_open = "response_format" in request and not self._has_answered_by_schema
        return is_refusal and is_open and "context_length" not in _said(raw.body)

    def _learned(self, said: str, request: Mapping[str, Any]) -> Words:
        if not any(word in said for word in _NOT_TAKEN):
            return self.words
        if "max_completion_tokens" in said and "max_tokens" in request:
            return self.words._replace(limit="max_completion_tokens")
        if "max_tokens" in said and "max_completion_tokens" in request:
            return self.words._replace(limit="max_tokens")
        if "temperature" in said and "temperature" in request:
            return self.words._replace(temperature=False)
        if "response_format" in request and any(word in said for word in _ABOUT_SCHEMAS):
            return self.words._replace(schemas=False)
        return self.words


def response_format(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the part of a request that asks for JSON of this shape."""
    shape = schema.model_json_schema()
    shape["additionalProperties"] = False
    return {"type": "json_schema",
            "json_schema": {"name": schema.__name__, "strict": True, "schema": shape}}  # fmt: skip


def _said(body: bytes) -> str:
    """Return what a refusal says, in small letters: code, parameter and message, in any shape."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body[:2000].decode("utf-8", "replace").lower()
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return str(error)[:2000].lower()
    parts = (error.get(name) for name in ("code", "param", "message", "detail"))
    return " ".join(str(part) for part in parts if part)[:2000].lower()
