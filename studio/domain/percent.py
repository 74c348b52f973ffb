"""Shares and differences as they are written everywhere, on screen, in a terminal and in reports:
``68.3 %`` and ``−0.15``."""

from __future__ import annotations


def percent(value: float, digits: int = 1) -> str:
    """Return ``68.3 %``."""
    return f"{value * 100:.{digits}f} %"


def percents(between: tuple[float, float], digits: int = 1) -> str:
    """Return ``62.1 to 74.0 %``, the ends of an interval."""
    return f"{between[0] * 100:.{digits}f} to {percent(between[1], digits)}"


def signed(value: float, digits: int = 2) -> str:
    """Return ``+0.71`` or ``−0.15``, with the sign that is as wide as a plus."""
    return f"{value:+,.{digits}f}".replace("-", "−")
