"""A real HTTP endpoint in the OpenAI form that misbehaves on demand, and builders of records."""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from studio.domain.records import Attempt, Grade, Question, TeacherRecord, Verdict
from studio.store.tables import Store

Answer = Callable[[dict[str, Any]], str]


def completion(text: str | None, *, number: int, **changes: Any) -> dict[str, Any]:
    """Return a chat completion as OpenAI's endpoint gives it."""
    message = {"role": "assistant", "content": text, **changes.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": changes.pop("finish", "stop")}
    return {
        "id": f"reply-{number}", "object": "chat.completion", "model": "fake-1",
        "choices": [choice],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, **changes,
    }  # fmt: skip


class FaultyEndpoint:
    """Serves ``answer`` over loopback; ``fault`` names what goes wrong with each request.

    Attributes:
        asked: how often each prompt arrived, by its text.
        sold: how often each got a whole, good reply.
        headers: of every request, to see what was sent along.
    """

    def __init__(
        self,
        answer: Answer = lambda request: "Answer: 1",
        *,
        fault: Callable[[dict[str, Any]], str] = lambda request: "",
        latency_s: float = 0.0,
    ) -> None:
        self.asked: Counter[str] = Counter()
        self.sold: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.running = self.most_at_once = 0
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._answer, self._fault, self._latency_s = answer, fault, latency_s
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.serve(self, json.loads(body))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients may hang up
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        with self._lock:
            self.asked[_prompt(request)] += 1
            self.headers.append(dict(handler.headers))
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
            number = next(self._numbers)
        try:
            time.sleep(self._latency_s)
            self._reply(handler, request, number)
        finally:
            with self._lock:
                self.running -= 1

    def _reply(self, handler: Any, request: dict[str, Any], number: int) -> None:
        fault = self._fault(request)
        whole = json.dumps(completion(self._answer(request), number=number)).encode()
        if fault in BODIES:
            send(handler, 200, BODIES[fault](number))
        elif fault in STATUSES:
            status, body, headers = STATUSES[fault]
            send(handler, status, json.dumps(body).encode(), headers)
        elif fault == "cut":
            send(handler, 200, whole[: len(whole) // 2], {"Content-Length": str(len(whole))})
            handler.close_connection = True
        elif fault == "hang":
            time.sleep(5)
        elif fault == "drip":
            send(handler, 200, b"", {"Content-Length": str(len(whole))})
            for byte in whole:
                handler.wfile.write(bytes([byte]))
                time.sleep(0.05)
        elif fault == "doubled":
            send(handler, 200, whole)
            send(handler, 200, whole)
        elif fault == "endless error":
            send(handler, 500, b"", {"Content-Length": str(1 << 40)})
            while True:
                handler.wfile.write(b"x" * (1 << 20))
        else:
            with self._lock:
                self.sold[_prompt(request)] += 1
            send(handler, 200, whole)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def _prompt(request: dict[str, Any]) -> str:
    text = "\n".join(message["content"] for message in request["messages"])
    return f"{request['model']}: {text}"


def send(handler: Any, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    handler.send_response(status)
    shown = {"Content-Type": "application/json", "Content-Length": str(len(body)),
             **(headers or {})}  # fmt: skip
    for name, value in shown.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def _error(message: str, **fields: str) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


STATUSES: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
    "429": (429, _error("slow down"), {"Retry-After": "0.05"}),
    "429 for an hour": (429, _error("come back later"), {"Retry-After": "3600"}),
    "odd error": (400, _error("bad \ud800 \0 thing"), {}),
    "quota": (429, _error("no quota", code="insufficient_quota"), {}),
    "401": (401, _error("bad key sk-CANARY-123456"), {}),
    "404": (404, _error("no model of that name"), {}),
    "400": (400, _error("what is this"), {}),
    "500": (500, _error("boom"), {}),
    "redirect": (307, {}, {"Location": "http://127.0.0.1:9/elsewhere"}),
}
BODIES: dict[str, Callable[[int], bytes]] = {
    "html": lambda n: b"<html><body>login please</body></html>",
    "null": lambda n: b"null",
    "nothing": lambda n: b"",
    "half json": lambda n: b'{"id": "x", "choi',
    "bad utf-8": lambda n: b'{"choices": "\xff\xfe"}',
    "deep json": lambda n: b"[" * 100_000,
    "not a number": lambda n: b'{"choices": NaN}',
    "no choices": lambda n: json.dumps({"id": "a", "choices": []}).encode(),
    "error with 200": lambda n: json.dumps(_error("sorry")).encode(),
    "content null": lambda n: json.dumps(completion(None, number=n)).encode(),
    "blank": lambda n: json.dumps(completion(" \n", number=n)).encode(),
    "refusal": lambda n: json.dumps(
        completion(None, number=n, message={"refusal": "I will not"})
    ).encode(),
    "filtered": lambda n: json.dumps(completion("par", number=n, finish="content_filter")).encode(),
    "length": lambda n: json.dumps(completion("cut of", number=n, finish="length")).encode(),
    "few ids": lambda n: json.dumps(completion(f"Answer: {n}", number=n % 3)).encode(),
    "odd id": lambda n: json.dumps(
        {**completion("Answer: 1", number=n), "id": f"\ud800{n}" + "x" * 10_000, "model": "\ud800"}
    ).encode(),
    "bomb": lambda n: gzip.compress(b"[" * (64 << 20)),
    "same id": lambda n: json.dumps(completion("Answer: 1", number=0)).encode(),
    "nul and surrogate": lambda n: json.dumps(completion("a\0b\ud800c", number=n)).encode(),
    "absurd usage": lambda n: json.dumps(
        completion("Answer: 1", number=n, usage={"prompt_tokens": -4, "completion_tokens": "many"})
    ).encode(),
}


def some_faults(share: float, seed: int) -> Callable[[dict[str, Any]], str]:
    """Return a fault that befalls a share of the requests, passing ones only."""
    chance = random.Random(seed)
    kinds = ("429", "500", "cut", "half json", "html", "nothing")
    return lambda request: chance.choice(kinds) if chance.random() < share else ""


def teacher(name: str, url: str, **fields: Any) -> TeacherRecord:
    """Return a teacher at a loopback endpoint."""
    return TeacherRecord(name=name, model=name, base_url=url, **fields)


def add_mistakes(store: Store, n: int, *, split: str = "train") -> list[Question]:
    """Add ``n`` questions, each answered wrong by the student ``small``."""
    questions = [
        Question(text=f"What is {i} and 1?", gold=str(i + 1), split=split)  # type: ignore[arg-type]
        for i in range(n)
    ]
    attempts = [Attempt(question_id=q.id, student="small", text="Answer: 0") for q in questions]
    store.add(questions)
    store.add(attempts)
    store.add(
        Grade(subject_id=attempt.id, verdict=Verdict.WRONG, extracted="0", grader="rules:1")
        for attempt in attempts
    )
    return questions
