"""Named reads of the report of a round."""

from __future__ import annotations

#: The newest round that trained somebody, else the newest with an exam on train questions.
NEWEST_ROUND = """
SELECT COALESCE((SELECT max(round) FROM runs),
                (SELECT max(a.round) FROM attempts a JOIN questions q ON q.id = a.question_id
                 WHERE q.split = 'train'))"""
HAS_ROUND = "SELECT EXISTS (SELECT 1 FROM attempts WHERE round = ?)"

#: The newest run of a round.
RUN_OF_ROUND = """
SELECT r.id, COALESCE(s.state, 'made') AS state FROM runs r
LEFT JOIN run_states s ON s.run_id = r.id WHERE r.round = ? ORDER BY r.created_at DESC LIMIT 1"""

#: Who answered most train questions in a round.
STUDENT_OF_ROUND = """
SELECT a.student FROM attempts a JOIN questions q ON q.id = a.question_id
WHERE a.round = ? ORDER BY q.split = 'train' DESC, a.rowid LIMIT 1"""

STUDENT_OF_RUN = "SELECT name FROM students WHERE run_id = ? ORDER BY rowid DESC LIMIT 1"

#: How much came through each arrow for one student and round; needs attempts_student.
FUNNEL = """
WITH mine AS (SELECT m.id, m.question_id FROM mistakes m JOIN questions q ON q.id = m.question_id
              WHERE m.student = ?1 AND m.round = ?2 AND q.split = 'train')
SELECT (SELECT count(*) FROM questions WHERE split = 'train') AS train_questions,
       (SELECT count(*) FROM questions WHERE split = 'test') AS held_out_questions,
       (SELECT count(*) FROM attempts a JOIN questions q ON q.id = a.question_id
        WHERE a.student = ?1 AND a.round = ?2 AND q.split = 'train') AS attempts,
       (SELECT count(*) FROM mine) AS mistakes,
       (SELECT count(*) FROM explanations e JOIN mine ON mine.id = e.attempt_id) AS explanations,
       (SELECT count(*) FROM current_rationales r
        WHERE r.question_id IN (SELECT question_id FROM mine)) AS rationales,
       (SELECT count(*) FROM current_rationales r JOIN current_reviews v ON v.subject_id = r.id
        WHERE v.score IS NOT NULL AND r.question_id IN (SELECT question_id FROM mine)) AS valid_reviews,
       (SELECT count(*) FROM current_rationales r JOIN final_decisions f ON f.rationale_id = r.id
        WHERE f.accepted = 1 AND r.question_id IN (SELECT question_id FROM mine)) AS accepted_rationales,
       (SELECT count(DISTINCT r.question_id) FROM current_rationales r
        JOIN final_decisions f ON f.rationale_id = r.id
        WHERE f.accepted = 1 AND r.question_id IN (SELECT question_id FROM mine)) AS mistakes_covered"""

#: What two students answered to one question; needs attempts_question.
TWO_ANSWERS = """
SELECT student, text FROM attempts
WHERE question_id = ? AND sample = 0 AND student IN (?, ?) ORDER BY round"""

#: The ledger by teacher and stage; cost is unknown as soon as one answered call has no price.
COST = """
SELECT teacher, stage, count(*), sum(tokens_in), sum(tokens_out),
       CASE WHEN sum(state = 'answered' AND cost_usd IS NULL) THEN NULL ELSE sum(cost_usd) END
FROM calls GROUP BY teacher, stage ORDER BY teacher, stage"""
