"""Jobs on this machine: detached, told from strangers by their birth, ended in good time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.domain.redaction import remember_key
from studio.launch.local import LocalLauncher, birth_of, without_secrets

pytestmark = pytest.mark.skipif(os.name == "nt", reason="starts processes in the POSIX way")
PATIENCE_S = 60.0


def wait_for(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job that fails at once, before it loads torch: its spec is none."""
    (tmp_path / "spec.json").write_text('{"job": "moon"}')
    return tmp_path


def handle_of(process: subprocess.Popen[bytes], folder: Path) -> str:
    return json.dumps({"pid": process.pid, "born": birth_of(process.pid), "folder": str(folder)})


@pytest.fixture
def deaf() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own that does not listen to SIGTERM."""
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_job_runs_to_its_end_and_its_output_is_kept(folder: Path) -> None:
    launcher = LocalLauncher()
    handle = launcher.start(folder)
    assert launcher.is_alive(handle)
    assert LocalLauncher().is_alive(handle), "another studio knows it by its handle"
    wait_for(lambda: not launcher.is_alive(handle))
    assert (folder / "job.log").exists()
    event = json.loads((folder / "events.jsonl").read_text())
    assert (event["kind"], event["error"]) == ("failed", "SpecError")
    assert (folder / "job.pid").read_text() == f"{json.loads(handle)['pid']}\n"
    launcher.cancel(handle)  # of what has ended: nothing happens
    assert not (folder / "stop").exists()


def test_a_job_has_a_session_of_its_own(folder: Path) -> None:
    pid = json.loads(LocalLauncher().start(folder))["pid"]
    assert os.getsid(pid) == pid != os.getsid(0)
    wait_for(lambda: not LocalLauncher().is_alive(json.dumps({"pid": pid, "born": birth_of(pid),
                                                             "folder": ""})))  # fmt: skip


def test_a_stranger_with_the_same_number_is_not_the_job(folder: Path) -> None:
    launcher = LocalLauncher()
    own = {"pid": os.getpid(), "born": birth_of(os.getpid()), "folder": str(folder)}
    assert launcher.is_alive(json.dumps(own))
    stranger = json.dumps({**own, "born": "1"})
    assert not launcher.is_alive(stranger)
    launcher.cancel(stranger)  # or this test would end here
    assert not (folder / "stop").exists()


@pytest.mark.parametrize("handle", ["", "{}", "moon", '{"pid": "x"}', '{"pid": 0, "born": ""}'])
def test_a_handle_that_is_none_names_nothing_alive(handle: str) -> None:
    assert not LocalLauncher().is_alive(handle)
    LocalLauncher().cancel(handle)


def test_a_job_is_asked_by_file_and_signal(folder: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        started = time.monotonic()
        LocalLauncher().cancel(handle_of(process, folder))
        assert time.monotonic() - started < 10
        assert (folder / "stop").exists()


def test_a_job_that_does_not_answer_is_ended_after_its_grace(
    folder: Path, deaf: subprocess.Popen[bytes]
) -> None:
    handle = handle_of(deaf, folder)
    started = time.monotonic()
    launcher = LocalLauncher(grace_s=0.3)
    launcher.cancel(handle)
    assert time.monotonic() - started >= 0.3
    wait_for(lambda: not launcher.is_alive(handle))


def test_a_job_that_is_not_to_be_killed_is_asked_and_left_alone(
    folder: Path, deaf: subprocess.Popen[bytes]
) -> None:
    handle = handle_of(deaf, folder)
    launcher = LocalLauncher(grace_s=0.3)
    launcher.cancel(handle, kill=False)
    assert (folder / "stop").exists()
    assert launcher.is_alive(handle)


def test_several_processes_are_asked_by_file_alone_for_torchrun_would_end_them(
    folder: Path,
) -> None:
    (folder / "spec.json").write_text('{"processes": 2}')
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        launcher = LocalLauncher(grace_s=0.3)
        handle = handle_of(process, folder)
        launcher.cancel(handle, kill=False)
        assert (folder / "stop").exists()
        assert launcher.is_alive(handle)
        launcher.cancel(handle)


def test_no_key_reaches_a_job(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    secrets = ("OPENAI_API_KEY", "HF_TOKEN", "DB_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_KEYS",
               "MY_SECRET", "google_credentials", "APIKEY")  # fmt: skip
    for name in secrets:
        monkeypatch.setenv(name, "sk-CANARY")
    kept = without_secrets(os.environ)
    assert not set(secrets) & set(kept)
    assert "PATH" in kept
    assert "TOKENIZERS_PARALLELISM" in without_secrets({"TOKENIZERS_PARALLELISM": "0"})
    plain = {"OUR_ACCOUNT": "a-key-without-a-form", "OTHER": "sk-CANARY-0123456789", "HOME": "/x"}
    assert set(without_secrets(plain)) == {"OUR_ACCOUNT", "HOME"}, "it looks like a key"
    remember_key("a-key-without-a-form")
    assert set(without_secrets(plain)) == {"HOME"}, "it is known as one"
    launcher = LocalLauncher()
    handle = launcher.start(folder)
    pid = json.loads(handle)["pid"]
    with_secrets = b""
    while launcher.is_alive(handle) and sys.platform.startswith("linux"):
        try:
            with_secrets += Path(f"/proc/{pid}/environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            break
    assert b"sk-CANARY" not in with_secrets
