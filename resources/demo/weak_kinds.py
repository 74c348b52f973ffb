"""The kinds of problem in which the student has learned a misconception."""

from kinds import Kind, difference, packs, purchase, quotient, with_extra

WEAK_KINDS = (
    Kind(
        name="start unknown",
        is_weak=True,
        draw=difference,
        questions=(
            (
                "{name} got {b} {things} and has {a} now. "
                "How many {things} did {name} have at the start?"
            ),
            (
                "After {other} gave {name} {b} {things}, {name} has {a}. "
                "How many {things} did {name} have before?"
            ),
            (
                "{name} put {b} {things} into the {place}. Now it holds {a} {things}. "
                "How many {things} were in the {place} at first?"
            ),
        ),
        solution="{a} is the number after {b} came on top. Back to the start: [a - b].",
        wrong="{name} started with {a} and {b} came on top. [a + b].",
        explanation="The {a} is the end and has the {b} in it, so the {b} are taken away. [a - b].",
    ),
    Kind(
        name="more than",
        is_weak=True,
        draw=difference,
        questions=(
            (
                "{name} has {a} {things}. That is {b} more than {other} has. "
                "How many {things} does {other} have?"
            ),
            (
                "{name} has {a} {things}, {b} more than {other}. "
                "How many {things} does {other} have?"
            ),
            (
                "With {a} {things}, {name} has {b} more than {other}. "
                "How many {things} does {other} have?"
            ),
        ),
        solution="{other} has fewer than {name}, by {b}. [a - b].",
        wrong="{other} has {b} on top of {a}. [a + b].",
        explanation="{other} has fewer, so the {b} are taken away from the {a}. [a - b].",
    ),
    Kind(
        name="how many groups",
        is_weak=True,
        draw=quotient,
        questions=(
            "{name} packs {a} {things} into boxes of {b}. How many boxes does {name} need?",
            "{b} {things} fit into one bag. How many bags does {name} fill with {a} {things}?",
            "{name} reads {b} pages a day. How many days does {name} need for {a} pages?",
        ),
        solution="{b} go into {a} again and again. [a / b].",
        wrong="{a} are there and {b} went away. [a - b].",
        explanation="The {b} are taken away again and again, not only once: divide. [a / b].",
    ),
    Kind(
        name="two-step",
        is_weak=True,
        draw=packs,
        questions=(
            (
                "{name} has {a} boxes with {b} {things} in each and {c} loose {things}. "
                "How many {things} does {name} have in all?"
            ),
            (
                "{name} buys {a} bags of {b} {things}. {other} gives {name} {c} more. "
                "How many {things} does {name} have now?"
            ),
            (
                "There are {c} {things} in the {place}. {name} puts in {a} packs of {b} {things}. "
                "How many {things} are in the {place} now?"
            ),
        ),
        solution="There are {a} groups of {b}. [a * b].\nThen {c} come on top. [r + c].",
        wrong="There are {a} groups of {b}. [a * b].",
        explanation="The groups are only the first step: then {c} come on top. [a * b]. [r + c].",
    ),
    Kind(
        name="change",
        is_weak=True,
        draw=purchase,
        questions=(
            (
                "{name} has {a} coins and buys {b} {things} at {c} coins each. "
                "How many coins are left?"
            ),
            (
                "{name} pays for {b} {things} with {a} coins. Each costs {c} coins. "
                "How many coins does {name} get back?"
            ),
            (
                "One of the {things} costs {c} coins. {name} has {a} coins and buys {b} of them. "
                "How many coins does {name} have left?"
            ),
        ),
        solution="The {b} pieces cost {c} each. [b * c].\nThat is paid from {a}. [a - r].",
        wrong="The price {c} is paid from {a}. [a - c].",
        explanation="The {c} is for one of the {b}, so first multiply. [b * c]. [a - r].",
    ),
    Kind(
        name="extra number",
        is_weak=True,
        draw=with_extra,
        questions=(
            (
                "{name} has {a} {things} and {other} has {b} {things}. {other} is {c} years old. "
                "How many {things} do they have together?"
            ),
            (
                "{name} found {a} {things} in the {place} and {b} in the garden. It took {c} days. "
                "How many {things} did {name} find?"
            ),
            (
                "In {c} days {name} sold {a} {things} and {other} sold {b}. "
                "How many {things} did the two sell in all?"
            ),
        ),
        solution="Only {a} and {b} are put together. [a + b].",
        wrong="All the numbers count. [a + b]. [r + c].",
        explanation="The {c} is not one of the parts, so only two numbers are added. [a + b].",
    ),
)
