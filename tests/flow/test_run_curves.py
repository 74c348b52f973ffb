"""Curves of a run: steps in order, spikes kept, smoothing exact, axes round."""

from __future__ import annotations

import numpy as np
import pytest

from studio.domain.events import Metric, Warned
from studio.flow.run_curves import Curve, RunCurves, at_step, log_ticks, thinned, ticks


def curve(*values: float) -> Curve:
    made = Curve()
    for step, value in enumerate(values, start=1):
        made.add(step, value)
    return made


def test_a_step_told_again_voids_what_came_after_it() -> None:
    made = curve(5, 4, 3, 2)
    made.add(3, 9)
    assert made.steps.tolist() == [1, 2, 3]
    assert made.values.tolist() == [5, 4, 9]


def test_a_curve_outgrows_its_first_room() -> None:
    made = curve(*range(5_000))
    assert len(made) == 5_000
    assert made.values[4_999] == 4_999


def test_thinning_keeps_every_spike_and_the_order_of_steps() -> None:
    chance = np.random.default_rng(731)
    values = chance.normal(size=100_000)
    values[77_777], values[12] = 50, -40
    found = thinned(np.arange(100_000.0), values, columns=300)
    assert len(found.steps) <= 600
    assert (np.diff(found.steps) >= 0).all()
    assert found.values.max() == 50
    assert found.values.min() == -40


def test_what_is_no_number_is_left_out() -> None:
    found = thinned(np.arange(3.0), np.array([1, np.nan, 3]), columns=10)
    assert found.values.tolist() == [1, 3]


def test_smoothing_grown_step_by_step_equals_smoothing_at_once() -> None:
    values = np.random.default_rng(1).normal(size=400).tolist()
    slow = Curve()
    for step, value in enumerate(values):
        slow.add(step, value)
        slow.smooth(0.9)
    whole = curve(*values)
    assert np.allclose(slow.smooth(0.9), whole.smooth(0.9))
    assert whole.smooth(0.9)[0] == pytest.approx(values[0])  # corrected for its start
    assert whole.smooth(0.0).tolist() == values


def test_smoothing_after_a_resume_forgets_what_is_void() -> None:
    made = curve(5, 4, 3, 2)
    made.smooth(0.5)
    made.add(2, 1)
    assert np.allclose(made.smooth(0.5), curve(5, 1).smooth(0.5))


def test_events_become_curves_by_name() -> None:
    curves = RunCurves()
    n = curves.take([
        Metric(t=1, step=1, steps=9, epoch=0.1, loss=2.0, loss_rationale=1.5),  # type: ignore[call-arg]
        Metric(t=2, step=1, steps=9, epoch=0.1, val_loss=1.0),
        Warned(t=3, message="mind"), Warned(t=4, message="goes on", note=True),
    ])  # fmt: skip
    assert n == 4
    assert curves.curve("loss") == ([1], [2.0])
    assert curves.names("loss_*") == ["loss_rationale"]
    assert curves.names("accuracy") == []
    assert curves.last("val_loss") == 1.0
    assert (curves.warnings, curves.notes) == (["mind"], ["goes on"])
    assert curves.last("epoch") == 0.1


@pytest.mark.parametrize(("low", "high"), [(0, 288), (0.013, 3.9), (-2, 7), (1e-6, 4e-4)])
def test_ticks_are_round_and_within_the_range(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 7
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in found)
    assert log_ticks(-3, 1) == [-3, -2, -1, 0, 1]


def test_the_nearest_point_is_found() -> None:
    steps, values = np.array([1.0, 5, 9]), np.array([3.0, 2, 1])
    assert at_step(steps, values, 6) == (5, 2.0)
    assert at_step(steps, values, 99) == (9, 1.0)
    assert at_step(np.empty(0), np.empty(0), 1) is None
