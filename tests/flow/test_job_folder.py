"""Tailing: whole lines only, whatever a job writes and wherever it was killed."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.errors import StorageError
from studio.domain.events import Metric
from studio.domain.specs import ExportSpec, GenerateSpec, StudentSpec
from studio.flow.job_folder import EventTail, LineTail, attended, last_launch, write_folder
from tests.curated import ChildLauncher, launcher

__all__ = ["launcher"]

METRIC = b'{"kind": "metric", "t": 1, "step": 2, "steps": 3, "epoch": 0.5, "loss": 0.25}'


@given(pieces=st.lists(st.binary(max_size=40), max_size=12))
def test_lines_come_out_whole_however_the_file_grows(
    pieces: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tail") / "lines"
    tail, seen = LineTail(path), []
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece)
        seen += list(tail.lines())
    whole = b"".join(pieces).split(b"\n")[:-1]
    assert seen == whole


@pytest.mark.parametrize(
    "noise",
    [b"", b"\x00\xff\n", b"[1, 2]\n", b"{}\n", b'{"kind": "unheard"}\n', b"x" * 10_000_000 + b"\n",
     b'{"kind": "met', b'{"a": {"b', b"\n\n"],
)  # fmt: skip
def test_an_event_is_found_after_any_noise(tmp_path: Path, noise: bytes) -> None:
    (tmp_path / "events.jsonl").write_bytes(noise + METRIC + b"\n")
    (event,) = EventTail(tmp_path).events()
    assert isinstance(event, Metric)
    assert event.loss == 0.25


def test_a_half_written_event_waits_for_its_rest(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(METRIC[:30])
    tail = EventTail(tmp_path)
    assert list(tail.events()) == []
    with path.open("ab") as file:
        file.write(METRIC[30:] + b"\n")
    assert len(list(tail.events())) == 1
    assert tail.skipped == 0


def test_a_half_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntw")
    tail = LineTail(path)
    assert list(tail.lines()) == [b"one"]
    path.write_bytes(b"one\nthree\n")
    assert list(tail.lines()) == [b"three"]


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    spec = ExportSpec(student=StudentSpec(location="org/small"))

    def rows() -> object:
        yield {"n": 1}
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left"):
        write_folder(tmp_path / "job", spec, {"train.jsonl": rows()})  # type: ignore[dict-item]
    assert list(tmp_path.iterdir()) == []
    write_folder(tmp_path / "job", spec, {"train.jsonl": [{"n": 1}]})
    assert json.loads((tmp_path / "job" / "data" / "train.jsonl").read_text()) == {"n": 1}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"other": 1}'])
def test_a_broken_note_of_the_launch_is_no_launch(tmp_path: Path, text: str) -> None:
    (tmp_path / "launch.json").write_text(text)
    assert last_launch(tmp_path) is None


def test_a_job_of_which_nothing_is_kept_ends_when_let_go_of_and_begins_anew(
    tmp_path: Path, launcher: ChildLauncher
) -> None:
    folder = tmp_path / "job"
    data = {"questions.jsonl": [{"key": str(n), "messages": []} for n in range(40)]}

    async def answers(spec: GenerateSpec, *, most: int) -> int:
        """Attend to the job until it has given so many answers."""
        place = folder / "artifacts" / "answers.jsonl"
        async with aclosing(attended(launcher, folder, spec, data)) as events:
            async for _ in events:
                if place.exists() and len(place.read_text().splitlines()) >= most:
                    break
        return len(place.read_text().splitlines())

    launcher.behaviour = "slow"
    begun = GenerateSpec(student=StudentSpec(location="x"), temperature=0.3)
    assert asyncio.run(answers(begun, most=2)) < 40
    left = last_launch(folder)
    assert left is not None
    assert not launcher.is_alive(left.handle)
    launcher.behaviour = ""
    again = begun.model_copy(update={"temperature": 0.9})
    assert asyncio.run(answers(again, most=99)) == 40
    texts = (folder / "artifacts" / "answers.jsonl").read_text()
    assert "T 0.9" in texts
    assert "T 0.3" not in texts, "nothing is left of the one before"
