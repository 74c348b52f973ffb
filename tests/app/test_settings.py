"""Keys come from the environment or the keyring, belong to one address, and rest nowhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked

from studio.app import settings
from studio.app.settings import Keys
from studio.domain.errors import KeyNotAllowed, TeacherError
from studio.domain.records import TeacherRecord

KEY = "sk-CANARY-123456"


class MemoryKeyring(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


class LockedKeyring(MemoryKeyring):
    """A keyring whose owner does not unlock it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("locked")


@pytest.fixture(autouse=True)
def _own_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    yield
    keyring.set_keyring(before)


def teacher(url: str = "https://api.example.com/v1", *, env: str = "") -> TeacherRecord:
    return TeacherRecord(name="a", model="m", base_url=url, api_key_env=env)


def test_the_environment_comes_first_and_is_read_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = Keys(tmp_path)
    keys.allow(teacher(env="A_KEY"))
    keys.store_key(teacher(), "sk-stored-123456")
    monkeypatch.setenv("A_KEY", f"{KEY}\n")
    assert keys.key_for(teacher(env="A_KEY")) == KEY
    monkeypatch.delenv("A_KEY")
    assert keys.key_for(teacher(env="A_KEY")) == "sk-stored-123456"


def test_a_named_variable_that_is_not_set_is_one_line_that_names_it() -> None:
    with pytest.raises(TeacherError, match="set the environment variable A_KEY") as caught:
        Keys().key_for(teacher(env="A_KEY"))
    assert "\n" not in str(caught.value)


def test_an_endpoint_without_a_key_needs_none() -> None:
    assert Keys().key_for(teacher("http://localhost:11434/v1")) is None


def test_a_stored_key_is_found_by_the_next_session() -> None:
    assert Keys().store_key(teacher(), KEY) is True
    assert Keys().key_for(teacher()) == KEY


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/v1", "https://api.example.com:8443/v1", "http://api.example.com/v1",
     "https://api.example.com.evil.example/v1", "https://api.example.com@evil.example/v1"],
)  # fmt: skip
def test_a_stored_key_goes_to_no_other_address(url: str) -> None:
    Keys().store_key(teacher(), KEY)
    assert Keys().key_for(teacher(url)) is None


@pytest.mark.parametrize("backend", [fail.Keyring, LockedKeyring])
def test_without_a_keyring_a_key_lasts_for_the_session_and_that_is_told(
    backend: type[KeyringBackend],
) -> None:
    keyring.set_keyring(backend())
    keys = Keys()
    assert keys.store_key(teacher(), KEY) is False
    assert keys.key_for(teacher()) == KEY
    assert Keys().key_for(teacher()) is None


def test_a_keyring_that_does_not_answer_is_not_waited_for_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hanging = threading.Event()

    class HangingKeyring(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            hanging.wait()
            return None

        set_password = get_password  # type: ignore[assignment]

    monkeypatch.setattr(settings, "KEYRING_WITHIN_S", 0.2)
    keyring.set_keyring(HangingKeyring())
    try:
        keys, begun = Keys(), time.monotonic()
        assert keys.key_for(teacher()) is None
        for _ in range(50):
            assert keys.key_for(teacher()) is None
        assert keys.store_key(teacher(), KEY) is False, "it lasts for this session"
        assert keys.key_for(teacher()) == KEY
        assert time.monotonic() - begun < 8, "waited for once, not fifty times"
    finally:
        hanging.set()
        for thread in threading.enumerate():
            if thread.name == "studio-keyring":
                thread.join()


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/v1", "http://api.example.com/v1", "https://api.example.com:444/v1"],
)
def test_a_foreign_project_gets_no_key_of_a_variable_without_a_question(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    Keys(tmp_path).allow(teacher(env="A_KEY"))
    with pytest.raises(KeyNotAllowed, match="have not allowed") as caught:
        Keys(tmp_path).key_for(teacher(url, env="A_KEY"))
    assert KEY not in str(caught.value)
    Keys(tmp_path).allow(teacher(url, env="A_KEY"))
    assert Keys(tmp_path).key_for(teacher(url, env="A_KEY")) == KEY
    assert KEY not in (tmp_path / "allowed-keys.json").read_text(encoding="utf-8")


def test_openai_s_own_address_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    keys = Keys(tmp_path)
    assert keys.key_for(teacher("https://api.openai.com/v1", env="OPENAI_API_KEY")) == KEY
    with pytest.raises(KeyNotAllowed):
        keys.key_for(teacher("https://api.openai.com.evil.example/v1", env="OPENAI_API_KEY"))


@pytest.mark.parametrize("text", ["", "[]", '{"A_KEY": 5}', "{"])
def test_a_spoilt_list_of_addresses_allows_nothing(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "allowed-keys.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv("A_KEY", KEY)
    with pytest.raises(KeyNotAllowed):
        Keys(tmp_path).key_for(teacher(env="A_KEY"))
    Keys(tmp_path).allow(teacher(env="A_KEY"))
    assert Keys(tmp_path).key_for(teacher(env="A_KEY")) == KEY
