"""The rules by which an answer is read and compared with gold."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.domain import doubts
from studio.domain.grading import Verdicted, grade_answer
from studio.domain.records import AnswerKind, Question, Verdict

CITIES = ("Paris", "London", "Rome", "Paris and London")


def graded(
    text: str, gold: str, *, kind: str = "number", ask: str = "How many?", truncated: bool = False
) -> Verdicted:
    options = CITIES if kind == "choice" else ()
    question = Question(text=ask, gold=gold, answer_kind=AnswerKind(kind), options=options)
    return grade_answer(text, question=question, truncated=truncated)


def names(verdicted: Verdicted) -> list[str]:
    return [doubt.name for doubt in verdicted.doubts]


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("Answer: 1,200", "$1,200"),
        ("#### 1e3", "1000"),
        ("3.2 \u00d7 10^4", "32000"),
        ("The answer is -13.", "-13"),
        ("29 - 42 = \u221213", "-13"),
        ("x is 1/2", "0.5"),
        ("½", "0.5"),
        ("Answer: 1 3/4 cups", "1.75"),
        (r"so \boxed{\frac{3}{4}}", "0.75"),
        (r"\(\boxed{18\text{ dollars}}\)", "18"),
        ("50%", "50"),
        (r"50\%", "50%"),
        ("Answer: twenty-four apples", "24"),
        ("٣٤", "34"),
        ("\uff11\uff12\uff13", "123"),
        ("It is 2 million dollars", "2000000"),
        ("Answer: $5k", "5000"),
        ("5'000", "5000"),
        ("1\u202f234 km", "1234"),
        ("A: 18", "18.0"),
        ("**Final Answer**\n\n42", "42"),
        ("Half of it is $<<18/2=9>>9", "9"),
        ("72", "72\n"),
        ("Answer: 3. Five are left over.", "3"),
        ("#### Step 1: add\nso 5+5 = 10", "10"),
        ("A = 2 + 8\nA = 10\nH = 21", "21"),
    ],
)
def test_numbers_are_read_in_all_their_forms(text: str, gold: str) -> None:
    found = graded(text, gold)
    assert (found.verdict, names(found)) == (Verdict.CORRECT, [])


@pytest.mark.parametrize(
    ("text", "gold", "verdict"),
    [
        ("Answer: 1.234,5", "1234.5", "correct"),
        ("Answer: 1,5", "1.5", "correct"),
        ("Answer: 1.234", "1234", "wrong"),
        ("Answer: 1 234 567", "1234567", "wrong"),
        ("Answer: 12,34,567", "1234567", "correct"),
        ("Answer: 50%", "0.5", "correct"),
        ("Answer: 3 dozen", "36", "wrong"),
        ("Answer: 33.333", "33.33", "correct"),
    ],
)
def test_a_match_by_an_unusual_reading_is_doubted(text: str, gold: str, verdict: str) -> None:
    found = graded(text, gold)
    assert (found.verdict, names(found)) == (verdict, [doubts.FORMATS])


def test_the_explicit_answer_outranks_the_last_number() -> None:
    assert graded("Answer: 23\n\nExplanation: 62 - 39 leaves 23 of 62", "23").extracted == "23"
    assert (
        graded("We get 12.\nThe final answer is: $\\boxed{5}$. It took 3 steps.", "5").extracted
        == "5"
    )


def test_without_an_explicit_answer_the_news_in_the_conclusion_counts() -> None:
    ask = "You have 104 dollars. A pack costs 26 dollars. How many packs can you buy?"
    text = "You can buy 4 packs of DVDs with 104 dollars, as each pack costs 26 dollars."
    assert graded(text, "4", ask=ask).verdict is Verdict.CORRECT


def test_a_model_that_goes_on_with_another_question_is_read_up_to_it() -> None:
    assert graded("Answer: 18\n\nQuestion: and now?\nAnswer: 20", "18").verdict is Verdict.CORRECT


def test_the_span_tells_where_the_answer_stands() -> None:
    text = "Let us \uff11 see: **the answer is** 1,200 dollars."
    span = graded(text, "1200").span
    assert span is not None
    assert text[slice(*span)] == "1,200"
    below = "29 - 42 = -$13"
    assert graded(below, "-13").span == (10, 14)


def test_gold_that_was_stated_but_not_extracted_is_doubted() -> None:
    text = "Answer:\n\nGroup of bananas: 290 / 2 = 145\n\nGroup of oranges: 87 / 93 = 0.92"
    found = graded(text, "145", ask="290 bananas in 2 groups, 87 oranges in 93?")
    assert (found.verdict, names(found)) == (Verdict.WRONG, [doubts.GOLD_STATED])
    assert "290 / 2 = 145" in found.doubts[0].evidence


def test_a_number_the_question_gave_is_no_stated_result() -> None:
    ask = "A wheel has 4 seats for 16 people?"
    assert names(graded("There are 4 seats, so 4 times 16 is 64.", "4", ask=ask)) == []


def test_contradicting_answers_are_doubted() -> None:
    found = graded("The answer is 5.\nWait, the answer is 7.", "9")
    assert (found.extracted, names(found)) == ("7", [doubts.SEVERAL])


def test_nothing_and_refusals_are_unreadable() -> None:
    assert names(graded(" \n", "3")) == [doubts.EMPTY]
    refused = graded("I'm sorry, but I cannot help with 5 birds.", "5")
    assert (refused.verdict, names(refused)) == (Verdict.UNREADABLE, [doubts.REFUSED])
    assert graded("no idea", "3").verdict is Verdict.UNREADABLE


def test_a_cut_text_is_doubted_unless_its_answer_was_complete() -> None:
    assert names(graded("First 12 + 3", "15", truncated=True)) == [doubts.TRUNCATED]
    assert names(graded("The answer is 1", "1", truncated=True)) == [doubts.TRUNCATED]
    assert names(graded("The answer is 1.\nBesides, it is", "1", truncated=True)) == []


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("B", "B"),
        ("(b)", "b"),
        ("**B**", "1"),
        (r"\boxed{\text{B}}", "B"),
        ("Answer: B. London", "London"),
        ("The answer is London", "B"),
        ("A: Paris\nB: London\nAnswer: B", "B"),
        ("The correct option is (B) because", "B"),
        ("I pick London.", "B) London"),
    ],
)
def test_choices_are_read_by_letter_and_by_words(text: str, gold: str) -> None:
    found = graded(text, gold, kind="choice")
    assert (found.verdict, found.extracted, names(found)) == (Verdict.CORRECT, "B", [])


def test_a_letter_beside_the_words_of_another_option_is_doubted() -> None:
    found = graded("Answer: B. Rome", "B", kind="choice")
    assert (found.verdict, names(found)) == (Verdict.CORRECT, [doubts.LETTER_AND_TEXT])


def test_the_article_a_is_no_choice() -> None:
    assert graded("A good city", "A", kind="choice").verdict is Verdict.UNREADABLE


@pytest.mark.parametrize(
    ("text", "gold", "verdict"),
    [
        ("the answer is false", "false.\tfacts follow", "correct"),
        ("No, because", "false", "correct"),
        ("It is not true that", "false", "correct"),
        (r"\boxed{True}", "yes", "correct"),
        ("So the answer is no.", "yes", "wrong"),
        ("There is no doubt", "true", "unreadable"),
        ("True or False: it rains.", "true", "unreadable"),
    ],
)
def test_yes_and_no_are_read_where_they_answer(text: str, gold: str, verdict: str) -> None:
    assert graded(text, gold, kind="yes_no").verdict == verdict


def test_text_is_compared_without_case_articles_and_punctuation() -> None:
    assert graded("Answer: the Eiffel tower!", "Eiffel Tower", kind="text").verdict == "correct"
    found = graded("Well\nI think Paris", "Paris", kind="text")
    assert (found.verdict, names(found)) == (Verdict.WRONG, [doubts.GOLD_STATED])


def test_a_question_without_gold_is_not_graded_wrong() -> None:
    assert names(graded("Answer: 3", " ")) == [doubts.GOLD_UNREADABLE]


def test_expressions_are_lent_to_the_caller_and_plain_numbers_are_not() -> None:
    asked: list[tuple[str, str]] = []

    def equal(gold: str, answer: str) -> bool:
        asked.append((gold, answer))
        return True

    texts = [
        ("60", r"\boxed{12 \times 5}"),
        ("x^2", "The answer is $x*x$ in all cases."),
        ("7", "Answer: 3 + 4 = 8"),
        ("9", "Answer: 12 apples and pears (3 a box) for all"),
    ]
    for gold, text in texts:
        grade_answer(text, question=Question(text="?", gold=gold), equal=equal)
    assert asked == [("60", r"12 \times 5"), ("x^2", "x*x")]


PIECES = st.sampled_from([
    *"0123456789.,-+=*/%$(){}[]^\\\n \t:#'<>ABabx½²٣\u2212\u00a0\x00", "Answer:", "the answer is ",
    "\\boxed{", "\\frac{", "1.234,5", "####", "true", "not ", "1e999", "million", "A: ", "so ",
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    text=st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join),
    gold=st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=8),
    kind=st.sampled_from(AnswerKind),
    cut=st.booleans(),
)
def test_no_text_makes_grading_fail(text: str, gold: str, kind: AnswerKind, cut: bool) -> None:
    question = Question(text=gold + "?", gold=gold, answer_kind=kind, options=("a", gold, "3"))
    found = grade_answer(text, question=question, truncated=cut)
    if found.span is not None:
        start, end = found.span
        assert 0 <= start <= end <= len(text)


LONG = [
    "9", "1 ", "1,", "1,234,", "answer:", "answer: 5 ", "\\boxed{", "\\boxed{5} ", "=", "= 5 ", " ",
    "\n", "####5\n", "a", "1/2", "so 5 ", "((A) ", "not true ", "true or ", "<<1", "5 and ", "B. ",
    "answer to a ", "\nQ:", "- ", "½", "one hundred ", "x10^",
]  # fmt: skip


@pytest.mark.parametrize("piece", ["-", "(", "$", "* ", "~", "→"])
def test_a_rule_between_an_answer_and_its_words_takes_less_than_a_second(piece: str) -> None:
    text = f"Answer: {piece * (60_000 // len(piece))} as it was said 12"
    question = Question(text="?", gold="12", answer_kind=AnswerKind.NUMBER)
    began = time.process_time()
    grade_answer(text, question=question)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("piece", LONG)
def test_a_megabyte_on_one_line_takes_less_than_a_second(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    for kind in AnswerKind:
        question = Question(text="?", gold="7", answer_kind=kind, options=("7", "8"))
        began = time.process_time()
        grade_answer(text, question=question)
        assert time.process_time() - began < 1
