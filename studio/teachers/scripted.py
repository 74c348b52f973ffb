"""A *scripted* committee: three teachers whose answers were written beforehand, over real HTTP.

For the sample project and for tests. It finds the question in the prompt, sees from the prompt's
shape whether an explanation, a rationale or a review is asked for, and answers from its script:

- ``careful`` solves nearly everything and reviews strictly;
- ``lenient`` is a little sloppy and passes wrong work with 4 or 5;
- ``one-kind-off`` takes one kind of question for another, in solving and in reviewing.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from studio.domain.errors import TeacherError

MODELS = ("careful", "lenient", "one-kind-off")
KIND_OFF = "change"  #: the kind that ``one-kind-off`` gets wrong
_SCORE_LINE = re.compile(r"SCORE_([0-9a-f]+):")
_FINAL = re.compile(r"Answer: *(\S+)")
_RIGHT_SHARE = {"careful": 0.98, "lenient": 0.88, "one-kind-off": 0.95}

Row = Mapping[str, str]


class Script:
    """What the committee says. ``path``: JSON lines of question, answer, kind, solution,
    wrong_solution and explanation."""

    def __init__(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise TeacherError(f"the script of the sample committee is missing: {error}") from None
        rows = [json.loads(line) for line in lines]
        self._by_question: dict[str, Row] = {_bare(row["question"]): row for row in rows}

    def reply(self, model: str, prompt: str, *, as_json: bool) -> str:
        """Return what ``model`` answers to ``prompt``; the same each time it is asked."""
        row = next((self._by_question[line] for line in map(_bare, prompt.splitlines())
                    if line in self._by_question), None)  # fmt: skip
        if row is None:
            return "My script knows nothing about this question."
        score_line = _SCORE_LINE.findall(prompt)
        if as_json or score_line:
            return _review(model, row, prompt, nonce=score_line[-1] if score_line else "",
                           as_json=as_json)  # fmt: skip
        if "what went wrong" in prompt.lower():
            return _explanation(model, row)
        return row["solution"] if _solves(model, row) else row["wrong_solution"]


def _explanation(model: str, row: Row) -> str:
    if model == "one-kind-off" and row["kind"] == KIND_OFF:
        return "The steps look fine to me; check the last sum once more."
    return row["explanation"]


def _solves(model: str, row: Row) -> bool:
    if model == "one-kind-off" and row["kind"] == KIND_OFF:
        return False
    return _chance(model, row, "solve") < _RIGHT_SHARE[model]


def _review(model: str, row: Row, prompt: str, *, nonce: str, as_json: bool) -> str:
    candidate = _candidate(prompt)
    said = _FINAL.findall(candidate)
    right = bool(said) and said[-1] == row["answer"]
    if model == "one-kind-off" and row["kind"] == KIND_OFF:
        right = not right
    chance = _chance(model, row, candidate)
    if model == "lenient":
        score = 5 if right else 5 if chance < 0.35 else 4 if chance < 0.8 else 3
    elif right:
        score = 5 if chance < 0.8 else 4
    else:
        score = 1 if chance < 0.6 else 2 if chance < 0.9 else 3
    comment = "Each step follows." if score > 3 else "A step does not follow from the question."
    if as_json:
        return json.dumps({"comment": comment, "score": score})
    return f"{comment}\nSCORE_{nonce}: {score}"


def _candidate(prompt: str) -> str:
    parts = prompt.split("<<<")
    return parts[1] if len(parts) > 1 else prompt


def _chance(model: str, row: Row, what: str) -> float:
    """Return a number in [0, 1) that is the same for the same question on every machine."""
    text = f"{model}|{row['question']}|{what}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest(), "big") / 2**48


def _bare(text: str) -> str:
    return " ".join(text.split())


class ScriptedServer:
    """Serves a script in the OpenAI form on a free port of this machine, from a thread."""

    def __init__(self, path: Path) -> None:
        script, numbers = Script(path), count(1)

        class Handler(_Handler):
            def reply(self, request: dict[str, Any]) -> dict[str, Any]:
                prompt = "\n".join(str(m.get("content", "")) for m in request["messages"])
                text = script.reply(str(request["model"]), prompt,
                                    as_json="response_format" in request)  # fmt: skip
                return _completion(next(numbers), str(request["model"]), prompt, text)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True,
                                        kwargs={"poll_interval": 0.05}, name="scripted-committee")  # fmt: skip
        self._thread.start()

    @property
    def base_url(self) -> str:
        """The address to give an OpenAI client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _completion(number: int, model: str, prompt: str, text: str) -> dict[str, Any]:
    tokens_in, tokens_out = len(prompt) // 4, len(text) // 4 + 1
    return {
        "id": f"scripted-{number}", "object": "chat.completion", "created": 0, "model": model,
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out,
                  "total_tokens": tokens_in + tokens_out},
    }  # fmt: skip


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # a committee calls all at once; with 5 it would wait a second a try


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet

    def reply(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the completion of a request."""
        raise TypeError(f"{type(self).__name__} has no script")

    def do_GET(self) -> None:
        data = [{"id": model, "object": "model", "owned_by": "script"} for model in MODELS]
        self._send(200, {"object": "list", "data": data})

    def do_POST(self) -> None:
        try:
            request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            known = request["model"] in MODELS and isinstance(request["messages"], list)
        except (ValueError, KeyError, TypeError):
            self._send(400, {"error": {"message": "not a chat completion request"}})
            return
        if not known:
            self._send(404, {"error": {"message": f"models here: {', '.join(MODELS)}"}})
            return
        self._send(200, self.reply(request))

    def _send(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what is asked and answered is in the ledger."""
