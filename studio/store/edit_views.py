"""Named reads and writes of what people change: overrides, edits, gold answers, notes, the log."""

from __future__ import annotations

#: Which rationales of a JSON list there are, and what people said of them.
KNOWN_RATIONALES = "SELECT id FROM rationales WHERE id IN (SELECT value FROM json_each(?))"
OVERRIDES_OF = "SELECT * FROM overrides WHERE rationale_id IN (SELECT value FROM json_each(?))"

#: Every rule that was in force, newest first.
POLICIES = "SELECT version, rule, at FROM policies ORDER BY version DESC"

#: Everyone who was asked for a review or can be.
REVIEWERS = "SELECT DISTINCT reviewer FROM reviews UNION SELECT name FROM teachers"

#: What a policy looks at, of the current rationales of one question; needs reviews_subject.
TO_BE_RULED = """
SELECT r.id, r.teacher, (SELECT g.verdict FROM current_grades g WHERE g.subject_id = r.id) AS verdict,
       (SELECT c.bits FROM checks c WHERE c.subject_id = r.id) AS bits,
       (SELECT json_group_object(v.reviewer, v.score) FROM current_reviews v
        WHERE v.subject_id = r.id) AS scores
FROM current_rationales r WHERE r.question_id = ?"""

#: The newest revision of a teacher's sample, withdrawn ones too; needs rationales_question.
NEWEST_REVISION = (
    "SELECT max(revision) FROM rationales WHERE question_id = ? AND teacher = ? AND sample = ?"
)
WITHDRAW = "INSERT OR IGNORE INTO withdrawn VALUES (?)"
UNWITHDRAW = "DELETE FROM withdrawn WHERE rationale_id = ?"
SET_GOLD = "UPDATE questions SET gold = ? WHERE id = ?"
NOTE = "SELECT * FROM notes WHERE question_id = ?"
ADD_NOTE = "INSERT INTO notes VALUES (?, ?, ?, ?, ?)"
REMOVE_NOTE = "DELETE FROM notes WHERE question_id = ?"

RATIONALES_AND_ATTEMPTS = """
SELECT id FROM rationales WHERE question_id = ?1 UNION ALL
SELECT id FROM attempts WHERE question_id = ?1"""

#: Changes that name one of the ids of a JSON list. A scan: the log is as long as people are busy.
ACTIONS_ABOUT = """
SELECT a.* FROM actions a WHERE a.what = 'policy' OR EXISTS (
    SELECT 1 FROM json_each(?) one WHERE instr(a.after, one.value)) ORDER BY a.id"""

#: All answers to the questions of a JSON list; need attempts_question, rationales_question.
ATTEMPTS_OF_QUESTIONS = (
    "SELECT id FROM attempts WHERE question_id IN (SELECT value FROM json_each(?)) ORDER BY rowid"
)
RATIONALES_OF_QUESTIONS = """
SELECT id FROM rationales
WHERE form = 'prose' AND question_id IN (SELECT value FROM json_each(?)) ORDER BY rowid"""
