"""What is free of this machine's memory, and of what a container may take."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from studio.domain import ram
from studio.domain.memory import is_tight


def group(folder: Path, *, limit: str, used: int, kept: int) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {kept}\nactive_file 7\n")
    return folder


def test_a_container_may_have_less_than_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ram.left_of_group(group(tmp_path, limit="1000", used=900, kept=300)) == 400
    assert ram.left_of_group(group(tmp_path, limit="1000", used=1200, kept=0)) == 0
    assert ram.left_of_group(group(tmp_path, limit="max", used=900, kept=0)) is None
    assert ram.left_of_group(tmp_path / "none") is None
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:  9 kB\nMemAvailable:       2 kB\n")
    monkeypatch.setattr(ram, "_MEMINFO", file)
    monkeypatch.setattr(ram, "_GROUP", group(tmp_path, limit="1000", used=0, kept=0))
    if sys.platform != "win32":
        assert ram.free_bytes() == 1000
        monkeypatch.setattr(ram, "_GROUP", tmp_path / "none")
        assert ram.free_bytes() == 2048
        file.write_text("MemTotal: 9 kB\n")
        assert ram.free_bytes() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="as Linux tells it")
def test_this_machine_tells_it() -> None:
    found = ram.free_bytes()
    assert found is not None
    assert found > 1 << 20


def test_what_is_not_known_is_not_tight() -> None:
    assert not is_tight(1 << 60, None)
    assert is_tight(86, 100)
    assert not is_tight(85, 100)
