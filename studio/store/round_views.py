"""Named reads of the rounds, as far as the columns of casebook and scorebook do not tell them."""

from __future__ import annotations

#: The first and the last round of any attempt; needs attempts_student.
ENDS = "SELECT min(round), max(round) FROM attempts"

#: Attempts with an explanation, by round. One pass over explanations_attempt.
EXPLAINED = """
SELECT a.round, count(DISTINCT e.attempt_id) FROM explanations e
JOIN attempts a ON a.id = e.attempt_id JOIN questions q ON q.id = a.question_id
WHERE q.split = 'train' GROUP BY 1"""

#: Runs of each round: how many, and how many came to an end.
RUNS = """
SELECT r.round, count(*) AS runs, COALESCE(sum(s.state IN ('finished', 'stopped')), 0) AS trained
FROM runs r LEFT JOIN run_states s ON s.run_id = r.id GROUP BY 1"""

#: What the runs of a round measured, newest last.
RESULTS = """
SELECT s.result FROM runs r JOIN run_states s ON s.run_id = r.id
WHERE r.round = ? ORDER BY r.rowid"""
