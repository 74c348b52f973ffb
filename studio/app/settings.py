"""API keys: an environment variable, the system's keyring, or this session's memory only.

A key is kept under the teacher's name *and* the address's scheme and host, so a project from
somebody else cannot send a stored key of yours to a host of theirs, nor in clear.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from studio.domain.errors import TeacherError

if TYPE_CHECKING:
    from studio.domain.records import TeacherRecord

SERVICE = "mapd-studio"


class Keys:
    """Finds and keeps the keys of teachers; what no keyring takes is gone with this object."""

    def __init__(self) -> None:
        self._session: dict[str, str] = {}

    def key_for(self, teacher: TeacherRecord) -> str | None:
        """Return the key of a teacher, or None where it needs none.

        Raises:
            TeacherError: the teacher names a variable that is not set, and no key is stored.
        """
        if teacher.api_key_env and (found := os.environ.get(teacher.api_key_env, "").strip()):
            return found
        stored = self._session.get(_place(teacher)) or _from_keyring(_place(teacher))
        if stored is None and teacher.api_key_env:
            raise TeacherError(
                f"{teacher.name} wants a key: set the environment variable {teacher.api_key_env},"
                " or store the key on the Committee page"
            )
        return stored

    def store_key(self, teacher: TeacherRecord, key: str) -> bool:
        """Keep a key; returns False when no keyring took it and it lasts for this session only."""
        import keyring
        from keyring.errors import KeyringError

        place = _place(teacher)
        self._session[place] = key.strip()
        try:
            keyring.set_password(SERVICE, place, key.strip())
        except (KeyringError, RuntimeError):
            return False
        del self._session[place]
        return True


def _place(teacher: TeacherRecord) -> str:
    address = urlsplit(teacher.base_url)
    return f"{teacher.name}@{address.scheme}://{address.netloc}"


def _from_keyring(place: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, place)
    except (KeyringError, RuntimeError):
        return None
