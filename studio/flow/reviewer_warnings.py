"""What to beware of in a committee: kinship of reviewer and author, drift, models that are not the asked.

Each review is a request of its own with one candidate in it, so there is no first and second place
that a reviewer could prefer. What is left of order is the order of time: a reviewer that gets milder
or stricter as it goes on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from studio.domain.models import family_of
from studio.flow.checks import other_models
from studio.flow.score_columns import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.flow.scorebook import Scorebook
    from studio.store.tables import Store

FEWEST = 20  #: shared items on each side, before a difference is put into numbers
DRIFT = 0.25  #: points of score between the first and the second half that are worth a word
_SURE = 3.0  #: standard errors


class Warned(NamedTuple):
    """One thing to beware of.

    ``gap`` is in points of score, ``n`` the reviews it is measured on; None: too few to measure.
    """

    kind: str  #: self-family, drift, or other-model
    reviewer: str
    author: str
    gap: float | None
    n: int
    text: str
    asked: str = ""  #: the model that was asked for, where another answered
    served: str = ""


def warnings_of(store: Store, book: Scorebook) -> list[Warned]:
    """Return what to beware of in this committee, the surest kinds first."""
    models = {one.name: one.model or one.name for one in store.teachers(active=False)}
    return [*_kin(book, models), *_drifts(book), *_other_models(store)]


def _kin(book: Scorebook, models: dict[str, str]) -> list[Warned]:
    """Return reviewers that judge their own family, with what they give it beyond what others get."""
    families = {name: family_of(model) for name, model in models.items()}
    found = []
    for number, reviewer in enumerate(book.reviewers):
        scored = book.given[number] > MISSING
        over, shared = _beyond_peers(book, number)
        for code, author in enumerate(book.teachers):
            own = book.teacher == code
            if author == reviewer or not (own & scored).any():
                continue
            if reviewer not in families or families[reviewer] != families.get(author):
                continue
            kin = np.array([families.get(name) == families[reviewer] for name in book.teachers])
            ours, theirs = over[own & shared], over[shared & ~kin[book.teacher]]
            enough = min(len(ours), len(theirs)) >= FEWEST
            gap = float(ours.mean() - theirs.mean()) if enough else None
            said = "" if gap is None else f" and gives it {gap:+.2f} beyond what it gives others"
            found.append(Warned("self-family", reviewer, author, gap, int((own & scored).sum()),
                                f"{reviewer} judges {author} of its own family,"
                                f" {families[reviewer]}{said}"))  # fmt: skip
    return found


def _drifts(book: Scorebook) -> list[Warned]:
    """Return reviewers whose scores moved against their peers' as the reviews went on."""
    found = []
    for number, reviewer in enumerate(book.reviewers):
        over, shared = _beyond_peers(book, number)
        values = over[shared]
        half = len(values) // 2
        if half < FEWEST:
            continue
        first, second = values[:half], values[half:]
        gap = float(second.mean() - first.mean())
        error = math.sqrt(float(first.var(ddof=1)) / half + float(second.var(ddof=1)) / len(second))
        if abs(gap) >= DRIFT and abs(gap) > _SURE * error:
            way = "milder" if gap > 0 else "stricter"
            found.append(Warned("drift", reviewer, "", gap, len(values),
                                f"{reviewer} got {way} as it went on: {gap:+.2f} against its peers"
                                " from the first half to the second"))  # fmt: skip
    return found


def _other_models(store: Store) -> list[Warned]:
    return [
        Warned("other-model", one.teacher, "", None, one.calls,
               f"{one.teacher} was asked for {one.asked}, and {one.served} answered"
               f" {one.calls:,} times", one.asked, one.served)
        for one in other_models(store)
    ]  # fmt: skip


def _beyond_peers(book: Scorebook, number: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return own score less the peers' mean of each item, and which items peers scored too."""
    total, times = np.zeros(len(book)), np.zeros(len(book))
    for other, scores in enumerate(book.given):
        if other != number:
            total += np.maximum(scores, MISSING)
            times += scores > MISSING
    shared = (book.given[number] > MISSING) & (times > 0)
    return book.given[number] - total / np.maximum(times, 1), shared
