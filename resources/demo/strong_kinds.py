"""The kinds of problem that the student has learned to solve."""

from kinds import Kind, addends, difference, factors, quotient, two_losses

STRONG_KINDS = (
    Kind(
        name="gain",
        is_weak=False,
        draw=addends,
        questions=(
            "{name} had {a} {things} and got {b} more. How many {things} does {name} have now?",
            (
                "{name} has {a} {things}. Then {other} gives {name} {b} more. "
                "How many {things} does {name} have in the end?"
            ),
            (
                "There were {a} {things} in the {place}. {name} put in {b} more. "
                "How many {things} are in the {place} now?"
            ),
        ),
        solution="{name} started with {a} and {b} came on top. [a + b].",
        wrong="{name} started with {a} and {b} went away. [a - b].",
        explanation="The {b} come on top of the {a}, so the two numbers are added. [a + b].",
    ),
    Kind(
        name="loss",
        is_weak=False,
        draw=difference,
        questions=(
            (
                "{name} had {a} {things} and gave {b} to {other}. "
                "How many {things} does {name} have left?"
            ),
            (
                "There were {a} {things} in the {place}. {name} took out {b}. "
                "How many {things} are left in the {place}?"
            ),
            "{name} has {a} {things} and loses {b} of them. How many {things} are left?",
        ),
        solution="{name} started with {a} and {b} went away. [a - b].",
        wrong="{name} started with {a} and {b} came on top. [a + b].",
        explanation="The {b} are taken away from the {a}, so the rest is a difference. [a - b].",
    ),
    Kind(
        name="together",
        is_weak=False,
        draw=addends,
        questions=(
            "{name} has {a} {things} and {other} has {b}. How many {things} do they have together?",
            (
                "{name} found {a} {things}. {other} found {b} {things}. "
                "How many {things} did the two find in all?"
            ),
            (
                "The {place} holds {a} {things} of {name} and {b} {things} of {other}. "
                "How many {things} are in the {place}?"
            ),
        ),
        solution="{name} has {a} and {other} has {b}, put together. [a + b].",
        wrong="{name} has {a} and {other} has {b}, compared. [a - b].",
        explanation="The two parts make one whole, so they are added. [a + b].",
    ),
    Kind(
        name="compare",
        is_weak=False,
        draw=difference,
        questions=(
            (
                "{name} has {a} {things} and {other} has {b}. "
                "How many more {things} does {name} have than {other}?"
            ),
            (
                "{name} found {a} {things}. {other} found only {b}. "
                "How many fewer {things} did {other} find?"
            ),
            "{other} has {b} {things} and {name} has {a}. By how many is {name} ahead?",
        ),
        solution="{name} has {a} and {other} has {b}, compared. [a - b].",
        wrong="{name} has {a} and {other} has {b}, put together. [a + b].",
        explanation="Ask how many more it is: the gap is a difference, not a sum. [a - b].",
    ),
    Kind(
        name="groups",
        is_weak=False,
        draw=factors,
        questions=(
            "{name} has {a} boxes with {b} {things} in each. How many {things} are there in all?",
            "There are {a} bags. Each bag holds {b} {things}. How many {things} are in the bags?",
            (
                "{name} fills {a} shelves with {b} {things} each. "
                "How many {things} are on the shelves?"
            ),
        ),
        solution="There are {a} groups of {b}. [a * b].",
        wrong="There are {a} and {b}, put together. [a + b].",
        explanation="Each of the {a} groups has {b} in it, not only the first: multiply. [a * b].",
    ),
    Kind(
        name="share equally",
        is_weak=False,
        draw=quotient,
        questions=(
            (
                "{name} shares {a} {things} equally among {b} children. "
                "How many {things} does each child get?"
            ),
            "{b} friends split {a} {things} fairly. How many {things} does one friend get?",
            (
                "{name} puts {a} {things} into {b} bags, the same number in each. "
                "How many {things} are in one bag?"
            ),
        ),
        solution="{a} are split into {b} equal parts. [a / b].",
        wrong="{a} are there and {b} went away. [a - b].",
        explanation="The {a} is for all of them. To get one part, divide by {b}. [a / b].",
    ),
    Kind(
        name="rate",
        is_weak=False,
        draw=factors,
        questions=(
            "{name} reads {b} pages a day. How many pages does {name} read in {a} days?",
            "{name} picks {b} {things} an hour. How many {things} does {name} pick in {a} hours?",
            "{name} earns {b} coins a day. How many coins does {name} earn in {a} days?",
        ),
        solution="There are {a} times {b}. [a * b].",
        wrong="There are {b} and {a} on top. [b + a].",
        explanation="The {b} come again and again, not only once: multiply. [a * b].",
    ),
    Kind(
        name="two losses",
        is_weak=False,
        draw=two_losses,
        questions=(
            (
                "{name} had {a} {things}, gave {b} to {other} and lost {c}. "
                "How many {things} does {name} have left?"
            ),
            (
                "There were {a} {things} in the {place}. {name} took {b} and {other} took {c}. "
                "How many {things} are left in the {place}?"
            ),
            "{name} has {a} coins and spends {b} coins, then {c} coins. How many coins are left?",
        ),
        solution="First {b} went away. [a - b].\nThen {c} went away. [r - c].",
        wrong="First {b} went away. [a - b].",
        explanation="The first step is not the end: then {c} go away as well. [a - b]. [r - c].",
    ),
)
