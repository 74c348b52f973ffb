"""What this machine has and lacks; each lack with its remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple

from studio.launch.local import without_secrets

_OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}
_QT_PROBE = (
    "from PySide6.QtGui import QFontDatabase, QGuiApplication; app = QGuiApplication([]);"
    "print(len(QFontDatabase.families()))"
)
_NEEDS_GB = 5
_QT_LIBRARIES = "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libglib2.0-0"
_PACKAGES = (
    ("pydantic", ""), ("sqlite-utils", ""), ("openai", ""), ("keyring", ""), ("math-verify", ""),
    ("PySide6-Essentials", "gui"), ("pyqtgraph", "gui"),
    ("torch", "train"), ("transformers", "train"), ("peft", "train"), ("accelerate", "train"),
)  # fmt: skip


class Finding(NamedTuple):
    """One thing looked at."""

    name: str
    state: Literal["ok", "lack", "note"]
    found: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at everything the studio may need here."""
    findings = [_python(), *_packages()]
    if _version("PySide6-Essentials"):
        findings.append(_qt())
    return [*findings, _gpu(), _machine(), _disk(), _keyring()]


def _python() -> Finding:
    found = f"{sys.version.split()[0]} at {sys.executable}"
    if sys.version_info < (3, 11):  # noqa: UP036 - a copied environment may be older
        return Finding("Python", "lack", found, "install Python 3.11 or newer")
    return Finding("Python", "ok", found)


def _packages() -> list[Finding]:
    findings = []
    for name, extra in _PACKAGES:
        found = _version(name)
        if found:
            findings.append(Finding(name, "ok", found))
        else:
            wanted = f"mapd-studio[{extra}]" if extra else "mapd-studio"
            findings.append(Finding(name, "lack", "not installed", f"pip install '{wanted}'"))
    return findings


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _qt() -> Finding:
    """Start Qt in a process of its own: what it lacks, it says when it is loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _QT_PROBE], capture_output=True, text=True, timeout=60,
        env={**without_secrets(os.environ), **_OFFSCREEN}, check=False,
    )  # fmt: skip
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        return Finding("Qt libraries", "lack", reason, f"apt-get install {_QT_LIBRARIES}")
    if int(done.stdout or 0) == 0:
        return Finding("Qt fonts", "lack", "none found, text would draw as boxes",
                       "apt-get install fonts-dejavu-core")  # fmt: skip
    return Finding("Qt libraries", "ok", f"load, {done.stdout.strip()} font families")


def _gpu() -> Finding:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        note = "none found (nvidia-smi is not here): small students train on the CPU too"
        return Finding("GPU", "note", note)
    done = subprocess.run([tool, "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader"],
                          capture_output=True, text=True, timeout=30, check=False,
                          env=without_secrets(os.environ))  # fmt: skip
    if done.returncode:
        return Finding("GPU", "lack", "the driver does not answer", "reinstall the NVIDIA driver")
    return Finding("GPU", "ok", "; ".join(done.stdout.strip().splitlines()))


def _machine() -> Finding:
    memory = "memory unknown"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        memory = f"{total / 2**30:.0f} GiB of memory"
    return Finding("Machine", "ok", f"{os.cpu_count()} cores, {memory}")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free < _NEEDS_GB:
        return Finding(
            "Disk", "lack", f"{free:.1f} GB free here", f"make room: {_NEEDS_GB} GB serve"
        )
    return Finding("Disk", "ok", f"{free:.0f} GB free here")


def _keyring() -> Finding:
    import keyring
    from keyring.backends.fail import Keyring as NoKeyring

    backend = keyring.get_keyring()
    if isinstance(backend, NoKeyring) or backend.priority <= 0:
        return Finding("Keyring", "note",
                       "none: keys come from environment variables, or last for one session")  # fmt: skip
    return Finding("Keyring", "ok", backend.name)
