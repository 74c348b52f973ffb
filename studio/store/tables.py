"""Write and read records, the call ledger, policies, decisions, overrides and runs.

``Store`` is what the flow gets: facts in, facts out. Everything it adds is committed when the
method returns (or when the surrounding ``transaction`` ends).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from studio.domain import clock
from studio.domain.policy import PRESETS, Policy, Ruling
from studio.domain.records import Override, Rationale, Record, TeacherRecord
from studio.store.database import Connection
from studio.store.plain_errors import damaged

if TYPE_CHECKING:
    from sqlite3 import Row

R = TypeVar("R", bound=Record)
_JSON = {"options", "doubts", "span", "manifest", "spec"}
_CHUNK = 500


class Call(NamedTuple):
    """One row of the ledger: one attempt at one call."""

    id: str
    subject: str
    teacher: str
    stage: str
    request_hash: str
    prompt_hash: str
    state: str
    outcome: str
    reply: bytes | None
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None


class Store(Connection):
    """The records of one project."""

    # -- records ---------------------------------------------------------------------------

    def add(self, records: Iterable[Record]) -> int:
        """Add records that are not there yet; returns how many were new."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            groups.setdefault(record.table, []).append(row_of(record))
        with self.transaction():
            before = self.sql.total_changes
            for table, rows in groups.items():
                names = list(rows[0])
                marks = ", ".join(f":{name}" for name in names)
                self.sql.executemany(
                    f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})", rows
                )
        return self.sql.total_changes - before

    def put(self, record: Record) -> None:
        """Add a record or replace the one with the same id (teachers and students only change)."""
        with self.transaction():
            self.db.table(record.table).upsert(row_of(record), pk="id")

    def remove(self, record: type[Record], record_id: str) -> None:
        """Take a record out (teachers and students; facts are never removed)."""
        self.execute(f"DELETE FROM {record.table} WHERE id = ?", record_id)

    def get(self, kind: type[R], record_id: str) -> R | None:
        """Return the record with this id, or None."""
        row = self.one(f"SELECT * FROM {kind.table} WHERE id = ?", record_id)
        return None if row is None else record_of(kind, row)

    def all(self, kind: type[R], where: str = "1", *values: Any, view: str = "") -> Iterator[R]:
        """Return records in insertion order, page by page, so that memory stays bounded.

        Args:
            where: a condition written in this package or a constant of the caller, never user text.
            view: read from this view instead of the record's table (must have its columns).
        """
        source = view or kind.table
        query = f"SELECT id FROM {source} WHERE {where} ORDER BY rowid"
        return self.get_many(kind, [row[0] for row in self.rows(query, *values)])

    def get_many(self, kind: type[R], ids: Iterable[str]) -> Iterator[R]:
        """Yield the records with these ids in the order of the ids, page by page.

        One that was taken back since its id was read (an override, say) is passed over.
        """
        waiting = list(ids)
        for start in range(0, len(waiting), _CHUNK):
            part = waiting[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            found = self.rows(f"SELECT * FROM {kind.table} WHERE id IN ({marks})", *part)
            by_id = {row["id"]: row for row in found}
            for record_id in part:
                if record_id in by_id:
                    yield record_of(kind, by_id[record_id])

    def count(self, kind: type[Record], where: str = "1", *values: Any) -> int:
        """Return how many records there are."""
        return int(self.value(f"SELECT count(*) FROM {kind.table} WHERE {where}", *values))

    # -- teachers --------------------------------------------------------------------------

    def teachers(self, *, active: bool = True) -> list[TeacherRecord]:
        """Return the teachers, by name; only those that can be asked unless ``active`` is off."""
        where = "active = 1" if active else "1"
        return sorted(self.all(TeacherRecord, where), key=lambda teacher: teacher.name)

    # -- the call ledger -------------------------------------------------------------------

    def intend_call(self, call_id: str, *, subject: str, teacher: str, stage: str,
                    request_hash: str, prompt_hash: str, batch_id: str = "",
                    reserved_usd: float | None = None) -> None:  # fmt: skip
        """Commit the intent of one request before it is sent, and what it may cost."""
        self.execute(
            "INSERT INTO calls (id, subject, teacher, stage, request_hash, prompt_hash, state,"
            " sent_at, batch_id, reserved_usd) VALUES (?, ?, ?, ?, ?, ?, 'sent', ?, ?, ?)",
            call_id, subject, teacher, stage, request_hash, prompt_hash, clock.now(), batch_id,
            reserved_usd,
        )  # fmt: skip

    def settle_call(self, call_id: str, *, state: str, outcome: str, **fields: Any) -> None:
        """Commit what became of a request.

        Args:
            state: answered, failed or unknown.
            fields: any of detail, reply (raw bytes), reply_id, served_model, status, tokens_in,
                tokens_out, cost_usd.
        """
        values = {"state": state, "outcome": outcome, "done_at": clock.now(), **fields}
        names = ", ".join(f"{name} = ?" for name in values)
        self.execute(f"UPDATE calls SET {names} WHERE id = ?", *values.values(), call_id)

    def answered_call(self, subject: str) -> Call | None:
        """Return the newest call about ``subject`` whose reply is here: used before buying again.

        ``received`` is a reply on disk that nobody got round to reading.
        """
        row = self.one(
            "SELECT * FROM calls WHERE subject = ? AND state IN ('answered', 'received')"
            " ORDER BY rowid DESC LIMIT 1", subject,
        )  # fmt: skip
        return None if row is None else Call(*(row[name] for name in Call._fields))

    def spent_usd(self) -> float | None:
        """Return the known cost of all calls so far, or None while no price is known."""
        cost: float | None = self.value("SELECT sum(cost_usd) FROM calls")
        return cost

    def orphan_calls(self) -> int:
        """Mark requests that were sent by a process that died as unknown; returns how many."""
        if self.value("SELECT 1 FROM calls WHERE state = 'sent' LIMIT 1") is None:
            return 0  # and nothing was written
        return self.execute(
            "UPDATE calls SET state = 'unknown', outcome = 'unknown', done_at = ?,"
            " detail = 'the studio ended before the reply; it may have been billed'"
            " WHERE state = 'sent' AND batch_id NOT IN ("
            "SELECT id FROM batches WHERE state IN ('sending', 'waiting'))", clock.now(),
        )  # fmt: skip

    # -- policy, decisions, overrides ------------------------------------------------------

    def policy(self) -> tuple[int, Policy]:
        """Return the newest policy and its version; version 0 is the untouched default."""
        row = self.one("SELECT version, rule FROM policies ORDER BY version DESC LIMIT 1")
        if row is None:
            return 0, PRESETS["studio"]
        return int(row["version"]), Policy.model_validate_json(row["rule"])

    def add_policy(self, policy: Policy) -> int:
        """Store ``policy`` as the next version unless it is the newest already; returns it."""
        version, newest = self.policy()
        if version and newest == policy:
            return version
        self.execute(
            "INSERT INTO policies (version, id, name, rule, at) VALUES (?, ?, ?, ?, ?)",
            version + 1, policy.id, policy.name, policy.model_dump_json(), clock.now(),
        )  # fmt: skip
        return version + 1

    def set_decisions(self, rulings: Iterable[tuple[str, Ruling]], version: int) -> None:
        """Replace what the policy says about these rationales; overrides stay untouched."""
        with self.transaction():
            self.sql.executemany(
                "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)",
                ((rid, r.accepted, r.reason, r.score, version) for rid, r in rulings),
            )

    def set_overrides(self, wanted: Mapping[str, Override | None]) -> None:
        """Put, replace or (None) clear what a person decided, by rationale id."""
        with self.transaction():
            self.sql.executemany(
                "DELETE FROM overrides WHERE rationale_id = ?", [(rid,) for rid in wanted]
            )
            self.add(override for override in wanted.values() if override is not None)

    # -- the action log --------------------------------------------------------------------

    def log(self, what: str, *, who: str, before: Any, after: Any, why: str = "") -> int:
        """Log one change; what was undone before it can no longer be redone."""
        with self.transaction():
            self.execute("UPDATE actions SET undone = 2 WHERE undone = 1")
            self.execute(
                "INSERT INTO actions (at, who, what, before, after, why) VALUES (?, ?, ?, ?, ?, ?)",
                clock.now(), who, what, json.dumps(before), json.dumps(after), why,
            )  # fmt: skip
            return int(self.value("SELECT last_insert_rowid()"))

    def next_undo(self) -> Row | None:
        """Return the newest logged action that can be undone."""
        return self.one("SELECT * FROM actions WHERE undone = 0 ORDER BY id DESC LIMIT 1")

    def next_redo(self) -> Row | None:
        """Return the oldest undone action that can be redone."""
        return self.one("SELECT * FROM actions WHERE undone = 1 ORDER BY id LIMIT 1")

    def mark_undone(self, action_id: int, undone: bool) -> None:
        """Note that an action was undone (or redone)."""
        self.execute("UPDATE actions SET undone = ? WHERE id = ?", int(undone), action_id)

    # -- datasets and runs -----------------------------------------------------------------

    def add_examples(self, dataset_id: str, examples: Iterable[Sequence[Any]]) -> None:
        """Freeze a dataset's rows: n, role, question_id, source_id, split, messages as JSON, why."""
        with self.transaction():
            self.sql.executemany(
                "INSERT OR IGNORE INTO examples VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ((dataset_id, *example) for example in examples),
            )

    def set_run_state(self, run_id: str, **fields: Any) -> None:
        """Note where a run stands: state, handle, step, steps, loss, message, result (a dict)."""
        if "result" in fields:
            fields["result"] = json.dumps(fields["result"])
        with self.transaction():
            self.execute(
                "INSERT OR IGNORE INTO run_states (run_id, state, handle) VALUES (?, 'made', '')",
                run_id,
            )
            if fields:
                names = ", ".join(f"{name} = ?" for name in fields)
                self.execute(
                    f"UPDATE run_states SET {names} WHERE run_id = ?", *fields.values(), run_id
                )

    def run_state(self, run_id: str) -> Row | None:
        """Return the run's row in ``run_states``."""
        return self.one("SELECT * FROM run_states WHERE run_id = ?", run_id)

    # -- what imports carried ----------------------------------------------------------------

    def carried(self, subject_id: str) -> dict[str, Any]:
        """Return what an import said about a record beyond what the record itself can say."""
        text = self.value("SELECT fields FROM carried WHERE subject_id = ?", subject_id)
        return {} if text is None else dict(json.loads(text))

    def carry(self, subject_id: str, fields: Mapping[str, Any]) -> None:
        """Keep it (any JSON values), beside what was kept before."""
        text = json.dumps({**self.carried(subject_id), **fields})
        self.execute("INSERT OR REPLACE INTO carried VALUES (?, ?)", subject_id, text)

    # -- settings of the project -----------------------------------------------------------

    def setting(self, name: str, default: Any = None) -> Any:
        """Return a project setting (any JSON value)."""
        text = self.value("SELECT value FROM settings WHERE name = ?", name)
        return default if text is None else json.loads(text)

    def set_setting(self, name: str, value: Any) -> None:
        """Store a project setting. Never a secret: keys live in the keyring or the environment."""
        self.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))


def row_of(record: Record) -> dict[str, Any]:
    """Return a record as a row: JSON text for structured fields."""
    row: dict[str, Any] = {"id": record.id}
    for name, value in record.model_dump(mode="json").items():
        structured = name in _JSON and value is not None
        row[name] = json.dumps(value, ensure_ascii=False) if structured else value
    if isinstance(record, Rationale):
        row["chars"] = len(record.text)
    return row


def record_of(kind: type[R], row: Row) -> R:
    """Return a row as the record it came from; raises ProjectError for one that is none."""
    values: dict[str, Any] = {}
    try:
        for name in kind.model_fields:
            value = row[name]
            values[name] = json.loads(value) if name in _JSON and value is not None else value
        return kind.model_validate(values)
    except (ValueError, TypeError, LookupError):  # no JSON, no text, no such column or word
        raise damaged(f"a row of {kind.table} makes no sense") from None
