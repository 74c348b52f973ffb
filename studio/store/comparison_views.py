"""Named reads for comparing students, runs and rounds."""

from __future__ import annotations

#: What the calls sent between two times took; cost is NULL as long as none has a known price.
CALLS_BETWEEN = """
SELECT count(*) AS calls, sum(state = 'failed') AS failed, sum(tokens_in) AS tokens_in,
       sum(tokens_out) AS tokens_out, sum(cost_usd) AS cost_usd,
       max(done_at) - min(sent_at) AS asking_s
FROM calls WHERE sent_at > ? AND sent_at <= ?"""

#: A student's graded first attempts of its own round in one split, by dataset; needs
#: attempts_student, grades_subject.
SCORES_BY_DATASET = """
SELECT q.dataset, count(*) AS n, sum(g.verdict = 'correct') AS correct
FROM attempts a JOIN questions q ON q.id = a.question_id
JOIN current_grades g ON g.subject_id = a.id
WHERE a.student = ?1 AND q.split = ?2 AND a.sample = 0
  AND a.round = COALESCE((SELECT round FROM students WHERE name = ?1), 0)
GROUP BY q.dataset ORDER BY min(q.rowid)"""

#: What two students answered to the questions of a JSON list, first attempts; the texts too.
ANSWERS = """
SELECT q.id, q.text AS question, q.context, q.gold, a.student, a.text, g.extracted, g.verdict
FROM questions q JOIN attempts a ON a.question_id = q.id AND a.sample = 0
JOIN current_grades g ON g.subject_id = a.id
WHERE q.id IN (SELECT value FROM json_each(?1)) AND a.student IN (?2, ?3)
  AND a.round = COALESCE((SELECT round FROM students WHERE name = a.student), 0)
ORDER BY q.rowid"""

#: Train questions that no example of a dataset's train side is made of, by lot (ids are hashes).
NOT_LEARNED_FROM = """
SELECT q.id, EXISTS (SELECT 1 FROM examples e WHERE e.dataset_id = ?1 AND e.question_id = q.id)
         AS is_kept_out
FROM questions q
WHERE q.split = 'train' AND NOT EXISTS (
  SELECT 1 FROM examples e WHERE e.dataset_id = ?1 AND e.question_id = q.id AND e.split = 'train')
ORDER BY q.id"""

#: How many rationales of each teacher a dataset's train side holds, by kind of question.
TAUGHT = """
SELECT COALESCE(NULLIF(q.kind, ''), q.dataset) AS kind, r.teacher,
       count(DISTINCT e.source_id) AS n
FROM examples e JOIN rationales r ON r.id = e.source_id JOIN questions q ON q.id = e.question_id
WHERE e.dataset_id = ?1 AND e.split = 'train' AND e.role = 'rationale' GROUP BY 1, 2"""
