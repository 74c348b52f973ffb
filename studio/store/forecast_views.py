"""Named reads of the estimate: what calls took so far, and what may yet become necessary."""

from __future__ import annotations

#: What an answered call of each stage and teacher took on average, where that was told.
CALL_AVERAGES = """
SELECT stage, teacher, avg(tokens_in) AS tokens_in, avg(tokens_out) AS tokens_out FROM calls
WHERE state = 'answered' AND tokens_in IS NOT NULL AND tokens_out IS NOT NULL GROUP BY 1, 2"""

_UNGRADED = """
SELECT a.id, a.question_id FROM attempts a JOIN questions q ON q.id = a.question_id
WHERE q.split = 'train' AND (?1 IS NULL OR a.student = ?1) AND (?2 IS NULL OR a.round = ?2)
AND NOT EXISTS (SELECT 1 FROM grades g WHERE g.subject_id = a.id)"""

#: How many explanations each teacher owes attempts that nobody has graded, if all are mistakes.
#: Parameters: student, round. Needs attempts_question, grades_subject, explanations_attempt.
UNGRADED_UNEXPLAINED = f"""
SELECT t.name, count(*) AS n FROM ({_UNGRADED}) u CROSS JOIN teachers t
WHERE t.active = 1 AND NOT EXISTS (
    SELECT 1 FROM explanations e WHERE e.attempt_id = u.id AND e.teacher = t.name)
GROUP BY 1"""

#: The same for rationales, of questions that hold no other mistake. Parameters: student, round,
#: samples of each teacher (0: its own setting). Needs rationales_question, too.
UNGRADED_UNSOLVED = f"""
WITH new AS MATERIALIZED (
    SELECT DISTINCT question_id AS id FROM ({_UNGRADED}) EXCEPT SELECT m.question_id FROM mistakes m
    WHERE (?1 IS NULL OR m.student = ?1) AND (?2 IS NULL OR m.round = ?2))
SELECT t.name, sum(max(0, COALESCE(NULLIF(?3, 0), t.samples) - (
    SELECT count(DISTINCT r.sample) FROM rationales r
    WHERE r.question_id = new.id AND r.teacher = t.name))) AS n
FROM new CROSS JOIN teachers t WHERE t.active = 1 GROUP BY 1"""

#: Some train questions; their ids are hashes, so the first ones are as good as drawn by lot.
SOME_QUESTIONS = "SELECT id FROM questions WHERE split = 'train' ORDER BY id LIMIT ?"

#: Questions with a mistake, or with an attempt that nobody has graded.
_MISTAKEN = """q.split = 'train' AND q.id IN (
    SELECT m.question_id FROM mistakes m
    WHERE (?1 IS NULL OR m.student = ?1) AND (?2 IS NULL OR m.round = ?2)
    UNION SELECT a.question_id FROM attempts a
    WHERE (?1 IS NULL OR a.student = ?1) AND (?2 IS NULL OR a.round = ?2)
    AND NOT EXISTS (SELECT 1 FROM grades g WHERE g.subject_id = a.id))"""

#: How many samples each teacher may be asked for on the way to enough accepted rationales of
#: each question with a mistake, beyond the samples of all (0: its own setting) and those it has made.
#: Parameters: student, round, target, most of one teacher, samples. Needs rationales_question.
MORE_SAMPLES = f"""
WITH short AS MATERIALIZED (
    SELECT q.id FROM questions q WHERE {_MISTAKEN}
    AND (SELECT count(*) FROM current_rationales r JOIN final_decisions d ON d.rationale_id = r.id
         WHERE r.question_id = q.id AND d.accepted) < ?3)
SELECT t.name, sum(max(0, ?4 - max(COALESCE(NULLIF(?5, 0), t.samples), (
    SELECT count(DISTINCT r.sample) FROM rationales r
    WHERE r.question_id = s.id AND r.teacher = t.name)))) AS n
FROM short s CROSS JOIN teachers t WHERE t.active = 1 GROUP BY 1"""

#: How often each teacher's rationales that are not accepted by now may yet go back to it.
#: Parameters: student, round, tries. Needs rationales_question.
REVISIONS = f"""
SELECT r.teacher, sum(?3 - r.revision) AS n FROM current_rationales r
JOIN questions q ON q.id = r.question_id JOIN teachers t ON t.name = r.teacher
LEFT JOIN decisions d ON d.rationale_id = r.id
WHERE t.active = 1 AND r.edited_by = '' AND r.revision < ?3 AND NOT COALESCE(d.accepted, 0)
AND NOT EXISTS (SELECT 1 FROM overrides o WHERE o.rationale_id = r.id) AND {_MISTAKEN}
GROUP BY 1"""
