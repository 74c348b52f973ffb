"""The command line: the verbs of README, each a thin layer over the flow.

Errors are one line on standard error that says what to do next. Exit codes: 0 done, 1 a
``StudioError``, 2 usage, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator, Sequence

from studio import __version__
from studio.domain.errors import StudioError
from studio.domain.redaction import keys_hidden_on_stderr
from studio.domain.visible import visible

INTERRUPTED = 130
#: What the machine may refuse at any time: the world's doing, not a bug of ours.
_REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
            errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE, errno.ELOOP}  # fmt: skip
_LONGEST_NAME = 80


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code; without a verb the window opens."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _speak_utf8()
    if given[:1] == ["--version"]:
        print(f"mapd-studio {__version__}")
        return 0
    _write_any_letter()
    with keys_hidden_on_stderr():
        try:
            return _run(given)
        except KeyboardInterrupt:  # at any time, also while modules are still loaded
            return _interrupted()


def _write_any_letter() -> None:
    """Let no letter end the program: what a terminal, or a file name, cannot say is escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # consoles of Windows default to a legacy code page
            encoding = {"encoding": "utf-8"} if sys.platform == "win32" else {}
            reconfigure(errors="backslashreplace", **encoding)


def _speak_utf8() -> None:
    """Where the system knows no language Python would speak ASCII, and end at the first dash."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "encoding", "").lower() in ("ascii", "us-ascii", "ansi_x3.4-1968"):
            getattr(stream, "reconfigure", lambda **_: None)(encoding="utf-8")


def _run(given: list[str]) -> int:
    from studio.cli.verbs import app, is_verb

    if not given or not (given[0].startswith("-") or is_verb(given[0])):
        if trouble := _no_project(given):
            print(f"mapd-studio: {trouble}", file=sys.stderr)
            return 2
        given = ["open", *given]
    try:
        result = app(given, prog_name="mapd-studio", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a full disk can still be told
    except StudioError as error:
        return _trouble(str(error))
    except BrokenPipeError:
        _forget_what_cannot_be_written()  # the reader (head, less) has gone
        return 0
    except MemoryError:
        return _out_of_memory()
    except OSError as error:
        return _refused(error)
    except Exception as error:  # the outermost boundary of all
        return _usage(error, given)
    if result == INTERRUPTED:  # what the option parser may make of Ctrl-C
        return _interrupted()
    return result if isinstance(result, int) else 0


def _trouble(text: str) -> int:
    """Say in one line what is wrong: a name of a file may hold the end of a line."""
    line = visible(text.replace("\n", "⏎")).replace("\n", "")  # it breaks long lines
    print(f"mapd-studio: {line}", file=sys.stderr)
    return 1


def _refused(error: OSError) -> int:
    if error.errno not in _REFUSED:
        traceback.print_exception(error)
        return 1
    where = visible(str(error.filename or "what was to be written"))
    where = where if len(where) <= _LONGEST_NAME else f"{where[:_LONGEST_NAME]}…"
    try:
        sys.stdout.flush()
    except OSError:
        _forget_what_cannot_be_written()
    return _trouble(
        f"{where}: {error.strerror}: make room or name another place, and run it again; what was"
        " made is kept"
    )


def _forget_what_cannot_be_written() -> None:
    """Turn standard output away: Python would complain about it once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _no_project(given: Sequence[str]) -> str:
    """Return what is wrong with a first word that is neither a verb nor a folder; empty: nothing.

    A folder that is not there is left to the window, which says how to make one, unless the words
    after it or their likeness to a verb show that a verb was meant.
    """
    from studio.cli.verbs import like_verb

    if not given or os.path.exists(given[0]):
        return ""
    like = like_verb(given[0])
    more = any(not word.startswith("-") for word in given[1:2])
    if not (like or more):
        return ""
    meant = f": did you mean {like}?" if like else ""
    return f"there is no verb {visible(given[0])!r}{meant} (see mapd-studio --help)"


def _usage(error: Exception, given: Sequence[str]) -> int:
    """Show a usage error of the option parser as one line; anything else is a bug, told whole."""
    exit_code = getattr(error, "exit_code", None)
    message = getattr(error, "format_message", None)
    if type(error).__name__ == "Abort":
        return _interrupted()
    if exit_code is None or message is None:
        if any(isinstance(one, MemoryError) or "new thread" in str(one) for one in _before(error)):
            return _out_of_memory()
        traceback.print_exception(error)  # here, where no key passes
        return 1
    text = " ".join(message().split())
    from studio.cli.verbs import is_verb

    verb = f"{given[0]} " if is_verb(given[0]) else ""
    print(f"mapd-studio: {visible(text)} (see mapd-studio {verb}--help)", file=sys.stderr)
    return int(exit_code)


def _before(error: BaseException) -> Iterator[BaseException]:
    """Yield what an error came of: with no memory left, tidying up fails in its own ways."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _out_of_memory() -> int:
    print(
        "mapd-studio: there was not enough memory; what was made is kept. Close other programs, or"
        " ask for less at once, and run it again", file=sys.stderr,
    )  # fmt: skip
    return 1


def _interrupted() -> int:
    print("mapd-studio: interrupted; what was made is kept, run it again", file=sys.stderr)
    return INTERRUPTED
