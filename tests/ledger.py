"""The oracle of the committee engine: what must hold of a project after every fault.

One function, called after each fault, kill and cut, so that no test may forget a part of it.
"""

from __future__ import annotations

from studio.store.tables import Store
from studio.teachers.base import MAYBE_BILLED, RawReply, read_reply

_SPOKEN = {
    "explanations": "SELECT e.*, e.teacher AS asked, 'explain/' || e.attempt_id || '/' || e.teacher"
    " AS subject FROM explanations e",
    "rationales": "SELECT r.*, r.teacher AS asked, 'solve/' || r.question_id || '/' || r.teacher"
    " AS subject FROM rationales r WHERE r.call_id <> '' AND r.revision = 0 AND r.sample = 0",
}


def check_ledger(store: Store, *, requests: int | None = None, ended: bool = True) -> None:
    """Check every promise the ledger makes.

    Args:
        requests: how many arrived at the endpoints, where nothing was killed on the way: each has
            a row of its own.
        ended: no process is at work on it, and the project was opened since: nothing is under way.
    """
    _file_is_whole(store)
    calls = {row["id"]: row for row in store.rows("SELECT * FROM calls")}
    if requests is not None:
        assert requests <= len(calls), "a request that may be billed has no row"
    states = {"answered", "failed", "unknown"} | (set() if ended else {"sent", "received"})
    for call in calls.values():
        assert call["state"] in states, (call["state"], call["subject"])
        _call_is_told_as_it_was(call)
    _no_reply_under_another_question(store, calls)
    twice = store.rows(
        "SELECT subject FROM calls WHERE state = 'answered'"
        " GROUP BY subject, request_hash HAVING count(*) > 1"
    )
    assert not twice, f"bought twice: {[row[0] for row in twice]}"


def check_length(store: Store, seconds: float) -> None:
    """Check that no attempt took longer than its deadline and one second."""
    longest = store.value("SELECT max(done_at - sent_at) FROM calls") or 0.0
    assert longest <= seconds + 1.0, f"an attempt took {longest:.1f} s"


def _file_is_whole(store: Store) -> None:
    assert store.value("PRAGMA integrity_check") == "ok"
    assert store.rows("PRAGMA foreign_key_check") == []


def _call_is_told_as_it_was(call) -> None:  # type: ignore[no-untyped-def]
    if call["state"] in ("sent", "received"):
        return
    assert call["outcome"], call["subject"]
    assert call["done_at"] is not None
    if call["state"] == "answered":
        read = read_reply(RawReply(call["reply"]))
        assert read.outcome == call["outcome"]
        assert (call["tokens_in"], call["tokens_out"]) == (read.tokens_in, read.tokens_out)
    else:
        assert call["detail"], f"a {call['outcome']} without a word why"
    if call["outcome"] in MAYBE_BILLED:
        assert call["state"] == "unknown", "sent and not known, yet told as if it were"
    if call["cost_usd"] is not None:
        assert None not in (call["tokens_in"], call["tokens_out"]), "a cost out of nothing"
    "".join((call["detail"], call["served_model"], call["reply_id"] or "")).encode()


def _no_reply_under_another_question(store: Store, calls) -> None:  # type: ignore[no-untyped-def]
    used: set[str] = set()
    for table, query in _SPOKEN.items():
        for record in store.rows(query):
            call = calls[record["call_id"]]
            assert call["id"] not in used, f"one reply became two {table}"
            used.add(call["id"])
            assert (call["state"], call["subject"]) == ("answered", record["subject"])
            assert call["teacher"] == record["asked"]
            assert read_reply(RawReply(call["reply"])).text == record["text"]
    for review in store.rows("SELECT * FROM reviews WHERE call_id <> ''"):
        call = calls[review["call_id"]]
        assert call["id"] not in used, "one reply became two reviews"
        used.add(call["id"])
        assert call["subject"].startswith(f"review/{review['subject_id']}/")
        assert call["teacher"] == review["reviewer"]
        assert (review["score"] is None) == bool(review["missing"])
