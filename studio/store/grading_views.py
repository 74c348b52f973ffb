"""Named reads of grading: what is to be graded, by which rules it was, and gold that is in doubt."""

from __future__ import annotations

#: Attempts no grader of this version has seen; version, student and round (or NULL). What older
#: rules have graded comes along from everywhere, so that no two students are compared by different
#: rules. Needs grades_subject. A second grade by the same rules is called ``<version>.<n>``.
UNGRADED_ATTEMPTS = """
SELECT a.id FROM attempts a
WHERE (a.student = COALESCE(?2, a.student) AND a.round = COALESCE(?3, a.round)
       OR EXISTS (SELECT 1 FROM grades h WHERE h.subject_id = a.id AND h.grader GLOB 'rules:*'))
  AND NOT EXISTS (SELECT 1 FROM grades g WHERE g.subject_id = a.id
                  AND (g.grader = ?1 OR g.grader GLOB ?1 || '.*'))
ORDER BY a.rowid"""

#: Prose rationales no grader of this version has seen (a program's answer is what it returns).
UNGRADED_RATIONALES = """
SELECT r.id FROM rationales r
WHERE r.form = 'prose'
  AND NOT EXISTS (SELECT 1 FROM grades g WHERE g.subject_id = r.id
                  AND (g.grader = ?1 OR g.grader GLOB ?1 || '.*'))
ORDER BY r.rowid"""

#: How many answers older rules have graded and those of this version have not; needs grades_subject.
GRADED_BY_OLDER_RULES = """
SELECT count(DISTINCT h.subject_id) FROM grades h
WHERE h.grader GLOB 'rules:*' AND NOT (h.grader = ?1 OR h.grader GLOB ?1 || '.*')
  AND NOT EXISTS (SELECT 1 FROM grades g WHERE g.subject_id = h.subject_id
                  AND (g.grader = ?1 OR g.grader GLOB ?1 || '.*'))
  AND NOT EXISTS (SELECT 1 FROM rationales r WHERE r.id = h.subject_id AND r.form <> 'prose')"""

#: The newest verdicts by rules of the answers of a JSON list; needs grades_subject.
VERDICTS_BY_RULES = """
SELECT g.subject_id, g.verdict FROM grades g
WHERE g.subject_id IN (SELECT value FROM json_each(?)) AND g.rowid = (
    SELECT max(h.rowid) FROM grades h WHERE h.subject_id = g.subject_id AND h.grader GLOB 'rules:*')"""

#: The texts of one page of attempts or rationales, by a JSON list of ids.
ATTEMPT_TEXTS = """
SELECT id, question_id, text, truncated FROM attempts
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY rowid"""
RATIONALE_TEXTS = """
SELECT id, question_id, text, truncated FROM rationales
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY rowid"""

#: Questions on which all teachers (two or more) give one and the same answer, and not gold.
#: Needs rationales_question, grades_subject.
AGREED_AGAINST_GOLD = """
SELECT r.question_id, min(g.extracted) AS agreed, json_group_array(DISTINCT r.teacher) AS teachers,
       (SELECT q.gold FROM questions q WHERE q.id = r.question_id) AS gold
FROM current_rationales r LEFT JOIN current_grades g ON g.subject_id = r.id
WHERE r.form = 'prose' GROUP BY r.question_id
HAVING count(DISTINCT r.teacher) > 1 AND count(DISTINCT g.extracted) = 1
   AND sum(COALESCE(g.verdict, '') <> 'wrong') = 0"""

#: Grades by rules of the attempts on these questions (a JSON list), and of those that ever carried
#: the doubt named second: the newest of each. Needs attempts_question, grades_subject.
GRADES_TO_COMPARE = """
SELECT g.id, a.question_id,
       (SELECT count(*) FROM grades h WHERE h.subject_id = g.subject_id
        AND h.grader LIKE 'rules:%') AS graded
FROM grades g JOIN attempts a ON a.id = g.subject_id
WHERE a.id IN (SELECT id FROM attempts WHERE question_id IN (SELECT value FROM json_each(?1))
               UNION SELECT subject_id FROM grades WHERE instr(doubts, ?2))
  AND g.rowid = (SELECT max(h.rowid) FROM grades h
                 WHERE h.subject_id = g.subject_id AND h.grader LIKE 'rules:%')
ORDER BY a.rowid"""
