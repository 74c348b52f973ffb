"""Named reads and writes of the versions of prompts, and of which one made what."""

from __future__ import annotations

IN_FORCE = """
SELECT p.text FROM prompts_in_force f JOIN prompts p ON p.name = f.name AND p.version = f.version
WHERE f.name = ?"""
VERSIONS = "SELECT version, hash, text, who, at, why FROM prompts WHERE name = ? ORDER BY version"
CHOSEN = "SELECT version FROM prompts_in_force WHERE name = ?"
ADD = """
INSERT OR IGNORE INTO prompts (name, version, hash, text, who, at, why)
SELECT ?1, COALESCE(max(version), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM prompts WHERE name = ?1"""
PUT_IN_FORCE = "INSERT OR REPLACE INTO prompts_in_force VALUES (?, ?)"
AS_SHIPPED = "DELETE FROM prompts_in_force WHERE name = ?"
STYLES = "SELECT DISTINCT prompts FROM students ORDER BY 1"

#: How many records of one kind each prompt made; scans of whole tables, so asked for rarely.
MADE = {
    "attempts": "SELECT prompt_hash, count(*) FROM attempts WHERE prompt_hash <> '' GROUP BY 1",
    "explanations": "SELECT prompt_hash, count(*) FROM explanations WHERE prompt_hash <> '' GROUP BY 1",
    "rationales": "SELECT prompt_hash, count(*) FROM rationales WHERE prompt_hash <> '' GROUP BY 1",
    "reviews": "SELECT prompt_hash, count(*) FROM reviews WHERE prompt_hash <> '' GROUP BY 1",
}

_SUBJECT = {  # and the column of its question
    "exam": ("SELECT q.id, q.id FROM questions q WHERE ?1 = ?1", "q.id"),
    "explain": ("SELECT m.id, m.question_id FROM mistakes m WHERE ?1 = ?1", "m.question_id"),
    "review": ("""SELECT r.id, r.question_id FROM current_rationales r WHERE r.teacher <> ?1""",
               "r.question_id"),
    "review_explanation": ("""SELECT e.id, a.question_id FROM explanations e
        JOIN attempts a ON a.id = e.attempt_id WHERE e.teacher <> ?1""", "a.question_id"),
    "revise": ("""SELECT r.id, r.question_id FROM current_rationales r
        JOIN decisions d ON d.rationale_id = r.id
        WHERE NOT d.accepted AND r.teacher = ?1""", "r.question_id"),
    "learn_explanation": ("""SELECT e.id, a.question_id FROM explanations e
        JOIN attempts a ON a.id = e.attempt_id WHERE ?1 = ?1""", "a.question_id"),
}  # fmt: skip
#: What a message can be about, and the question that is at: the first there is (parameter: teacher)
#: and one at a question (parameters: teacher, question). Needs attempts_question,
#: rationales_question.
FIRST_SUBJECT = {name: f"{query} LIMIT 1" for name, (query, _) in _SUBJECT.items()}
SUBJECT_AT = {
    name: f"{query} AND {column} = ?2 LIMIT 1" for name, (query, column) in _SUBJECT.items()
}

#: The question that a person means: by id, by the key of its source, or by some of its words.
QUESTION = """
SELECT id FROM questions WHERE id = ?1 OR key = ?1 OR instr(lower(text), lower(?1))
ORDER BY id <> ?1, key <> ?1 LIMIT 1"""
EXTRACTED = "SELECT extracted FROM current_grades WHERE subject_id = ?"

#: What a call of a stage took so far.
TAKEN = """
SELECT count(*) AS calls, avg(tokens_in) AS tokens_in, avg(tokens_out) AS tokens_out
FROM calls WHERE stage = ? AND state = 'answered' AND tokens_in IS NOT NULL"""
