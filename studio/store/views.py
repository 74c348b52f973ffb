"""Named reads: the SQL behind screens, verbs and stages. Each says which index it needs."""

from __future__ import annotations

# -- overview ------------------------------------------------------------------------------------

#: Attempts by verdict; needs grades_subject.
GRADE_COUNTS = """
SELECT g.verdict, count(*) AS n, sum(g.doubts <> '[]') AS doubtful
FROM attempts a JOIN current_grades g ON g.subject_id = a.id GROUP BY g.verdict"""

#: Questions by split.
QUESTION_COUNTS = "SELECT split, count(*) FROM questions GROUP BY split"

#: Current reviews by whether they hold a score; needs reviews_subject.
REVIEW_COUNTS = """
SELECT CASE WHEN score IS NULL THEN 'missing' ELSE 'valid' END, count(*)
FROM current_reviews GROUP BY 1"""

#: Attempts and right ones per student; needs grades_subject.
STUDENT_COUNTS = """
SELECT a.student, count(*) AS attempts, sum(COALESCE(g.verdict = 'correct', 0)) AS correct
FROM attempts a LEFT JOIN current_grades g ON g.subject_id = a.id
GROUP BY a.student ORDER BY a.student"""

#: Decisions in force on current rationales.
DECISION_COUNTS = """
SELECT sum(f.accepted = 1) AS accepted, sum(f.accepted = 0) AS rejected,
       sum(f.human IS NOT NULL) AS overridden
FROM current_rationales r JOIN final_decisions f ON f.rationale_id = r.id"""

#: Accepted rationales per teacher, teachers without any too.
ACCEPTED_BY_TEACHER = """
SELECT r.teacher, sum(COALESCE(f.accepted, 0)) FROM current_rationales r
LEFT JOIN final_decisions f ON f.rationale_id = r.id GROUP BY r.teacher ORDER BY r.teacher"""

#: Questions with at least one accepted rationale.
QUESTIONS_COVERED = """
SELECT count(DISTINCT r.question_id) FROM current_rationales r
JOIN final_decisions f ON f.rationale_id = r.id WHERE f.accepted = 1"""

#: The ledger in one row; cost is NULL as long as no call has a known price.
CALL_COUNTS = """
SELECT COALESCE(sum(state = 'answered'), 0) AS done, COALESCE(sum(state = 'failed'), 0) AS failed,
       COALESCE(sum(state = 'unknown'), 0) AS unknown,
       COALESCE(sum(tokens_in), 0) AS tokens_in, COALESCE(sum(tokens_out), 0) AS tokens_out,
       sum(cost_usd) AS cost_usd FROM calls"""

#: Runs with where they stand, newest last.
RUNS = """
SELECT r.*, COALESCE(s.state, 'made') AS state, COALESCE(s.step, 0) AS step,
       COALESCE(s.steps, 0) AS steps, s.loss, COALESCE(s.message, '') AS message,
       COALESCE(s.result, '{}') AS result, COALESCE(s.handle, '') AS handle
FROM runs r LEFT JOIN run_states s ON s.run_id = r.id ORDER BY r.created_at"""

# -- decisions -----------------------------------------------------------------------------------

#: One row a current rationale: id, question, teacher, valid scores, reviews asked for, verdict of
#: its own answer, override, automatic decision, characters. Needs reviews_subject, grades_subject.
SCOREBOOK = """
SELECT r.id, r.question_id, r.teacher,
       (SELECT group_concat(v.score) FROM current_reviews v WHERE v.subject_id = r.id) AS scores,
       (SELECT count(*) FROM current_reviews v WHERE v.subject_id = r.id) AS asked,
       (SELECT g.verdict FROM grades g WHERE g.subject_id = r.id
        ORDER BY g.grader LIKE 'person:%' DESC, g.rowid DESC LIMIT 1) AS verdict,
       o.accepted AS human, d.accepted AS automatic, length(r.text) AS chars
FROM current_rationales r
LEFT JOIN overrides o ON o.rationale_id = r.id
LEFT JOIN decisions d ON d.rationale_id = r.id
ORDER BY r.rowid"""

#: Current rationales the policy has not ruled on yet.
UNDECIDED = """
SELECT count(*) FROM current_rationales r
WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.rationale_id = r.id)"""

# -- reviewers -----------------------------------------------------------------------------------

#: Every current review of a rationale; needs reviews_subject.
RATIONALE_REVIEWS = """
SELECT subject_id, reviewer, score FROM current_reviews WHERE subject_kind = 'rationale'"""

#: Every current rationale with the verdict of its own answer and its override.
RATIONALE_VERDICTS = """
SELECT r.id, r.teacher, g.verdict, o.accepted AS human
FROM current_rationales r
LEFT JOIN current_grades g ON g.subject_id = r.id
LEFT JOIN overrides o ON o.rationale_id = r.id
ORDER BY r.rowid"""
