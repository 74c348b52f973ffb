"""Rationales become reviewed: every other teacher scores each of them from 1 to 5.

A score is the reviewer's own: read from its reply only, by JSON schema where the endpoint has it,
else from exactly one line that carries a one-time mark. The candidate stands inside a fence with
the same mark, which no candidate can know. Whatever else comes back is a review that is *missing*,
with its reason, after one more request.

Source: arXiv 2410.03663, released code (scores 1-5, gold given as a hint); mark and fence are ours.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel

from studio.domain.records import Question, Rationale, Review, digest
from studio.flow.committee import Ask, Kept, ask_all
from studio.flow.stage import Bench, Progress, Scope
from studio.prompts import question_text
from studio.store import committee_views as views
from studio.teachers.base import Outcome, Reply

if TYPE_CHECKING:
    from studio.store.tables import Store

MAX_TRIES = 2  #: requests for one review: the first, and one more when no score can be read


class Judgement(BaseModel):
    """What a reviewer returns where the endpoint takes a JSON schema."""

    comment: str
    score: Literal[1, 2, 3, 4, 5]  # an enumeration: more endpoints know it than a range


class Reading(NamedTuple):
    """What was read from a reviewer's reply: a score, or why there is none."""

    score: int | None
    missing: str
    comment: str


class ReviewStage:
    """Ask every active teacher to review every other's rationales that it has not reviewed.

    Args:
        blind: the reviewer does not see gold.
    """

    name = "review"

    def __init__(self, scope: Scope = Scope(), *, blind: bool = False) -> None:
        self._scope = scope
        self._blind = blind

    def todo(self, store: Store) -> int:
        """Return how many reviews are missing."""
        return int(store.value(f"SELECT count(*) FROM ({views.UNREVIEWED})", *self._parameters))

    async def run(self, bench: Bench) -> AsyncIterator[Progress]:
        """Ask for what is missing, adding each review as it arrives."""
        missing = self._missing(bench.store)
        asks = self._asks(bench, missing)

        def keep(ask: Ask, reply: Reply) -> Kept | None:
            return self._keep(bench, ask, reply)

        async with aclosing(
            ask_all(bench, asks, stage=self.name, total=len(missing), keep=keep, tables={"reviews"})
        ) as steps:
            async for progress in steps:
                yield progress

    @property
    def _parameters(self) -> tuple[object, ...]:
        student, round_, limit = self._scope
        at_most = -1 if limit is None else limit
        return student, round_, student, student, round_, round_, at_most

    def _missing(self, store: Store) -> list[tuple[str, str]]:
        """Return (rationale id, reviewer) of what is missing, rationale by rationale."""
        rows = store.rows(views.UNREVIEWED, *self._parameters)
        return [(row["rationale_id"], row["reviewer"]) for row in rows]

    def _asks(self, bench: Bench, missing: list[tuple[str, str]]) -> Iterator[Ask]:
        for rationale_id, reviewer in missing:
            ask = self._ask(bench, rationale_id, reviewer, tries=0)
            if ask is not None:
                yield ask

    def _ask(self, bench: Bench, rationale_id: str, reviewer: str, *, tries: int) -> Ask | None:
        store = bench.store
        teacher = next((t for t in store.teachers() if t.name == reviewer), None)
        rationale = store.get(Rationale, rationale_id)
        question = store.get(Question, rationale.question_id) if rationale else None
        if teacher is None or rationale is None or question is None:
            return None
        subject = f"review/{rationale_id}/{tries}/{reviewer}"
        mark = mark_of(seed_of(store), subject)
        template = bench.prompts.get("mapd", "review_blind" if self._blind else "review")
        fields = {
            "question": question_text(question), "gold": question.gold, "mark": mark,
            "candidate": rationale.text.replace(mark, "[mark]").replace("<<<", "< < <"),
        }  # fmt: skip
        return Ask(subject, teacher, self.name, template.messages(fields), template.hash,
                   teacher.max_tokens, Judgement)  # fmt: skip

    def _keep(self, bench: Bench, ask: Ask, reply: Reply) -> Kept | None:
        _, rationale_id, tries, reviewer = ask.subject.split("/", 3)  # a name may hold a stroke
        rationale = bench.store.get(Rationale, rationale_id)
        mark = mark_of(seed_of(bench.store), ask.subject)
        reading = read_review(reply.text, mark=mark, candidate=rationale.text if rationale else "")
        if reading.score is None and reply.outcome is Outcome.TRUNCATED:
            reading = reading._replace(missing="the reply was cut at the token limit")
        if reading.score is None and int(tries) + 1 < MAX_TRIES:
            again = self._ask(bench, rationale_id, reviewer, tries=int(tries) + 1)
            if again is not None:
                return Kept(again=[again])
        bench.store.add([
            Review(
                subject_id=rationale_id, reviewer=reviewer, score=reading.score,
                missing=reading.missing, comment=reading.comment, blind=self._blind,
                tries=int(tries), call_id=reply.call_id, prompt_hash=ask.prompt_hash,
            )
        ])  # fmt: skip
        return None


def seed_of(store: Store) -> str:
    """Return the project's own seed of one-time marks, made at the first review."""
    seed: str = store.setting("review_seed", "")
    if not seed:
        seed = secrets.token_hex(16)
        store.set_setting("review_seed", seed)
    return seed


def mark_of(seed: str, subject: str) -> str:
    """Return the mark of one call: known to nobody who wrote a candidate, the same after a restart."""
    return digest("mark", seed, subject)


def read_review(text: str, *, mark: str, candidate: str = "") -> Reading:
    """Read a reviewer's reply; never looks for a score in anything else.

    Args:
        mark: the one-time mark of the call, 16 hex digits.
        candidate: what was judged, to know a reply that only hands it back.
    """
    found = _as_json(text)
    if found is not None:  # JSON holds no mark, so it might be the candidate's own
        handed_back = _dense(_unwrapped(text)) in _dense(candidate)
        return Reading(None, "the reply hands the solution back", "") if handed_back else found
    pattern = re.compile(rf"^[ \t*_`]*SCORE_{re.escape(mark)}:[ \t]*([1-5])[ \t*_`.]*$")
    lines = text.splitlines()
    scores = [match[1] for line in lines if (match := pattern.match(line)) and match[1].isascii()]
    comment = "\n".join(line for line in lines if not pattern.match(line)).strip()
    if len(scores) == 1:
        return Reading(int(scores[0]), "", comment)
    if scores:
        return Reading(None, "more than one score in the reply", comment)
    return Reading(None, "no score in the reply", comment)


def _as_json(text: str) -> Reading | None:
    """Read a reply that is one JSON object and nothing else; None when it is not."""
    bare = _unwrapped(text)
    if not (bare.startswith("{") and bare.endswith("}")):
        return None
    try:
        value = json.loads(bare, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return None
    comment = value.get("comment") if isinstance(value.get("comment"), str) else ""
    score = value.get("score")
    if isinstance(score, bool) or not isinstance(score, int):
        return Reading(None, "no score in the reply", str(comment))
    if not 1 <= score <= 5:
        return Reading(None, f"score {score} is not from 1 to 5", str(comment))
    return Reading(score, "", str(comment))


def _unwrapped(text: str) -> str:
    """Return ``text`` without a code fence around all of it."""
    bare = text.strip()
    if bare.startswith("```"):
        bare = bare.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    return bare


def _dense(text: str) -> str:
    return "".join(text.split())


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a name stands twice")
    return dict(pairs)
