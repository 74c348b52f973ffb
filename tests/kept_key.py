"""A keyring for tests: its one key stands in the file that ``MAPD_TEST_KEPT_KEY`` names."""

from __future__ import annotations

import os
from pathlib import Path

from keyring.backend import KeyringBackend


class KeptKey(KeyringBackend):
    """Hands the key out to whoever asks for this program's."""

    priority = 1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        assert service == "mapd-studio", username
        return Path(os.environ["MAPD_TEST_KEPT_KEY"]).read_text(encoding="utf-8")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("no test stores a key here")
