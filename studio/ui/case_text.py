"""One case as text to be copied: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.ui.cases import Case, Said

_FENCE = re.compile(r"`{3,}")


def as_json(case: Case) -> str:
    """Return the case as one JSON object."""
    return json.dumps(_plain(case), indent=2, ensure_ascii=False)


def as_markdown(case: Case) -> str:
    """Return the case as Markdown; what models wrote stands in fences it cannot leave."""
    question = case.question
    parts = [f"## Question {question.id}", _fenced(case.text), f"Gold: {_inline(question.gold)}"]
    for answer in case.answers:
        parts += [f"### {_inline(answer.student)} answered {_inline(answer.extracted)}: {answer.verdict}",
                  _fenced(answer.text)]  # fmt: skip
    for said in case.rationales:
        parts += [f"### {_inline(said.teacher)}: {_decided(said)}", _fenced(said.text)]
        scores = [
            f"- {_inline(one.reviewer)}: {one.score if one.score is not None else 'missing'}"
            for (rationale_id, _), one in case.scores.items() if rationale_id == said.id
        ]  # fmt: skip
        parts += ["\n".join(scores)] if scores else []
    if case.note.text or case.note.tags:
        parts += ["### Note", _fenced(case.note.text), ", ".join(case.note.tags)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _decided(said: Said) -> str:
    word = {True: "accepted", False: "rejected", None: "undecided"}[said.accepted]
    by = "by hand" if said.human is not None else said.reason
    return f"{word} ({by})" if by else word


def _fenced(text: str) -> str:
    longest = max((len(run) for run in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _inline(text: str) -> str:
    return "".join(
        f"\\{sign}" if sign in "\\`*_[]<>#|" else sign for sign in " ".join(text.split())
    )


def _plain(case: Case) -> dict[str, Any]:
    return {
        "question": {"id": case.question.id, **case.question.model_dump(mode="json")},
        "attempts": [answer._asdict() for answer in case.answers],
        "rationales": [
            {**said._asdict(), "decision": _decided(said), "reviews": [
                one._asdict() for (rationale_id, _), one in case.scores.items() if rationale_id == said.id
            ]} for said in case.rationales
        ],
        "note": case.note._asdict(),
    }  # fmt: skip
