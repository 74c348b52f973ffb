"""The window: the only floor that knows Qt.

PySide6 6.12.0 is built for Python 3.12 and newer, where ``None``, ``True`` and their like are
immortal, and returns them without counting a reference. Python 3.11 does count, and ends the whole
process when none is left: after some ten thousand calls into Qt, that is within minutes of work. So
they are made immortal here too, by as many references as no session can spend.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig

_ENOUGH = 1 << 40  #: references; a million calls a second would need 12 days to spend them


def _make_constants_immortal() -> None:
    counted = sys.implementation.name == "cpython" and sys.version_info < (3, 12)
    if not counted or sysconfig.get_config_var("Py_TRACE_REFS"):
        return
    for one in (None, True, False, NotImplemented, Ellipsis):
        if sys.getrefcount(one) < _ENOUGH:
            ctypes.c_ssize_t.from_address(id(one)).value += _ENOUGH


_make_constants_immortal()
