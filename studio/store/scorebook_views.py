"""Named reads of the scorebook. Each is one pass over a table: a search for each row costs more."""

from __future__ import annotations

#: Every current rationale: id, question, teacher, characters. Needs rationales_question.
RATIONALES = """
SELECT r.id, r.question_id, r.teacher, length(r.text) FROM rationales r
WHERE r.id NOT IN (SELECT rationale_id FROM withdrawn) AND r.rowid NOT IN (
    SELECT old.rowid FROM rationales new JOIN rationales old ON old.question_id = new.question_id
    AND old.teacher = new.teacher AND old.sample = new.sample AND old.revision < new.revision
    WHERE new.revision > 0 AND new.id NOT IN (SELECT rationale_id FROM withdrawn))
ORDER BY r.rowid"""

#: All reviews of rationales, oldest first.
REVIEWS = """
SELECT subject_id, reviewer, score FROM reviews WHERE subject_kind = 'rationale' ORDER BY rowid"""

#: All grades of rationales, oldest first.
VERDICTS = """
SELECT subject_id, verdict, grader FROM grades WHERE subject_kind = 'rationale' ORDER BY rowid"""

OVERRIDES = "SELECT rationale_id, accepted FROM overrides"
DECISIONS = "SELECT rationale_id, accepted FROM decisions"
