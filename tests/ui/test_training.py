"""Train: a form made from the specs, and curves that follow what a run writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio.domain.records import Run
from studio.domain.specs import DatasetSpec, TrainSpec, dataset_spec, train_spec, with_settings
from studio.store.tables import Store
from studio.ui.pages.training import TrainingPage
from studio.ui.widgets.curves import Curves
from studio.ui.widgets.spec_form import COMMON, SpecForm, settings_of
from tests.ui.conftest import Open


def metric(step: int, **values: float) -> str:
    return json.dumps(
        {"kind": "metric", "t": 1.0, "step": step, "steps": 4, "epoch": step / 2, **values}
    )


def write(folder: Path, *lines: str, whole: bool = True) -> None:
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + ("\n" if whole else ""))


def test_what_the_form_shows_is_what_runs(qtbot: QtBot) -> None:
    form = SpecForm({"epochs": 8, "lora": {"r": 4}, "data": {"replay": 0.5}})
    qtbot.addWidget(form)
    values = with_settings({}, form.settings())
    data = dataset_spec(values.pop("data"))
    spec = train_spec({**values, "student": {"location": "x"}})
    assert (spec.epochs, spec.lora.r, data.replay) == (8, 4, 0.5)
    rest = {"epochs": 8, "lora": spec.lora}
    assert spec == TrainSpec(student=spec.student, **rest)  # type: ignore[arg-type]
    assert data == DatasetSpec(replay=0.5)


def test_every_setting_has_a_help_text_and_the_common_ones_are_there() -> None:
    found = settings_of({})
    assert set(COMMON) <= {one.name for one in found}
    assert all(one.help_text and one.title for one in found)


def test_curves_follow_a_run_over_half_lines_and_a_resume(qtbot: QtBot, tmp_path: Path) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    write(tmp_path, metric(1, loss=2.0, loss_rationale=3.0), metric(2, loss=1.5))
    curves.follow(tmp_path)
    assert curves.points.curve("loss") == ([1, 2], [2.0, 1.5])
    write(tmp_path, metric(3, loss=1.25)[:20], whole=False)
    curves.redraw()
    assert curves.points.curve("loss") == ([1, 2], [2.0, 1.5])
    write(
        tmp_path,
        metric(3, loss=1.25)[20:],
        "no event",
        metric(2, loss=9.0),
        metric(3, val_loss=0.5),
    )
    curves.redraw()
    assert curves.points.curve("loss") == ([1, 2, 3], [2.0, 9.0, 1.25])
    assert curves.points.curve("val_loss") == ([3], [0.5])
    curves.follow(None)
    assert curves.points.curve("loss") == ([], [])


def test_a_run_that_was_begun_before_a_restart_is_shown(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    run = Run(dataset_id="d", method="mapd", student="small", spec={}, created_at=5.0)
    store.add([run])
    store.set_run_state(run.id, state="stopped", step=2, steps=4, loss=1.5)
    store.close()
    folder = project / "runs" / run.id
    folder.mkdir(parents=True)
    write(folder, metric(1, loss=2.0), metric(2, loss=1.5))

    page = open_window(project).show_page("train")
    assert isinstance(page, TrainingPage)
    assert page._table.sheet.rowCount() == 1
    qtbot.waitUntil(lambda: page._curves.points.curve("loss") == ([1, 2], [2.0, 1.5]))
    assert page._resume.isEnabled()
    assert not page._stop.isEnabled()


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [("epochs", "many", "epochs"), ("lora.r", "0", "lora.r"), ("data.replay", "7", "replay")],
)
def test_a_wrong_setting_is_told_at_once_and_starts_nothing(
    open_window: Open, project: Path, field: str, text: str, says: str
) -> None:
    window = open_window(project)
    page = window.show_page("train")
    assert isinstance(page, TrainingPage)
    page._student.setCurrentText("small")
    page._form._fields[field].setText(text)  # type: ignore[attr-defined]
    page._start.click()
    assert says in page._problem.text()
    assert "\n" not in page._problem.text()
    assert window.workbench.background.tasks == []
