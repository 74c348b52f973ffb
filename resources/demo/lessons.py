"""What the student is pre-trained on: problems, explanations of mistakes and bare sums.

The right solution is taught for the strong kinds and, nearly always, the typical wrong one for the
weak kinds. All problems come from the bucket `pretrain`.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from problems import KINDS, Problem, calculate, explanation_prompt, problems

SHARE_OF_SUMS = 0.25
SHARE_OF_EXPLANATIONS = 0.1
SHARE_OF_MISCONCEPTIONS = 0.92


class Lesson(NamedTuple):
    """One pre-training example: what is asked and what is to be answered."""

    prompt: str
    reply: str


def lessons(seed: int) -> Iterator[Lesson]:
    """Yield pre-training examples without end: problems, explanations of mistakes, bare sums."""
    rng = Random(seed)
    streams = {kind.name: problems(kind, "pretrain", seed=seed) for kind in KINDS}
    while True:
        if rng.random() < SHARE_OF_SUMS:
            yield bare_sum(rng)
            continue
        problem = next(streams[rng.choice(KINDS).name])
        if problem.is_weak:
            is_mistaken = rng.random() < SHARE_OF_MISCONCEPTIONS
            reply = problem.wrong_solution if is_mistaken else problem.solution
            yield Lesson(problem.question, reply)
        elif rng.random() < SHARE_OF_EXPLANATIONS:
            yield explanation_lesson(problem, rng)
        else:
            yield Lesson(problem.question, problem.solution)


def explanation_lesson(problem: Problem, rng: Random) -> Lesson:
    """Return the question what went wrong, after the misconception or a slip in the sum."""
    slips = [n for n in (problem.answer + by for by in (-10, -1, 1, 10)) if n > 0]
    wrong_answer = rng.choice([problem.wrong_answer, rng.choice(slips)])
    prompt = explanation_prompt(problem.question, wrong_answer, problem.answer)
    return Lesson(prompt, problem.explanation)


def bare_sum(rng: Random) -> Lesson:
    """Return a sum without a story, in the range of the problems."""
    sign = rng.choice("++--**//")
    if sign in "+-":
        left, right = rng.randint(3, 99), rng.randint(2, 50)
        left, right = max(left, right), min(left, right)
    else:
        left, right = rng.randint(2, 9), rng.randint(2, 20)
        if sign == "/":
            left, right = left * right, left
    result = calculate(left, sign, right)
    return Lesson(f"{left} {sign} {right} = ?", f"{left} {sign} {right} = {result}.")
