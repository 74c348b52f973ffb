"""Tell whether a folder lies on the network, or is kept in step with a cloud, where WAL is not safe.

SQLite's log needs memory that all its readers share, which no network gives; and a program that
copies files one by one may carry the main file and its log away at different moments.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath

_OF_THE_NETWORK = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "smb2", "afpfs", "webdav", "davfs", "ncpfs", "afs", "9p",
    "ceph", "glusterfs", "lustre", "beegfs", "gpfs", "ocfs2", "gfs2", "vboxsf", "prl_fs", "ftp",
    "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.davfs2", "fuse.glusterfs",
    "fuse.ceph", "fuse.ceph-fuse", "fuse.juicefs", "fuse.gvfsd-fuse", "fuse.vmhgfs-fuse", "fuse.mfs",
    "fuse.curlftpfs", "fuse.smbnetfs", "fuse.google-drive-ocamlfuse", "fuse.onedriver",
}  # fmt: skip
#: How the folder of a cloud begins, in small letters; what follows is a company or an account.
_CLOUDS = {
    "onedrive": "OneDrive", "dropbox": "Dropbox", "google drive": "Google Drive",
    "googledrive": "Google Drive", "my drive": "Google Drive", "icloud drive": "iCloud",
    "iclouddrive": "iCloud", "mobile documents": "iCloud", "com~apple~clouddocs": "iCloud",
    "nextcloud": "Nextcloud", "owncloud": "ownCloud", "box sync": "Box", "pcloud drive": "pCloud",
    "pclouddrive": "pCloud", "megasync": "MEGA", "syncthing": "Syncthing",
}  # fmt: skip
_MARKS = {".stfolder": "Syncthing", ".dropbox": "Dropbox", ".dropbox.cache": "Dropbox",
          ".owncloudsync.log": "ownCloud", ".nextcloudsync.log": "Nextcloud"}  # fmt: skip
_VARIABLES = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")  #: set by it on Windows
_REMOTE = 4  #: what Windows calls a drive of the network


def shared_place(
    folder: Path, *, mounts: str | None = None, environment: Mapping[str, str] = os.environ
) -> str:
    """Return in words on what a folder lies that WAL is not safe on; "" for a disk of this machine.

    Args:
        mounts: the table of what is mounted; None: as the system has it now.
    """
    place = folder.resolve()
    cloud = _cloud_of(place, environment)
    if cloud:
        return f"a folder that {cloud} keeps in step"
    if os.name == "nt":  # pragma: no cover - Windows only
        return "a network drive" if _is_remote(place) else ""
    kind = mounted_kind(place, _mounts(place) if mounts is None else mounts)
    return f"a network drive ({kind})" if kind in _OF_THE_NETWORK else ""


def mounted_kind(place: PurePath, mounts: str) -> str:
    """Return the kind of file system that a place lies on, by Linux's table or that of ``mount``."""
    found, depth = "", -1
    for line in mounts.splitlines():
        point, kind = _read_mount(line)
        if kind and place.is_relative_to(point) and len(PurePath(point).parts) >= depth:
            found, depth = kind, len(PurePath(point).parts)  # the last of equals hides the others
    return found


def _read_mount(line: str) -> tuple[str, str]:
    """Return where something is mounted and its kind; "" for a line that is none."""
    if " on " in line and line.endswith(")"):  # macOS: //me@host/share on /Volumes/share (smbfs, …)
        point, _, rest = line.partition(" on ")[2].rpartition(" (")
        return point, rest.rstrip(")").split(",")[0].strip()
    fields = line.split()
    if len(fields) < 3:
        return "", ""
    return _unescaped(fields[1]), fields[2].lower()


def _unescaped(text: str) -> str:
    for escape, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(escape, sign)
    return text


def _cloud_of(place: Path, environment: Mapping[str, str]) -> str:
    for name in _VARIABLES:
        root = environment.get(name, "")
        if root and place.is_relative_to(root):
            return "OneDrive"
    for part in reversed(place.parts):
        name = part.lower()
        for begins, cloud in _CLOUDS.items():
            if name == begins or name.startswith((f"{begins} - ", f"{begins} (", f"{begins}-")):
                return cloud
    if "CloudStorage" in place.parts and "Library" in place.parts:  # where macOS puts all of them
        return "a cloud service"
    for parent in (place, *place.parents):
        for mark, cloud in _MARKS.items():
            if _is_there(parent / mark):
                return cloud
    return ""


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _mounts(place: Path) -> str:
    if sys.platform == "darwin" and place.parts[:2] == ("/", "Volumes"):  # pragma: no cover
        return subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False,
                              timeout=5).stdout  # fmt: skip
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _is_remote(place: Path) -> bool:  # pragma: no cover - Windows only
    if place.drive.startswith("\\\\"):
        return True
    import ctypes

    kind = ctypes.windll.kernel32.GetDriveTypeW(f"{place.drive}\\")  # type: ignore[attr-defined,unused-ignore]
    return bool(kind == _REMOTE)
