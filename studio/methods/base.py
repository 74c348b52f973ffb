"""What a method is: it turns curated records into training examples, without torch.

A ``Case`` is everything the project holds about one question that a student may learn from; an
``Example`` is one conversation whose last message is learned. How an example weighs in the loss
is said by its role, and is the objective's business (``studio/jobs/objectives``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol, Self

from studio.domain.records import Attempt, Explanation, Question, Rationale
from studio.domain.specs import DatasetSpec
from studio.prompts import Prompts, Template

Role = Literal["explanation", "rationale", "replay"]


class Accepted(NamedTuple):
    """A rationale that counts, and why: the policy's reason or the person's."""

    rationale: Rationale
    why: str


@dataclass(frozen=True)
class Mistake:
    """A wrong attempt, the answer that was read from it, and what teachers said about it."""

    attempt: Attempt
    extracted: str
    explanations: tuple[Explanation, ...] = ()


@dataclass(frozen=True)
class Case:
    """One question with what may be learned from it."""

    question: Question
    mistakes: tuple[Mistake, ...] = ()
    rationales: tuple[Accepted, ...] = ()
    replay: tuple[Attempt, ...] = ()  #: the student's own correct attempts


class Example(NamedTuple):
    """One training example. The last message is the assistant's and is what is learned."""

    role: Role
    messages: list[dict[str, str]]
    question_id: str
    source_id: str  #: the record whose text is learned
    why: str  #: why it is in the dataset


@dataclass(frozen=True)
class Wording:
    """The templates a student is asked with; training repeats them to the letter."""

    exam: Template
    learn_explanation: Template

    @classmethod
    def of(cls, prompts: Prompts, style: str) -> Self:
        """Return the templates of one style; raises SpecError when one is missing."""
        return cls(prompts.get(style, "exam"), prompts.get(style, "learn_explanation"))

    @property
    def hashes(self) -> dict[str, str]:
        """Hash of each template by its purpose, for the manifest."""
        return {"exam": self.exam.hash, "learn_explanation": self.learn_explanation.hash}


class Method(Protocol):
    """One way to learn from a case. Made from a ``Wording`` and a ``DatasetSpec``."""

    name: ClassVar[str]
    source: ClassVar[str]  #: paper and equation
    stages: ClassVar[tuple[str, ...]]  #: the stages of the flow that make its records

    def __init__(self, wording: Wording, options: DatasetSpec) -> None: ...

    def examples(self, cases: Iterable[Case]) -> Iterator[Example]:
        """Yield the examples of every case, in the order of the cases."""
