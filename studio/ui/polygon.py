"""Many points as Qt has them, made in one go."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QPolygonF


def polygon(at: NDArray[Any]) -> QPolygonF:
    """Return points, ``(n, 2)`` and big-endian, as Qt has them: in one go, not a point at a time."""
    made = QPolygonF()
    stream = QDataStream(QByteArray(len(at).to_bytes(4, "big") + at.tobytes()))
    stream >> made
    return made
