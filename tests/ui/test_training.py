"""Train: a form made from the specs, and curves that follow what a run writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from studio.app.free_memory import Free
from studio.domain.memory import Estimate, Load, Shape, estimate, llama_tensors, with_checkpointing
from studio.domain.records import Question, Run
from studio.domain.specs import DatasetSpec, TrainSpec, dataset_spec, train_spec, with_settings
from studio.flow import outlook as outlooks
from studio.flow.contamination import Contamination, Shared
from studio.flow.outlook import Piece, Tokens
from studio.flow.outlook import Shown as TokensShown
from studio.store.tables import Store
from studio.ui.curve_window import CurveWindow
from studio.ui.pages.training import TrainingPage
from studio.ui.token_view import TokenView, in_words
from studio.ui.widgets.chart_ink import Line
from studio.ui.widgets.curves import Curves, Shown
from studio.ui.widgets.line_chart import LineChart
from studio.ui.widgets.run_outlook import Outlook, RunOutlook
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
    assert curves.points.curve("loss") == ([1, 2], [2.0, 9.0])  # taken up again at step 1
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
    bench = page.workbench.bench
    known = {"base_accuracy": 0.5, "accuracy": 0.75}  # an exam that was sat in sight of the page
    page.workbench.background.call(lambda: bench.store.set_run_state(run.id, result=known)).result(
        10
    )
    bench.changed({"run_states"})
    qtbot.waitUntil(lambda: page._curves.shown[0].measured == ((0, 0.5), (2, 0.75)))


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


def events(folder: Path, steps: int, **values: float) -> Path:
    folder.mkdir(parents=True)
    named = values or {"loss": 1.0}
    write(
        folder,
        *(metric(step, **{k: v / step for k, v in named.items()}) for step in range(1, steps + 1)),
    )
    return folder


def test_a_long_run_is_read_in_helpings_while_the_window_lives(
    qtbot: QtBot, tmp_path: Path
) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    folder = events(tmp_path / "long", 3_500)
    curves.show()
    curves.follow(folder)
    assert len(curves.points.of["loss"]) < 3_500
    qtbot.waitUntil(lambda: len(curves.points.of["loss"]) == 3_500)


def test_several_runs_lie_over_each_other_a_colour_each(qtbot: QtBot, tmp_path: Path) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    runs = [
        Shown(name, events(tmp_path / name, 9, loss=2.0, loss_rationale=1.0)) for name in ("a", "b")
    ]
    curves.show_runs(runs)
    loss, roles = (plot for _, plot in curves._charts[:2])
    assert [(line.name, line.colour) for line in loss._lines] == [("a", 0), ("b", 1)]
    assert [line.name for line in roles._lines] == ["a", "b"]
    curves.show_runs(runs[1:])
    assert [line.name for line in loss._lines] == ["training"]


def test_values_under_the_mouse_and_both_scales(qtbot: QtBot, tmp_path: Path) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    curves.resize(900, 500)
    curves.follow(events(tmp_path / "run", 40, loss=4.0, val_loss=2.0))
    plot = curves._charts[0][1]
    assert plot.values_at(2.2) == [("training", 2, 2.0), ("held out", 2, 1.0)]
    raw = curves.grab().toImage()
    curves._log.setChecked(True)
    assert curves.grab().toImage() != raw
    curves._smoothing.setValue(0)
    assert curves._smooth_text.text() == "off"
    plot.pointed_at.emit(7.0)
    assert all(chart._step == 7.0 for _, chart in curves._charts)


def test_a_held_out_loss_that_was_lower_before_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    write(tmp_path, metric(1, loss=2.0), metric(2, val_loss=0.5))
    curves.follow(tmp_path)
    assert curves._head.text().endswith("held out 0.5000")
    write(tmp_path, metric(4, val_loss=0.75))
    curves.redraw()
    assert curves._head.text().endswith("held out 0.7500 (lowest 0.5000 at step 2)")


def test_charts_of_what_was_never_measured_are_not_there(qtbot: QtBot, tmp_path: Path) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    folder = events(tmp_path / "run", 3)
    curves.show_runs([Shown("a", folder)])
    shown = {plot.title: not plot.isHidden() for _, plot in curves._charts}
    assert not shown["GPU memory, MB"]
    assert not shown["Accuracy"]
    curves.show_runs([Shown("a", folder, measured=((0, 0.5), (3, 0.75)))])
    accuracy = next(plot for _, plot in curves._charts if plot.title == "Accuracy")
    assert not accuracy.isHidden()
    assert accuracy.values_at(0) == [("exam", 0, 0.5)]


def test_tokens_are_drawn_by_what_becomes_of_them(qtbot: QtBot) -> None:
    pieces = (
        Piece("What is 1?", 0, 3),
        Piece("\n", 0, 1),
        Piece("It is 🙂", 1, 4),
        Piece("</s>", 2, 1),
    )
    shown = TokensShown("train", "rationale", 9, 4, 1, False, pieces)
    roles = {
        "train rationale": {"examples": 2, "tokens": 20, "supervised": 9, "over": 1, "longest": 11}
    }
    window = QWidget()
    qtbot.addWidget(window)
    view = TokenView(window, Tokens(8, "</s>", False, True, roles, (shown,)))
    assert view.text.toPlainText() == "What is 1?⏎\nIt is 🙂</s>"
    marks = view.text.extraSelections()
    assert [m.cursor.selectedText() for m in marks][2:] == ["It is 🙂", "</s>"]
    assert marks[3].format.fontStrikeOut()
    told = in_words(view._tokens)
    assert "1 example longer than 8 tokens" in told
    assert "NOT learned" in told


def test_the_copied_command_holds_what_was_changed(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    page = open_window(project).show_page("train")
    assert isinstance(page, TrainingPage)
    page._student.setCurrentText("some/model")
    page._form._fields["lora.r"].setText("4")  # type: ignore[attr-defined]
    page._form._fields["full"].setChecked(True)  # type: ignore[attr-defined]
    assert page._words() == ["train", str(project), "--student", "some/model",
                             "--set", "full=true", "--set", "lora.r=4"]  # fmt: skip
    qtbot.waitUntil(lambda: page._found.text().startswith("✓ some/model"))
    assert "Memory: the size of some/model is not known" in page._outlook._total.text()
    page._student.setCurrentText("/no/such/model")
    qtbot.waitUntil(lambda: page._found.text().startswith("✗ there is no folder"))


def test_what_the_exam_has_too_is_looked_for_once_for_the_same_data(
    open_window: Open, project: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    find = outlooks.seen_in_exam

    def counted(bench: Any, draft: Any) -> Contamination:
        looked.append(draft.dataset.content_hash)
        return find(bench, draft)

    monkeypatch.setattr(outlooks, "seen_in_exam", counted)
    page = open_window(project).show_page("train")
    assert isinstance(page, TrainingPage)
    page._student.setCurrentText("some/model")

    def steps_are(n: int) -> None:
        qtbot.waitUntil(lambda: f", {n} step" in page._outlook._data.text())

    qtbot.waitUntil(lambda: "steps at most" in page._outlook._data.text())
    page._form._fields["max_steps"].setText("2")  # type: ignore[attr-defined]
    steps_are(2)
    assert len(looked) == 1
    page._form._fields["data.seed"].setText("5")  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: len(looked) == 2)
    page.reload({"questions"})
    qtbot.waitUntil(lambda: len(looked) == 3)
    assert looked[1] == looked[2] != looked[0]


def test_questions_held_out_meanwhile_are_looked_for_once_the_page_is_shown_again(
    open_window: Open, project: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    find = outlooks.seen_in_exam

    def counted(bench: Any, draft: Any) -> Contamination:
        found = find(bench, draft)
        looked.append(bench.store.count(Question, "split = 'test'"))
        return found

    monkeypatch.setattr(outlooks, "seen_in_exam", counted)
    window = open_window(project)
    page = window.show_page("train")
    assert isinstance(page, TrainingPage)
    page._student.setCurrentText("some/model")
    qtbot.waitUntil(lambda: len(looked) == 1)
    window.show_page("data")
    moved = page.workbench.hold_out(0.5).result(10)
    window.show_page("train")
    qtbot.waitUntil(lambda: len(looked) == 2)
    assert looked[1] == looked[0] + len(moved) > looked[0]


def test_checkpointing_by_need_is_told(qtbot: QtBot) -> None:
    chosen = train_spec({"student": {"location": "x"}})
    shape = Shape(64, 4, 128, 64, 64, 300)

    def need(spec: TrainSpec) -> Estimate:
        load = Load(4096, 2048, 256)
        return estimate(shape, llama_tensors(shape), spec, load=load, on_gpu=False)

    view = RunOutlook()
    qtbot.addWidget(view)
    plain, less = need(chosen), need(with_checkpointing(chosen))
    assert less.total < plain.total
    for found, words in ((plain, "5.4 GB free"), (less, "free, with gradient checkpointing")):
        view.show_outlook(Outlook("x", 5, 2, 6, need=found, free=Free(5 << 30, False, "")))
        assert view._total.text().endswith(words)


def test_an_older_projects_yes_and_no_are_shown_as_what_they_mean(qtbot: QtBot) -> None:
    form = SpecForm({"gradient_checkpointing": "true"})
    qtbot.addWidget(form)
    assert form.settings()["gradient_checkpointing"] == "on"
    assert SpecForm({"gradient_checkpointing": False}).settings()["gradient_checkpointing"] == "off"
    assert SpecForm({}).settings()["gradient_checkpointing"] == "auto"


def test_a_chart_opens_with_every_point_in_a_window_of_its_own(qtbot: QtBot) -> None:
    chart = LineChart("Loss", "")
    qtbot.addWidget(chart)
    chart.enlarge()
    assert chart.findChildren(CurveWindow) == []  # nothing measured yet
    steps = np.arange(5_000, dtype=float)
    chart.show_lines(
        [Line("training", steps, np.sin(steps)), Line("held out", steps[:2], steps[:2], colour=1)]
    )
    chart.enlarge()
    (window,) = chart.findChildren(CurveWindow)
    assert [item.name() for item in window.plot.listDataItems()] == ["training", "held out"]
    assert len(window.plot.listDataItems()[0].getOriginalDataset()[0]) == 5_000


def test_no_button_is_cut_off_in_a_small_window(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    window = open_window(project)
    window.resize(1280, 800)
    page = window.show_page("train")
    qtbot.waitUntil(lambda: page.reading.is_idle)
    shown = [one for one in page.findChildren(QPushButton) if one.isVisible()]
    assert {"Start", "Queue", "Stop and keep", "Resume"} <= {one.text() for one in shown}
    short = {one.text(): (one.width(), one.sizeHint().width()) for one in shown
             if one.width() < one.sizeHint().width()}  # fmt: skip
    assert not short


def test_what_the_exam_has_too_is_warned_of(qtbot: QtBot) -> None:
    view = RunOutlook()
    qtbot.addWidget(view)
    shared = Shared(3, "q", "a baker made 48 rolls on monday")
    view.show_outlook(Outlook("small", 5, 2, 6, seen=Contamination(1, 5, 1, (shared,))))
    (warning,) = [one for one in view.findChildren(QLabel) if "⚠" in one.text()]
    assert warning.text().splitlines() == [
        "⚠ 1 question held out too: not learned from",
        "⚠ 5 examples with words of held-out questions",
    ]
    assert "a baker made 48 rolls" in warning.toolTip()
    view.show_outlook(Outlook("small", 5, 2, 6, seen=Contamination(0, 0, 0, ())))
    assert warning.isHidden()
