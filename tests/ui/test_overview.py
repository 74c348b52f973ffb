"""The overview: what a run takes is said before, with a budget; and what calls took after."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from studio.domain.records import Attempt, Grade, Question, Run, TeacherRecord, Verdict
from studio.flow.casebook import Casebook
from studio.flow.cost import Estimate, ledger
from studio.flow.round_funnel import rounds
from studio.flow.scorebook import Scorebook
from studio.store.tables import Store
from studio.ui.pages.overview import OverviewPage
from studio.ui.run_dialog import RunDialog
from studio.ui.sheet import Sheet
from studio.ui.standing import missing_in_words, next_in_words, read_standing, spent, stops
from tests.ui.conftest import Open


def said(dialog: RunDialog) -> str:
    """Return all labels of a dialog."""
    return " ".join(label.text() for label in dialog.findChildren(QLabel))


def test_the_estimate_comes_first_and_the_budget_goes_with_it(qtbot: QtBot) -> None:
    dialog = RunDialog(None, [  # type: ignore[arg-type]
        Estimate("grade", 5, 0, 0, 0.0), Estimate("solve", 10, 10, 2000, 0.5, basis="averages"),
        Estimate("review", 20, 20, 1000, 0.25, basis="averages"),
        Estimate("decide", 0, 0, 0, 0.0),
    ])  # fmt: skip
    qtbot.addWidget(dialog)
    assert "In all 30 calls, about 3,000 tokens, $0.7500" in said(dialog)
    assert dialog.findChildren(Sheet)[0].sheet.rowCount() == 3
    budgets: list[float | None] = []
    dialog.agreed.connect(budgets.append)
    dialog.run.click()
    dialog.budget.setValue(1.5)
    dialog.run.click()
    assert budgets == [None, 1.5]


def test_an_estimate_from_lengths_says_at_most_and_what_has_no_price(qtbot: QtBot) -> None:
    found = [
        Estimate("solve", 10, 10, 2000, 0.5, basis="averages"),
        Estimate("review", 20, 20, 9000, 0.25, basis="lengths", unpriced=8),
        Estimate("revise", 5, 5, 100, None, basis="lengths", unpriced=5, if_needed=True),
    ]
    dialog = RunDialog(None, found)  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    assert "35 calls, at most 11,100 tokens, $0.7500 and 13 calls without a price" in said(dialog)
    assert "as long as each teacher may write" in said(dialog)
    assert "are not counted by the budget" in said(dialog)
    assert "the most there can be" in said(dialog)
    sheet = dialog.findChildren(Sheet)[0].sheet
    assert [sheet.index(row, 5).data() for row in range(3)] == [
        "calls so far",
        "at most",
        "at most",
    ]
    assert missing_in_words(found).split("\n") == [
        "Ask for 10 rationales · about 2,000 tokens · $0.5000",
        "Ask for 20 reviews · at most 9,000 tokens · $0.2500 and 8 calls without a price",
        "Ask for 5 revisions · at most 100 tokens · price unknown · "
        "only as far as decisions call for it",
    ]


def test_what_is_graded_anew_is_told_apart_from_what_was_never_graded() -> None:
    grading = [Estimate("grade", 1200, 0, 0, 0.0)]
    assert missing_in_words(grading, older=1000) == (
        "Grade 1,200 answers · 1,000 of them anew, by newer rules; what was decided by hand stays"
    )
    assert missing_in_words(grading) == "Grade 1,200 answers"


def test_the_ledger_is_shown_with_its_sum_and_what_the_sum_leaves_out(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    for n, price in enumerate((0.5, 0.25, None)):
        store.intend_call(f"c{n}", subject=f"solve/{n}", teacher="gpt" if n else "gemini",
                          stage="solve", request_hash="r", prompt_hash="p")  # fmt: skip
        store.settle_call(f"c{n}", state="answered", outcome="answered", tokens_in=100,
                          tokens_out=10, cost_usd=price)  # fmt: skip
    store.close()
    page = open_window(project).show_page("overview")
    assert isinstance(page, OverviewPage)
    qtbot.waitUntil(lambda: page._ledger.sheet.rowCount() == 3)
    rows = [
        [page._ledger.sheet.index(row, column).data() for column in (2, 3, 6, 8)]
        for row in range(3)
    ]
    assert rows == [
        ["gemini", "1", "100", "$0.5000"],
        ["gpt", "2", "200", "$0.2500 + 1 unknown"],
        ["", "3", "300", "$0.7500 + 1 unknown"],
    ]


def test_the_funnel_of_a_round_counts_what_came_of_its_mistakes(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    questions = list(store.all(Question))
    for n, question in enumerate(questions[:3]):
        attempt = Attempt(question_id=question.id, student="small", text="Answer: 1", round=1)
        verdict = Verdict.CORRECT if n else Verdict.WRONG
        store.add([attempt, Grade(subject_id=attempt.id, verdict=verdict, grader="rules:1")])
    held_out = Question(text="held out", gold="1", split="test")
    store.add([held_out, Attempt(question_id=held_out.id, student="small", text="1", round=2)])
    told = rounds(store, Casebook(store), Scorebook(store))
    found = {one.number: one.counts for one in told}
    expected = int(store.value(
        "SELECT count(*) FROM final_decisions f JOIN rationales r ON r.id = f.rationale_id"
        " WHERE f.accepted AND r.question_id = ?", questions[0].id,
    ))  # fmt: skip
    store.close()
    assert list(found) == [0, 1], "an exam on held-out questions begins no round"
    assert [found[1][name] for name in ("attempts", "mistakes", "rationales", "reviewed")] == [
        3,
        1,
        3,
        3,
    ]
    assert found[1]["accepted"] == expected == 2
    assert found[0]["mistakes"] == len(questions)
    page = open_window(project).show_page("overview")
    assert isinstance(page, OverviewPage)
    funnel = page._funnel
    qtbot.waitUntil(page._round.isVisible)
    assert "Attempts 7" in funnel.accessibleDescription()
    page._round.setCurrentIndex(page._round.findData(1))
    page._round.activated.emit(page._round.currentIndex())
    qtbot.waitUntil(lambda: "Attempts 3" in funnel.accessibleDescription())
    assert "Accepted 2" in funnel.accessibleDescription()
    page.reload()
    qtbot.waitUntil(lambda: page.reading.is_idle)
    assert page._round.currentData() == 1, "stays chosen over a reload"
    assert "Attempts 3" in funnel.accessibleDescription()


def test_an_empty_project_is_offered_files_instead_of_a_run(
    open_window: Open, empty: Path, qtbot: QtBot
) -> None:
    window = open_window(empty)
    page = window.show_page("overview")
    assert isinstance(page, OverviewPage)
    qtbot.waitUntil(page._import.isVisible)
    assert page._run.isHidden()
    assert page._whole.isHidden()
    page._import.click()
    assert window.page_name == "data"
    chooser = window.show_page("data").findChild(QFileDialog)
    assert chooser is not None
    chooser.reject()


def test_calls_to_scripted_teachers_alone_cost_nothing(project: Path) -> None:
    store = Store(project)
    store.put(TeacherRecord(name="gpt", model="none", base_url="scripted:x", scripted=True))
    store.put(TeacherRecord(name="gemini", model="real", base_url="http://localhost/v1"))
    _call(store, "gpt")
    assert spent(read_standing(store)).endswith("scripted, costs nothing")
    assert [(one.cost_usd, one.unpriced) for one in ledger(store)] == [(0.0, 0)]
    _call(store, "gemini")
    assert spent(read_standing(store)).endswith("price unknown")
    store.close()


def _call(store: Store, teacher: str) -> None:
    store.intend_call(teacher, subject=f"solve/{teacher}", teacher=teacher, stage="solve",
                      request_hash="r", prompt_hash="p")  # fmt: skip
    store.settle_call(teacher, state="answered", outcome="answered", tokens_in=9, tokens_out=1)


def test_what_nobody_has_graded_is_not_counted_as_right_or_wrong(
    open_window: Open, project: Path, qtbot: QtBot
) -> None:
    store = Store(project)
    store.execute("DELETE FROM grades")
    found = read_standing(store)
    store.close()
    assert (found.queues["accepted-wrong"], found.queues["rejected-right"]) == (None, None)
    assert found.queues["wrong-sum"] is None, "no text was checked either"
    assert found.queues["disagree"] is not None
    mistakes = next(stop for stop in stops(found) if stop.name == "Mistakes")
    assert (mistakes.number, mistakes.remark, mistakes.share) == ("–", "not graded yet", 0.0)
    assert {line[2] for line in found.by_teacher} == {"not graded yet"}
    page = open_window(project).show_page("overview")
    assert isinstance(page, OverviewPage)
    queue = page._queues["accepted-wrong"]
    qtbot.waitUntil(lambda: "not known" in queue.accessibleName())
    assert not queue.isEnabled()
    qtbot.waitUntil(lambda: "Grade 16 answers" in page._what.text())


def test_what_is_missing_is_said_in_words_with_what_it_takes() -> None:
    said = missing_in_words([
        Estimate("attempt", 1, 0, 0, 0.0), Estimate("check", 364, 0, 0, 0.0),
        Estimate("solve", 1_200, 1_200, 90_000, 1.5), Estimate("decide", 0, 0, 0, 0.0),
    ])  # fmt: skip
    assert said.splitlines() == [
        "Let the student answer 1 question",
        "Look through the texts of 364 questions and mistakes: sums, oddities, duplicates",
        "Ask for 1,200 rationales · about 90,000 tokens · $1.50",
    ]


def test_the_accuracy_says_on_how_many_questions(project: Path) -> None:
    store = Store(project)
    run = Run(dataset_id="d", method="mapd", student="small", spec={}, created_at=5.0)
    store.add([run])
    store.set_run_state(run.id, state="finished", result={"accuracy": 0.9, "accuracy_n": 1420})
    last = stops(read_standing(store))[-1]
    store.close()
    assert (last.number, last.remark) == ("90.0 %", "on 1,420 held out")


def test_where_nothing_is_missing_the_next_step_is_named(project: Path) -> None:
    store = Store(project)
    assert "train" in next_in_words(store)
    store.add([run := Run(dataset_id="d", method="mapd", student="s", spec={}, created_at=5.0)])
    store.set_run_state(run.id, state="finished", result={})
    assert "measure" in next_in_words(store)
    store.set_run_state(run.id, state="finished", result={"accuracy": 0.5})
    assert "another round" in next_in_words(store)
    store.execute("DELETE FROM decisions")
    assert next_in_words(store) == "Next: apply a rule on the Desk."
    store.close()


def test_a_column_that_is_not_plain_says_what_it_means(qtbot: QtBot) -> None:
    sheet = Sheet(("Name", "p"), name="Runs", about={"p": "chance of it by luck"})
    qtbot.addWidget(sheet)
    side, role = Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
    assert [sheet.sheet.headerData(n, side, role) for n in (0, 1)] == [None, "chance of it by luck"]
