"""API keys: the system's keyring, an environment variable, or this session's memory only.

A key is kept under the teacher's name *and* the host of its address, so a project from somebody
else cannot send a key of yours to a host of theirs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from studio.domain.errors import TeacherError

if TYPE_CHECKING:
    from studio.domain.records import TeacherRecord

SERVICE = "mapd-studio"
_session_keys: dict[str, str] = {}  # what could not be stored; gone when the studio ends


def key_for(teacher: TeacherRecord) -> str | None:
    """Return the key of a teacher, or None where it needs none.

    Raises:
        TeacherError: the teacher names a variable that is not set, and no key is stored.
    """
    if teacher.api_key_env and (found := os.environ.get(teacher.api_key_env)):
        return found
    stored = _session_keys.get(_place(teacher)) or _from_keyring(_place(teacher))
    if stored is None and teacher.api_key_env:
        raise TeacherError(
            f"{teacher.name} wants a key: set the environment variable {teacher.api_key_env}, or "
            "store the key on the Committee page"
        )
    return stored


def store_key(teacher: TeacherRecord, key: str) -> bool:
    """Keep a key; returns False when there is no keyring and it lasts for this session only."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, _place(teacher), key)
    except (KeyringError, RuntimeError):
        _session_keys[_place(teacher)] = key
        return False
    return True


def _place(teacher: TeacherRecord) -> str:
    return f"{teacher.name}@{urlsplit(teacher.base_url).netloc}"


def _from_keyring(place: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, place)
    except (KeyringError, RuntimeError):
        return None
