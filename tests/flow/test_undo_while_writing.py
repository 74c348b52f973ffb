"""Undo and redo while replies come in: nothing that was paid for is ever taken away, and the last
state can be reached again from anywhere, also after a restart."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from studio.domain.policy import PRESETS
from studio.domain.records import Grade, Question, Rationale, Review, TeacherRecord, Verdict
from studio.flow.decisions import Wish, apply_policy, override
from studio.flow.edits import correct_gold, edit_rationale, write_note
from studio.flow.undo import redo, undo
from studio.store.tables import Store

QUESTIONS = [Question(text=f"How many are {n} and 4?", gold=str(n + 4)) for n in range(3)]
#: What is bought; a person's own rows may come and go beside it.
PAID = {
    "calls": "SELECT id, subject, state, reply, cost_usd FROM calls",
    "rationales": "SELECT id, question_id, teacher, text FROM rationales WHERE call_id <> ''",
    "reviews": "SELECT id, subject_id, reviewer, score, comment FROM reviews WHERE call_id <> ''",
}
#: What a person sees of it.
SHOWN = (
    "SELECT d.rationale_id, d.automatic, d.human FROM final_decisions d"
    " JOIN current_rationales r ON r.id = d.rationale_id ORDER BY 1",
    "SELECT id FROM current_rationales ORDER BY 1",
    "SELECT id, gold FROM questions ORDER BY 1",
    "SELECT question_id, text, tags FROM notes ORDER BY 1",
)


class Desk(RuleBasedStateMachine):
    """A person at the desk, a committee at work, and a program that may be started anew."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.store = Store.create(Path(self._folder.name) / "p")
        self.store.add(QUESTIONS)
        for name in ("a", "b"):
            self.store.put(TeacherRecord(name=name, model=name, base_url="http://127.0.0.1:9/v1"))
        apply_policy(self.store, PRESETS["paper"], who="ada", log=False)
        self.paid: dict[str, set[tuple[object, ...]]] = {name: set() for name in PAID}
        self.calls = self.edited = 0
        self.undone = 0

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()

    # -- the committee ---------------------------------------------------------------------------

    @rule(n=st.integers(0, 2), text=st.sampled_from(["Answer: 4", "Answer: 5", "Answer: 6"]))
    def a_rationale_comes(self, n: int, text: str) -> None:
        call = self._bought(f"solve/{n}/a")
        made = Rationale(question_id=QUESTIONS[n].id, teacher="a", sample=self.calls,
                         text=f"{text} ({self.calls})", call_id=call)  # fmt: skip
        self.store.add([made, Grade(subject_id=made.id, subject_kind="rationale", extracted="4",
                                    verdict=Verdict.CORRECT, grader="rules:1")])  # fmt: skip

    @precondition(lambda self: self.store.count(Rationale))
    @rule(score=st.integers(1, 5), data=st.data())
    def a_review_comes(self, score: int, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(self._rationales()))
        call = self._bought(f"review/{chosen}/b")
        self.store.add([Review(subject_id=chosen, reviewer="b", score=score, comment=str(self.calls),
                               call_id=call)])  # fmt: skip

    def _bought(self, subject: str) -> str:
        self.calls += 1
        call = f"call-{self.calls}"
        self.store.intend_call(call, subject=subject, teacher="a", stage="solve", request_hash="r",
                               prompt_hash="p")  # fmt: skip
        self.store.settle_call(
            call, state="answered", outcome="answered", reply=b"{}", cost_usd=1.0
        )
        return call

    # -- the person ------------------------------------------------------------------------------

    @precondition(lambda self: self.store.count(Rationale))
    @rule(wish=st.sampled_from(["accept", "reject", "clear"]), data=st.data())
    def decides(self, wish: Wish, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(self._rationales()), min_size=1, unique=True))
        if override(self.store, chosen, wish, who="ada"):
            self.undone = 0

    @rule(name=st.sampled_from(["paper", "studio"]))
    def applies_a_rule(self, name: str) -> None:
        before = self.store.policy()
        apply_policy(self.store, PRESETS[name], who="ada")
        if self.store.policy() != before:
            self.undone = 0

    @precondition(lambda self: self.store.count(Rationale))
    @rule(data=st.data())
    def edits(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(self._rationales(current=True)))
        self.edited += 1
        edit_rationale(self.store, chosen, f"Better. Answer: 4 ({self.edited})", who="ada")
        self.undone = 0

    @rule(n=st.integers(0, 2), gold=st.integers(0, 9))
    def corrects_gold(self, n: int, gold: int) -> None:
        is_same = self.store.value("SELECT gold FROM questions WHERE id = ?", QUESTIONS[n].id)
        if is_same != str(gold):
            correct_gold(self.store, QUESTIONS[n].id, str(gold), who="ada")
            self.undone = 0

    @rule(n=st.integers(0, 2), text=st.text(alphabet="abc", min_size=1, max_size=3))
    def notes(self, n: int, text: str) -> None:
        before = self.shown()
        write_note(self.store, QUESTIONS[n].id, text, who="ada")
        if self.shown() != before:
            self.undone = 0

    @rule()
    def takes_back(self) -> None:
        self.undone += undo(self.store) is not None

    @rule()
    def does_again(self) -> None:
        self.undone -= redo(self.store) is not None

    @rule()
    def takes_back_and_does_again(self) -> None:
        """With nothing in between, all that is taken back comes again as it was."""
        while redo(self.store) is not None:
            pass
        self._decide()
        before, steps = self.shown(), 0
        while undo(self.store) is not None:
            steps += 1
        for _ in range(steps):
            assert redo(self.store) is not None
        assert redo(self.store) is None
        self._decide()
        assert self.shown() == before
        self.undone = 0

    @rule()
    def starts_anew(self) -> None:
        path = self.store.path
        self.store.close()
        self.store = Store(path)

    def _decide(self) -> None:
        """Let the rule in force speak about what has come in since."""
        apply_policy(self.store, self.store.policy()[1], who="ada", log=False)

    def _rationales(self, *, current: bool = False) -> list[str]:
        table = "current_rationales" if current else "rationales"
        return [row[0] for row in self.store.rows(f"SELECT id FROM {table} ORDER BY rowid"
                                                  if not current else f"SELECT id FROM {table}")]  # fmt: skip

    def shown(self) -> list[list[tuple[object, ...]]]:
        return [[tuple(row) for row in self.store.rows(query)] for query in SHOWN]

    @invariant()
    def nothing_paid_for_is_gone(self) -> None:
        for name, query in PAID.items():
            now = {tuple(row) for row in self.store.rows(query)}
            assert self.paid[name] <= now
            self.paid[name] = now
        assert len(self.paid["calls"]) == self.calls

    @invariant()
    def what_was_taken_back_can_be_done_again(self) -> None:
        assert self.undone >= 0
        assert (self.store.next_redo() is not None) == (self.undone > 0)


Desk.TestCase.settings = settings(max_examples=8, stateful_step_count=20, deadline=None)
TestUndoWhileWriting = Desk.TestCase
