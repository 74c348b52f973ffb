"""A real HTTP endpoint with a batch interface in the OpenAI form, that misbehaves on demand."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from tests.faults import completion, send

Request = dict[str, Any]
Lines = list[dict[str, Any]]


class BatchEndpoint:
    """Takes files and batches; a batch ends after it was looked at ``looks`` times.

    Attributes:
        fault: given an operation (``upload``, ``create``, ``list``, ``look``, ``fetch``), names what
            goes wrong with it: ``hang up`` (after it was done), ``busy``, ``no such``, ``denied``,
            ``nonsense``; empty: nothing.
        end: the state a batch ends in.
        spoil: changes the output lines, as dictionaries.
        bought: how often each request body was computed.
    """

    def __init__(self, answer: Callable[[Request], str]) -> None:
        self.answer = answer
        self.fault: Callable[[str], str] = lambda operation: ""
        self.end, self.looks = "completed", 1
        self.spoil: Callable[[Lines], Lines] = lambda lines: lines
        self.refuse: Callable[[Request], str] = lambda body: ""  #: a message: this one is refused
        self.is_listed = True
        self.batches: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.bought: list[str] = []
        self.operations: list[str] = []
        self._numbers = count(1)
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                endpoint.serve(self, "GET")

            def do_POST(self) -> None:
                endpoint.serve(self, "POST")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, handler: Any, method: str) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = handler.path.split("?")[0].removeprefix("/v1")
        operation, act = self._route(method, path)
        with self._lock:
            self.operations.append(operation)
            fault = self.fault(operation)
            if fault in ("busy", "denied", "no such"):
                status = {"busy": 503, "denied": 401, "no such": 404}[fault]
                send(handler, status, json.dumps({"error": {"message": fault}}).encode())
                return
            said = act(body)
        if fault == "hang up":
            handler.close_connection = True
            handler.connection.close()
        elif fault == "nonsense":
            send(handler, 200, b"[]")
        else:
            send(handler, 200, said)

    def _route(self, method: str, path: str) -> tuple[str, Callable[[bytes], bytes]]:
        if (method, path) == ("POST", "/files"):
            return "upload", self._upload
        if path == "/batches":
            return ("create", self._create) if method == "POST" else ("list", self._list)
        if found := re.fullmatch(r"/files/([^/]+)/content", path):
            return "fetch", lambda _: self.files[found[1]]
        if found := re.fullmatch(r"/batches/([^/]+)(/cancel)?", path):
            return ("cancel" if found[2] else "look", lambda _: self._look(found[1], found[2]))
        raise AssertionError(f"nothing is asked for {method} {path}")

    def _upload(self, body: bytes) -> bytes:
        content = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
        assert content is not None
        assert b'name="purpose"\r\n\r\nbatch' in body
        name = f"file-{next(self._numbers)}"
        self.files[name] = content[1]
        return json.dumps({"id": name, "object": "file", "bytes": len(content[1]), "created_at": 1,
                           "filename": "x.jsonl", "purpose": "batch",
                           "status": "processed"}).encode()  # fmt: skip

    def _create(self, body: bytes) -> bytes:
        asked = json.loads(body)
        assert asked["endpoint"] == "/v1/chat/completions"
        assert asked["completion_window"] == "24h"
        name = f"batch-{next(self._numbers)}"
        n = self.files[asked["input_file_id"]].count(b"\n")
        self.batches[name] = {
            "id": name, "object": "batch", "endpoint": asked["endpoint"], "created_at": 1,
            "input_file_id": asked["input_file_id"], "completion_window": "24h",
            "status": "in_progress", "metadata": asked["metadata"], "looked": 0,
            "request_counts": {"total": n, "completed": 0, "failed": 0},
        }  # fmt: skip
        return json.dumps(self.batches[name]).encode()

    def _list(self, _: bytes) -> bytes:
        found = list(self.batches.values()) if self.is_listed else []
        return json.dumps({"object": "list", "data": found, "has_more": False}).encode()

    def _look(self, name: str, cancels: str | None) -> bytes:
        batch = self.batches[name]
        batch["looked"] += 1
        if cancels:
            batch["status"] = "cancelled"
        elif batch["status"] == "in_progress" and batch["looked"] > self.looks:
            self._finish(batch)
        return json.dumps(batch).encode()

    def _finish(self, batch: dict[str, Any]) -> None:
        batch["status"] = self.end
        if self.end == "failed":
            batch["errors"] = {"object": "list", "data": [
                {"code": "invalid_json_line", "message": "line 1 is no request", "line": 1}]}  # fmt: skip
            return
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        outputs = self.spoil([self._output(line) for line in lines])
        good = [one for one in outputs if (one["response"] or {}).get("status_code") == 200]
        for kind, lot in (("output", good), ("error", [one for one in outputs if one not in good])):
            if lot:
                self.files[name := f"{kind}-{batch['id']}"] = b"".join(
                    json.dumps(one).encode() + b"\n" for one in lot)  # fmt: skip
                batch[f"{kind}_file_id"] = name
        batch["request_counts"] |= {"completed": len(good), "failed": len(lines) - len(good)}

    def _output(self, line: dict[str, Any]) -> dict[str, Any]:
        assert line["method"] == "POST"
        assert line["url"] == "/v1/chat/completions"
        number, body = next(self._numbers), line["body"]
        if message := self.refuse(body):
            said = {"error": {"message": message}}
            response = {"status_code": 400, "request_id": f"r{number}", "body": said}
        else:
            self.bought.append(json.dumps(body["messages"]))
            reply = completion(self.answer(body), number=number)
            response = {"status_code": 200, "request_id": f"r{number}", "body": reply}
        return {"id": f"line-{number}", "custom_id": line["custom_id"], "response": response,
                "error": None}  # fmt: skip
