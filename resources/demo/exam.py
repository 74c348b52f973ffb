"""Let a student answer problems, and count how many answers are right."""

import re
from collections import defaultdict
from typing import Any, NamedTuple

import torch

from problems import Problem

# Models and tokenizers are duck-typed here: a tuned student is wrapped in another class.
ANSWER = re.compile(r"Answer: (-?\d+)\s*$")


class Scored(NamedTuple):
    """A problem, what the student replied, and the number it ended on."""

    problem: Problem
    reply: str
    answer: int | None

    @property
    def is_correct(self) -> bool:
        """Whether the reply ends on the right number."""
        return self.answer == self.problem.answer


def scored(model: Any, tokenizer: Any, members: list[Problem], *, size: int = 140) -> list[Scored]:
    """Let the model answer each problem (greedy) and return the scored replies."""
    results = []
    for start in range(0, len(members), size):
        part = members[start : start + size]
        for problem, reply in zip(part, replies(model, tokenizer, part), strict=True):
            found = ANSWER.search(reply)
            results.append(Scored(problem, reply, int(found[1]) if found else None))
    return results


def replies(model: Any, tokenizer: Any, members: list[Problem]) -> list[str]:
    """Return the model's greedy replies to the questions alone."""
    chats = [[{"role": "user", "content": problem.question}] for problem in members]
    batch = tokenizer.apply_chat_template(
        chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
    )
    batch.pop("token_type_ids", None)
    with torch.inference_mode():
        output = model.generate(**batch, max_new_tokens=96, do_sample=False)
    width = batch["input_ids"].shape[1]
    return list(tokenizer.batch_decode(output[:, width:], skip_special_tokens=True))


def accuracy_by_kind(results: list[Scored]) -> dict[str, tuple[int, int]]:
    """Return right answers and answers in all, for each kind."""
    marks: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        marks[result.problem.kind].append(result.is_correct)
    return {kind: (sum(correct), len(correct)) for kind, correct in marks.items()}
