"""The window: the only floor that knows Qt.

PySide6 6.12.0 gives one reference to ``True`` too many back for every signal emitted. Python 3.11
counts them, and ends the whole process when none is left: after a few hundred signals, that is
within a minute of running work. Python 3.12 made ``True`` immortal, and here it is made so too.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig

_ENOUGH = 1 << 40  #: references; a million signals a second would need 12 days to spend them


def _make_true_immortal() -> None:
    counted = sys.implementation.name == "cpython" and sys.version_info < (3, 12)
    if (
        counted
        and not sysconfig.get_config_var("Py_TRACE_REFS")
        and sys.getrefcount(True) < _ENOUGH
    ):
        ctypes.c_ssize_t.from_address(id(True)).value += _ENOUGH


_make_true_immortal()
