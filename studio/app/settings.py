"""API keys: an environment variable, the system's keyring, or this session's memory only.

A key is bound to a scheme and host, so a project from somebody else cannot send one of yours to a
host of theirs, nor in clear: a stored key lies under its address, and which address a variable's key
may go to is remembered in a file of this user's, outside every project, when the user names both.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from studio.domain.errors import KeyNotAllowed, TeacherError
from studio.domain.redaction import remember_key

if TYPE_CHECKING:
    from studio.domain.records import TeacherRecord

T = TypeVar("T")
SERVICE = "mapd-studio"
KEYRING_WITHIN_S = 20.0  #: long enough to unlock it by hand
_ALLOWED = "allowed-keys.json"
_KNOWN = {"OPENAI_API_KEY": ["https://api.openai.com"]}  #: where a variable's name says the address


class Keys:
    """Finds and keeps the keys of teachers; what no keyring takes is gone with this object.

    Args:
        folder: where this user's settings lie; None for the system's place for them.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._session: dict[str, str] = {}
        self._is_stuck = False  # the keyring did not answer once
        self._folder = folder

    def key_for(self, teacher: TeacherRecord) -> str | None:
        """Return the key of a teacher, or None where it needs none.

        Raises:
            KeyNotAllowed: the variable it names is set, but the user never let that key go there.
            TeacherError: the teacher names a variable that is not set, and no key is stored.
        """
        in_environment = os.environ.get(teacher.api_key_env, "").strip()
        remember_key(in_environment)
        if in_environment and self.may_send(teacher):
            return in_environment
        stored = self._session.get(_place(teacher)) or self._from_keyring(_place(teacher))
        remember_key(stored)
        if stored is None and in_environment:
            raise KeyNotAllowed(teacher.name, teacher.api_key_env, _host(teacher))
        if stored is None and teacher.api_key_env:
            raise TeacherError(
                f"{teacher.name} wants a key: set the environment variable {teacher.api_key_env},"
                " or store the key on the Committee page"
            )
        return stored

    def may_send(self, teacher: TeacherRecord) -> bool:
        """Return whether the key in the variable it names may go to this teacher's address."""
        return _host(teacher) in self._allowed().get(teacher.api_key_env, [])

    def allow(self, teacher: TeacherRecord) -> None:
        """Remember that the user lets the key in this variable go to this teacher's address.

        To be called only where a person has just named both, or was asked and agreed.
        """
        if not teacher.api_key_env or self.may_send(teacher):
            return
        allowed = self._allowed()
        allowed[teacher.api_key_env] = [*allowed.get(teacher.api_key_env, []), _host(teacher)]
        path = self._file()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps(allowed, indent=1) + "\n", encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise TeacherError(
                f"cannot remember that {teacher.api_key_env} may go to {_host(teacher)}:"
                f" {error.strerror or error} ({path})"
            ) from None

    def _allowed(self) -> dict[str, list[str]]:
        try:
            found = json.loads(self._file().read_text(encoding="utf-8"))
            return {**_KNOWN, **{name: list(hosts) for name, hosts in found.items()}}
        except (OSError, ValueError, AttributeError, TypeError):
            return dict(_KNOWN)  # nothing readable there: then nothing was allowed

    def _file(self) -> Path:
        if self._folder is not None:
            return self._folder / _ALLOWED
        import typer  # here: the window starts without it

        return Path(typer.get_app_dir(SERVICE)) / _ALLOWED

    def store_key(self, teacher: TeacherRecord, key: str) -> bool:
        """Keep a key; returns False when no keyring took it and it lasts for this session only."""
        import keyring

        remember_key(key)
        place = _place(teacher)
        self._session[place] = key.strip()

        def store() -> bool:
            keyring.set_password(SERVICE, place, key.strip())
            return True

        if not self._ask(store):  # whatever it was, no keyring took it
            return False
        del self._session[place]
        return True

    def _from_keyring(self, place: str) -> str | None:
        import keyring

        return self._ask(lambda: keyring.get_password(SERVICE, place))

    def _ask(self, keyring: Callable[[], T]) -> T | None:
        """Return what the keyring says; None where it says nothing in time, and from then on.

        It is other people's code on other people's systems: locked, no bus, half set up, or waiting
        for a window that nobody sees.
        """
        said: list[T] = []

        def ask() -> None:
            with contextlib.suppress(Exception):
                said.append(keyring())

        if self._is_stuck:
            return None
        thread = threading.Thread(target=ask, name="studio-keyring", daemon=True)
        thread.start()
        thread.join(KEYRING_WITHIN_S)
        self._is_stuck = thread.is_alive()
        return said[0] if said else None


def _place(teacher: TeacherRecord) -> str:
    return f"{teacher.name}@{_host(teacher)}"


def _host(teacher: TeacherRecord) -> str:
    address = urlsplit(teacher.base_url)
    return f"{address.scheme}://{address.netloc}".lower()
