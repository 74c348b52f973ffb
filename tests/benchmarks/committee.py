"""Requests a second of the whole engine beside bare clients, in one run.

``python -m tests.benchmarks.committee [REQUESTS AT_ONCE] [--distilabel PYTHON]``, else 500 at 64 and
1,000 at 256: an endpoint in a process of its own answers after 200 ms. The engine's time is that of a stage from its
first question to its last: intent row, request, raw reply on disk, reading, record, all committed
and synced. Making the project, the clients and the closing are in nobody's time. distilabel has its turns in
the same rotation, from a throwaway environment (``distilabel_peer.py``) or with the given PYTHON.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web
from openai import AsyncOpenAI, DefaultAioHttpClient

from studio.domain.records import Rationale
from studio.flow.rationales import SolveStage
from studio.flow.stage import Bench, Progress
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.openai_chat import OpenAIChat
from studio.teachers.opener import TeacherOpener
from tests.benchmarks.distilabel_peer import python_with_distilabel, seconds
from tests.fakes import add_mistakes, completion, teacher

LATENCY_S = 0.2
BARE, ENGINE = "bare aiohttp", "engine: ledger, records, commits"
TIMES = 3  #: each client has so many turns, in rotation; the best counts, the machine is shared
Client = Callable[[str, int, int], Awaitable["Took"]]


class Took(NamedTuple):
    """Seconds by the clock and of this process's CPU."""

    wall: float
    cpu: float


def main() -> None:
    """Print one line per client and size."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument(
        "sizes", nargs="*", type=int, metavar="N", help="requests, and how many at once"
    )
    asked.add_argument(
        "--distilabel", default="install", help="a python that has it, install or none"
    )
    given = asked.parse_args()
    here, there = multiprocessing.get_context("spawn").Pipe()
    endpoint = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,))
    endpoint.start()
    url = here.recv()
    try:
        with tempfile.TemporaryDirectory() as folder:
            python, told = python_with_distilabel(given.distilabel, Path(folder))
            for requests, at_once in (
                [tuple(given.sizes)] if given.sizes else [(500, 64), (1000, 256)]
            ):
                _compare(url, requests, at_once, python=python, told=told)
    finally:
        endpoint.terminate()
        endpoint.join()


def _compare(url: str, requests: int, at_once: int, *, python: str, told: str) -> None:
    clients: dict[str, Client] = {
        BARE: _bare, "AsyncOpenAI, httpx": _openai_httpx,
        "AsyncOpenAI, aiohttp": _openai_aiohttp, "teacher without a ledger": _teacher,
        ENGINE: _engine,
    }  # fmt: skip
    took = dict.fromkeys(clients, Took(float("inf"), float("inf")))
    beside: dict[str, float] = {}
    for turn in range(TIMES):
        for name, client in clients.items():
            if not turn:
                asyncio.run(client(url, 2, 2))  # imports are not the question
            took[name] = min(took[name], asyncio.run(client(url, requests, at_once)))  # type: ignore[arg-type]
        if python:
            for name, wall in seconds(python, url, requests, at_once).items():
                beside[name] = min(wall, beside.get(name, wall))
    print(
        f"\n{requests:,} requests, {LATENCY_S * 1000:.0f} ms each, {at_once} at once, best of {TIMES}"
    )
    print(f"{'client':<46}{'requests/s':>11}{'of bare':>9}{'CPU ms each':>13}")
    bare, ours = took[BARE].wall, took[ENGINE].wall
    for name, (wall, cpu) in took.items():
        print(
            f"{name:<46}{requests / wall:>11.0f}{bare / wall:>9.0%}{cpu / requests * 1000:>13.2f}"
        )
    for name, wall in beside.items():
        print(
            f"{f'distilabel {told}, {name}':<46}{requests / wall:>11.0f}{bare / wall:>9.0%}"
            f"   the engine makes {wall / ours:.1f} times as many"
        )
    if not python:
        print(f"distilabel: {told}")


async def _timed(work: Awaitable[object]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    await work
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


async def _bare(url: str, requests: int, at_once: int) -> Took:
    gate = asyncio.Semaphore(at_once)
    body = {"model": "a", "messages": [{"role": "user", "content": "What is 1 and 1?"}]}

    async def one(session: aiohttp.ClientSession) -> None:
        async with gate, session.post(f"{url}/chat/completions", json=body) as response:
            await response.json()

    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector) as session:
        return await _timed(asyncio.gather(*(one(session) for _ in range(requests))))


async def _openai_httpx(url: str, requests: int, at_once: int) -> Took:
    return await _openai(
        AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=60.0), requests, at_once
    )


async def _openai_aiohttp(url: str, requests: int, at_once: int) -> Took:
    http = DefaultAioHttpClient()
    return await _openai(AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=60.0, http_client=http),
                  requests, at_once)  # fmt: skip


async def _openai(client: AsyncOpenAI, requests: int, at_once: int) -> Took:
    gate = asyncio.Semaphore(at_once)
    messages: list[Any] = [{"role": "user", "content": "What is 1 and 1?"}]

    async def one() -> None:
        async with gate:
            await client.chat.completions.create(model="a", messages=messages, max_tokens=9)

    took = await _timed(asyncio.gather(*(one() for _ in range(requests))))
    await client.close()
    return took


async def _teacher(url: str, requests: int, at_once: int) -> Took:
    gate, client = asyncio.Semaphore(at_once), OpenAIChat(teacher("a", url), key=None)

    async def one() -> None:
        async with gate:
            await client.answer([{"role": "user", "content": "What is 1 and 1?"}], max_tokens=9)

    took = await _timed(asyncio.gather(*(one() for _ in range(requests))))
    await client.aclose()
    return took


async def _engine(url: str, requests: int, at_once: int) -> Took:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "project")
        store.put(teacher("a", url, concurrency=at_once))
        add_mistakes(store, requests)
        opener = TeacherOpener(lambda record: None)
        bench = Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
        took = await _timed(_drain(SolveStage().run(bench)))
        await opener.aclose()
        assert store.count(Rationale) == requests
        store.close()
    return took


async def _drain(steps: AsyncIterator[Progress]) -> None:
    async for _ in steps:
        pass


def _serve(there: Connection) -> None:
    asyncio.run(_endpoint(there))


async def _endpoint(there: Connection) -> None:
    served, first, last = 0, 0.0, 0.0

    async def reply(request: web.Request) -> web.Response:
        nonlocal served, first, last
        served += 1
        number, first = served, first or time.perf_counter()
        await request.read()
        await asyncio.sleep(LATENCY_S)
        last = time.perf_counter()
        return web.json_response(completion("1 + 1 = 2\nAnswer: 2", number=number))

    async def took(request: web.Request) -> web.Response:
        nonlocal first
        seen, first = last - first, 0.0
        return web.Response(text=str(seen))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", reply)
    app.router.add_get("/v1/took", took)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    there.send(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
