"""Draw every page of the window: light and dark, at two sizes, empty and with the sample project.

    python packaging/screenshots.py [PROJECT] [--only desk,train] [--out FOLDER]

PROJECT is one that went through the loop (it is copied first); without it the sample project is made
and run, which takes two minutes. Each picture is what ``mapd-studio open --screenshot`` draws, with
its colours reduced to a palette, so that all of them together stay small.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("overview", "data", "committee", "desk", "train", "evaluate", "export", "settings")
THEMES = ("light", "dark")
SIZES = ("1280x800", "1920x1080")
COLOURS = 256
SAMPLE = "sample-project"


def main() -> None:
    """Draw what was asked for, and tell how large it is in all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("project", nargs="?", type=Path)
    parser.add_argument("--only", default=",".join(("start", *PAGES)))
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "screenshots")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        full, empty = home / SAMPLE, home / "new-project"
        if given.project is None:
            studio(home, "demo", str(full), "--headless")
        else:
            shutil.copytree(given.project, full)
        studio(home, "new", str(empty))
        pictures = list(product(given.only.split(","), (full, empty), THEMES, SIZES))
        start = [picture for picture in pictures if picture[0] == "start"]
        pages = [picture for picture in pictures if picture[0] != "start"]
        for one in sorted(
            start, key=lambda picture: picture[1] == full
        ):  # first without recent ones
            draw(home, *one, given.out)
        for project in (full, empty):  # one process at a time may have a project open
            mine = [one for one in pages if one[1] == project]
            with ThreadPoolExecutor(2) as two:
                list(two.map(lambda one: draw_copy(home, *one, given.out), mine))
    files = sorted(given.out.glob("*.png"))
    total = sum(file.stat().st_size for file in files)
    print(f"{len(files)} pictures in {given.out}, {total / 1e6:.1f} MB")


def draw_copy(home: Path, page: str, project: Path, theme: str, size: str, out: Path) -> None:
    """Draw a page of a copy: a project is open in one process at a time."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / project.name
        shutil.copytree(project, copy)
        draw(home, page, copy, theme, size, out)


def draw(home: Path, page: str, project: Path, theme: str, size: str, out: Path) -> None:
    """Draw one page into ``out``."""
    is_full = project.name == SAMPLE
    picture = out / f"{page}-{theme}-{size}{'' if is_full else '-empty'}.png"
    shown = [str(project), "--page", page]
    if page == "start":
        shown = []
        remember(
            home, (home / SAMPLE, home / "new-project", home / "moved-away") if is_full else ()
        )
    studio(home, "open", *shown, "--theme", theme, "--size", size, "--screenshot", str(picture))
    reduce_colours(picture)
    print(f"{picture.stat().st_size / 1000:6.0f} kB  {picture.name}", flush=True)


def remember(home: Path, projects: tuple[Path, ...]) -> None:
    """Let the start page know these projects."""
    from PySide6.QtCore import QSettings

    file = home / "settings" / "mapd-studio" / "mapd-studio.conf"
    settings = QSettings(str(file), QSettings.Format.IniFormat)
    settings.setValue("recent", [str(project) for project in projects])
    settings.sync()


def studio(home: Path, *arguments: str) -> None:
    """Run one verb with a person's folder of its own."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(home),
                   "XDG_CONFIG_HOME": str(home / "settings"), "PYTHONPATH": str(ROOT)}  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "studio", *arguments], cwd=ROOT, env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode:
        sys.exit(f"mapd-studio {' '.join(arguments)} failed: {done.stderr.strip()}")


def reduce_colours(picture: Path) -> None:
    """Keep the most frequent colours of a picture, and give the others the nearest of them."""
    import numpy as np
    from PySide6.QtGui import QImage

    image = QImage(str(picture)).convertToFormat(QImage.Format.Format_RGB32)
    height, width = image.height(), image.width()
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(height, width) & 0xFFFFFF
    colours, which, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    kept = colours[np.argsort(counts)[::-1][:COLOURS]]
    parts = [(colours[:, None] >> shift & 255).astype(np.int32) for shift in (16, 8, 0)]
    palette = [(kept[None, :] >> shift & 255).astype(np.int32) for shift in (16, 8, 0)]
    apart = sum((mine - theirs) ** 2 for mine, theirs in zip(parts, palette, strict=True))
    places = np.argmin(apart, axis=1).astype(np.uint8)[which].reshape(height, width)
    padded = np.zeros((height, (width + 3) // 4 * 4), np.uint8)
    padded[:, :width] = places
    small = QImage(padded.tobytes(), width, height, padded.shape[1], QImage.Format.Format_Indexed8)
    small.setColorTable([int(colour) | 0xFF000000 for colour in kept])
    small.save(str(picture), "PNG", 0)  # type: ignore[call-overload]


if __name__ == "__main__":
    main()
