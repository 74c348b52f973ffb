#!/usr/bin/env python3
"""Set up MAPD Studio in ``.venv`` and start it. Standard library only.

    python3 packaging/start.py              the sample project in the window
    python3 packaging/start.py --headless   the sample project's whole loop in the terminal
    python3 packaging/start.py test [...]   the whole suite: ruff, mypy, import-linter, pytest
    python3 packaging/start.py -- VERB ...  any verb of mapd-studio

A stamp in ``.venv`` remembers what was installed, so a second start calls no installer.
"""

from __future__ import annotations

import ctypes.util
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
STAMP = VENV / "mapd-studio-stamp"
LEAST_FREE_GB = 6
LAST_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
MOST_AGAIN = 5  #: failing tests that are run a second time
TESTS_FAILED = 1  #: pytest's exit code

#: System libraries Qt loads, by soname stem, and the Debian package that holds each.
QT_LIBRARIES = {
    "EGL": "libegl1", "GL": "libgl1", "xkbcommon": "libxkbcommon0", "dbus-1": "libdbus-1-3",
    "fontconfig": "libfontconfig1", "glib-2.0": "libglib2.0-0", "xcb-cursor": "libxcb-cursor0",
    "xcb-icccm": "libxcb-icccm4", "xcb-image": "libxcb-image0", "xcb-keysyms": "libxcb-keysyms1",
    "xcb-randr": "libxcb-randr0", "xcb-render-util": "libxcb-render-util0",
    "xcb-shape": "libxcb-shape0", "xcb-sync": "libxcb-sync1", "xcb-xfixes": "libxcb-xfixes0",
    "xcb-xkb": "libxcb-xkb1", "xkbcommon-x11": "libxkbcommon-x11-0",
}  # fmt: skip
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
FONT_PACKAGE = "fonts-dejavu-core"


class SetupError(Exception):
    """Something the set-up cannot mend by itself; the message says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Set up what the wish needs and do it; returns the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - started by whatever Python is there
        return _fail(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    testing = arguments[:1] == ["test"]
    try:
        set_up(("gui", "train", "dev") if testing else ("gui", "train"))
        provide_system_libraries()
    except SetupError as error:
        return _fail(str(error))
    if testing:
        return run_checks(list(arguments[1:]))
    verb = list(arguments[1:]) if arguments[:1] == ["--"] else ["demo", *arguments]
    try:
        return subprocess.call([str(python()), "-m", "studio", *verb])
    except KeyboardInterrupt:
        return 130


def _fail(message: str) -> int:
    print(f"start.py: {message}", file=sys.stderr)
    return 1


def python() -> Path:
    """Return the interpreter of ``.venv``."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


# -- the environment -----------------------------------------------------------------------------


def stamp_of(extras: Sequence[str], *files: Path) -> str:
    """Return what a set-up is known by: the Python, the extras and the files that name packages."""
    text = hashlib.sha256(f"{sys.version_info[:3]} {sorted(extras)}".encode())
    for file in files:
        text.update(file.read_bytes())
    return text.hexdigest()


def set_up(extras: Sequence[str]) -> None:
    """Make ``.venv`` hold the studio with ``extras``; does nothing when it does already.

    A set-up with more extras serves one that needs fewer.
    """
    files = (ROOT / "pyproject.toml", CONSTRAINTS)
    wanted = stamp_of(extras, *files)
    fuller = stamp_of(("gui", "train", "dev"), *files)
    if STAMP.is_file() and STAMP.read_text().strip() in (wanted, fuller):
        return
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < LEAST_FREE_GB:
        raise SetupError(
            f"{LEAST_FREE_GB} GB of disk are needed, {free_gb:.1f} are free: make room"
        )
    torch, started = _pinned("torch"), time.monotonic()
    if not _has_pip():
        print("Making .venv …", flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)],
             "cannot make .venv: on Debian and Ubuntu, apt install python3-venv")  # fmt: skip
    # torch first and pinned: what asks for it later then finds it, whatever build it is.
    pip = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
           "--retries", "3", "-c", str(CONSTRAINTS)]  # fmt: skip
    print("Installing torch (some minutes the first time) …", flush=True)
    _run([*pip, torch], "cannot install torch: is there a network, and room on the disk?")
    print(f"Installing the studio with {', '.join(extras)} …", flush=True)
    _run([*pip, "-e", f"{ROOT}[{','.join(extras)}]"],
         "cannot install the studio: is there a network? Run the same command again")  # fmt: skip
    STAMP.write_text(wanted)
    print(f"Ready after {time.monotonic() - started:.0f} s.", flush=True)


def _has_pip() -> bool:
    """Return whether ``.venv`` can install: one whose making was cut short cannot."""
    if not python().is_file():
        return False
    try:
        return (
            subprocess.run(
                [str(python()), "-m", "pip", "--version"], capture_output=True
            ).returncode
            == 0
        )
    except OSError:
        return False


def _pinned(name: str) -> str:
    for line in CONSTRAINTS.read_text().splitlines():
        if line.startswith(f"{name}=="):
            return line.strip()
    raise SetupError(f"{CONSTRAINTS} does not pin {name}: restore the file")


def _run(command: Sequence[str], otherwise: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip().startswith("ERROR")]
        raise SetupError(f"{otherwise}" + (f" ({lines[0].strip()})" if lines else ""))


# -- what Qt needs of a Linux system -------------------------------------------------------------


def missing_packages() -> list[str]:
    """Return the Debian packages whose libraries (or font) Qt would miss here."""
    missing = [package for stem, package in QT_LIBRARIES.items()
               if ctypes.util.find_library(stem) is None]  # fmt: skip
    if not any(any(Path(folder).rglob("*.[to]tf")) for folder in FONT_FOLDERS):
        missing.append(FONT_PACKAGE)
    return missing


def install_command(packages: Sequence[str]) -> str:
    """Return the command that a person types to install ``packages``."""
    return f"apt-get update && apt-get install -y {' '.join(packages)}"


def provide_system_libraries() -> None:
    """Install what Qt misses where that is allowed, else say exactly what to type."""
    if not sys.platform.startswith("linux") or not (missing := missing_packages()):
        return
    apt = shutil.which("apt-get")
    if apt is None:
        print("Qt may miss system libraries here; on Debian and Ubuntu they are called\n  "
              + " ".join(missing), file=sys.stderr)  # fmt: skip
    elif os.geteuid() == 0:
        print(f"Installing {len(missing)} system packages Qt needs …", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in ([apt, "update", "-qq"], [apt, "install", "-y", "-qq", *missing]):
            subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        if left := missing_packages():
            print(
                f"Still missing: {' '.join(left)}. Type: {install_command(left)}", file=sys.stderr
            )
    else:
        print(f"Qt needs system libraries. Type:\n  sudo sh -c '{install_command(missing)}'",
              file=sys.stderr)  # fmt: skip


# -- the suite -----------------------------------------------------------------------------------


def failing_tests() -> int:
    """How many tests failed when pytest ran last, by its own cache."""
    try:
        return len(json.loads(LAST_FAILED.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return 0


def run_check(command: list[str], environment: dict[str, str]) -> int:
    """Run one check to its end; returns its exit code."""
    return subprocess.call(command, cwd=ROOT, env=environment)


def run_tests(command: list[str], environment: dict[str, str]) -> int:
    """Run the tests; up to MOST_AGAIN that fail are run once more, by themselves.

    A few tests start processes and wait for them; on a machine that others keep busy one of
    them can miss its time. What failed at first stays to be read above.
    """
    code = run_check(command, environment)
    if code != TESTS_FAILED or not 1 <= failing_tests() <= MOST_AGAIN:
        return code
    print("\n── pytest, once more, only what failed", flush=True)
    code = run_check([*command, "--last-failed", "--last-failed-no-failures=none"], environment)
    if not code:
        print("\nThese passed at the second try, by themselves; see above how they failed.",
              flush=True)  # fmt: skip
    return code


def run_checks(pytest_arguments: list[str]) -> int:
    """Run all checks, each to its end, and say which failed."""
    tool = [str(python()), "-m"]
    checks = {
        "ruff": [*tool, "ruff", "check", "studio", "tests", "packaging", "resources"],
        "ruff format": [*tool, "ruff", "format", "--check", "studio", "tests", "packaging",
                        "resources"],
        "mypy": [*tool, "mypy"],
        "import-linter": [str(python().with_name("lint-imports")), "--no-cache"],
        "pytest": [*tool, "pytest", *pytest_arguments],
    }  # fmt: skip
    environment = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
                   "PYTHONUTF8": "1"}  # fmt: skip
    failed = []
    for name, command in checks.items():
        print(f"\n── {name}", flush=True)
        run = run_tests if name == "pytest" else run_check
        code = run(command, environment)
        if code:
            failed.append(name)
    print(f"\n{'failed: ' + ', '.join(failed) if failed else 'all checks passed'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
