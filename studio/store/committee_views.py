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

#: (question with a mistake, teacher, sample) without a rationale; train questions only. Parameters:
#: samples of each teacher (0: as the teacher's own setting says), then as above. Needs grades_subject, rationales_question.
UNSOLVED = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 63),
who AS MATERIALIZED (SELECT t.name, n FROM teachers t
    JOIN numbers ON n < COALESCE(NULLIF(?, 0), t.samples) WHERE t.active = 1)
SELECT q.id AS question_id, who.name AS teacher, who.n AS sample FROM questions q CROSS JOIN who
WHERE q.split = 'train'
AND q.id IN (SELECT m.question_id FROM mistakes m
             WHERE (? IS NULL OR m.student = ?) AND (? IS NULL OR m.round = ?))
AND NOT EXISTS (
    SELECT 1 FROM rationales r WHERE r.question_id = q.id AND r.teacher = who.name
    AND r.sample = who.n)
ORDER BY q.id, who.n, who.name LIMIT ?"""

#: Train questions with a mistake, all whose rationales are decided and fewer accepted than wanted:
#: each with every active teacher and what it has made. Parameters: student twice, round twice,
#: how many are wanted. Needs grades_subject, rationales_question.
TOO_FEW = """
WITH short AS MATERIALIZED (
    SELECT q.id, (SELECT count(*) FROM current_rationales r JOIN final_decisions d
                  ON d.rationale_id = r.id WHERE r.question_id = q.id AND d.accepted) AS accepted
    FROM questions q WHERE q.split = 'train'
    AND q.id IN (SELECT m.question_id FROM mistakes m
                 WHERE (? IS NULL OR m.student = ?) AND (? IS NULL OR m.round = ?))
    AND EXISTS (SELECT 1 FROM rationales r WHERE r.question_id = q.id)
    AND NOT EXISTS (SELECT 1 FROM current_rationales r WHERE r.question_id = q.id
                    AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.rationale_id = r.id)))
SELECT s.id AS question_id, s.accepted, t.name AS teacher,
       (SELECT count(DISTINCT r.sample) FROM rationales r
        WHERE r.question_id = s.id AND r.teacher = t.name) AS samples,
       (SELECT COALESCE(max(r.sample) + 1, 0) FROM rationales r
        WHERE r.question_id = s.id AND r.teacher = t.name) AS next_sample,
       (SELECT count(*) FROM current_rationales r JOIN final_decisions d ON d.rationale_id = r.id
        WHERE r.question_id = s.id AND r.teacher = t.name AND d.accepted) AS accepted_here
FROM short s CROSS JOIN teachers t WHERE t.active = 1 AND s.accepted < ?
ORDER BY s.id, t.name"""

#: Current rationales that the policy rejects after a review with a score, that no person has
#: decided or edited, and that have not been revised too often; train questions only. Parameters:
#: both student and round, student twice, round twice, tries, limit. Needs reviews_subject.
TO_REVISE = """
SELECT r.id FROM current_rationales r JOIN decisions d ON d.rationale_id = r.id
JOIN questions q ON q.id = r.question_id JOIN teachers t ON t.name = r.teacher
WHERE q.split = 'train' AND t.active = 1 AND NOT d.accepted AND r.edited_by = ''
AND (COALESCE(?, ?) IS NULL OR q.id IN (
    SELECT m.question_id FROM mistakes m
    WHERE (? IS NULL OR m.student = ?) AND (? IS NULL OR m.round = ?)))
AND r.revision < ? AND NOT EXISTS (SELECT 1 FROM overrides o WHERE o.rationale_id = r.id)
AND EXISTS (SELECT 1 FROM reviews v WHERE v.subject_id = r.id AND v.score IS NOT NULL)
AND NOT EXISTS (
    SELECT 1 FROM teachers o WHERE o.active = 1 AND o.name <> r.teacher AND NOT EXISTS (
        SELECT 1 FROM reviews v WHERE v.subject_id = r.id AND v.reviewer = o.name))
ORDER BY r.question_id, r.id LIMIT ?"""

#: (explanation, other teacher) without any review; train questions only. Parameters: student
#: twice, round twice, limit. Needs reviews_subject.
UNREVIEWED_EXPLANATIONS = """
SELECT e.id AS subject_id, t.name AS reviewer FROM explanations e
JOIN attempts a ON a.id = e.attempt_id JOIN questions q ON q.id = a.question_id
CROSS JOIN teachers t
WHERE q.split = 'train' AND t.active = 1 AND t.name <> e.teacher
AND (? IS NULL OR a.student = ?) AND (? IS NULL OR a.round = ?)
AND NOT EXISTS (
    SELECT 1 FROM reviews v WHERE v.subject_id = e.id AND v.reviewer = t.name)
ORDER BY a.question_id, e.id, t.name LIMIT ?"""

#: (current rationale, other teacher) without any review; train questions only. A student or a
#: round narrows it to questions with a mistake of theirs. Parameters: both, student twice, round
#: twice, limit. Needs attempts_question, reviews_subject.
UNREVIEWED = """
SELECT r.id AS subject_id, t.name AS reviewer FROM current_rationales r
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

#: Train questions with a mistake that have fewer accepted rationales than wanted. Parameter: how
#: many are wanted. Needs rationales_question.
SHORT_OF_TARGET = """
SELECT count(*) FROM (SELECT DISTINCT m.question_id AS id FROM mistakes m
                      JOIN questions q ON q.id = m.question_id WHERE q.split = 'train') s
WHERE (SELECT count(*) FROM current_rationales r JOIN final_decisions d ON d.rationale_id = r.id
       WHERE r.question_id = s.id AND d.accepted) < ?"""

#: How often this subject was given the reply of another call. Needs calls_subject.
REPEATS = "SELECT count(*) FROM calls WHERE subject = ? AND outcome = ? AND id <> ?"

#: Say on the first of two equal replies that there was a second.
MARK_TWIN = "UPDATE calls SET detail = ? WHERE id = ?"

#: What each teacher's calls with a known cost took together, their squares, and how many they are.
KNOWN_COSTS = """
SELECT teacher, sum(cost_usd), sum(cost_usd * cost_usd), count(*) FROM calls
WHERE cost_usd IS NOT NULL GROUP BY teacher"""

#: Calls of each teacher whose reply never came, or came without a count of tokens, and what was set
#: aside for them; without those of batches that are still with their endpoint.
MAYBE_BILLED = """
SELECT teacher, count(*), COALESCE(sum(reserved_usd), 0) FROM calls
WHERE cost_usd IS NULL AND (state = 'unknown' OR status = 200
    OR (state = 'sent' AND batch_id NOT IN (
        SELECT id FROM batches WHERE state IN ('sending', 'waiting')))) GROUP BY teacher"""
