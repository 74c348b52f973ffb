"""Curves that grow are added to, and the picture is the one that drawing all of it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from studio.ui.widgets.chart_ink import Ink, Line
from studio.ui.widgets.line_chart import LineChart

STEPS = 1000


def line(n: int, *, smooth: bool = False, scale: float = 1.0) -> Line:
    steps = np.arange(1, n + 1, dtype=float)
    values = scale * (2 + np.sin(steps / 40)) + (steps % 3) * 0.01
    values[0], values[1] = 0.1, 4.0 * scale  # the axis stays while the curve grows
    return Line("loss", steps, values, np.minimum(values, 3.0) if smooth else None)


def picture(chart: LineChart) -> QImage:
    return chart.grab().toImage()


def apart(one: QImage, other: QImage) -> float:
    """Return the share of pixels that differ: columns are cut otherwise when all is drawn."""
    rows = [np.frombuffer(image.constBits(), dtype=np.uint32) for image in (one, other)]
    return float((rows[0] != rows[1]).mean())


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each drawing began with an empty sheet."""
    found: list[bool] = []
    begin = Ink.begin

    def noted(self: Ink, *told: Any, **more: Any) -> Any:
        fresh = begin(self, *told, **more)
        found.append(fresh is not None)
        return fresh

    monkeypatch.setattr(Ink, "begin", noted)
    return found


def shown(qtbot: QtBot, lines: Sequence[Line]) -> LineChart:
    chart = LineChart("Loss", "")
    qtbot.addWidget(chart)
    chart.resize(400, 200)
    chart.show_lines(lines, last_step=STEPS)
    return chart


def test_new_points_are_added_and_nothing_else_is_drawn(qtbot: QtBot, begun: list[bool]) -> None:
    chart = shown(qtbot, [line(500)])
    before = picture(chart)
    begun.clear()
    for n in range(501, 540):
        chart.show_lines([line(n)], last_step=STEPS)
        after = picture(chart)
    assert not any(begun)
    assert after != before
    assert apart(after, picture(shown(qtbot, [line(539)]))) < 0.01


def test_after_some_points_all_is_drawn_so_that_smoothed_curves_lie_on_top(
    qtbot: QtBot, begun: list[bool]
) -> None:
    chart = shown(qtbot, [line(500, smooth=True)])
    picture(chart)
    begun.clear()
    for n in range(501, 552):
        chart.show_lines([line(n, smooth=True)], last_step=STEPS)
        after = picture(chart)
    assert begun == [False] * 50 + [True]
    assert after == picture(shown(qtbot, [line(551, smooth=True)]))


@pytest.mark.parametrize("other", [line(500, scale=2), line(400), line(500, smooth=True),
                                   line(500)._replace(name="other"), line(500)._replace(colour=2)])  # fmt: skip
def test_what_is_another_curve_is_drawn_anew(qtbot: QtBot, other: Line) -> None:
    chart = shown(qtbot, [line(500)])
    picture(chart)
    chart.show_lines([other], last_step=STEPS)
    assert picture(chart) == picture(shown(qtbot, [other]))


def test_another_size_and_axis_draw_anew(qtbot: QtBot) -> None:
    chart = shown(qtbot, [line(500)])
    before = picture(chart)
    chart.set_log(True)
    assert picture(chart) != before
    chart.set_log(False)
    assert picture(chart) == before
    chart.resize(500, 220)
    assert picture(chart).width() > before.width()
    chart.show_lines([])
    empty = shown(qtbot, [])
    empty.resize(500, 220)
    assert picture(chart) == picture(empty)
