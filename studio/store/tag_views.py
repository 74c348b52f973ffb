"""Named reads of the tags that people put on questions."""

from __future__ import annotations

TAGS = "SELECT DISTINCT t.value FROM notes n, json_each(n.tags) t ORDER BY 1"

#: Places of the questions with a tag.
TAGGED = """
SELECT group_concat(q.rowid) FROM notes n JOIN questions q ON q.id = n.question_id
WHERE EXISTS (SELECT 1 FROM json_each(n.tags) t WHERE t.value = ?)"""
