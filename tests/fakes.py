"""A real HTTP endpoint in the OpenAI form that misbehaves on demand, and builders of records."""

from __future__ import annotations

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
from tests.faults import BODIES, PASSING, STATUSES, WIRES, completion, send

Answer = Callable[[dict[str, Any]], str]
Usage = Callable[[dict[str, Any], str], dict[str, int]]  #: of a request and the reply to it


class FaultyEndpoint:
    """Serves ``answer`` over loopback; ``fault`` names what goes wrong with each request.

    Args:
        usage: the tokens it says it has counted; else always ten read and five written.

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
        usage: Usage | None = None,
    ) -> None:
        self.asked: Counter[str] = Counter()
        self.sold: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.running = self.most_at_once = 0
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._answer, self._fault, self.latency_s = answer, fault, latency_s
        self._usage = usage
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

    @property
    def requests(self) -> int:
        """How many have arrived so far."""
        return len(self.headers)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        with self._lock:
            self.asked[prompt_of(request)] += 1
            self.headers.append(dict(handler.headers))
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
            number = next(self._numbers)
        try:
            time.sleep(self.latency_s)
            self._reply(handler, request, number)
        finally:
            with self._lock:
                self.running -= 1

    def _reply(self, handler: Any, request: dict[str, Any], number: int) -> None:
        fault = self._fault(request)
        text = self._answer(request)
        told = {} if self._usage is None else {"usage": self._usage(request, text)}
        whole = json.dumps(completion(text, number=number, **told)).encode()
        if fault in BODIES:
            send(handler, 200, BODIES[fault](number))
        elif fault in STATUSES:
            status, body, headers = STATUSES[fault]
            send(handler, status, json.dumps(body).encode(), headers)
        elif fault in WIRES:
            WIRES[fault](handler, whole)
        else:
            assert not fault, f"no fault is called {fault!r}"
            with self._lock:
                self.sold[prompt_of(request)] += 1
            send(handler, 200, whole)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def prompt_of(request: dict[str, Any]) -> str:
    text = "\n".join(message["content"] for message in request["messages"])
    return f"{request['model']}: {text}"


def some_faults(share: float, seed: int) -> Callable[[dict[str, Any]], str]:
    """Return a fault that befalls a share of the requests, passing ones only."""
    chance = random.Random(seed)
    return lambda request: chance.choice(PASSING) if chance.random() < share else ""


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
