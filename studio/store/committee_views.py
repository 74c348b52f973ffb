"""Named reads of the committee's stages: what is missing, item by item, and who repeats itself."""

from __future__ import annotations

#: (mistake, teacher) without an explanation; train questions only. Parameters: student twice,
#: round twice, limit. Needs grades_subject, explanations_attempt.
UNEXPLAINED = """
SELECT m.id AS attempt_id, t.name AS teacher FROM mistakes m
JOIN questions q ON q.id = m.question_id CROSS JOIN teachers t
WHERE q.split = 'train' AND t.active = 1 AND (? IS NULL OR m.student = ?)
AND (? IS NULL OR m.round = ?) AND NOT EXISTS (
    SELECT 1 FROM explanations e WHERE e.attempt_id = m.id AND e.teacher = t.name)
ORDER BY m.question_id, m.id, t.name LIMIT ?"""

#: (question with a mistake, teacher) without a rationale; train questions only. Parameters as
#: above. Needs grades_subject, rationales_question.
UNSOLVED = """
SELECT q.id AS question_id, t.name AS teacher FROM questions q CROSS JOIN teachers t
WHERE q.split = 'train' AND t.active = 1
AND q.id IN (SELECT m.question_id FROM mistakes m
             WHERE (? IS NULL OR m.student = ?) AND (? IS NULL OR m.round = ?))
AND NOT EXISTS (
    SELECT 1 FROM rationales r WHERE r.question_id = q.id AND r.teacher = t.name)
ORDER BY q.id, t.name LIMIT ?"""

#: (current rationale, other teacher) without any review; train questions only. A student or a
#: round narrows it to questions with a mistake of theirs. Parameters: both, student twice, round
#: twice, limit. Needs attempts_question, reviews_subject.
UNREVIEWED = """
SELECT r.id AS rationale_id, t.name AS reviewer FROM current_rationales r
JOIN questions q ON q.id = r.question_id CROSS JOIN teachers t
WHERE q.split = 'train' AND t.active = 1 AND t.name <> r.teacher
AND (COALESCE(?, ?) IS NULL OR q.id IN (
    SELECT m.question_id FROM mistakes m
    WHERE (? IS NULL OR m.student = ?) AND (? IS NULL OR m.round = ?)))
AND NOT EXISTS (
    SELECT 1 FROM reviews v WHERE v.subject_id = r.id AND v.reviewer = t.name)
ORDER BY r.question_id, r.id, t.name LIMIT ?"""

#: Another call to this teacher with this reply id. Needs calls_reply_id.
TWIN_CALL = "SELECT id, reply FROM calls WHERE teacher = ? AND reply_id = ? AND id <> ?"

#: How often this subject was given the reply of another call. Needs calls_subject.
REPEATS = "SELECT count(*) FROM calls WHERE subject = ? AND outcome = ? AND id <> ?"

#: Say on the first of two equal replies that there was a second.
MARK_TWIN = "UPDATE calls SET detail = ? WHERE id = ?"

#: Calls whose reply never came, or came without a count of tokens, at the mean of their teacher.
MAYBE_BILLED = """
SELECT sum(n * mean) FROM (
    SELECT avg(cost_usd) AS mean,
           sum(cost_usd IS NULL AND (state IN ('sent', 'unknown') OR status = 200)) AS n
    FROM calls GROUP BY teacher)"""
