"""The student's model card, with the accuracies that were measured when it was built."""

from exam import Scored, accuracy_by_kind

CARD = """---
language: en
library_name: transformers
pipeline_tag: text-generation
---

# The sample project's student

A very small language model ({parameters:,} parameters, Llama shape, {layers} layers, width {width})
that solves short English word problems. It was made to be taught: {strong} kinds of problem it
solves, in {weak} kinds it has learned a misconception and makes the same mistake nearly every time.

## What it was made from

Everything it has seen was made by rule, by `problems.py` in the folder above: no text, model or
data set of anybody else. It was pre-trained from scratch in {steps} steps of {lessons} examples:
right solutions of the strong kinds, typical wrong solutions for {misconceptions:.0%} of the weak
ones, explanations of mistakes (strong kinds only) and bare sums. Loss is taken on the replies
only. `build_student.py` builds it again, with the same seed.

## How to ask

The question alone is the user turn; the reply is a worked solution that ends on `Answer: 46`.
The chat template is in `tokenizer_config.json`. Every digit is a token, and so any number can be
written, but the student knows small whole numbers only. Weights are stored in half precision
(`model.safetensors`); on a processor load them in single precision (`dtype=torch.float32`).

## Measured

Greedy answers in single precision to questions whose kind and numbers were neither pre-trained on
nor are among the sample project's train questions. Only stories are kept apart so: the same two
numbers may have been met as a bare sum or in another kind. The last column counts the answers that
are exactly the typical mistake of their kind.

| kind | made to be | right | typical mistake |
|---|---|---|---|
{rows}

{totals}

## What it is not for

Anything but showing how a student learns from its mistakes. It knows fourteen kinds of problem in a
few wordings each and nothing else.
"""


def model_card(results: list[Scored], **facts: float) -> str:
    """Return the model card as Markdown; `facts` fills in how the student was made."""
    groups = {"strong": False, "weak": True}
    chosen = {
        name: [result for result in results if result.problem.is_weak == is_weak]
        for name, is_weak in groups.items()
    }
    totals = ". ".join(f"All {name} kinds: {share(part)}" for name, part in chosen.items())
    return CARD.format(rows=rows(results), totals=f"{totals}.", **facts)


def rows(results: list[Scored]) -> str:
    """Return one row of the table for each kind."""
    lines = []
    for kind, (right, total) in accuracy_by_kind(results).items():
        part = [result for result in results if result.problem.kind == kind]
        typical = sum(result.answer == result.problem.wrong_answer for result in part)
        group = "weak" if part[0].problem.is_weak else "strong"
        lines.append(f"| {kind} | {group} | {right} of {total} | {typical} of {total} |")
    return "\n".join(lines)


def share(results: list[Scored]) -> str:
    """Return right answers of all, with the percentage."""
    right = sum(result.is_correct for result in results)
    return f"{right} of {len(results)} ({right / len(results):.1%})"
