"""Shares as they are written everywhere, on screen, in a terminal and in reports: ``68.3 %``."""

from __future__ import annotations


def percent(value: float, digits: int = 1) -> str:
    """Return ``68.3 %``."""
    return f"{value * 100:.{digits}f} %"


def percents(between: tuple[float, float], digits: int = 1) -> str:
    """Return ``62.1 to 74.0 %``, the ends of an interval."""
    return f"{between[0] * 100:.{digits}f} to {percent(between[1], digits)}"
