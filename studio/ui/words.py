"""Numbers as they are written on screen: separators, units, and a dash for what is not known."""

from __future__ import annotations

from datetime import datetime

from studio.domain.percent import percent, percents
from studio.domain.percent import signed as plus_or_minus
from studio.ui.texts import tr

NOTHING = "–"
SIGNS = {"correct": "✓", "wrong": "✗", "unreadable": "?"}


def count(number: int | None) -> str:
    """Return ``1,161``."""
    return NOTHING if number is None else f"{number:,}"


def things(number: int, one: str, many: str = "") -> str:
    """Return ``1 call`` or ``1,161 calls``."""
    return f"{number:,} {tr(one) if number == 1 else tr(many or one + 's')}"


def share(value: float | None, digits: int = 1) -> str:
    """Return ``68.3 %``."""
    return NOTHING if value is None else percent(value, digits)


def span(between: tuple[float, float], digits: int = 1) -> str:
    """Return ``82.1 to 89.0 %``, the ends of an interval."""
    return percents(between, digits)


def decimal(value: float | None, digits: int = 2) -> str:
    """Return a number with so many digits, or in powers of ten when it is tiny."""
    if value is None:
        return NOTHING
    return f"{value:.{digits}e}" if value and abs(value) < 10**-digits else f"{value:,.{digits}f}"


def signed(value: float | None, digits: int = 2) -> str:
    """Return ``+0.71`` or ``−0.15``, with the sign that is as wide as a plus."""
    return NOTHING if value is None else plus_or_minus(value, digits)


def size(count_of_bytes: float) -> str:
    """Return ``158 MB`` or ``3.2 GB``, in powers of 1,000."""
    if count_of_bytes >= 1e9:
        return f"{count_of_bytes / 1e9:,.1f} GB"
    return f"{count_of_bytes / 1e6:,.{0 if count_of_bytes >= 1e7 else 1}f} MB"


def brief(value: float) -> str:
    """Return a value with as many digits as one can use."""
    size = abs(value)
    if size >= 1_000:
        return f"{value:,.0f}"
    if size and size < 0.001:
        return f"{value:.1e}".replace("e-0", "e-")
    return f"{value:.3g}"


def cost(usd: float | None) -> str:
    """Return ``$0.0132``; no price known is not the same as free."""
    if usd is None:
        return tr("price unknown")
    if 0 < usd < 0.0001:
        return tr("under $0.0001")  # no price is not the same as a small one, either
    return f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}"


def duration(seconds: float) -> str:
    """Return ``51 s``, ``3 min 20 s`` or ``2 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def change(before: int, after: int) -> str:
    """Return ``826 → 664``, or ``826`` when nothing changes."""
    return f"{before:,}" if before == after else f"{before:,} → {after:,}"


def when(seconds: float) -> str:
    """Return a time since the epoch by this machine's clock, to the minute."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
