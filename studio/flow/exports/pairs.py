"""What an accepted rationale is preferred to, for preference training.

The student's own wrong answer where there is one, else a rejected rationale of the question. A
mistake with a doubt may be no mistake, and a rejected rationale may still be right: neither is
taught as bad.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from studio.flow.exports.cases import Case, Filter
from studio.store import views
from studio.store.tables import Store


class Rejected(NamedTuple):
    """A worse answer and the record it comes from."""

    id: str
    text: str
    graded: bool


def paired(store: Store, cases: Sequence[Case], wanted: Filter) -> Iterator[tuple[Case, Rejected]]:
    """Yield each accepted case with one worse answer; those without one are passed over."""
    questions = json.dumps(list(dict.fromkeys(case.question.id for case in cases)))
    mistakes = _by_question(
        store.rows(views.SURE_MISTAKES, questions, wanted.student, wanted.round)
    )
    refused = _by_question(store.rows(views.REJECTED_RATIONALES, questions))
    turn: defaultdict[str, int] = defaultdict(int)
    for case in cases:
        qid = case.question.id
        worse = mistakes.get(qid) or refused.get(qid) or []
        others = [one for one in worse if one.text.strip() not in ("", case.rationale.text.strip())]
        if others:
            yield case, others[turn[qid] % len(others)]
            turn[qid] += 1


def _by_question(rows: Sequence[Any]) -> dict[str, list[Rejected]]:
    found: defaultdict[str, list[Rejected]] = defaultdict(list)
    for row in rows:
        found[row["question_id"]].append(
            Rejected(row["id"], row["text"], row["verdict"] is not None)
        )
    return found
