"""Named reads of the window: the desk's list and cases, overview counts, charts' runs."""

from __future__ import annotations

from typing import Any, NamedTuple

#: Audit queues: conditions on a question ``q``, by the name they go by on screen.
QUEUES: dict[str, str] = {
    "accepted but wrong answer": """EXISTS (SELECT 1 FROM rationales r
        JOIN final_decisions f ON f.rationale_id = r.id JOIN current_grades g ON g.subject_id = r.id
        WHERE r.question_id = q.id AND f.accepted = 1 AND g.verdict = 'wrong')""",
    "rejected but right": """EXISTS (SELECT 1 FROM rationales r
        JOIN final_decisions f ON f.rationale_id = r.id JOIN current_grades g ON g.subject_id = r.id
        WHERE r.question_id = q.id AND f.accepted = 0 AND g.verdict = 'correct')""",
    "reviewers disagree": """EXISTS (SELECT 1 FROM rationales r
        JOIN reviews v ON v.subject_id = r.id WHERE r.question_id = q.id AND v.score IS NOT NULL
        GROUP BY r.id HAVING max(v.score) - min(v.score) >= 2)""",
    "doubtful mistakes": """EXISTS (SELECT 1 FROM attempts a
        JOIN current_grades g ON g.subject_id = a.id
        WHERE a.question_id = q.id AND g.verdict = 'wrong' AND g.doubts <> '[]')""",
    "missing reviews": """EXISTS (SELECT 1 FROM rationales r
        JOIN current_reviews v ON v.subject_id = r.id
        WHERE r.question_id = q.id AND v.score IS NULL)""",
    "no accepted rationale": """NOT EXISTS (SELECT 1 FROM rationales r
        JOIN final_decisions f ON f.rationale_id = r.id
        WHERE r.question_id = q.id AND f.accepted = 1)""",
}

#: Decision states a question's rationales may have.
STATES: dict[str, str] = {
    "accepted": "f.accepted = 1",
    "rejected": "f.accepted = 0",
    "decided by hand": "f.human IS NOT NULL",
}

#: Questions with a rationale; needs rationales_question.
_ON_DESK = "q.id IN (SELECT question_id FROM rationales)"


class DeskFilter(NamedTuple):
    """What the desk's list shows; empty fields filter nothing."""

    state: str = ""
    queue: str = ""
    teacher: str = ""
    dataset: str = ""
    text: str = ""


def desk_ids(wanted: DeskFilter) -> tuple[str, list[Any]]:
    """Return the query for the question ids of the desk, in the order of import."""
    parts, values = [_ON_DESK], []
    if wanted.state:
        parts.append(
            "EXISTS (SELECT 1 FROM rationales r JOIN final_decisions f ON f.rationale_id = r.id"
            f" WHERE r.question_id = q.id AND {STATES[wanted.state]})"
        )
    if wanted.queue:
        parts.append(QUEUES[wanted.queue])
    if wanted.teacher:
        parts.append(
            "EXISTS (SELECT 1 FROM rationales r WHERE r.question_id = q.id AND r.teacher = ?)"
        )
        values.append(wanted.teacher)
    if wanted.dataset:
        parts.append("q.dataset = ?")
        values.append(wanted.dataset)
    if wanted.text:
        like = f"%{wanted.text.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        parts.append(
            "(q.text LIKE ? ESCAPE '!' OR EXISTS (SELECT 1 FROM rationales r"
            " WHERE r.question_id = q.id AND r.text LIKE ? ESCAPE '!'))"
        )
        values += [like, like]
    return f"SELECT q.id FROM questions q WHERE {' AND '.join(parts)} ORDER BY q.rowid", values


#: One row per question of the list, for the ids in ``{marks}``.
DESK_ROWS = """
SELECT q.id, substr(q.text, 1, 160) AS text, q.gold, q.kind, q.dataset,
       (SELECT count(*) FROM current_rationales r WHERE r.question_id = q.id) AS n,
       (SELECT count(*) FROM current_rationales r JOIN final_decisions f ON f.rationale_id = r.id
        WHERE r.question_id = q.id AND f.accepted = 1) AS accepted,
       (SELECT avg(v.score) FROM current_rationales r JOIN current_reviews v ON v.subject_id = r.id
        WHERE r.question_id = q.id) AS mean
FROM questions q WHERE q.id IN ({marks})"""

#: A question's newest attempt graded wrong, else its newest attempt.
CASE_ATTEMPT = """
SELECT a.*, g.verdict, g.extracted, g.span, g.doubts FROM attempts a
LEFT JOIN current_grades g ON g.subject_id = a.id WHERE a.question_id = ?
ORDER BY g.verdict = 'wrong' DESC, a.round DESC, a.rowid DESC LIMIT 1"""

#: A question's current rationales with answer, verdict and decision.
CASE_RATIONALES = """
SELECT r.*, g.verdict, g.extracted, f.automatic, f.human, f.reason, f.score, f.human_reason,
       f.accepted
FROM current_rationales r LEFT JOIN current_grades g ON g.subject_id = r.id
LEFT JOIN final_decisions f ON f.rationale_id = r.id
WHERE r.question_id = ? ORDER BY r.teacher, r.sample"""

#: Current reviews of a question's rationales.
CASE_REVIEWS = """
SELECT v.*, r.teacher AS author, c.tokens_in, c.tokens_out, c.cost_usd FROM current_rationales r
JOIN current_reviews v ON v.subject_id = r.id LEFT JOIN calls c ON c.id = v.call_id
WHERE r.question_id = ?"""

#: Explanations of an attempt.
CASE_EXPLANATIONS = "SELECT teacher, text FROM explanations WHERE attempt_id = ? ORDER BY teacher"

#: The funnel, one number each.
FUNNEL = """
SELECT (SELECT count(*) FROM questions) AS questions, (SELECT count(*) FROM attempts) AS attempts,
       (SELECT count(*) FROM mistakes) AS mistakes,
       (SELECT count(DISTINCT attempt_id) FROM explanations) AS explained,
       (SELECT count(DISTINCT subject_id) FROM reviews WHERE score IS NOT NULL) AS reviewed,
       (SELECT count(*) FROM current_rationales r JOIN final_decisions f ON f.rationale_id = r.id
        WHERE f.accepted = 1) AS accepted,
       (SELECT count(*) FROM run_states WHERE state = 'finished') AS trained"""


def queue_count(name: str) -> str:
    """Return the query that counts the questions of an audit queue."""
    return f"SELECT count(*) FROM questions q WHERE {_ON_DESK} AND {QUEUES[name]}"
