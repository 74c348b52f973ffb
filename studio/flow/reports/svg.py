"""Pictures of a report as inline SVG: curves over steps, and accuracies with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from studio.domain.percent import percent, percents
from studio.flow.evaluation import Part, Score
from studio.flow.reports.html import Markup, esc, join
from studio.flow.run_curves import Curve, thinned, ticks

_WIDE, _HIGH = 480, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 26, 24
_SMOOTH_FROM = 40  #: points; shorter curves are drawn as they are
_SMOOTHING = 0.8
_LINE = 26

Place = Callable[[float], float]


class Drawn(NamedTuple):
    """One curve of a picture."""

    name: str
    curve: Curve
    dots: bool = False


def curves(title: str, lines: Sequence[Drawn]) -> Markup:
    """Return a picture of curves over steps; empty where there are none."""
    lines = [line for line in lines if np.isfinite(line.curve.values).any()]
    if not lines:
        return Markup("")
    last = max(float(line.curve.steps[-1]) for line in lines) or 1.0
    values = [thinned(line.curve.steps, line.curve.values, columns=_WIDE).values for line in lines]
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)

    def x(step: float) -> float:
        return _LEFT + step / last * (_WIDE - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HIGH - _BOTTOM - (value - low) / (high - low) * (_HIGH - _TOP - _BOTTOM)

    parts: list[object] = []
    for value in ticks(low, high, most=4):
        parts += [
            _rule(_LEFT, y(value), _WIDE - _RIGHT),
            _text(_LEFT - 6, y(value) + 4, f"{value:,.4g}", "end"),
        ]
    parts += [
        _text(x(step), _HIGH - 6, f"{step:,.0f}", "middle") for step in ticks(0, last, most=4)
    ]
    at = 4.0
    parts.append(_text(at, 14, title, "start", css="name"))
    at += 7.2 * len(title) + 16
    for n, line in enumerate(lines):
        parts += _strokes(line, n, x=x, y=y)
        if len(lines) > 1:
            parts += [Markup(f'<circle class="c{n % 4}" cx="{at:.0f}" cy="10" r="3"/>'),
                      _text(at + 7, 14, line.name, "start")]  # fmt: skip
            at += 6.4 * len(line.name) + 26
    told = "; ".join(f"{line.name} ends at {line.curve.values[-1]:.4g}" for line in lines)
    return _svg(_WIDE, _HIGH, f"{title}: {told}", parts)


def _strokes(line: Drawn, n: int, *, x: Place, y: Place) -> list[Markup]:
    css = f"s{n % 4}"
    smooth = not line.dots and len(line.curve) >= _SMOOTH_FROM
    sides = [(line.curve.values, " faint")] if smooth else []
    sides.append((line.curve.smooth(_SMOOTHING) if smooth else line.curve.values, ""))
    made = []
    for values, faint in sides:
        points = zip(*thinned(line.curve.steps, values, columns=_WIDE // 2), strict=True)
        path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)
        made.append(Markup(f'<polyline fill="none" class="{css}{faint}" points="{path}"/>'))
    if line.dots or len(line.curve) == 1:
        made += [Markup(f'<circle class="c{n % 4}" cx="{x(step):.1f}" cy="{y(value):.1f}" r="2.5"/>')
                 for step, value in zip(line.curve.steps, line.curve.values, strict=True)
                 if np.isfinite(value)]  # fmt: skip
    return made


def intervals(parts: Sequence[Part]) -> Markup:
    """Return a picture of accuracies before (hollow) and after (red where lower), with interval and n."""
    wide, left, right = 960, 220, 260
    high = _LINE * (len(parts) + 1) + 8

    def x(share: float) -> float:
        return left + share * (wide - left - right)

    drawn: list[object] = [
        Markup('<circle class="c3 hollow" cx="5" cy="9" r="4" stroke-width="1.5"/>'),
        _text(14, 13, "before", "start"),
        Markup('<circle class="c0" cx="65" cy="9" r="4"/>'),
        _text(74, 13, "after, red where lower", "start"),
        _text(x(1) + 16, 13, "before → after  (95 % interval, n)", "start"),
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        drawn += [Markup(f'<line class="grid" x1="{x(share):.0f}" x2="{x(share):.0f}" y1="20" y2="{high}"/>'),
                  _text(x(share), 13, percent(share, 0), "end" if share == 1 else "middle")]  # fmt: skip
    for n, part in enumerate(parts, start=1):
        at = _LINE * n + 12
        drawn.append(_text(0, at + 4, part.kind[:34], "start", css="name"))
        if part.base is not None:
            drawn += _score(part.base, at - 4, x=x, css="c3", hollow=True)
        worse = part.base is not None and part.tuned.accuracy < part.base.accuracy
        drawn += _score(part.tuned, at + 4, x=x, css="cb" if worse else "c0", hollow=False)
        before = "" if part.base is None else f"{percent(part.base.accuracy)} → "
        told = f"{before}{percent(part.tuned.accuracy)}  ({percents(part.tuned.interval, 0)}, n {part.tuned.n:,})"
        drawn.append(_text(x(1) + 16, at + 4, told, "start", css="name"))
    return _svg(wide, high, "Accuracy before and after, with 95 % intervals", drawn, css="wide")


def _score(score: Score, at: float, *, x: Place, css: str, hollow: bool) -> list[Markup]:
    low, high = score.interval
    fill = " hollow" if hollow else ""
    return [
        Markup(f'<line class="{css}" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{at}" y2="{at}" stroke-width="2"/>'),
        Markup(f'<circle class="{css}{fill}" cx="{x(score.accuracy):.1f}" cy="{at}" r="4" stroke-width="1.5"/>'),
    ]  # fmt: skip


def _svg(wide: float, high: float, told: str, parts: Sequence[object], *, css: str = "") -> Markup:
    kind = f' class="{css}"' if css else ""
    return Markup(
        f'<svg{kind} viewBox="0 0 {wide} {high}" role="img" aria-label="{esc(told)}">{join(parts, "")}</svg>'
    )


def _rule(x1: float, y: float, x2: float) -> Markup:
    return Markup(f'<line class="grid" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')


def _text(x: float, y: float, text: str, side: str, *, css: str = "") -> Markup:
    kind = f' class="{css}"' if css else ""
    return Markup(f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{side}">{esc(text)}</text>')
