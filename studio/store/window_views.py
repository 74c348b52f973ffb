"""Named reads of the window: the desk's list and cases, counts on the rail, the funnel."""

from __future__ import annotations

# -- the rail and the overview -------------------------------------------------------------------

#: One number for each station; needs no more than a count of each table.
RAIL = """
SELECT (SELECT count(*) FROM questions) AS data,
       (SELECT count(*) FROM teachers WHERE active = 1) AS committee,
       (SELECT count(*) FROM rationales) AS desk,
       (SELECT count(*) FROM runs) AS train"""

#: The stations of the funnel that the scorebook does not know, of train questions (the others are
#: never shown to a teacher); needs grades_subject.
FUNNEL = """
SELECT (SELECT count(*) FROM questions WHERE split = 'train') AS questions,
       (SELECT count(*) FROM questions WHERE split = 'test') AS held_out,
       (SELECT count(*) FROM attempts a JOIN questions q ON q.id = a.question_id
        WHERE q.split = 'train') AS attempts,
       (SELECT count(*) FROM mistakes m JOIN questions q ON q.id = m.question_id
        WHERE q.split = 'train') AS mistakes,
       (SELECT count(*) FROM attempts a JOIN questions q ON q.id = a.question_id
        WHERE q.split = 'train' AND NOT EXISTS
        (SELECT 1 FROM grades g WHERE g.subject_id = a.id)) AS ungraded,
       (SELECT count(DISTINCT attempt_id) FROM explanations) AS explained,
       (SELECT count(*) FROM current_rationales) AS rationales,
       (SELECT count(DISTINCT subject_id) FROM reviews
        WHERE subject_kind = 'rationale' AND score IS NOT NULL) AS reviewed,
       (SELECT count(*) FROM runs) AS runs,
       (SELECT count(*) FROM run_states WHERE state IN ('finished', 'stopped')) AS trained"""

#: Students with an attempt, as far as it takes to know whether there are several; needs
#: attempts_student.
STUDENTS = "SELECT DISTINCT student FROM attempts LIMIT 2"

#: Questions with a mistake whose verdict is doubtful; needs grades_subject.
DOUBTFUL_QUESTIONS = "SELECT DISTINCT question_id FROM mistakes WHERE doubts <> '[]'"

# -- the desk's list -----------------------------------------------------------------------------

#: The first questions of the list, among the first imported: enough to be seen while all are read.
#: Needs rationales_question, attempts_question, grades_subject.
FIRST_ON_DESK = """
SELECT q.id FROM questions q
WHERE q.rowid < (SELECT min(rowid) FROM questions) + 1000
  AND (EXISTS (SELECT 1 FROM rationales r WHERE r.question_id = q.id)
       OR (q.split = 'train' AND EXISTS (SELECT 1 FROM mistakes m WHERE m.question_id = q.id)))
ORDER BY q.rowid LIMIT 200"""

#: One page of the list, by a JSON list of ids; needs attempts_question, grades_subject,
#: rationales_question.
DESK_ROWS = """
SELECT q.id, substr(q.text, 1, 300) AS text, q.gold, q.dataset, q.key,
       (SELECT json_array(g.extracted, g.verdict, g.doubts) FROM attempts a
        LEFT JOIN current_grades g ON g.subject_id = a.id WHERE a.question_id = q.id
        ORDER BY g.verdict = 'wrong' DESC, a.round DESC, a.rowid LIMIT 1) AS answer,
       (SELECT json_group_array(json_array(r.teacher, d.accepted, o.accepted, d.score))
        FROM current_rationales r LEFT JOIN decisions d ON d.rationale_id = r.id
        LEFT JOIN overrides o ON o.rationale_id = r.id WHERE r.question_id = q.id) AS decided,
       (SELECT json_group_array(v.score) FROM rationales r JOIN current_reviews v
        ON v.subject_id = r.id WHERE r.question_id = q.id AND v.score IS NOT NULL) AS scores
FROM questions q WHERE q.id IN (SELECT value FROM json_each(?))"""

# -- one case ------------------------------------------------------------------------------------

#: Attempts at a question, mistakes first; needs attempts_question, grades_subject.
CASE_ATTEMPTS = """
SELECT a.id, a.student, a.round, a.sample, a.text, a.truncated, g.verdict, g.extracted, g.span,
       g.doubts
FROM attempts a LEFT JOIN current_grades g ON g.subject_id = a.id WHERE a.question_id = ?
ORDER BY g.verdict = 'wrong' DESC, a.round DESC, a.rowid LIMIT 50"""

#: Explanations of one attempt with what they are marked with and who scored them how; needs
#: explanations_attempt, reviews_subject.
CASE_EXPLANATIONS = """
SELECT e.teacher, e.text, (SELECT c.found FROM checks c WHERE c.subject_id = e.id) AS flags,
       (SELECT json_group_array(json_array(v.reviewer, v.score, v.comment, v.missing))
        FROM current_reviews v WHERE v.subject_id = e.id) AS scores
FROM explanations e WHERE e.attempt_id = ? AND e.sample = 0"""

#: Current rationales of a question with what was decided, by whom and why; needs
#: rationales_question, grades_subject.
CASE_RATIONALES = """
SELECT r.id, r.teacher, r.sample, r.revision, r.edited_by, r.text, r.truncated, g.verdict, g.extracted,
       d.accepted AS automatic, d.reason, d.score, o.accepted AS human, o.reason AS human_reason,
       o.who, o.at, (SELECT c.found FROM checks c WHERE c.subject_id = r.id) AS flags
FROM current_rationales r LEFT JOIN current_grades g ON g.subject_id = r.id
LEFT JOIN decisions d ON d.rationale_id = r.id LEFT JOIN overrides o ON o.rationale_id = r.id
WHERE r.question_id = ? ORDER BY r.sample, r.teacher"""

#: Current reviews of a question's rationales with what they cost; needs reviews_subject.
CASE_REVIEWS = """
SELECT v.subject_id, v.reviewer, v.score, v.missing, v.comment, v.source_score, v.tries,
       v.call_id, c.tokens_in, c.tokens_out, c.cost_usd,
       (SELECT count(*) FROM calls again WHERE again.subject = c.subject) AS requests
FROM current_rationales r JOIN current_reviews v ON v.subject_id = r.id
LEFT JOIN calls c ON c.id = v.call_id AND v.call_id <> ''
WHERE r.question_id = ?"""

#: The raw reply of a call.
RAW_REPLY = "SELECT reply FROM calls WHERE id = ?"

# -- evaluate ------------------------------------------------------------------------------------


# -- data ----------------------------------------------------------------------------------------

#: Questions, attempts and rationales by dataset, split and kind of answer; needs
#: attempts_question, rationales_question.
DATA = """
SELECT q.dataset, q.split, q.answer_kind, count(*),
       sum((SELECT count(*) FROM attempts a WHERE a.question_id = q.id)),
       sum((SELECT count(*) FROM rationales r WHERE r.question_id = q.id))
FROM questions q GROUP BY 1, 2, 3 ORDER BY min(q.rowid)"""

#: A student's graded first attempts by split and round: how many, and how many right.
EXAMS = """
SELECT q.split, a.round, count(*), sum(g.verdict = 'correct')
FROM attempts a JOIN questions q ON q.id = a.question_id
JOIN current_grades g ON g.subject_id = a.id
WHERE a.student = ? AND a.sample = 0 GROUP BY 1, 2 ORDER BY 2 DESC, 1 DESC"""

#: Whether any call went to a teacher behind which there is a model, or may have been one.
CALLS_OF_MODELS = """
SELECT EXISTS (SELECT 1 FROM calls WHERE teacher NOT IN (SELECT name FROM teachers WHERE scripted))"""
