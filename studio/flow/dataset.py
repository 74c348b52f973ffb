"""Decisions become a dataset: a frozen set of training examples with its manifest.

Only train questions are ever used, and of those none that stands in the test split under another
id. Validation is split off by question, so no question is on both sides.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.domain import clock
from studio.domain.errors import StudioError
from studio.domain.records import Dataset, Override, StudentRecord, digest
from studio.domain.specs import DatasetSpec
from studio.flow.curated import Curated
from studio.flow.sides import lot_of
from studio.flow.stage import Bench
from studio.methods.base import Example, Wording
from studio.methods.catalog import method as method_called
from studio.store import views

if TYPE_CHECKING:
    from studio.store.tables import Store


class Row(NamedTuple):
    """One example as it is frozen."""

    n: int
    role: str
    question_id: str
    source_id: str
    split: str  #: train or validation
    messages: str  #: JSON
    why: str


class Draft(NamedTuple):
    """A dataset that is not stored yet."""

    dataset: Dataset
    rows: tuple[Row, ...]


def build_dataset(
    bench: Bench,
    *,
    student: StudentRecord,
    round: int | None = None,
    method: str = "mapd",
    options: DatasetSpec | None = None,
) -> Dataset:
    """Freeze what ``student`` may learn from; the same content gives the same dataset.

    Args:
        round: whose mistakes; None for the student's own round.

    Raises:
        StudioError: nothing is accepted yet; says what to do.
    """
    draft = draft_dataset(bench, student=student, round=round, method=method, options=options)
    store, made = bench.store, draft.dataset
    with store.transaction():
        if store.add([made]):
            store.add_examples(made.id, draft.rows)
    bench.changed({"datasets", "examples"})
    return store.get(Dataset, made.id) or made


def draft_dataset(
    bench: Bench,
    *,
    student: StudentRecord,
    round: int | None = None,
    method: str = "mapd",
    options: DatasetSpec | None = None,
) -> Draft:
    """Return what ``build_dataset`` would freeze; stores nothing."""
    options = options or DatasetSpec()
    round = student.round if round is None else round
    curated = Curated(bench.store, student.name, round, options)
    wording = Wording.of(bench.templates, student.prompts)
    cases = curated.cases(options)
    examples = list(method_called(method, wording, options).examples(cases))
    if not any(example.role != "replay" for example in examples):
        raise StudioError(_why_nothing(bench.store, curated))
    examples.sort(key=lambda e: (e.question_id, e.role, e.source_id))
    rows = _divided(examples, options)
    facts = {
        "student": student.name,
        "round": curated.round,
        "prompts": wording.hashes,
        **curated.facts(cases, {row.source_id for row in rows}),
    }
    return Draft(_dataset(bench.store, method, options, rows=rows, facts=facts), rows)


def examples_of(store: Store, dataset_id: str, split: str) -> Iterator[dict[str, Any]]:
    """Yield a frozen dataset's rows of one side in the form of a job's data files."""
    for row in store.rows(views.EXAMPLES, dataset_id, split):
        yield {
            "key": f"{dataset_id}-{row['n']}", "role": row["role"],
            "messages": json.loads(row["messages"]), "question_id": row["question_id"],
        }  # fmt: skip


def _divided(examples: Sequence[Example], options: DatasetSpec) -> tuple[Row, ...]:
    """Number the examples and put each question, with all its examples, on one side."""
    kept_out = _validation({example.question_id for example in examples}, options)
    return tuple(
        Row(
            n, example.role, example.question_id, example.source_id,
            "validation" if example.question_id in kept_out else "train",
            json.dumps(example.messages, ensure_ascii=False), example.why,
        )
        for n, example in enumerate(examples)
    )  # fmt: skip


def _validation(question_ids: Collection[str], options: DatasetSpec) -> set[str]:
    """Return the questions kept out; a question falls on the same side in every dataset.

    A share above 0 keeps out at least one question of several, and never all of them.
    """
    lot = {qid: lot_of(qid, seed=options.seed) for qid in question_ids}
    if options.val_share == 0 or len(lot) < 2:
        return set()
    first, *_, last = sorted(lot, key=lot.__getitem__)
    return ({qid for qid in lot if lot[qid] < options.val_share} | {first}) - {last}


def _dataset(
    store: Store, method: str, options: DatasetSpec, *, rows: Sequence[Row], facts: dict[str, Any]
) -> Dataset:
    version, policy = store.policy()
    manifest = {
        "examples": _counts(rows),
        "characters": sum(len(row.messages) for row in rows),  # tokens are the job's to count
        "policy": {"version": version, "id": policy.id, "rule": policy.describe(),
                   **policy.model_dump(mode="json")},
        "overrides": store.count(Override),
        "spec": options.model_dump(mode="json"),
        **facts,
    }  # fmt: skip
    return Dataset(
        content_hash=digest(method, [row[:6] for row in rows]),
        method=method,
        policy_id=policy.id,
        created_at=clock.now(),
        manifest=manifest,
    )


def _counts(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    return {
        side: dict(Counter(row.role for row in rows if row.split == side))
        for side in ("train", "validation")
    }


def _why_nothing(store: Store, curated: Curated) -> str:
    if curated.accepted and curated.contaminated >= set(curated.accepted):
        return "every question with an accepted rationale stands in the test split too"
    if curated.accepted:
        return "no accepted rationale belongs to a mistake of this student: set questions=accepted"
    if store.value("SELECT count(*) FROM current_rationales") == 0:
        return "there is no rationale to learn from: run 'mapd-studio run PROJECT' first"
    if curated.narrowed:
        return "no rationale is of that choice and those teachers: widen data.choice, data.teachers"
    if store.value("SELECT count(*) FROM final_decisions") == 0:
        return "no rationale is decided on: run 'mapd-studio decide PROJECT' first"
    return "no rationale of a train question is accepted: lower the threshold, or accept by hand"
