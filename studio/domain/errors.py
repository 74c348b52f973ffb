"""The two kinds of errors.

A ``StudioError`` is the world's or the user's doing: its message is shown as it stands and says
what to do next. Anything else that escapes is a bug of ours.

    StudioError
    ├── ProjectError        the project folder: missing, foreign, newer, locked, read-only
    │   └── InUseError      another process has it open
    ├── ImportRefused       a file that cannot be taken, with line and reason
    ├── SpecError           a setting, option or spec that makes no sense
    ├── TeacherError        an endpoint that cannot be used (key, address, quota)
    │   └── KeyNotAllowed   a key that the user never let go to this address
    ├── StudentError        a student that cannot be loaded
    ├── RunError            a job that failed
    │   └── OutOfMemory     it does not fit; with smaller settings to go on with
    ├── StorageError        the disk: full, failing, write refused
    └── ExportError         an export that cannot be written
"""

from __future__ import annotations

from typing import Any


class StudioError(Exception):
    """The world's or the user's doing; the message says what to do next, in one line."""


class ProjectError(StudioError):
    """The project folder is missing, foreign, newer than this program, or in use."""


class InUseError(ProjectError):
    """Another process has the project open; it can be looked at meanwhile."""


class DamagedError(ProjectError):
    """The project's file is not as it was written: a backup can be put back, or the rest saved."""


class ImportRefused(StudioError):
    """A file that cannot be taken as a whole; names the line and the reason."""

    def __init__(self, path: str, reason: str, *, line: int | None = None) -> None:
        self.path, self.reason, self.line = path, reason, line
        where = f"{path}, line {line}" if line is not None else path
        super().__init__(f"{where}: {reason}")


class SpecError(StudioError):
    """A setting, an option or a spec that makes no sense."""


class TeacherError(StudioError):
    """An endpoint that cannot be used: key, address, quota."""


class KeyNotAllowed(TeacherError):
    """The variable is set, but its key was never allowed to go to this address by this user."""

    def __init__(self, teacher: str, variable: str, host: str) -> None:
        self.teacher, self.variable, self.host = teacher, variable, host
        super().__init__(
            f"this project wants the key in {variable} sent to {host}, which you have not allowed yet:"
            f" if you trust that address, say mapd-studio teacher test PROJECT {teacher} --allow-key"
        )


class StudentError(StudioError):
    """A student model that cannot be loaded."""


class RunError(StudioError):
    """A job that failed."""


class OutOfMemory(RunError):
    """A job that does not fit; ``offer`` holds the settings that would take less."""

    def __init__(self, message: str, *, offer: dict[str, Any]) -> None:
        self.offer = offer
        super().__init__(message)


class StorageError(StudioError):
    """The disk is full, failing or refuses writing."""


class ExportError(StudioError):
    """An export that cannot be written."""
