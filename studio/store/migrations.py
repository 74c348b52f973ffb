"""The schema, as steps that only go forward. A project's ``user_version`` is the last step done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from sqlite3 import Connection

RECORD_TABLES: dict[str, str] = {
    "questions": """
        id TEXT PRIMARY KEY, text TEXT NOT NULL, gold TEXT NOT NULL, answer_kind TEXT NOT NULL,
        context TEXT NOT NULL, options TEXT NOT NULL, split TEXT NOT NULL, dataset TEXT NOT NULL,
        kind TEXT NOT NULL, key TEXT NOT NULL, gold_rationale TEXT NOT NULL""",
    "attempts": """
        id TEXT PRIMARY KEY, question_id TEXT NOT NULL REFERENCES questions(id),
        student TEXT NOT NULL, text TEXT NOT NULL, round INTEGER NOT NULL, sample INTEGER NOT NULL,
        truncated INTEGER NOT NULL, tokens_out INTEGER NOT NULL, stated TEXT NOT NULL,
        source_verdict TEXT NOT NULL, key TEXT NOT NULL""",
    "grades": """
        id TEXT PRIMARY KEY, subject_id TEXT NOT NULL, subject_kind TEXT NOT NULL,
        verdict TEXT NOT NULL, extracted TEXT NOT NULL, span TEXT, doubts TEXT NOT NULL,
        grader TEXT NOT NULL""",
    "explanations": """
        id TEXT PRIMARY KEY, attempt_id TEXT NOT NULL REFERENCES attempts(id),
        teacher TEXT NOT NULL, text TEXT NOT NULL, sample INTEGER NOT NULL,
        call_id TEXT NOT NULL, prompt_hash TEXT NOT NULL, truncated INTEGER NOT NULL""",
    "rationales": """
        id TEXT PRIMARY KEY, question_id TEXT NOT NULL REFERENCES questions(id),
        teacher TEXT NOT NULL, text TEXT NOT NULL, sample INTEGER NOT NULL,
        revision INTEGER NOT NULL, form TEXT NOT NULL, call_id TEXT NOT NULL,
        prompt_hash TEXT NOT NULL, truncated INTEGER NOT NULL, key TEXT NOT NULL""",
    "reviews": """
        id TEXT PRIMARY KEY, subject_id TEXT NOT NULL, subject_kind TEXT NOT NULL,
        reviewer TEXT NOT NULL, score INTEGER, missing TEXT NOT NULL, comment TEXT NOT NULL,
        source_score TEXT NOT NULL, blind INTEGER NOT NULL, tries INTEGER NOT NULL,
        call_id TEXT NOT NULL, prompt_hash TEXT NOT NULL""",
    "teachers": """
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, model TEXT NOT NULL,
        base_url TEXT NOT NULL, api_key_env TEXT NOT NULL, concurrency INTEGER NOT NULL,
        price_in REAL, price_out REAL, temperature REAL NOT NULL, max_tokens INTEGER NOT NULL,
        timeout_s REAL NOT NULL, structured INTEGER NOT NULL, scripted INTEGER NOT NULL,
        active INTEGER NOT NULL""",
    "students": """
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, location TEXT NOT NULL,
        adapter TEXT NOT NULL, prompts TEXT NOT NULL, round INTEGER NOT NULL,
        run_id TEXT NOT NULL""",
    "overrides": """
        id TEXT PRIMARY KEY, rationale_id TEXT NOT NULL UNIQUE REFERENCES rationales(id),
        accepted INTEGER NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL, at REAL NOT NULL""",
    "datasets": """
        id TEXT PRIMARY KEY, content_hash TEXT NOT NULL, method TEXT NOT NULL,
        policy_id TEXT NOT NULL, created_at REAL NOT NULL, manifest TEXT NOT NULL""",
    "runs": """
        id TEXT PRIMARY KEY, dataset_id TEXT NOT NULL, method TEXT NOT NULL,
        student TEXT NOT NULL, spec TEXT NOT NULL, created_at REAL NOT NULL,
        launcher TEXT NOT NULL, round INTEGER NOT NULL""",
}

OTHER_TABLES = """
CREATE TABLE calls (            -- the ledger: a row is committed before the request is sent
    id TEXT PRIMARY KEY,        -- one attempt at one call
    subject TEXT NOT NULL,      -- stage, what it is about, teacher, sample, try: found again by this
    teacher TEXT NOT NULL,
    stage TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    prompt_hash TEXT NOT NULL,
    state TEXT NOT NULL,        -- sent, answered, failed, unknown (sent, then nobody was left to read)
    outcome TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    reply BLOB,                 -- the raw bytes, committed before they are parsed
    reply_id TEXT,              -- the provider's own id; a repeat betrays a swapped reply
    served_model TEXT NOT NULL DEFAULT '',
    status INTEGER,
    tokens_in INTEGER,
    tokens_out INTEGER,
    cost_usd REAL,              -- NULL: price unknown, never 0
    sent_at REAL NOT NULL,
    done_at REAL
);
CREATE INDEX calls_subject ON calls(subject);
CREATE UNIQUE INDEX calls_reply_id ON calls(teacher, reply_id) WHERE reply_id IS NOT NULL;
CREATE TABLE policies (version INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL,
    rule TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE decisions (        -- what the newest policy says; a person's word is in overrides
    rationale_id TEXT PRIMARY KEY REFERENCES rationales(id),
    accepted INTEGER NOT NULL, reason TEXT NOT NULL, score REAL, policy_version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE actions (          -- what people and policies changed; undo walks it backwards
    id INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, why TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0);
CREATE TABLE examples (dataset_id TEXT NOT NULL, n INTEGER NOT NULL, role TEXT NOT NULL,
    question_id TEXT NOT NULL, source_id TEXT NOT NULL, split TEXT NOT NULL,
    messages TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (dataset_id, n)) WITHOUT ROWID;
CREATE TABLE run_states (run_id TEXT PRIMARY KEY, state TEXT NOT NULL, handle TEXT NOT NULL,
    step INTEGER NOT NULL DEFAULT 0, steps INTEGER NOT NULL DEFAULT 0, loss REAL,
    message TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT '{}');
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE carried (          -- what an import said beyond our records, to be exported unchanged
    subject_id TEXT PRIMARY KEY, fields TEXT NOT NULL) WITHOUT ROWID;
"""

INDEXES = """
CREATE INDEX attempts_question ON attempts(question_id);
CREATE INDEX attempts_student ON attempts(student, round);
CREATE INDEX grades_subject ON grades(subject_id);
CREATE INDEX explanations_attempt ON explanations(attempt_id);
CREATE INDEX rationales_question ON rationales(question_id);
CREATE INDEX reviews_subject ON reviews(subject_id);
"""

#: A view has no rowid of its own: it is passed on, so that records come in order of making.
VIEWS = """
CREATE VIEW current_grades AS    -- a person's newest grade, else the newest by rules
    SELECT g.rowid AS rowid, g.* FROM grades g WHERE g.rowid = (
        SELECT h.rowid FROM grades h WHERE h.subject_id = g.subject_id
        ORDER BY h.grader LIKE 'person:%' DESC, h.rowid DESC LIMIT 1);
CREATE VIEW current_reviews AS   -- per subject and reviewer: the newest valid one, else the newest
    SELECT r.rowid AS rowid, r.* FROM reviews r WHERE r.rowid = (
        SELECT s.rowid FROM reviews s WHERE s.subject_id = r.subject_id AND s.reviewer = r.reviewer
        ORDER BY s.score IS NULL, s.rowid DESC LIMIT 1);
CREATE VIEW current_rationales AS  -- the newest revision of each
    SELECT r.rowid AS rowid, r.* FROM rationales r WHERE NOT EXISTS (
        SELECT 1 FROM rationales n WHERE n.question_id = r.question_id AND n.teacher = r.teacher
        AND n.sample = r.sample AND n.revision > r.revision);
CREATE VIEW final_decisions AS   -- what counts: the override where there is one
    SELECT d.rationale_id, COALESCE(o.accepted, d.accepted) AS accepted, d.accepted AS automatic,
           o.accepted AS human, d.reason, d.score, d.policy_version, o.reason AS human_reason
    FROM decisions d LEFT JOIN overrides o ON o.rationale_id = d.rationale_id
    UNION ALL
    SELECT o.rationale_id, o.accepted, NULL, o.accepted, '', NULL, NULL, o.reason
    FROM overrides o WHERE NOT EXISTS
        (SELECT 1 FROM decisions d WHERE d.rationale_id = o.rationale_id);
CREATE VIEW mistakes AS          -- attempts graded wrong
    SELECT a.rowid AS rowid, a.*, g.extracted, g.doubts FROM attempts a
    JOIN current_grades g ON g.subject_id = a.id WHERE g.verdict = 'wrong';
"""


def m001_first_schema(connection: Connection) -> None:
    """Make every table of the first version."""
    for name, columns in RECORD_TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
    for script in (OTHER_TABLES, INDEXES, VIEWS):
        for statement in _statements(script):
            connection.execute(statement)


EDITS = """
ALTER TABLE rationales ADD COLUMN edited_by TEXT NOT NULL DEFAULT '';
CREATE TABLE withdrawn (         -- revisions taken back; what a person or teacher wrote stays a fact
    rationale_id TEXT PRIMARY KEY REFERENCES rationales(id)) WITHOUT ROWID;
CREATE TABLE notes (             -- a person's remark and tags on a question
    question_id TEXT PRIMARY KEY REFERENCES questions(id), text TEXT NOT NULL, tags TEXT NOT NULL,
    who TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
DROP VIEW current_rationales;
CREATE VIEW current_rationales AS  -- the newest revision of each that was not taken back
    SELECT r.rowid AS rowid, r.* FROM rationales r
    WHERE r.id NOT IN (SELECT rationale_id FROM withdrawn) AND NOT EXISTS (
        SELECT 1 FROM rationales n WHERE n.question_id = r.question_id AND n.teacher = r.teacher
        AND n.sample = r.sample AND n.revision > r.revision
        AND n.id NOT IN (SELECT rationale_id FROM withdrawn));
"""


def m002_edits_and_notes(connection: Connection) -> None:
    """Let people write revisions of rationales, take them back, and leave notes."""
    for statement in _statements(EDITS):
        connection.execute(statement)


#: The desk reads whole columns of every record: each index holds what one such read needs, so that
#: no text is touched (1,000,000 rationales: 50 MB of index instead of 700 MB of table). The length
#: of a text is a column, since an index on an expression does not spare SQLite the table.
DESK_INDEXES = """
ALTER TABLE rationales ADD COLUMN chars INTEGER NOT NULL DEFAULT 0;
UPDATE rationales SET chars = length(text);
DROP INDEX rationales_question;
CREATE INDEX rationales_question ON rationales(question_id, teacher, sample, revision, chars);
DROP INDEX attempts_question;
CREATE INDEX attempts_question ON attempts(question_id, student, round, sample);
DROP INDEX grades_subject;
CREATE INDEX grades_subject ON grades(subject_id, grader, verdict);
CREATE INDEX grades_doubtful ON grades(subject_id) WHERE doubts <> '[]';
DROP INDEX reviews_subject;
CREATE INDEX reviews_subject ON reviews(subject_id, reviewer, score);
CREATE INDEX questions_columns ON questions(dataset, split, kind, answer_kind);
"""


def m003_whole_columns(connection: Connection) -> None:
    """Let the columns of the desk be read from indexes alone."""
    for statement in _statements(DESK_INDEXES):
        connection.execute(statement)


TEACHER_LIMITS = """
ALTER TABLE teachers ADD COLUMN adaptive INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teachers ADD COLUMN requests_per_minute INTEGER;
ALTER TABLE teachers ADD COLUMN tokens_per_minute INTEGER;
ALTER TABLE teachers ADD COLUMN samples INTEGER NOT NULL DEFAULT 1;
ALTER TABLE teachers ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
"""


def m004_teacher_limits(connection: Connection) -> None:
    """Let each teacher have limits a minute, samples and a way of being asked."""
    for statement in _statements(TEACHER_LIMITS):
        connection.execute(statement)


PROMPTS = """
CREATE TABLE prompts (           -- every text a message was made from, as shipped or written here
    name TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL, text TEXT NOT NULL,
    who TEXT NOT NULL,           -- empty: as shipped with the studio, or from the project's folder
    at REAL NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (name, version), UNIQUE (name, hash)) WITHOUT ROWID;
CREATE TABLE prompts_in_force (  -- what a person chose; a prompt without a row is as shipped
    name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
ALTER TABLE attempts ADD COLUMN prompt_hash TEXT NOT NULL DEFAULT '';
"""


def m005_versions_of_prompts(connection: Connection) -> None:
    """Keep each prompt's versions, and with every attempt which one it answered."""
    for statement in _statements(PROMPTS):
        connection.execute(statement)


BATCHES = """
CREATE TABLE batches (           -- requests handed to an endpoint together, answered within a day
    id TEXT PRIMARY KEY,         -- ours, sent along: found again by it where the answer got lost
    teacher TEXT NOT NULL,
    state TEXT NOT NULL,         -- sending, waiting, collected, lost
    remote_id TEXT NOT NULL DEFAULT '', n INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    reserved REAL NOT NULL,      -- USD that its calls may cost, as far as one could tell
    sent_at REAL NOT NULL, ended_at REAL, detail TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
ALTER TABLE calls ADD COLUMN batch_id TEXT NOT NULL DEFAULT '';
CREATE INDEX calls_batch ON calls(batch_id, state) WHERE batch_id <> '';
ALTER TABLE teachers ADD COLUMN batch_price REAL NOT NULL DEFAULT 0.5;
"""


def m006_batches(connection: Connection) -> None:
    """Let calls go out in batches, and keep track of where those are."""
    for statement in _statements(BATCHES):
        connection.execute(statement)


CHECKS = """
CREATE TABLE checks (            -- what texts betray by themselves; made again whenever the rules change
    subject_id TEXT PRIMARY KEY, subject_kind TEXT NOT NULL, bits INTEGER NOT NULL,
    found TEXT NOT NULL, checker TEXT NOT NULL) WITHOUT ROWID;
"""


def m007_checks(connection: Connection) -> None:
    """Let every text be marked with what it betrays."""
    for statement in _statements(CHECKS):
        connection.execute(statement)


def m008_what_a_call_may_cost(connection: Connection) -> None:
    """Keep with every call what it may cost, as far as one could tell when it was sent."""
    connection.execute("ALTER TABLE calls ADD COLUMN reserved_usd REAL")


def _statements(script: str) -> list[str]:
    bare = "\n".join(line.split("--")[0] for line in script.splitlines())
    return [part.strip() for part in bare.split(";") if part.strip()]


STEPS: tuple[Callable[[Connection], None], ...] = (
    m001_first_schema,
    m002_edits_and_notes,
    m003_whole_columns,
    m004_teacher_limits,
    m005_versions_of_prompts,
    m006_batches,
    m007_checks,
    m008_what_a_call_may_cost,
)
