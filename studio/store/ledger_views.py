"""Named reads of the ledger: what calls took, by stage, teacher and round."""

from __future__ import annotations

#: Calls by stage, teacher and the round whose mistake made them necessary: of the attempt that is
#: explained, else the first round with a mistake at the question. NULL where none is known. Sums of
#: costs leave out calls without a known price, which are counted beside them. Needs grades_subject.
LEDGER = """
WITH made AS MATERIALIZED (SELECT question_id, min(round) AS round FROM mistakes GROUP BY 1),
placed AS (
    SELECT c.*, c.rowid AS place, CASE c.stage
        WHEN 'explain' THEN (SELECT a.round FROM attempts a WHERE a.id = substr(c.subject, 9, 16))
        WHEN 'solve' THEN (SELECT m.round FROM made m WHERE m.question_id = substr(c.subject, 7, 16))
        WHEN 'review' THEN (SELECT m.round FROM rationales r JOIN made m
             ON m.question_id = r.question_id WHERE r.id = substr(c.subject, 8, 16)) END AS round
    FROM calls c)
SELECT stage, teacher, round, count(*) AS calls, sum(state = 'failed') AS failed,
       sum(state = 'unknown') AS unknown, sum(tokens_in) AS tokens_in,
       sum(tokens_out) AS tokens_out, sum(cost_usd) AS cost_usd,
       sum(state <> 'failed' AND cost_usd IS NULL) AS unpriced
FROM placed GROUP BY stage, teacher, round ORDER BY round, min(place), teacher"""
