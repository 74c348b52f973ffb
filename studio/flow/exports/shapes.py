"""The row shapes that other trainers read.

messages: TRL and chat APIs. prompt-completion: TRL. alpaca, sharegpt: LLaMA-Factory, Axolotl. dpo:
TRL's preference pairs. parquet: one flat row with everything. The prompt is the one a student is
asked with, so that what is learned elsewhere fits the exam here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from studio.flow.exports.cases import Case
from studio.prompts import Template, question_text

Row = dict[str, Any]
_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt"}


class Asked(NamedTuple):
    """A case with the messages a student is asked with."""

    case: Case
    prompt: list[dict[str, str]]

    @property
    def answer(self) -> str:
        """The text to learn."""
        return self.case.rationale.text.strip()


def ask(case: Case, exam: Template) -> Asked:
    """Fill the exam's template with the question."""
    return Asked(case, exam.messages({"question": question_text(case.question)}))


def messages(asked: Asked) -> Row:
    """Return chat messages, the answer last."""
    return {"messages": [*asked.prompt, {"role": "assistant", "content": asked.answer}]}


def prompt_completion(asked: Asked) -> Row:
    """Return the prompt and its completion as texts."""
    return {"prompt": joined(asked.prompt), "completion": asked.answer}


def alpaca(asked: Asked) -> Row:
    """Return instruction, input and output; the whole prompt is the instruction."""
    return {"instruction": joined(asked.prompt), "input": "", "output": asked.answer}


def sharegpt(asked: Asked) -> Row:
    """Return a conversation of human and gpt."""
    turns = [*asked.prompt, {"role": "assistant", "content": asked.answer}]
    return {
        "conversations": [
            {"from": _SHAREGPT[turn["role"]], "value": turn["content"]} for turn in turns
        ]
    }


def dpo(asked: Asked, rejected: str) -> Row:
    """Return a preference: the accepted rationale over a wrong answer."""
    return {"prompt": joined(asked.prompt), "chosen": asked.answer, "rejected": rejected.strip()}


def flat(asked: Asked) -> Row:
    """Return everything about a case in one flat row."""
    case = asked.case
    return {
        "rationale_id": case.rationale.id,
        "question_id": case.question.id,
        "question": case.question.text,
        "context": case.question.context,
        "options": list(case.question.options),
        "gold": case.question.gold,
        "answer_kind": str(case.question.answer_kind),
        "dataset": case.question.dataset,
        "kind": case.question.kind,
        "prompt": joined(asked.prompt),
        "rationale": asked.answer,
        "teacher": case.rationale.teacher,
        "scores": [review["score"] for review in case.reviews if review["score"] is not None],
        "score": case.score,
        "verdict": case.verdict,
        "decision": case.decision,
    }


def joined(prompt: list[dict[str, str]]) -> str:
    """Return the messages of a prompt as one text."""
    return "\n\n".join(message["content"] for message in prompt)


#: Shapes made of one case alone.
SHAPES: Mapping[str, Callable[[Asked], Row]] = {
    "messages": messages,
    "prompt-completion": prompt_completion,
    "alpaca": alpaca,
    "sharegpt": sharegpt,
    "parquet": flat,
}
