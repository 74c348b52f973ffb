"""Named reads: the SQL behind screens, verbs and stages. Each says which index it needs."""

from __future__ import annotations

# -- overview ------------------------------------------------------------------------------------

#: Attempts by verdict; needs grades_subject.
GRADE_COUNTS = """
SELECT g.verdict, count(*) AS n, sum(g.doubts <> '[]') AS doubtful
FROM attempts a JOIN current_grades g ON g.subject_id = a.id GROUP BY g.verdict"""

#: Questions by split.
QUESTION_COUNTS = "SELECT split, count(*) FROM questions GROUP BY split"

#: Current reviews by whether they hold a score, without those of a text that a later one has
#: replaced or that was taken back; needs reviews_subject, rationales_question.
REVIEW_COUNTS = """
WITH gone AS MATERIALIZED (
    SELECT rationale_id AS id FROM withdrawn
    UNION SELECT r.id FROM rationales n INDEXED BY rationales_question
    JOIN rationales r ON r.question_id = n.question_id AND r.teacher = n.teacher
    AND r.sample = n.sample AND r.revision < n.revision
    WHERE n.revision > 0 AND n.id NOT IN (SELECT rationale_id FROM withdrawn))
SELECT CASE WHEN score IS NULL THEN 'missing' ELSE 'valid' END, count(*)
FROM current_reviews WHERE subject_id NOT IN (SELECT id FROM gone) GROUP BY 1"""

#: Attempts and right ones per student, without the tries that only pass@k is of; needs grades_subject.
STUDENT_COUNTS = """
SELECT a.student, count(*) AS attempts, count(g.verdict) AS graded, sum(COALESCE(g.verdict = 'correct', 0)) AS correct
FROM attempts a LEFT JOIN current_grades g ON g.subject_id = a.id
WHERE a.sample = 0
   OR EXISTS (SELECT 1 FROM questions q WHERE q.id = a.question_id AND q.split = 'train')
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

#: Questions of a split from the shortest to the longest, with what tells them apart.
QUESTIONS_BY_LENGTH = """
SELECT id, CASE kind WHEN '' THEN dataset ELSE kind END AS sort FROM questions WHERE split = ?
ORDER BY length(text) + length(context) + length(options), id"""

#: Whether anything was made of a student, or is about to be: an exam begun, a run, a check, a choice.
IS_USED = """
SELECT 1 FROM attempts WHERE student = ?1
UNION ALL SELECT 1 FROM runs WHERE student = ?1
UNION ALL SELECT 1 FROM settings WHERE substr(name, 1, length(?1) + 6) = 'exam:' || ?1 || ':'
UNION ALL SELECT 1 FROM settings WHERE name = 'student' AND json_extract(value, '$') = ?1
UNION ALL SELECT 1 FROM settings, json_each(settings.value) WHERE name = 'forgetting' AND key = ?1
UNION ALL SELECT 1 FROM settings, json_each(settings.value) AS one WHERE name = 'runs_waiting'
AND json_extract(CASE name WHEN 'runs_waiting' THEN one.value END, '$.student') = ?1
LIMIT 1"""

#: Runs with where they stand, newest last.
RUNS = """
SELECT r.*, COALESCE(s.state, 'made') AS state, COALESCE(s.step, 0) AS step,
       COALESCE(s.steps, 0) AS steps, s.loss, COALESCE(s.message, '') AS message,
       COALESCE(s.result, '{}') AS result, COALESCE(s.handle, '') AS handle
FROM runs r LEFT JOIN run_states s ON s.run_id = r.id ORDER BY r.rowid"""

# -- decisions -----------------------------------------------------------------------------------

#: Current rationales the policy has not ruled on yet.
UNDECIDED = """
SELECT count(*) FROM current_rationales r
WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.rationale_id = r.id)"""

# -- attempts, datasets, evaluation --------------------------------------------------------------

#: Questions that a run was trained on.
TAUGHT_QUESTIONS = """
SELECT DISTINCT e.question_id FROM examples e JOIN runs r ON r.dataset_id = e.dataset_id
WHERE e.split = 'train'"""

SET_SPLIT = "UPDATE questions SET split = ? WHERE id = ?"

#: Questions of a split without the first attempt of (student, round); needs attempts_question.
UNATTEMPTED = """
FROM questions q WHERE q.split = ? AND NOT EXISTS (
    SELECT 1 FROM attempts a WHERE a.question_id = q.id
    AND a.student = ? AND a.round = ? AND a.sample = ?)"""

#: Accepted current rationales of train questions, with the reason and who gave it.
ACCEPTED_FOR_TRAINING = """
SELECT r.id, r.question_id, f.human, f.reason, f.human_reason
FROM final_decisions f JOIN current_rationales r ON r.id = f.rationale_id
JOIN questions q ON q.id = r.question_id
WHERE f.accepted = 1 AND q.split = 'train' ORDER BY r.question_id, r.teacher, r.sample"""

#: Every current rationale of a train question, with the verdict on its own answer.
RATIONALES_FOR_TRAINING = """
SELECT r.id, g.verdict FROM current_rationales r JOIN questions q ON q.id = r.question_id
LEFT JOIN current_grades g ON g.subject_id = r.id
WHERE q.split = 'train' ORDER BY r.question_id, r.teacher, r.sample"""

#: Mistakes of (student, round) in train questions; needs attempts_student, grades_subject.
MISTAKES_FOR_TRAINING = """
SELECT m.id, m.question_id, m.extracted FROM mistakes m JOIN questions q ON q.id = m.question_id
WHERE m.student = ? AND m.round = ? AND q.split = 'train' ORDER BY m.question_id, m.sample"""

#: Explanations of those mistakes; needs explanations_attempt.
EXPLANATIONS_FOR_TRAINING = """
SELECT e.id FROM mistakes m JOIN explanations e ON e.attempt_id = m.id
JOIN questions q ON q.id = m.question_id
WHERE m.student = ? AND m.round = ? AND q.split = 'train' AND e.text <> ''
ORDER BY m.question_id, m.sample, e.teacher, e.sample"""

#: Correct attempts of (student, round) in train questions, whole and without a doubt.
REPLAYABLE = """
SELECT a.id, a.question_id FROM attempts a JOIN current_grades g ON g.subject_id = a.id
JOIN questions q ON q.id = a.question_id
WHERE a.student = ? AND a.round = ? AND q.split = 'train' AND a.truncated = 0
AND g.verdict = 'correct' AND g.doubts = '[]'"""

#: Graded first attempts of (student, round) in one split; needs attempts_student.
SAT_EXAM = """
SELECT a.question_id, g.verdict, q.kind, q.dataset FROM attempts a
JOIN current_grades g ON g.subject_id = a.id JOIN questions q ON q.id = a.question_id
WHERE a.student = ? AND a.round = ? AND q.split = ? AND a.sample = 0 ORDER BY a.question_id"""

#: Graded tries of a student in one round and split, the greedy answer left out.
TRIES = """
SELECT a.question_id, g.verdict, g.extracted FROM attempts a
JOIN current_grades g ON g.subject_id = a.id JOIN questions q ON q.id = a.question_id
WHERE a.student = ? AND a.round = ? AND q.split = ? AND a.sample > 0
ORDER BY a.question_id, a.sample"""

#: A dataset's rows of one side, in their frozen order.
EXAMPLES = """
SELECT * FROM examples WHERE dataset_id = ? AND split = ? ORDER BY n"""

# -- imports and exports -------------------------------------------------------------------------

#: Attempts of one student at one question; needs attempts_question.
ATTEMPT_PLACES = (
    "SELECT sample, round, key, text FROM attempts WHERE question_id = ? AND student = ?"
)

#: Rationales of one teacher on one question; needs rationales_question.
RATIONALE_PLACES = "SELECT sample, text FROM rationales WHERE question_id = ? AND teacher = ?"

#: Current rationales to export with their questions, in order of making. Parameters: all or only
#: accepted ones, student or NULL, round or NULL. Decisions and overrides are joined by their keys:
#: the view final_decisions would be made anew for each page. Needs attempts_question.
EXPORTED = """
SELECT r.id, r.question_id, q.split, o.accepted AS human
FROM current_rationales r JOIN questions q ON q.id = r.question_id
LEFT JOIN decisions d ON d.rationale_id = r.id LEFT JOIN overrides o ON o.rationale_id = r.id
WHERE (?1 OR COALESCE(o.accepted, d.accepted) = 1)
  AND ((?2 IS NULL AND ?3 IS NULL) OR EXISTS (
      SELECT 1 FROM attempts a WHERE a.question_id = q.id
      AND a.student = COALESCE(?2, a.student) AND a.round = COALESCE(?3, a.round)))
ORDER BY r.rowid"""

#: One page of them, by a JSON list of ids, with all that led to the decision.
EXPORTED_PAGE = """
SELECT r.*, COALESCE(o.accepted, d.accepted) AS accepted, d.reason, d.score, d.policy_version,
       o.accepted AS human, o.reason AS human_reason,
       (SELECT g.verdict FROM current_grades g WHERE g.subject_id = r.id) AS verdict,
       (SELECT json_group_array(json_object('reviewer', v.reviewer, 'score', v.score,
            'missing', v.missing, 'prompt_hash', v.prompt_hash))
        FROM current_reviews v WHERE v.subject_id = r.id) AS reviews,
       (SELECT json_group_array(a.id) FROM attempts a WHERE a.question_id = r.question_id)
        AS attempts
FROM rationales r
LEFT JOIN decisions d ON d.rationale_id = r.id LEFT JOIN overrides o ON o.rationale_id = r.id
WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY r.rowid"""

#: Mistakes without a doubt at the questions of a JSON list; student and round or NULL.
SURE_MISTAKES = """
SELECT m.id, m.question_id, m.text, 'wrong' AS verdict FROM mistakes m
WHERE m.question_id IN (SELECT value FROM json_each(?1)) AND m.doubts = '[]'
  AND m.student = COALESCE(?2, m.student) AND m.round = COALESCE(?3, m.round)
ORDER BY m.rowid"""

#: Rejected rationales whose own answer is not known to be right, at the questions of a JSON list.
REJECTED_RATIONALES = """
SELECT r.id, r.question_id, r.text, g.verdict FROM current_rationales r
LEFT JOIN decisions d ON d.rationale_id = r.id LEFT JOIN overrides o ON o.rationale_id = r.id
LEFT JOIN current_grades g ON g.subject_id = r.id
WHERE r.question_id IN (SELECT value FROM json_each(?))
  AND COALESCE(o.accepted, d.accepted) = 0 AND COALESCE(g.verdict, '') <> 'correct'
ORDER BY r.rowid"""

#: Attempts that their source, or else the current grade, calls wrong; student and round or NULL.
COMMITTEE_ATTEMPTS = """
SELECT a.id, a.student, a.round,
       COALESCE(json_extract(c.fields, '$.dataset'), q.dataset) AS dataset
FROM attempts a JOIN questions q ON q.id = a.question_id
LEFT JOIN carried c ON c.subject_id = a.id LEFT JOIN current_grades g ON g.subject_id = a.id
WHERE (a.source_verdict = 'wrong' OR (a.source_verdict = '' AND g.verdict = 'wrong'))
  AND a.student = COALESCE(?1, a.student) AND a.round = COALESCE(?2, a.round)
ORDER BY a.rowid"""

#: What the teachers said about one attempt; needs explanations_attempt.
COMMITTEE_EXPLANATIONS = (
    "SELECT teacher, text FROM explanations WHERE attempt_id = ? AND sample = 0"
)

#: The rationales that go with one attempt: same question, same sample. Needs rationales_question.
COMMITTEE_RATIONALES = """
SELECT r.id, r.teacher, r.text, COALESCE(o.accepted, d.accepted, 0) AS accepted
FROM current_rationales r
LEFT JOIN decisions d ON d.rationale_id = r.id LEFT JOIN overrides o ON o.rationale_id = r.id
WHERE r.question_id = ? AND r.sample = ? ORDER BY r.rowid"""

#: The reviews of one rationale; needs reviews_subject.
COMMITTEE_SCORES = "SELECT reviewer, score, source_score FROM current_reviews WHERE subject_id = ?"

#: Attempts to export, in order of making; student and round or NULL.
EXPORTED_ATTEMPTS = """
SELECT id FROM attempts
WHERE student = COALESCE(?1, student) AND round = COALESCE(?2, round) ORDER BY rowid"""

#: One page of them, by a JSON list of ids; needs grades_subject.
EXPORTED_ATTEMPTS_PAGE = """
SELECT a.*, q.text AS question, q.gold, q.key AS question_key, g.verdict, g.extracted, g.doubts
FROM attempts a JOIN questions q ON q.id = a.question_id
LEFT JOIN current_grades g ON g.subject_id = a.id
WHERE a.id IN (SELECT value FROM json_each(?)) ORDER BY a.rowid"""

#: Teachers who said anything about the attempts of a JSON list.
COMMITTEE_TEACHERS = """
SELECT t.name AS teacher FROM teachers t
WHERE EXISTS (SELECT 1 FROM explanations e WHERE e.teacher = t.name
              AND e.attempt_id IN (SELECT value FROM json_each(?1)))
   OR EXISTS (SELECT 1 FROM rationales r JOIN attempts a ON a.question_id = r.question_id
              AND a.sample = r.sample WHERE r.teacher = t.name
              AND a.id IN (SELECT value FROM json_each(?1)))
ORDER BY t.rowid"""
