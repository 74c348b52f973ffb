"""Ends the window politely when the system asks for it: log-off, shutdown, ``kill``, Ctrl-C.

Nobody is there to be asked a question: sending stops, replies under way are kept, then it ends.
"""

from __future__ import annotations

import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication


class EndOnSignal(QObject):
    """Leaves the application's loop on SIGTERM and SIGINT; what follows the loop closes projects.

    Qt's loop runs no Python by itself: a signal wakes it through a socket.
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._waker, self._woken = socket.socketpair()
        for end in (self._waker, self._woken):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._woken.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._drain)
        self._before = {number: signal.signal(number, self._end)
                        for number in (signal.SIGTERM, signal.SIGINT)}  # fmt: skip

    def leave(self) -> None:
        """Let signals do what they did before."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._waker.close()
        self._woken.close()

    def _drain(self) -> None:
        self._woken.recv(64)  # Python runs the handler on the way here

    def _end(self, number: int, frame: object) -> None:
        del frame
        self._app.exit(128 + number)  # not quit(): that lets a window ask first
