"""Named reads and writes of batches: calls handed to an endpoint together."""

from __future__ import annotations

#: A batch about to be handed over; parameters: id, teacher, number of calls, USD set aside, time.
BEGIN = """
INSERT INTO batches (id, teacher, state, n, reserved, sent_at) VALUES (?, ?, 'sending', ?, ?, ?)"""

#: Parameters: the endpoint's id, ours.
HANDED_OVER = "UPDATE batches SET state = 'waiting', remote_id = ? WHERE id = ?"

#: Parameters: how many requests have been answered, our id.
HOW_FAR = "UPDATE batches SET done = ? WHERE id = ?"

#: Parameters: collected or lost, a remark, time, our id.
END = "UPDATE batches SET state = ?, detail = ?, ended_at = ? WHERE id = ?"

#: Those of a teacher that are with the endpoint, the oldest first.
UNDER_WAY = """
SELECT * FROM batches WHERE teacher = ? AND state IN ('sending', 'waiting') ORDER BY sent_at, id"""

#: All, the newest first.
ALL = "SELECT * FROM batches ORDER BY sent_at DESC, id"

#: Calls of a batch that nothing is known of yet. Needs calls_batch.
OPEN_CALLS = "SELECT id FROM calls WHERE batch_id = ? AND state = 'sent'"

#: What became of one call.
FATE = "SELECT state, outcome, status, reply FROM calls WHERE id = ?"
