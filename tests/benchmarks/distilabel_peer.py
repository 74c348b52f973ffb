"""distilabel beside the engine: the same requests to the same endpoint, from an environment of its own.

It is no dependency of ours: ``python_with_distilabel`` makes a throwaway virtual environment with
``distilabel[openai]`` from the package registry, or takes the interpreter it is given. This file is
then run there as a script, so it imports nothing of ours:

    python distilabel_peer.py URL REQUESTS AT_ONCE

prints the seconds of a whole pipeline run, of that run as the endpoint saw it (first request to last
reply), and of distilabel's client alone, which asks batch by batch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

WANTED = ("distilabel[openai]", "requests")  #: it imports the second and does not say so
_QUIET = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "DISTILABEL_LOG_LEVEL": "ERROR"}


def python_with_distilabel(given: str, folder: Path) -> tuple[str, str]:
    """Return an interpreter that has distilabel, or an empty path and why there is none.

    Args:
        given: an interpreter; ``install`` for a new environment in ``folder``; ``none``.
    """
    if given == "none":
        return "", "not asked for"
    python = given
    if given == "install":
        python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
        for command in ([sys.executable, "-m", "venv", str(folder)],
                        [python, "-m", "pip", "install", "-q", *WANTED]):  # fmt: skip
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode:
                return "", f"cannot be installed here: {made.stderr.strip().splitlines()[-1:]}"
    probe = [python, "-c", "import distilabel; print(distilabel.__version__)"]
    try:
        found = subprocess.run(probe, capture_output=True, text=True, check=False)
    except OSError as error:
        return "", str(error)
    if found.returncode:
        return "", f"{python} has none: {found.stderr.strip().splitlines()[-1:]}"
    return python, found.stdout.split()[-1]


def seconds(python: str, url: str, requests: int, at_once: int) -> dict[str, float]:
    """Return what distilabel took, by what was timed."""
    command = [python, str(Path(__file__).resolve()), url, str(requests), str(at_once)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, **_QUIET, "PYTHONPATH": ""})  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def _main(url: str, requests: int, at_once: int) -> None:
    _pipeline(url, 2, 2)  # imports are not the question
    _seen(url)
    started = time.perf_counter()
    _pipeline(url, requests, at_once)
    whole = time.perf_counter() - started
    found = {"whole run": whole, "first request to last reply": _seen(url),
             "its client alone": _client(url, requests, at_once)}  # fmt: skip
    print(json.dumps(found))


def _pipeline(url: str, requests: int, at_once: int) -> None:
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    rows = [{"instruction": f"What is {n} and 1?"} for n in range(requests)]
    with Pipeline(name="rate") as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=at_once)
        load >> TextGeneration(llm=_llm(url), input_batch_size=at_once)
    made = pipeline.run(use_cache=False)["default"]["train"]
    assert len(made) == requests
    assert all(made["generation"])


def _client(url: str, requests: int, at_once: int) -> float:
    llm = _llm(url)
    llm.load()
    asked = [[{"role": "user", "content": f"What is {n} and 1?"}] for n in range(requests)]
    llm.generate(inputs=asked[:2], max_new_tokens=9)
    started = time.perf_counter()
    for start in range(0, requests, at_once):
        llm.generate(inputs=asked[start : start + at_once], max_new_tokens=9)
    return time.perf_counter() - started


def _llm(url: str) -> Any:
    from distilabel.models import OpenAILLM

    return OpenAILLM(model="a", base_url=url, api_key="none",
                     generation_kwargs={"max_new_tokens": 9})  # fmt: skip


def _seen(url: str) -> float:
    """Return the seconds from the first request to the last reply since this was last asked."""
    with urllib.request.urlopen(f"{url}/took") as response:
        return float(response.read())


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
