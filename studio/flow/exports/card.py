"""The dataset card: what the rows are, how they were chosen, and what is known to be wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from studio.domain.policy import Policy
from studio.domain.records import TeacherRecord
from studio.domain.visible import in_markdown
from studio.flow.exports.cases import VALIDATION_PERCENT, Case
from studio.flow.exports.pairs import Rejected
from studio.flow.exports.target import MARK
from studio.flow.formats.committee import PARTS as RECORDS


@dataclass
class Tally:
    """Counts for the card, made while the rows are written."""

    rows: Counter[str] = field(default_factory=Counter)  #: by part
    questions: dict[str, set[str]] = field(default_factory=dict)  #: by part
    teachers: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    accepted_but_wrong: int = 0
    ungraded: int = 0
    overridden: int = 0
    truncated: int = 0
    worse_ungraded: int = 0  #: preferences over an answer that nobody graded
    versions: set[int] = field(default_factory=set)

    def count(self, part: str, case: Case, rejected: Rejected | None = None) -> None:
        """Count one row."""
        self.worse_ungraded += rejected is not None and not rejected.graded
        self.rows[part] += 1
        self.questions.setdefault(part, set()).add(case.question.id)
        self.teachers[case.rationale.teacher] += 1
        self.decisions[case.decision] += 1
        self.accepted_but_wrong += bool(case.accepted and case.verdict == "wrong")
        self.ungraded += case.verdict is None
        self.overridden += case.human is not None
        self.truncated += case.rationale.truncated
        if case.policy_version is not None:
            self.versions.add(case.policy_version)


def card(
    tally: Tally,
    *,
    format: str,
    files: Sequence[tuple[str, str]],
    policy: tuple[int, Policy],
    teachers: Sequence[TeacherRecord],
    content: str,
    limits: Sequence[str] = (),
) -> str:
    """Return the card as Markdown with the front matter that ``load_dataset`` reads.

    Args:
        files: (part, path within the folder) of each data file.
        content: a hash of the rows.
        limits: known limits beyond those that are counted here.
    """
    version, rule = policy
    lines = [
        *_front(files, content),
        MARK,
        "",
        f"# Rationales curated by peer review ({format})",
        "",
        "Worked solutions by teacher models, scored by the other teachers and chosen by a policy.",
        "",
        "## Policy",
        "",
        f"{in_markdown(rule.name)}, version {version}: {in_markdown(rule.describe())}."
        " A person's decision outranks it.",
        "",
        *_counts(tally),
        *_teachers(tally, teachers),
        "## Known limits",
        "",
        *(f"- {limit}" for limit in [*_limits(tally, version), *limits]),
        "",
        "Where each row comes from is told in `provenance/`, one line a row, in the same order.",
        "",
    ]
    return "\n".join(lines)


def _front(files: Sequence[tuple[str, str]], content: str) -> list[str]:
    """Return the front matter.

    ``load_dataset`` caches by the folder's name and this text alone: without the hash in it, a
    second export to the same place would load as the first.
    """
    parts = [f"  - split: {part}\n    path: {path}" for part, path in files]
    return [
        "---", "tags:", "- mapd-studio", "- distillation", "configs:", "- config_name: default",
        f"  description: rows {content}", "  data_files:", *parts, "---",
    ]  # fmt: skip


def records_head(names: Sequence[str]) -> list[str]:
    """Return the YAML that lets ``load_dataset`` read a committee's files, each part by itself."""
    lines = ["---", "tags:", "- mapd-studio", "configs:"]
    for part in RECORDS:  # they have columns of their own
        of_part = [n for n in names if n.rpartition("_round")[0].endswith(f"_{part}")]
        if of_part:
            lines += [f"- config_name: {part}_records", "  data_files:", "  - split: train"]
            lines += ["    path:", *(f"    - {json.dumps(name)}" for name in of_part)]
    return [*lines, "---"]


def _counts(tally: Tally) -> list[str]:
    rows = [
        f"| {part} | {tally.rows[part]} | {len(tally.questions[part])} |"
        for part in tally.questions
    ]
    return ["| part | rows | questions |", "|---|---|---|", *rows, ""]


def _teachers(tally: Tally, teachers: Sequence[TeacherRecord]) -> list[str]:
    known = {teacher.name: teacher for teacher in teachers}
    rows = [
        f"| {in_markdown(name)} | {in_markdown(known[name].model or 'not told') if name in known else ''} |"
        f" {_origin(known.get(name))} | {tally.teachers[name]} |"
        for name in sorted(tally.teachers)
    ]
    return ["| teacher | model | origin | rows |", "|---|---|---|---|", *rows, ""]


def _origin(teacher: TeacherRecord | None) -> str:
    if teacher is None:
        return "removed"
    if teacher.scripted:
        return "scripted: answers from a script, not from a model"
    return "endpoint" if teacher.base_url else "imported"


def _limits(tally: Tally, version: int) -> list[str]:
    total = sum(tally.rows.values())
    said = [
        f"{tally.accepted_but_wrong} of {tally.decisions['accepted']} accepted rationales end on"
        " an answer that was graded wrong.",
        "Peer scores are opinions of models; a high one does not prove a rationale right.",
        f"About {VALIDATION_PERCENT} % of the questions are set apart for validation, by a lot"
        " drawn from the question itself.",
    ]
    if tally.ungraded:
        said.append(f"The own answer of {tally.ungraded} of {total} was not graded.")
    if tally.overridden:
        said.append(f"{tally.overridden} were decided by a person.")
    if tally.worse_ungraded:
        said.append(f"{tally.worse_ungraded} worse answers were rejected by peers, not graded.")
    if tally.truncated:
        said.append(f"{tally.truncated} were cut off at the token limit.")
    if tally.decisions["rejected"] or tally.decisions["undecided"]:
        said.append(
            f"All rationales are here, by choice: {tally.decisions['rejected']} rejected and"
            f" {tally.decisions['undecided']} undecided ones, told by the column `decision`."
        )
    if tally.versions - {version}:
        older = ", ".join(map(str, sorted(tally.versions - {version})))
        said.append(f"Some decisions were made by an older policy (version {older}).")
    return said
