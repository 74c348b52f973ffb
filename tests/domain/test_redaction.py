"""Keys are taken out of whatever is written or shown, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from studio.domain.redaction import HIDDEN, remember_key, without_keys


@pytest.mark.parametrize("text", [
    "Incorrect API key provided: sk-proj-Ab3_9xKq-77zzPQ12.",
    "{'Authorization': 'Bearer abcdef.123456'}",
    "?key=AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY&x",
    "token hf_QwErTyUiOpAsDfGh and ghp_0123456789abcdefghij",
])  # fmt: skip
def test_what_looks_like_a_key_is_hidden(text: str) -> None:
    assert HIDDEN in without_keys(text)
    assert not any(
        part in without_keys(text) for part in ("Ab3_9x", "abcdef.", "D-9tS", "QwEr", "0123")
    )


@pytest.mark.parametrize("text", [
    "task-1234567890123 on the desk-filter-of-yours", "sk-short", "Bearer of bad news",
    "a mask-of-many-words here", "KeyError: 'lost'",
])  # fmt: skip
def test_plain_words_stay(text: str) -> None:
    assert without_keys(text) == text


def test_a_key_is_known_once_it_was_handed_out_or_lies_in_a_variable_named_like_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, other = f"plain {uuid.uuid4().hex}\\end", f"other-{uuid.uuid4().hex}"
    assert without_keys(key) == key
    remember_key(key)
    remember_key("local")  # a word for a server of one's own
    remember_key(None)
    assert without_keys(f"{key} {key!r} local") == f"{HIDDEN} '{HIDDEN}' local"
    monkeypatch.setenv("SOME_SERVICE_TOKEN", other)
    assert without_keys(f"got {other}!") == f"got {HIDDEN}!"


CRASHES = """
import asyncio, logging, sys, threading, warnings
from studio.cli import main, project
from studio.app.settings import Keys
from studio.domain.records import TeacherRecord
key = Keys().key_for(TeacherRecord(name="a", model="a", base_url="https://api.openai.com/v1",
                                   api_key_env="OPENAI_API_KEY"))
async def lost():
    asyncio.create_task(failing())
    await asyncio.sleep(0.01)
async def failing():
    raise ValueError(f"task {key}")
def fails(*given):
    logging.getLogger("some.library").error("log %s", key)
    warnings.warn(f"warned {key}")
    thread = threading.Thread(target=lambda: 1 / 0 if not key else int(f"thread {key}"))
    thread.start()
    thread.join()
    asyncio.run(lost())
    raise RuntimeError(f"verb {key}")
project.project_status = fails
sys.exit(main(["status", sys.argv[1]]))
"""


def test_a_crash_of_a_verb_a_thread_a_task_or_a_library_writes_no_key(tmp_path: Path) -> None:
    key = f"plain-{uuid.uuid4().hex}"
    from studio.store.tables import Store

    Store.create(tmp_path / "p").close()
    done = subprocess.run(
        [sys.executable, "-c", CRASHES, str(tmp_path / "p")], capture_output=True, text=True,
        timeout=60, check=False, env={**os.environ, "OPENAI_API_KEY": key},
    )  # fmt: skip
    assert done.returncode == 1
    for said in ("log [key]", "warned [key]", "thread [key]", "task [key]", "verb [key]"):
        assert said in done.stderr, done.stderr
    assert key not in done.stderr + done.stdout
    assert "Traceback" in done.stderr, "a bug is still told whole"
