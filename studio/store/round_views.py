"""Named reads of the rounds: what became of the mistakes of each."""

from __future__ import annotations

#: Rounds of attempts at train questions (exams on held-out ones begin none) and of runs.
ROUNDS = """
SELECT a.round FROM attempts a JOIN questions q ON q.id = a.question_id WHERE q.split = 'train'
UNION SELECT round FROM runs ORDER BY 1"""

#: The stations of one round, of train questions. Rationales are those at questions with a mistake
#: of that round, so one at a question that was missed twice counts in both. Parameter: round.
#: Needs attempts_question, grades_subject, explanations_attempt, rationales_question, reviews_subject.
STATIONS = """
WITH missed AS MATERIALIZED (
    SELECT m.id, m.question_id FROM mistakes m JOIN questions q ON q.id = m.question_id
    WHERE q.split = 'train' AND m.round = ?1),
solved AS MATERIALIZED (
    SELECT r.id, COALESCE(o.accepted, d.accepted) AS accepted, o.accepted AS human
    FROM current_rationales r LEFT JOIN decisions d ON d.rationale_id = r.id
    LEFT JOIN overrides o ON o.rationale_id = r.id
    WHERE r.question_id IN (SELECT question_id FROM missed))
SELECT (SELECT count(*) FROM questions WHERE split = 'train') AS questions,
       (SELECT count(*) FROM questions WHERE split = 'test') AS held_out,
       (SELECT count(*) FROM attempts a JOIN questions q ON q.id = a.question_id
        WHERE q.split = 'train' AND a.round = ?1) AS attempts,
       (SELECT count(*) FROM missed) AS mistakes,
       (SELECT count(*) FROM missed m WHERE EXISTS (
            SELECT 1 FROM explanations e WHERE e.attempt_id = m.id)) AS explained,
       (SELECT count(*) FROM solved) AS rationales,
       (SELECT count(*) FROM solved s WHERE EXISTS (
            SELECT 1 FROM reviews v WHERE v.subject_id = s.id AND v.score IS NOT NULL)) AS reviewed,
       (SELECT COALESCE(sum(accepted), 0) FROM solved) AS accepted,
       (SELECT count(human) FROM solved) AS by_hand,
       (SELECT count(*) FROM runs WHERE round = ?1) AS runs,
       (SELECT count(*) FROM runs r JOIN run_states s ON s.run_id = r.id
        WHERE r.round = ?1 AND s.state IN ('finished', 'stopped')) AS trained"""

#: What the runs of a round measured, newest last.
RESULTS = """
SELECT s.result FROM runs r JOIN run_states s ON s.run_id = r.id
WHERE r.round = ? ORDER BY r.created_at"""
