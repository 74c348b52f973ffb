"""Named reads of the questions themselves: the list on the Data page, narrowed and page by page."""

from __future__ import annotations

from typing import NamedTuple

#: What a student's newest graded first attempt at a question says; needs attempts_question,
#: grades_subject. Parameter: the student.
_NEWEST = """
(SELECT {what} FROM attempts a LEFT JOIN current_grades g ON g.subject_id = a.id
 WHERE a.question_id = q.id AND a.student = ? AND a.sample = 0
 ORDER BY a.round DESC, a.rowid DESC LIMIT 1)"""

#: One page of the list, by a student and a JSON list of ids; needs attempts_question, grades_subject.
QUESTION_ROWS = f"""
SELECT q.id, q.key, substr(q.text, 1, 300) AS text, q.gold, q.kind, q.split,
       {_NEWEST.format(what="json_array(g.verdict, g.extracted, g.doubts)")} AS answer
FROM questions q WHERE q.id IN (SELECT value FROM json_each(?))"""


#: Whether any question says what kind it is, and whether any has a key of its source.
TOLD_OF_ITSELF = """
SELECT EXISTS (SELECT 1 FROM questions WHERE kind <> '') AS kind,
       EXISTS (SELECT 1 FROM questions WHERE key <> '') AS key"""


class Wanted(NamedTuple):
    """Which questions are looked for; an empty field is no condition.

    Attributes:
        verdict: of the student's newest attempt: ``correct``, ``wrong``, ``unreadable``,
            ``doubtful`` (any verdict with a doubt) or ``none`` (not asked or not graded yet).
        words: text that stands in the question, its gold answer or its key; case is no matter.
    """

    dataset: str | None = None
    split: str = ""
    student: str = ""
    verdict: str = ""
    words: str = ""


def question_ids(wanted: Wanted) -> tuple[str, list[str]]:
    """Return the query for the ids of such questions in order of import, and its parameters."""
    where, values = ["1"], []
    for column, value in (("dataset", wanted.dataset), ("split", wanted.split or None)):
        if value is not None:
            where.append(f"q.{column} = ?")
            values.append(value)
    if wanted.words:
        pattern = "".join("\\" + c if c in "%_\\" else c for c in wanted.words)
        where.append(
            "(q.text LIKE ? ESCAPE '\\' OR q.gold LIKE ? ESCAPE '\\' OR q.key LIKE ? ESCAPE '\\')"
        )
        values += [f"%{pattern}%"] * 3
    if wanted.verdict == "doubtful":
        where.append(_NEWEST.format(what="g.doubts") + " <> '[]'")
        values.append(wanted.student)
    elif wanted.verdict == "none":
        where.append(_NEWEST.format(what="g.verdict") + " IS NULL")
        values.append(wanted.student)
    elif wanted.verdict:
        where.append(_NEWEST.format(what="g.verdict") + " = ?")
        values += [wanted.student, wanted.verdict]
    return f"SELECT q.id FROM questions q WHERE {' AND '.join(where)} ORDER BY q.rowid", values
