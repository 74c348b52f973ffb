"""What an endpoint may do wrong, by name: statuses, bodies, and what only the wire can do.

``tests/fakes.py`` serves them over real HTTP. Each name is used by at least one test.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

CANARY = "sk-CANARY-123456"
REPLY_LIMIT = 32 << 20


def completion(text: str | None, *, number: int, **changes: Any) -> dict[str, Any]:
    """Return a chat completion as OpenAI's endpoint gives it."""
    message = {"role": "assistant", "content": text, **changes.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": changes.pop("finish", "stop")}
    return {
        "id": f"reply-{number}", "object": "chat.completion", "model": "fake-1",
        "choices": [choice],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, **changes,
    }  # fmt: skip


def send(handler: Any, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """Send a whole response; ``headers`` may belie it."""
    handler.send_response(status)
    shown = {"Content-Type": "application/json", "Content-Length": str(len(body)),
             **(headers or {})}  # fmt: skip
    for name, value in shown.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def _error(message: str, **fields: str) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def _whole(text: str | None, number: int, **changes: Any) -> bytes:
    return json.dumps(completion(text, number=number, **changes)).encode()


def _two_choices(number: int) -> dict[str, Any]:
    """As if n = 2 had been asked for: the first is the answer, and both are kept."""
    whole = completion("Answer: 1", number=number)
    other = {"index": 1, "message": {"role": "assistant", "content": "Answer: 2"}}
    return {**whole, "choices": [*whole["choices"], {**other, "finish_reason": "stop"}]}


def _with_log_probabilities(number: int) -> dict[str, Any]:
    whole = completion("Answer: 1", number=number)
    tokens = [{"token": "1", "logprob": -9999.0, "bytes": [49], "top_logprobs": []}] * 50
    whole["choices"][0]["logprobs"] = {"content": tokens, "refusal": None}
    return whole


#: Status, body and headers.
STATUSES: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
    "429": (429, _error("slow down"), {"Retry-After": "0.05"}),
    "429 for a second": (429, _error("slow down"), {"Retry-After": "1.4"}),
    "429 in ms": (429, _error("slow down"), {"retry-after-ms": "50", "Retry-After": "3600"}),
    "429 with a date": (429, _error("slow down"), {"Retry-After": formatdate(0, usegmt=True)}),
    "429 negative": (429, _error("slow down"), {"Retry-After": "-7"}),
    "429 garbage": (429, _error("slow down"), {"Retry-After": "when I feel like it"}),
    "429 for an hour": (429, _error("come back later"), {"Retry-After": "3600"}),
    "odd error": (400, _error("bad \ud800 \0 thing"), {}),
    "quota": (429, _error("no quota", code="insufficient_quota"), {}),
    "no money": (402, _error("pay first"), {}),
    "401": (401, _error(f"bad key {CANARY}"), {}),
    "403": (403, _error("not for you"), {}),
    "404": (404, _error("no model of that name"), {}),
    "400": (400, _error("what is this"), {}),
    "too long": (400, _error("too many tokens", code="context_length_exceeded"), {}),
    "500": (500, _error("boom"), {}),
    "502": (502, _error("bad gateway"), {}),
    "503": (503, _error("busy"), {}),
    "529": (529, _error("overloaded"), {}),
    "redirect": (307, {}, {"Location": "http://127.0.0.1:9/elsewhere"}),
}

_BOMB = gzip.compress(b"[" * (64 << 20), compresslevel=1)

#: Bodies that come with 200; the argument counts the requests.
BODIES: dict[str, Callable[[int], bytes]] = {
    "html": lambda n: b"<html><body>login please</body></html>",
    "null": lambda n: b"null",
    "nothing": lambda n: b"",
    "half json": lambda n: b'{"id": "x", "choi',
    "bad utf-8": lambda n: b'{"choices": "\xff\xfe"}',
    "byte order mark": lambda n: b"\xef\xbb\xbf" + _whole("Answer: 1", n),
    "deep json": lambda n: b"[" * 100_000,
    "deep in a reply": lambda n: (
        _whole("Answer: 1", n)[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    ),
    "not a number": lambda n: b'{"choices": NaN}',
    "1e999": lambda n: _whole("Answer: 1", n)[:-1] + b', "created": 1e999, "x": -1e999}',
    "huge number": lambda n: b'{"created": ' + b"9" * 10_000 + b"}",
    "names twice": lambda n: _whole("Answer: 6", n)[:-1] + b', "choices": []}',
    "no choices": lambda n: json.dumps({"id": "a", "choices": []}).encode(),
    "choices of nothing": lambda n: json.dumps({"id": "a", "choices": [None]}).encode(),
    "error with 200": lambda n: json.dumps(_error("sorry")).encode(),
    "content null": lambda n: _whole(None, n),
    "content a list": lambda n: _whole([{"type": "text", "text": "a"}], n),  # type: ignore[arg-type]
    "blank": lambda n: _whole(" \n", n),
    "refusal": lambda n: _whole(None, n, message={"refusal": "I will not"}),
    "filtered": lambda n: _whole("par", n, finish="content_filter"),
    "length": lambda n: _whole("cut of", n, finish="length"),
    "tool calls": lambda n: _whole(
        None, n, finish="tool_calls", message={"tool_calls": [{"id": "t", "type": "function"}]}
    ),
    "two choices": lambda n: json.dumps(_two_choices(n)).encode(),
    "log probabilities": lambda n: json.dumps(_with_log_probabilities(n)).encode(),
    "few ids": lambda n: _whole(f"Answer: {n}", n % 3),
    "odd id": lambda n: json.dumps(
        {**completion("Answer: 1", number=n), "id": f"\ud800{n}" + "x" * 10_000, "model": "\ud800"}
    ).encode(),
    "bomb": lambda n: _BOMB,
    "same id": lambda n: _whole("Answer: 1", 0),
    "nul and surrogate": lambda n: _whole("a\0b\ud800c", n),
    "one long line": lambda n: _whole("1 + 1 = 2 " * 100_000, n),
    "absurd usage": lambda n: _whole(
        "Answer: 1", n, usage={"prompt_tokens": -4, "completion_tokens": "many"}
    ),
    "no usage": lambda n: _whole("Answer: 1", n, usage=None),
    "another model": lambda n: _whole("Answer: 1", n, model="something-cheaper"),
    "events": lambda n: b'data: {"id":"x","choices":[{"delta":{"content":"Ans"}}]}\n\ndata: {"id',
}


def _cut(handler: Any, whole: bytes) -> None:
    send(handler, 200, whole[: len(whole) // 2], {"Content-Length": str(len(whole))})
    handler.close_connection = True


def _hang(handler: Any, whole: bytes) -> None:
    time.sleep(5)


def _hang_after_headers(handler: Any, whole: bytes) -> None:
    send(handler, 200, b"", {"Content-Length": str(len(whole))})
    time.sleep(5)


def _drip(handler: Any, whole: bytes, *, every_s: float = 0.05) -> None:
    send(handler, 200, b"", {"Content-Length": str(len(whole))})
    for byte in whole:
        handler.wfile.write(bytes([byte]))
        time.sleep(every_s)


def _doubled(handler: Any, whole: bytes) -> None:
    send(handler, 200, whole)
    send(handler, 200, whole)


def _too_large(handler: Any, whole: bytes) -> None:
    size = REPLY_LIMIT + (2 << 20)
    send(handler, 200, b"", {"Content-Length": str(size)})
    for _ in range(size >> 20):
        handler.wfile.write(b" " * (1 << 20))


def _endless_error(handler: Any, whole: bytes) -> None:
    send(handler, 500, b"", {"Content-Length": str(1 << 40)})
    while True:
        handler.wfile.write(b"x" * (1 << 20))


def _endless_chunked(handler: Any, whole: bytes) -> None:
    _chunked(handler)
    while True:
        handler.wfile.write(b"100000\r\n" + b" " * (1 << 20) + b"\r\n")


def _cut_chunked(handler: Any, whole: bytes) -> None:
    _chunked(handler)
    handler.wfile.write(f"{len(whole):x}\r\n".encode() + whole[: len(whole) // 2])
    handler.close_connection = True


def _chunked(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()


def _no_http(handler: Any, whole: bytes) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    handler.close_connection = True


def _hang_up(handler: Any, whole: bytes) -> None:
    handler.close_connection = True


def _echo_key(handler: Any, whole: bytes) -> None:
    said = handler.headers.get("Authorization", "")
    send(handler, 401, json.dumps(_error(f"not a key of ours: {said}", key=said)).encode())


def _echo_key_in_an_answer(handler: Any, whole: bytes) -> None:
    said = handler.headers.get("Authorization", "")
    send(handler, 200, whole.replace(b"Answer:", f"You sent {said}. Answer:".encode()))


#: What only the wire can do: the handler and the whole good reply, which is not sent as it is.
WIRES: dict[str, Callable[[Any, bytes], None]] = {
    "cut": _cut,
    "cut chunked": _cut_chunked,
    "hang": _hang,
    "hang after headers": _hang_after_headers,
    "drip": _drip,
    "slow drip": lambda handler, whole: _drip(handler, whole, every_s=0.5),
    "doubled": _doubled,
    "too large": _too_large,
    "endless chunked": _endless_chunked,
    "endless error": _endless_error,
    "no http": _no_http,
    "hang up": _hang_up,
    "key in an error": _echo_key,
    "key in an answer": _echo_key_in_an_answer,
}

#: Faults that pass: the next try may do better.
PASSING = ("429", "500", "cut", "half json", "html", "nothing")
