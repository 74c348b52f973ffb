"""A GGUF file by llama.cpp's own converter, where the user has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from studio.domain.errors import StudioError

SCRIPT = "convert_hf_to_gguf.py"
VARIABLE = "LLAMA_CPP"  #: names llama.cpp's folder
_MOST_S = 3600.0


def missing() -> str:
    """Return how to come by a GGUF where there is no converter."""
    named = os.environ.get(VARIABLE)
    where = f"in {named}, which {VARIABLE} names" if named else "here"
    return (
        f"no GGUF was written: {SCRIPT} of llama.cpp was not found {where}; fetch llama.cpp, set"
        f" {VARIABLE} to its folder, and export again"
    )


def converter() -> Path | None:
    """Return llama.cpp's converter: where ``LLAMA_CPP`` says, on the path, or in the home folder."""
    named = os.environ.get(VARIABLE)
    places = [Path(named).expanduser()] if named else [Path.home() / "llama.cpp"]
    found = next((place / SCRIPT for place in places if (place / SCRIPT).is_file()), None)
    on_path = shutil.which(SCRIPT)
    return found or (Path(on_path) if on_path else None)


def convert(script: Path, merged: Path, out: Path, *, kind: str) -> None:
    """Convert a folder of merged weights.

    Args:
        kind: of numbers, in the converter's words: f16, bf16, q8_0.

    Raises:
        StudioError: the converter failed; in its own last words.
    """
    part = out.with_name(f".{out.name}.part")
    command = [sys.executable, str(script), str(merged), "--outfile", str(part), "--outtype", kind]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False,
            timeout=_MOST_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StudioError(f"no GGUF was written: {script} did not work ({error})") from None
    if done.returncode or not part.is_file():
        part.unlink(missing_ok=True)
        words = [line for line in done.stderr.splitlines() if line.strip()]
        raise StudioError(
            f"no GGUF was written: llama.cpp's converter says: {words[-1] if words else 'nothing'}"
        )
    part.replace(out)
