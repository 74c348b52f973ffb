"""Folders on the network and in a cloud's keeping are known by their mounts, names and marks."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from studio.domain.records import Question
from studio.store.database import FILE_NAME
from studio.store.places import mounted_kind, shared_place
from studio.store.tables import Store

LINUX = """\
/dev/sda1 / ext4 rw,relatime 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/me/local ext4 rw 0 0
//nas/all /mnt/the\\040share cifs rw,user=me 0 0
me@host:/ /mnt/ssh fuse.sshfs rw 0 0
C:\\134 /mnt/c 9p rw,aname=drvfs 0 0
/dev/sdc1 /media/stick vfat rw 0 0
/dev/sdd1 /twice ext4 rw 0 0
over:/x /twice nfs rw 0 0
tmpfs /run tmpfs rw 0 0

nonsense
"""
MACOS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
//me@nas._smb._tcp.local/All on /Volumes/All things (smbfs, nodev, nosuid, mounted by me)
/dev/disk4s1 on /Volumes/Stick (msdos, local, nodev)
"""


@pytest.mark.parametrize(("place", "kind"), [
    ("/home/me/p", "nfs4"), ("/home/me/local/p", "ext4"), ("/mnt/the share/p", "cifs"),
    ("/mnt/ssh/p", "fuse.sshfs"), ("/mnt/c/Users/me/p", "9p"), ("/media/stick/p", "vfat"),
    ("/twice/p", "nfs"), ("/homework", "ext4"), ("/srv/p", "ext4"),
])  # fmt: skip
def test_linux_names_what_a_place_lies_on(place: str, kind: str) -> None:
    assert mounted_kind(Path(place), LINUX) == kind
    is_shared = kind in ("nfs4", "cifs", "fuse.sshfs", "9p", "nfs")
    assert (kind in shared_place(Path(place), mounts=LINUX, environment={})) == is_shared


@pytest.mark.parametrize(("place", "kind"), [
    ("/Volumes/All things/p", "smbfs"), ("/Volumes/Stick/p", "msdos"), ("/Users/me/p", "apfs"),
])  # fmt: skip
def test_macos_names_what_a_place_lies_on(place: str, kind: str) -> None:
    assert mounted_kind(Path(place), MACOS) == kind
    assert bool(shared_place(Path(place), mounts=MACOS, environment={})) == (kind == "smbfs")


@pytest.mark.parametrize(("folder", "cloud"), [
    ("OneDrive", "OneDrive"), ("OneDrive - A Company", "OneDrive"), ("Dropbox (Private)", "Dropbox"),
    ("Google Drive", "Google Drive"), ("Library/Mobile Documents/com~apple~CloudDocs", "iCloud"),
    ("Library/CloudStorage/GoogleDrive-me@x.example/My Drive", "Google Drive"),
    ("Library/CloudStorage/Other-me", "cloud service"), ("Nextcloud", "Nextcloud"),
])  # fmt: skip
def test_the_folders_of_clouds_are_known_by_name(tmp_path: Path, folder: str, cloud: str) -> None:
    assert cloud in shared_place(tmp_path / folder / "p", mounts="", environment={})


def test_plain_names_are_plain_folders(tmp_path: Path) -> None:
    for name in ("drive", "dropboxes", "one drive", "my work", "Library/p"):
        assert shared_place(tmp_path / name / "p", mounts="", environment={}) == ""


def test_marks_and_variables_tell_of_folders_with_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "kept" / ".stfolder").mkdir(parents=True)
    assert "Syncthing" in shared_place(tmp_path / "kept" / "a" / "p", mounts="", environment={})
    named = {"OneDriveCommercial": str(tmp_path / "work")}
    assert "OneDrive" in shared_place(tmp_path / "work" / "p", mounts="", environment=named)
    assert shared_place(tmp_path / "p", mounts="", environment={**named, "OneDrive": ""}) == ""


def test_a_project_in_a_cloud_is_written_without_a_log_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Store.create(tmp_path / "p").close()
    there = Path(shutil.copytree(tmp_path / "p", tmp_path / "Dropbox" / "p"))
    with caplog.at_level(logging.WARNING):
        store = Store(there)
        assert store.value("PRAGMA journal_mode") == "delete"
        reader = Store(there, read_only=True)
        store.add([Question(text="one", gold="1")])
        assert reader.value("SELECT count(*) FROM questions") == 1
        assert "a folder that Dropbox keeps in step" in store.remarks[0]
        assert not (there / f"{FILE_NAME}-wal").exists()
        alone = tmp_path / "alone"
        alone.mkdir()
        shutil.copy(there / FILE_NAME, alone / FILE_NAME)
        reader.close()
        store.close()
    assert caplog.text.count("Dropbox keeps in step") == 1
    back = Store(alone)
    assert back.value("PRAGMA journal_mode") == "wal"
    assert (back.remarks, back.value("SELECT count(*) FROM questions")) == ([], 1)
    back.close()


def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    place = tmp_path / "OneDrive" / "p"
    done = subprocess.run([sys.executable, "-m", "studio", "new", str(place)],
                          capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
    lines = set(done.stderr.splitlines())
    assert len(lines) == 1, done.stderr
    assert "OneDrive keeps in step" in lines.pop()
