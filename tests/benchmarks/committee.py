"""Requests a second of the whole engine beside a bare HTTP client, in one run.

``python -m tests.benchmarks.committee [REQUESTS] [AT_ONCE]``: an endpoint in a process of its own
answers after 200 ms. The engine's time holds everything a stage does: intent row, request, raw
reply on disk, reading, record, each committed with ``synchronous=FULL``.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from aiohttp import web

from studio.domain.records import Rationale
from studio.flow.rationales import SolveStage
from studio.flow.stage import Bench
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.openai_chat import OpenAIChat
from studio.teachers.opener import TeacherOpener
from tests.fakes import add_mistakes, completion, teacher

LATENCY_S = 0.2


def main(requests: int = 500, at_once: int = 64) -> None:
    """Print one line per client."""
    print(f"{requests} requests, {LATENCY_S * 1000:.0f} ms each, {at_once} at once")
    print(f"{'client':<34}{'requests/s':>11}{'CPU ms each':>13}")
    here, there = multiprocessing.get_context("spawn").Pipe()
    endpoint = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,))
    endpoint.start()
    url = here.recv()
    try:
        for name, client in (("bare aiohttp", _bare), ("teacher without a ledger", _teacher),
                             ("engine: ledger, records, commits", _engine)):  # fmt: skip
            asyncio.run(client(url, 2, 2))  # imports and first connections are not the question
            wall, cpu = time.perf_counter(), time.process_time()
            asyncio.run(client(url, requests, at_once))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(f"{name:<34}{requests / wall:>11.0f}{cpu / requests * 1000:>13.2f}")
    finally:
        endpoint.terminate()
        endpoint.join()


async def _bare(url: str, requests: int, at_once: int) -> None:
    gate = asyncio.Semaphore(at_once)
    body = {"model": "a", "messages": [{"role": "user", "content": "What is 1 and 1?"}]}

    async def one(session: aiohttp.ClientSession) -> None:
        async with gate, session.post(f"{url}/chat/completions", json=body) as response:
            await response.json()

    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(one(session) for _ in range(requests)))


async def _teacher(url: str, requests: int, at_once: int) -> None:
    gate, client = asyncio.Semaphore(at_once), OpenAIChat(teacher("a", url), key=None)

    async def one() -> None:
        async with gate:
            await client.answer([{"role": "user", "content": "What is 1 and 1?"}], max_tokens=9)

    await asyncio.gather(*(one() for _ in range(requests)))
    await client.aclose()


async def _engine(url: str, requests: int, at_once: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "project")
        store.put(teacher("a", url, concurrency=at_once))
        add_mistakes(store, requests)
        opener = TeacherOpener(lambda record: None)
        bench = Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
        async for _ in SolveStage().run(bench):
            pass
        await opener.aclose()
        assert store.count(Rationale) == requests
        store.close()


def _serve(there: Connection) -> None:
    asyncio.run(_endpoint(there))


async def _endpoint(there: Connection) -> None:
    served = 0

    async def reply(request: web.Request) -> web.Response:
        nonlocal served
        served += 1
        number = served
        await request.read()
        await asyncio.sleep(LATENCY_S)
        return web.json_response(completion("1 + 1 = 2\nAnswer: 2", number=number))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", reply)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    there.send(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
