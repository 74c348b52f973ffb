"""What a rule under trial would change, counted and put into words; no Qt in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from studio.flow.columns import Chosen
from studio.ui.plain_text import one_line
from studio.ui.texts import tr
from studio.ui.words import change, things

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.domain.policy import Policy
    from studio.flow.score_tallies import Counts, Tally
    from studio.flow.scorebook import Scorebook
    from studio.flow.training_size import TrainingSize
    from studio.store.tables import Store


STEP = 0.25  #: of a score; means of two and of four reviews fall on these
BINS = 17  #: scores 1, 1.25 … 5


class Bar(NamedTuple):
    """How many rationales have one score, and how many of them the rule under trial accepts."""

    all: int
    accepted: int


class Trial(NamedTuple):
    """One rule tried on a project."""

    policy: Policy
    now: Counts  #: what is in force
    then: Tally
    final: NDArray[np.int8]  #: what would count for each rationale, shape (n,)
    changed_questions: Chosen
    by_teacher: dict[str, int]  #: accepted now
    right_now: int  #: rejected now, though the own answer is right
    steps_now: int | None  #: of training on what is accepted now, about
    steps: int | None  #: of training on what would be

    @property
    def changes(self) -> int:
        """How many rationales would be decided otherwise."""
        return self.then.to_accepted + self.then.to_rejected

    @property
    def in_words(self) -> str:
        """What would change, in one line."""
        then, now = self.then, self.now
        parts = [
            tr("accepted {accepted}", accepted=change(now.accepted, then.accepted)),
            tr(
                "questions {questions_covered}",
                questions_covered=change(now.questions_covered, then.questions_covered),
            ),
        ]
        if then.ungraded < len(self.final):  # else a 0 would be a claim that nobody can make
            wrong = change(now.accepted_but_wrong, then.accepted_but_wrong)
            right = change(self.right_now, then.rejected_but_right)
            parts.append(tr("accepted but wrong {accepted_but_wrong}", accepted_but_wrong=wrong))
            parts.append(tr("rejected but right {right_now}", right_now=right))
        if then.ungraded:
            parts.append(tr("{n} not graded yet", n=things(then.ungraded, "own answer")))
        return " · ".join(parts)

    @property
    def more_words(self) -> str:
        """What it would mean for each teacher, for training, and for what people decided."""
        then = self.then
        parts = [
            f"{one_line(name, most=24)} {change(self.by_teacher.get(name, 0), n)}"
            for name, n in sorted(then.accepted_by_teacher.items())
        ]
        parts.append(tr("about {tokens} tokens", tokens=_rough(then.tokens)))
        if self.steps is not None and self.steps_now is not None:
            parts.append(
                tr("about {steps_now} training steps", steps_now=change(self.steps_now, self.steps))
            )
        if then.overridden:
            parts.append(
                tr(
                    "{overridden:,} by hand stay, {agreeing_overrides:,} agree",
                    overridden=then.overridden,
                    agreeing_overrides=then.agreeing_overrides,
                )
            )
        return " · ".join(parts)


def try_policy(book: Scorebook, policy: Policy, size: TrainingSize | None = None) -> Trial:
    """Return what ``policy`` would do; some milliseconds for a million rationales.

    Args:
        size: counts training steps; without it they are not known.
    """
    cells, final = book.cells, book.final_cells(policy)
    moved = (cells.current >= 0) & (final != cells.current)  # the undecided are no change to mark
    chosen = cells.each(final == 1)
    covered = book.covered(chosen)
    then, standing = book.tally_of(policy, covered), book.standing
    return Trial(
        policy, standing.counts, then, cells.each(final),
        Chosen(book.question_ids, book.covered(cells.each(moved))),
        by_teacher=standing.by_teacher,
        right_now=standing.rejected_but_right,
        steps_now=None if size is None else size.steps(cells.each(cells.current == 1), standing.covered),
        steps=None if size is None else size.steps(chosen, covered),
    )  # fmt: skip


def sized(book: Scorebook, store: Store) -> tuple[Scorebook, TrainingSize]:
    """Return what counts training steps on this book's rationales; seconds on a large project."""
    from studio.flow.training_size import TrainingSize

    return book, TrainingSize(store, book)


def applied(tally: Tally) -> str:
    """Return in words what a rule did when it was put in force."""
    said = tr(
        "Rule applied: {accepted:,} accepted, {rejected:,} rejected",
        accepted=tally.accepted,
        rejected=tally.rejected,
    )
    if tally.overridden:
        said += (tr("; {overridden:,} by hand stay, {agreeing_overrides:,} of them agree with the rule (queue “Overrides that agree”)", overridden=tally.overridden, agreeing_overrides=tally.agreeing_overrides))  # fmt: skip
    return said


def bars(book: Scorebook, policy: Policy) -> tuple[list[Bar], int]:
    """Return the histogram of scores under ``policy``, and how many rationales have none."""
    scores = [ruling.score for ruling in book.rulings(policy)]
    pattern, cells = book.pattern_cells(policy), book.cells
    everything = np.bincount(pattern, cells.n, minlength=len(scores))
    taken = np.bincount(pattern, cells.n * (book.final_cells(policy) == 1), minlength=len(scores))
    found, unscored = np.zeros((2, BINS)), 0
    for number, score in enumerate(scores):
        if score is None:
            unscored += int(everything[number])
        else:
            place = min(max(round((score - 1) / STEP), 0), BINS - 1)
            found[:, place] += everything[number], taken[number]
    return [Bar(int(n), int(m)) for n, m in found.T], unscored


def _rough(tokens: int) -> str:
    return f"{tokens:,}" if tokens < 10_000 else f"{round(tokens / 1000):,}k"
