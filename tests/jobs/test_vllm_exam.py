"""The exam through vLLM: the same questions, the same form of answers, and plain words without it.

vLLM itself needs a GPU; what stands in for it here takes the same calls and answers them greedily.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import SpecError
from studio.domain.events import ASKED_TO_STOP
from tests.jobs.conftest import MakeFolder, StoppedAfter, events_of, examples, questions
from tests.jobs.test_generate import SETTINGS, answers_of, sit
from tests.jobs.test_train import SETTINGS as TRAINING
from tests.jobs.test_train import go

GREEDY: dict[str, Any] = {**SETTINGS, "precision": "fp32"}


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(Path(__file__).parent / "standin")
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "vllm"]:
        del sys.modules[name]


@pytest.mark.usefixtures("vllm")
@pytest.mark.parametrize("adapted", [False, True])
def test_it_gives_the_answers_of_our_own_decoding(make_folder: MakeFolder, adapted: bool) -> None:
    adapter = ""
    if adapted:
        run = make_folder("train", TRAINING, name="run", train=examples())
        go(run)
        adapter = str(run / "artifacts" / "adapter")
    folders = [
        make_folder("generate", {**GREEDY, "engine": engine}, name=engine, adapter=adapter,
                    questions=questions())
        for engine in ("own", "vllm")
    ]  # fmt: skip
    own, theirs = (sit(folder) for folder in folders)
    assert theirs == own
    said = [events_of(folder, "started")[0].model_dump()["engine"] for folder in folders]
    assert said == ["own", "vllm"]


@pytest.mark.usefixtures("vllm")
def test_an_exam_stopped_on_the_way_asks_for_the_rest_only(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.jobs.generate.AT_ONCE", 4)
    folder = make_folder("generate", {**GREEDY, "engine": "vllm"}, questions=questions())
    sit(folder, StoppedAfter(folder, "progress", 2))
    assert len(answers_of(folder)) == 4
    assert events_of(folder, "finished")[0].model_dump()["stopped"] == ASKED_TO_STOP
    assert len(sit(folder)) == 9


@pytest.mark.usefixtures("vllm")
def test_what_cannot_be_started_is_said_in_one_line(make_folder: MakeFolder) -> None:
    short = [{"key": "a", "messages": [{"role": "user", "content": "?"}]}]
    settings = {**GREEDY, "max_new_tokens": 1, "engine": "vllm"}
    folder = make_folder("generate", settings, questions=short)
    with pytest.raises(SpecError, match=r"could not be started \(not enough room\): set engine"):
        sit(folder)


@pytest.mark.skipif(shutil.which("vllm") is not None, reason="it is installed")
def test_without_it_an_exam_that_asks_for_it_is_refused(make_folder: MakeFolder) -> None:
    folder = make_folder("generate", {**GREEDY, "engine": "vllm"}, questions=questions(1))
    with pytest.raises(SpecError, match="pip install vllm"):
        sit(folder)
