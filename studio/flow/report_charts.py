"""Charts of a report as SVG that stands in the file; colours come from its style sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from studio.domain.visible import visible
from studio.flow.evaluation import Score
from studio.flow.run_curves import thinned, ticks

_WIDTH, _HEIGHT = 720, 240
_LEFT, _BOTTOM, _TOP = 52, 28, 10
_ROW = 26
_NAMES = 180  #: pixels for the names of kinds
_AXIS = 380


def curve_chart(curves: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> str:
    """Return lines over steps, one a curve, with a legend."""
    arrays = {name: (np.array(s, float), np.array(v, float)) for name, (s, v) in curves.items()}
    last = max(float(steps[-1]) for steps, _ in arrays.values())
    finite = np.concatenate([values[np.isfinite(values)] for _, values in arrays.values()])
    if not len(finite):
        return ""
    low, high = min(0.0, float(finite.min())), float(finite.max()) or 1.0
    wide, tall = _WIDTH - _LEFT - 10, _HEIGHT - _BOTTOM - _TOP

    def place(step: float, value: float) -> tuple[float, float]:
        return (_LEFT + wide * step / max(last, 1.0),
                _TOP + tall * (1 - (value - low) / max(high - low, 1e-12)))  # fmt: skip

    parts = []
    for tick in ticks(low, high):
        _, y = place(0, tick)
        parts.append(f'<line class=grid x1={_LEFT} x2={_WIDTH - 10} y1={y:.1f} y2={y:.1f} />'
                     f'<text class=end x={_LEFT - 6} y={y + 4:.1f}>{tick:g}</text>')  # fmt: skip
    for tick in ticks(0, last):
        x, _ = place(tick, low)
        parts.append(f"<text class=mid x={x:.1f} y={_HEIGHT - 8}>{tick:,.0f}</text>")
    for n, (name, (steps, values)) in enumerate(arrays.items()):
        few = thinned(steps, values, columns=wide)
        points = [place(s, v) for s, v in zip(few.steps, few.values, strict=True) if np.isfinite(v)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="c{n}" points="{line}" />')
        parts.append(
            f'<text class="t{n}" x={_WIDTH - 10 - 90 * (len(arrays) - n)} y={_TOP + 12}>{_text(name)}</text>'
        )
    return _svg(_HEIGHT, "Loss over training steps", parts)


def accuracy_chart(rows: Sequence[tuple[str, Score, Score | None]]) -> str:
    """Return before and after per kind, each with its 95 % interval and its n."""
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x = _NAMES + _AXIS * tick
        parts.append(f'<line class=grid x1={x:.1f} x2={x:.1f} y1=20 y2={24 + _ROW * len(rows)} />'
                     f'<text class=mid x={x:.1f} y=14>{tick:.0%}</text>')  # fmt: skip
    for n, (kind, tuned, base) in enumerate(rows):
        y = 38 + _ROW * n
        parts.append(f"<text x=0 y={y + 4}>{_text(kind[:26])}</text>")
        for score, look, shift in ((base, "before", -4), (tuned, "after", 4)):
            if score is None or not score.n:
                continue
            low, high = (_NAMES + _AXIS * end for end in score.interval)
            middle = _NAMES + _AXIS * score.accuracy
            parts.append(f'<line class="{look}" x1={low:.1f} x2={high:.1f} y1={y + shift} y2={y + shift} />'
                         f'<circle class="{look}" cx={middle:.1f} cy={y + shift} r=4 />')  # fmt: skip
        before = f"{base.accuracy:.0%} → " if base is not None and base.n else ""
        parts.append(
            f"<text x={_NAMES + _AXIS + 16} y={y + 4}>{before}{tuned.accuracy:.0%} of {tuned.n:,}</text>"
        )
    return _svg(40 + _ROW * len(rows), "Accuracy on held-out questions, before and after", parts)


def _svg(height: int, title: str, parts: Sequence[str]) -> str:
    return (f'<svg viewBox="0 0 {_WIDTH} {height}" role="img"><title>{_text(title)}</title>'
            + "".join(parts) + "</svg>")  # fmt: skip


def _text(text: str) -> str:
    return escape(visible(text))
