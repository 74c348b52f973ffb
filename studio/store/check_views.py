"""Named reads and writes of the checks: what every text was marked with, and what is not checked yet."""

from __future__ import annotations

#: Questions with a rationale that these rules have not seen. Parameter: checker. Needs
#: rationales_question.
UNCHECKED_QUESTIONS = """
SELECT DISTINCT r.question_id FROM rationales r WHERE NOT EXISTS (
    SELECT 1 FROM checks c WHERE c.subject_id = r.id AND c.checker = ?) ORDER BY 1"""

#: Mistakes with an explanation that these rules have not seen. Parameter: checker. Needs
#: explanations_attempt.
UNCHECKED_ATTEMPTS = """
SELECT DISTINCT e.attempt_id FROM explanations e WHERE NOT EXISTS (
    SELECT 1 FROM checks c WHERE c.subject_id = e.id AND c.checker = ?) ORDER BY 1"""

#: Rationales of the questions of a JSON list, with what the endpoint called the model and
#: the text they were asked in; needs rationales_question.
RATIONALES = """
SELECT r.id, r.question_id AS about, r.question_id, r.teacher, r.text, r.sample, r.revision,
       c.served_model, (SELECT p.text FROM prompts p WHERE p.hash = r.prompt_hash LIMIT 1) AS prompt
FROM rationales r LEFT JOIN calls c ON c.id = r.call_id
WHERE r.question_id IN (SELECT value FROM json_each(?)) ORDER BY r.question_id, r.rowid"""

#: Explanations of the attempts of a JSON list; needs explanations_attempt.
EXPLANATIONS = """
SELECT e.id, e.attempt_id AS about, a.question_id, e.teacher, e.text, e.sample, 0 AS revision,
       c.served_model, (SELECT p.text FROM prompts p WHERE p.hash = e.prompt_hash LIMIT 1) AS prompt
FROM explanations e JOIN attempts a ON a.id = e.attempt_id
LEFT JOIN calls c ON c.id = e.call_id
WHERE e.attempt_id IN (SELECT value FROM json_each(?)) ORDER BY e.attempt_id, e.rowid"""

#: Say what texts are marked with: a JSON list of (subject, kind, bits, found, checker).
SET_CHECKS = """
INSERT OR REPLACE INTO checks (subject_id, subject_kind, bits, found, checker)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]'), json_extract(value, '$[4]') FROM json_each(?)"""

#: How many current rationales and explanations hold each combination of flags.
CHECK_COUNTS = """
SELECT 'rationales' AS kind, c.bits, count(*) AS n FROM current_rationales r
LEFT JOIN checks c ON c.subject_id = r.id GROUP BY c.bits
UNION ALL
SELECT 'explanations', c.bits, count(*) FROM explanations e
LEFT JOIN checks c ON c.subject_id = e.id GROUP BY c.bits"""

#: Bits of all that was checked, for whole columns; answered from the table, which is its own index.
BITS = """
SELECT group_concat(subject_id, ''), group_concat(bits)
FROM checks WHERE subject_id >= ? AND subject_id < ?"""

#: What each teacher's endpoint called the model that answered.
SERVED_MODELS = """
SELECT c.teacher, t.model AS asked, c.served_model AS served, count(*) AS calls
FROM calls c JOIN teachers t ON t.name = c.teacher WHERE c.served_model <> '' AND c.state = 'answered'
GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC"""
