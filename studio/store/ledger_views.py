"""Named reads of the ledger: what calls took, by stage, teacher and round."""

from __future__ import annotations

#: Calls by stage, teacher and the round whose mistake made them necessary: of the attempt that is
#: explained, else the first round with a mistake at the question. NULL where none is known. Sums of
#: costs leave out calls without a known price, which are counted beside them. Needs grades_subject.
LEDGER = """
WITH made AS MATERIALIZED (SELECT question_id, min(round) AS round FROM mistakes GROUP BY 1),
placed AS (
    SELECT c.*, CASE c.stage
        WHEN 'explain' THEN (SELECT a.round FROM attempts a WHERE a.id = c.about)
        WHEN 'solve' THEN (SELECT m.round FROM made m WHERE m.question_id = c.about)
        WHEN 'review explanations' THEN (SELECT a.round FROM explanations e JOIN attempts a
             ON a.id = e.attempt_id WHERE e.id = c.about)
        ELSE (SELECT m.round FROM rationales r JOIN made m
             ON m.question_id = r.question_id WHERE r.id = c.about) END AS round
    FROM (SELECT *, rowid AS place, substr(subject, instr(subject, '/') + 1, 16) AS about
          FROM calls) c)
SELECT stage, teacher, round, count(*) AS calls, sum(state = 'failed') AS failed,
       sum(state = 'unknown') AS unknown, sum(tokens_in) AS tokens_in,
       sum(tokens_out) AS tokens_out, sum(cost_usd) AS cost_usd,
       sum(state <> 'failed' AND cost_usd IS NULL) AS unpriced
FROM placed GROUP BY stage, teacher, round ORDER BY round, min(place), teacher"""

#: Where the ledger ends now.
LEDGER_END = "SELECT COALESCE(max(rowid), 0) FROM calls"

#: What was asked since a place of the ledger and came to nothing, as its last call ended, by teacher.
#: Parameter: that place. Needs calls_subject.
LEFT_UNDONE = """
WITH last AS MATERIALIZED (SELECT max(rowid) AS place FROM calls WHERE rowid > ? GROUP BY subject)
SELECT teacher, stage, outcome, count(*) AS n, max(detail) AS detail
FROM calls WHERE rowid IN (SELECT place FROM last) AND state = 'failed'
GROUP BY teacher, stage, outcome ORDER BY n DESC, teacher, stage"""
