"""Named reads of the ledger: what calls took, by stage, teacher, round and question."""

from __future__ import annotations

_COUNTED = """count(*) AS calls, sum(state = 'failed') AS failed,
       sum(state = 'unknown') AS unknown, sum(tokens_in) AS tokens_in,
       sum(tokens_out) AS tokens_out, sum(cost_usd) AS cost_usd,
       sum(state <> 'failed' AND cost_usd IS NULL) AS unpriced"""
#: What a call cost; one to a scripted teacher, behind which there is no model, costs nothing.
_COST = """COALESCE(cost_usd, CASE WHEN teacher IN (SELECT name FROM teachers WHERE scripted)
       THEN 0.0 END) AS cost_usd"""
_ABOUT = (
    "SELECT *, rowid AS place, substr(subject, instr(subject, '/') + 1, 16) AS about FROM calls"
)

#: Calls by stage, teacher and the round whose mistake made them necessary: of the attempt that is
#: explained, of the student that sits the exam, else the first round with a mistake at the question. NULL where none is known. Sums of
#: costs leave out calls without a known price, which are counted beside them. Needs grades_subject.
LEDGER = f"""
WITH made AS MATERIALIZED (SELECT question_id, min(round) AS round FROM mistakes GROUP BY 1),
placed AS (
    SELECT c.*, CASE c.stage
        WHEN 'attempt' THEN (SELECT s.round FROM students s WHERE s.name = c.teacher)
        WHEN 'explain' THEN (SELECT a.round FROM attempts a WHERE a.id = c.about)
        WHEN 'solve' THEN (SELECT m.round FROM made m WHERE m.question_id = c.about)
        WHEN 'review explanations' THEN (SELECT a.round FROM explanations e JOIN attempts a
             ON a.id = e.attempt_id WHERE e.id = c.about)
        ELSE (SELECT m.round FROM rationales r JOIN made m
             ON m.question_id = r.question_id WHERE r.id = c.about) END AS round
    FROM ({_ABOUT}) c)
SELECT stage, teacher, round, {_COUNTED}
FROM placed GROUP BY stage, teacher, round ORDER BY round, min(place), teacher"""

#: Calls by the question they were for, the dearest first; those of no question that is still there
#: come under an empty id. Calls of scripted teachers need no price. Parameter: how many. Needs
#: rationales_question.
LEDGER_BY_QUESTION = f"""
WITH placed AS (
    SELECT c.*, CASE c.stage
        WHEN 'attempt' THEN c.about
        WHEN 'solve' THEN c.about
        WHEN 'explain' THEN (SELECT a.question_id FROM attempts a WHERE a.id = c.about)
        WHEN 'review explanations' THEN (SELECT a.question_id FROM explanations e
             JOIN attempts a ON a.id = e.attempt_id WHERE e.id = c.about)
        ELSE (SELECT r.question_id FROM rationales r WHERE r.id = c.about) END AS question_id
    FROM (SELECT stage, teacher, state, tokens_in, tokens_out, {_COST}, about FROM ({_ABOUT})) c),
sums AS (SELECT question_id, {_COUNTED} FROM placed GROUP BY question_id)
SELECT COALESCE(q.id, '') AS question, COALESCE(q.key, '') AS key, COALESCE(q.text, '') AS text,
       sums.* FROM sums LEFT JOIN questions q ON q.id = sums.question_id
ORDER BY cost_usd DESC, tokens_in + tokens_out DESC, calls DESC, question LIMIT ?"""

#: All calls that were for one question, also those that came to nothing, in the order they were
#: made. Parameter: its id. Needs calls_subject, attempts_question, explanations_attempt,
#: rationales_question.
CALLS_OF_QUESTION = f"""
WITH RECURSIVE sample(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM sample WHERE n < 100),
about(prefix) AS (
    SELECT 'attempt/' || ?1 UNION ALL SELECT 'solve/' || ?1
    UNION ALL SELECT 'solve-' || n || '/' || ?1 FROM sample
    UNION ALL SELECT 'explain/' || a.id FROM attempts a WHERE a.question_id = ?1
    UNION ALL SELECT 'review/' || e.id FROM attempts a JOIN explanations e ON e.attempt_id = a.id
    WHERE a.question_id = ?1
    UNION ALL SELECT 'review/' || r.id FROM rationales r WHERE r.question_id = ?1
    UNION ALL SELECT 'revise/' || r.id FROM rationales r WHERE r.question_id = ?1)
SELECT c.id, c.stage, c.teacher, c.state, c.outcome, c.sent_at, c.tokens_in, c.tokens_out,
       {_COST}
FROM about CROSS JOIN calls c ON c.subject >= about.prefix || '/' AND c.subject < about.prefix || '0'
ORDER BY c.rowid"""

#: Where the ledger ends now.
LEDGER_END = "SELECT COALESCE(max(rowid), 0) FROM calls"

#: What was asked since a place of the ledger and came to nothing, as its last call ended, by teacher.
#: Parameter: that place. Needs calls_subject.
LEFT_UNDONE = """
WITH last AS MATERIALIZED (SELECT max(rowid) AS place FROM calls WHERE rowid > ? GROUP BY subject)
SELECT teacher, stage, outcome, count(*) AS n, max(detail) AS detail
FROM calls WHERE rowid IN (SELECT place FROM last) AND state = 'failed'
GROUP BY teacher, stage, outcome ORDER BY n DESC, teacher, stage"""
