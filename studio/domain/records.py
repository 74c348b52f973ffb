"""The nouns of the studio, one frozen record each.

A record is a fact. Its ``id`` is a hash of the fields that identify it, so making the same thing
twice gives the same id and a stage that runs again adds nothing. The words are those of README.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Split = Literal["train", "test"]
SubjectKind = Literal["attempt", "rationale"]
ReviewedKind = Literal["rationale", "explanation"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]


class AnswerKind(StrEnum):
    """What form the answer of a question has."""

    NUMBER = "number"
    CHOICE = "choice"
    YES_NO = "yes_no"
    TEXT = "text"


class Verdict(StrEnum):
    """What grading says about one answer."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNREADABLE = "unreadable"


def digest(*parts: object) -> str:
    """Return 16 hex digits that identify ``parts`` (any JSON value), the same on every machine."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Record(BaseModel):
    """Base of all records: frozen, no unknown fields, identified by the fields in ``identity``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    table: ClassVar[str]
    identity: ClassVar[tuple[str, ...]]

    @cached_property
    def id(self) -> str:
        """Hash of the identifying fields, 16 hex digits."""
        values = [_plain(getattr(self, name)) for name in self.identity]
        return digest(self.table, *values)

    def changed(self, **fields: object) -> Self:
        """Return a validated copy with some fields replaced."""
        return type(self).model_validate({**self.model_dump(), **fields})


def _plain(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


class Question(Record):
    """A task item. Two questions with the same text, context and options are the same question."""

    table: ClassVar[str] = "questions"
    identity: ClassVar[tuple[str, ...]] = ("text", "context", "options")

    text: Annotated[str, StringConstraints(min_length=1)]
    gold: str
    answer_kind: AnswerKind = AnswerKind.NUMBER
    context: str = ""
    options: tuple[str, ...] = ()
    split: Split = "train"
    dataset: str = "questions"
    kind: str = ""  #: a topic or template name, for accuracy per kind
    key: str = ""  #: the source's own id
    gold_rationale: str = ""  #: the source's own worked solution or facts, never shown to a student


class Attempt(Record):
    """One answer of a student to a question."""

    table: ClassVar[str] = "attempts"
    identity: ClassVar[tuple[str, ...]] = ("question_id", "student", "round", "sample")

    question_id: str
    student: Name
    text: str
    round: int = 0
    sample: int = 0
    truncated: bool = False  #: generation stopped at the token limit
    tokens_out: int = 0
    stated: str = ""  #: the answer the source extracted, where an import carried one
    source_verdict: str = ""  #: the source's own verdict, kept to compare with ours
    key: str = ""  #: the source's own record id
    prompt_hash: str = ""  #: of the prompt it answers; empty when imported


class Doubt(BaseModel):
    """A reason why a verdict itself may be mistaken."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    evidence: str


class Grade(Record):
    """The verdict on one answer (of an attempt, or a rationale's own answer), with its doubts.

    Re-grading with other rules adds a row; the newest row is the current grade, and a person's
    grade outranks every rule's.
    """

    table: ClassVar[str] = "grades"
    identity: ClassVar[tuple[str, ...]] = ("subject_id", "grader")

    subject_id: str
    subject_kind: SubjectKind = "attempt"
    verdict: Verdict
    extracted: str = ""
    span: tuple[int, int] | None = None  #: where in the text the extracted answer stands
    doubts: tuple[Doubt, ...] = ()
    grader: str  #: ``rules:<version>`` or ``person:<time>``


class Explanation(Record):
    """A teacher's text on what went wrong in one mistake (the paper's "feedback")."""

    table: ClassVar[str] = "explanations"
    identity: ClassVar[tuple[str, ...]] = ("attempt_id", "teacher", "sample")

    attempt_id: str
    teacher: Name
    text: str
    sample: int = 0
    call_id: str = ""  #: the ledger row that bought it; empty when imported
    prompt_hash: str = ""
    truncated: bool = False


class Rationale(Record):
    """A teacher's own worked solution of a question. An edit is a new record, ``revision`` + 1."""

    table: ClassVar[str] = "rationales"
    identity: ClassVar[tuple[str, ...]] = ("question_id", "teacher", "sample", "revision")

    question_id: str
    teacher: Name
    text: str
    sample: int = 0
    revision: int = 0
    form: Literal["prose", "program"] = "prose"
    call_id: str = ""
    prompt_hash: str = ""
    truncated: bool = False
    key: str = ""
    edited_by: str = ""  #: the person who wrote this revision; empty for a teacher's own words


class Review(Record):
    """One teacher's score of another teacher's rationale or explanation, or why it is missing."""

    table: ClassVar[str] = "reviews"
    identity: ClassVar[tuple[str, ...]] = ("subject_id", "reviewer", "tries")

    subject_id: str
    subject_kind: ReviewedKind = "rationale"
    reviewer: Name
    score: Annotated[int, Field(ge=1, le=5)] | None = None
    missing: str = ""  #: the reason, when there is no score
    comment: str = ""
    source_score: str = ""  #: the score as the import carried it, valid or not
    blind: bool = False  #: the reviewer did not see gold
    tries: int = 0
    call_id: str = ""
    prompt_hash: str = ""


class TeacherRecord(Record):
    """A large model behind an OpenAI-compatible endpoint. Never holds a key, only its place."""

    table: ClassVar[str] = "teachers"
    identity: ClassVar[tuple[str, ...]] = ("name",)

    name: Name
    model: str
    base_url: str
    api_key_env: str = ""  #: name of the environment variable that holds the key
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    price_in: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None  #: USD per million
    price_out: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    max_tokens: Annotated[int, Field(ge=1)] = 512
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = (
        120.0  #: total deadline of one call
    )
    structured: bool = True  #: try a JSON schema for reviews first
    scripted: bool = False  #: answers come from a script, not from a model; said on screen
    active: bool = True  #: False: imported or removed, kept because records name it
    adaptive: bool = False  #: find out how many at once it bears, up to ``concurrency``
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    samples: Annotated[int, Field(ge=1, le=64)] = 1  #: rationales of one question
    batch: bool = False  #: by the endpoint's batch interface: cheaper, within a day
    batch_price: Annotated[float, Field(ge=0, le=1)] = 0.5  #: part of the price a batch is sold for

    @property
    def price_factor(self) -> float:
        """What part of its prices a call to it costs."""
        return self.batch_price if self.batch else 1.0


class StudentRecord(Record):
    """A small model being taught: a local folder or hub id (with an adapter), or an endpoint."""

    table: ClassVar[str] = "students"
    identity: ClassVar[tuple[str, ...]] = ("name",)

    name: Name
    location: str = ""  #: folder, hub id, or ``URL#MODEL``; empty when only imported
    adapter: str = ""  #: PEFT folder on top, relative to the project where it lies inside
    prompts: str = "mapd"  #: folder of ``resources/prompts`` whose templates it is asked with
    round: int = 0
    run_id: str = ""  #: the run that made the adapter


class Override(Record):
    """A person's decision on one rationale. It outranks the policy."""

    table: ClassVar[str] = "overrides"
    identity: ClassVar[tuple[str, ...]] = ("rationale_id",)

    rationale_id: str
    accepted: bool
    reason: str = ""
    who: str = ""
    at: float = 0.0  #: seconds since the epoch


class Dataset(Record):
    """A frozen set of training examples with its manifest."""

    table: ClassVar[str] = "datasets"
    identity: ClassVar[tuple[str, ...]] = ("content_hash",)

    content_hash: str
    method: str
    policy_id: str
    created_at: float
    manifest: dict[str, object]  #: counts, spec, policy, teachers, seeds


class Run(Record):
    """One training job: spec in, events and adapter out. Its folder is ``runs/<id>``."""

    table: ClassVar[str] = "runs"
    identity: ClassVar[tuple[str, ...]] = ("dataset_id", "student", "spec", "created_at")

    dataset_id: str
    method: str
    student: str
    spec: dict[str, object]
    created_at: float
    launcher: str = "local"
    round: int = 0
