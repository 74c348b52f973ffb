"""Evaluate: what was fixed and broken side by side, all runs in one table, the report by a button."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from studio.domain.records import Attempt, Grade, Question, Rationale, Verdict
from studio.store.tables import Store
from studio.ui.ablation_dialog import AblationDialog
from studio.ui.formulas import Formulas
from studio.ui.pages.evaluation import EvaluationPage
from studio.ui.reading import Reading
from studio.ui.sheet import Sheet
from studio.ui.widgets.flips_view import Answer, Flip, FlipsView
from tests.flow.test_report import EVIL, fill
from tests.ui.conftest import Open


def test_fixed_and_broken_show_both_answers_in_full(
    open_window: Open, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    store = Store(empty)
    fill(store)
    store.close()
    window = open_window(empty)
    page = window.show_page("evaluate")
    assert isinstance(page, EvaluationPage)
    qtbot.waitUntil(lambda: page._stack.currentIndex() == 1)
    assert (
        "50.0 % → 50.0 % (15.0 to 85.0 %) of 4 held-out questions right, +0.0 pp"
        in page._summary.text()
    )
    flips = page._flips
    assert flips._heads["fixed"].text().endswith("(1 of 4)")
    flips._lists["broken"].selectRow(0)
    assert flips._texts["before"].toPlainText().endswith("says small")
    assert flips._texts["after"].toPlainText().endswith("says small+1")
    assert EVIL not in flips._texts["after"].toPlainText()  # its reversing sign is made visible
    assert flips._names["after"].text() == "After ✗, read as 7"
    page.reload({"attempts"})  # nothing that is shown has changed: what is read stays
    qtbot.waitUntil(lambda: page.reading.is_idle)
    assert flips._lists["broken"].currentIndex().row() == 0
    assert flips._names["after"].text() == "After ✗, read as 7"
    assert page._all._runs.sheet.rowCount() == page._all._rounds.sheet.rowCount() == 1
    assert page._words() == ["evaluate", str(empty), "--student", "small+1"]
    page._write_report(str(tmp_path / "round.html"))
    qtbot.waitUntil(lambda: (tmp_path / "round.html").is_file())
    qtbot.waitUntil(lambda: "Report written" in window.jobs.text)


def test_what_else_was_measured_is_told_and_each_button_starts_its_work(
    open_window: Open, empty: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    store = Store(empty)
    run = fill(store)
    question = Question(text="How many are 2 and 5?", gold="7", dataset="set 0")
    rationale = Rationale(question_id=question.id, teacher="gpt", text="7")
    store.add([question, rationale])
    store.add_examples(run.dataset_id, [
        (n, "rationale", question.id, source, "train", "[]", "")
        for n, source in enumerate((rationale.id, "of a replay"))
    ])  # fmt: skip
    for n, held_out in enumerate(store.all(Question, "split = 'test'")):
        for sample in (1, 2):
            attempt = Attempt(
                question_id=held_out.id, student="small+1", round=1, sample=sample, text="7"
            )
            verdict = Verdict.CORRECT if n + sample > 2 else Verdict.WRONG
            store.add([attempt, Grade(subject_id=attempt.id, verdict=verdict, extracted=str(sample),
                                      grader="rules:1")])  # fmt: skip
    change = {"student": "small+1", "base": "small", "texts": 9, "tokens": 900, "before": 2.0, "after": 2.5,
              "interval": [0.1, 0.9], "source": "own.txt"}  # fmt: skip
    store.set_setting("forgetting", {"small+1": change})
    store.close()
    window = open_window(empty)
    page = window.show_page("evaluate")
    assert isinstance(page, EvaluationPage)
    qtbot.waitUntil(lambda: page._stack.currentIndex() == 1)
    checks = page._checks
    (tried,) = rows_of(checks._samples)
    assert tried[:2] == ["small+1", "2 × 4"]
    assert tried[2].startswith("62.5 % (")
    assert tried[3].startswith("75.0 % (")
    taught = {row[0]: row[1:] for row in rows_of(checks._taught)}
    assert taught == {"set 0": ["1", "0", "gpt 1"], "set 1": ["0", "1", "–"]}
    assert "2.0000 → 2.5000, +0.5000" in checks._forgot.text()
    assert "some of it is forgotten" in checks._forgot.text()
    page._on_ablation()
    (dialog,) = page.findChildren(AblationDialog)
    for box in list(dialog._variants.values())[1:]:
        box.setChecked(False)
    assert dialog.chosen == ["whole method"]
    dialog.steps.setValue(3)
    with qtbot.waitSignal(window.bridge.task_failed) as told:  # this project has no student here
        dialog.go.click()
    assert told.args[1]
    with qtbot.waitSignal(window.bridge.task_failed) as told:
        page.workbench.experiments.forgetting("small+1", tmp_path / "none.txt")
    assert "name a file of general text" in told.args[1]


def rows_of(sheet: Sheet) -> list[list[str]]:
    model = sheet.model()
    return [
        [str(model.index(row, column).data()) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def test_other_flips_of_the_same_number_are_shown_from_their_first(qtbot: QtBot) -> None:
    reading = Reading(Path("nowhere"))
    view = FlipsView(Formulas(reading))
    qtbot.addWidget(view)
    for text in ("How many?", "How much? " * 2_000):
        flip = Flip(text, "4", Answer(f"before {text[:8]}", "3", "wrong"), None)
        view.show_flips({"fixed": [flip]}, n=7)
        assert view._texts["before"].toPlainText() == f"before {text[:8]}"
        assert view._question.text().startswith(text[:8])
        assert len(view._question.text()) < 2_000
    reading.close()
