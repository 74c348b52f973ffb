"""Named reads of whole columns, for the scorebook and the desk's list.

Each answers one row for a range of ids (first, and the one after the last): ids as one string of 16
hex digits each, numbers with commas between, names as a JSON list. So a million values cross into
Python as a few long strings, and the thread that draws never waits for them. All are answered from
an index alone.
"""

from __future__ import annotations

#: Rationales by question, every revision; needs rationales_question.
RATIONALES = """
SELECT group_concat(question_id, ''), group_concat(rowid), json_group_array(teacher),
       group_concat(sample), group_concat(revision), group_concat(chars)
FROM rationales WHERE question_id >= ? AND question_id < ?"""

#: Places of revisions that were taken back; few.
WITHDRAWN = """
SELECT group_concat(r.rowid) FROM withdrawn w JOIN rationales r ON r.id = w.rationale_id"""

#: Ids of rationales and of attempts, with their places in the tables.
RATIONALE_IDS = (
    "SELECT group_concat(id, ''), group_concat(rowid) FROM rationales WHERE id >= ? AND id < ?"
)
ATTEMPT_IDS = (
    "SELECT group_concat(id, ''), group_concat(rowid) FROM attempts WHERE id >= ? AND id < ?"
)
QUESTION_IDS = (
    "SELECT group_concat(id, ''), group_concat(rowid) FROM questions WHERE id >= ? AND id < ?"
)

#: All reviews, of explanations too; a missing score is 0. Needs reviews_subject.
REVIEWS = """
SELECT group_concat(subject_id, ''), group_concat(rowid), json_group_array(reviewer),
       group_concat(COALESCE(score, 0))
FROM reviews WHERE subject_id >= ? AND subject_id < ?"""

#: All grades, of attempts and of rationales; needs grades_subject.
GRADES = """
SELECT group_concat(subject_id, ''), group_concat(rowid), json_group_array(verdict),
       group_concat(grader LIKE 'person:%')
FROM grades WHERE subject_id >= ? AND subject_id < ?"""

OVERRIDES = """
SELECT group_concat(rationale_id, ''), group_concat(accepted)
FROM overrides WHERE rationale_id >= ? AND rationale_id < ?"""
DECISIONS = """
SELECT group_concat(rationale_id, ''), group_concat(accepted)
FROM decisions WHERE rationale_id >= ? AND rationale_id < ?"""

#: Attempts by question; needs attempts_question.
ATTEMPTS = """
SELECT group_concat(question_id, ''), group_concat(rowid), json_group_array(student),
       group_concat(round), group_concat(sample)
FROM attempts WHERE question_id >= ? AND question_id < ?"""

#: Questions with a rationale, once each; needs rationales_question.
SOLVED = """
SELECT group_concat(question_id, '')
FROM (SELECT DISTINCT question_id FROM rationales WHERE question_id >= ? AND question_id < ?)"""

#: What questions of one dataset have beside their text; needs questions_columns.
QUESTIONS = """
SELECT group_concat(rowid), json_group_array(split), json_group_array(kind)
FROM questions WHERE dataset = ?"""
DATASETS = "SELECT DISTINCT dataset FROM questions ORDER BY dataset"

#: Names of the doubts of doubtful grades, with the grade's place; needs grades_doubtful.
DOUBTS = """
SELECT g.rowid, json_extract(d.value, '$.name') FROM grades g, json_each(g.doubts) d
WHERE g.doubts <> '[]'"""

NEWEST_ROUND = "SELECT max(round) FROM attempts WHERE student = ?"

#: Explanations by question: of one student's attempts in one round, or of all. Needs
#: attempts_question, explanations_attempt.
EXPLAINED = """
SELECT group_concat(question_id, ''), group_concat(n) FROM (
    SELECT a.question_id, count(*) AS n FROM attempts a JOIN explanations e ON e.attempt_id = a.id
    WHERE a.question_id >= ?1 AND a.question_id < ?2
      AND (?3 IS NULL OR (a.student = ?3 AND a.round = ?4)) GROUP BY a.question_id)"""

#: What each reviewer gave to each author's explanations: mean, valid scores, missing ones. Needs
#: reviews_subject.
REVIEWED_EXPLANATIONS = """
SELECT e.teacher, v.reviewer, avg(v.score), count(v.score), sum(v.score IS NULL)
FROM explanations e CROSS JOIN current_reviews v ON v.subject_id = e.id GROUP BY 1, 2 ORDER BY 1, 2"""
