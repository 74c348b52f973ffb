"""Datasets out: accepted rationales in the shapes other trainers read, and records in their own.

One folder an export: the dataset card, ``data/`` and ``provenance/``. Each is written beside its
place and moved there whole. Weights are exported elsewhere (a job makes them); ``new_folder`` of
``exports/target.py`` serves for both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from studio.domain.errors import ExportError
from studio.domain.records import StudentRecord
from studio.domain.visible import in_markdown
from studio.flow.exports.attempts import FIELDS, attempt_rows
from studio.flow.exports.card import Tally, card, records_head
from studio.flow.exports.cases import PARTS, Case, Filter, Part, Selection, pages, select
from studio.flow.exports.committee import write_committee
from studio.flow.exports.pairs import Rejected, paired
from studio.flow.exports.parquet import write_parquet
from studio.flow.exports.provenance import Sidecar, provenance
from studio.flow.exports.shapes import SHAPES, Row, ask, dpo
from studio.flow.exports.target import MARK, new_file, new_folder, write_lines
from studio.flow.stage import Progress
from studio.prompts import Prompts, Template
from studio.store.tables import Store

DATASET_FORMATS = (*SHAPES, "dpo")  #: folders that ``load_dataset`` reads
FORMATS = (*DATASET_FORMATS, "committee", "attempts")
Told = Callable[[Progress], None]


class ExportReport(NamedTuple):
    """What was written."""

    format: str
    out: Path
    rows: int
    train: int = 0
    validation: int = 0
    questions: int = 0
    left_out: int = 0  #: rationales of questions that are kept for tests
    files: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return what was written, in one line."""
        said = f"{self.rows:,} rows as {self.format} in {self.out}"
        if self.train:
            said += f" ({self.train:,} train, {self.validation:,} validation)"
        if self.left_out:
            said += f", {self.left_out:,} left out because their questions are kept for tests"
        return said

    def as_json(self) -> dict[str, object]:
        """Return the shape of ``export --json``."""
        return {**self._asdict(), "out": str(self.out), "files": list(self.files)}


def export(
    store: Store,
    out: Path,
    *,
    format: str,
    include_all: bool = False,
    student: str | None = None,
    round: int | None = None,
    prompts: Prompts | None = None,
    progress: Told | None = None,
    most: int | None = None,
) -> ExportReport:
    """Write ``out``; an earlier export of ours there is replaced, nothing else is touched.

    Args:
        format: one of ``FORMATS``.
        include_all: rejected and undecided rationales too, with a column ``decision``.
        student: only questions (or attempts) of this student; ``round`` likewise.
        progress: told page by page; what it raises cancels, and nothing is written.
        most: rationales of a dataset to take from each part, for a preview.

    Raises:
        ExportError: nothing to export, or the place cannot be used.
        StorageError: the disk is full; what was there is kept.
    """
    wanted = Filter(student, round)
    if format not in FORMATS:
        raise ExportError(f"no format {format!r}: choose one of {', '.join(FORMATS)}, model")
    if format == "attempts":
        return _export_attempts(store, out, wanted)
    if format == "committee":
        return _export_committee(store, out, wanted)
    if include_all and format == "dpo":
        raise ExportError("dpo prefers accepted rationales to worse ones: leave --all out")
    exam = (prompts or Prompts()).get(_style(store, student), "exam")
    job = _DatasetExport(store, format, exam, wanted, include_all, progress, most)
    with new_folder(out) as folder:
        return job.write(folder)._replace(out=out)


def _export_attempts(store: Store, out: Path, wanted: Filter) -> ExportReport:
    """Write JSONL: to ``out`` if it has an ending or is a file, else into that folder."""
    file = out if out.suffix or out.is_file() else out / "attempts.jsonl"
    rows = attempt_rows(store, wanted)
    first = next(rows, None)
    if first is None:
        raise ExportError("there are no attempts to export: import some, or run 'attempt'")
    with new_file(file, fields=FIELDS) as part:
        n = write_lines(part, chain([first], rows))
    return ExportReport("attempts", file, n, files=(file.name,))


def _export_committee(store: Store, out: Path, wanted: Filter) -> ExportReport:
    with new_folder(out) as folder:
        files = write_committee(store, folder, wanted)
        version, policy = store.policy()
        names = tuple(name for name, _ in files)
        lines = [
            *records_head(names),
            MARK, "", "# Records of a committee of teachers", "",
            "In the form of the MAPD paper's repository (arXiv 2410.03663). `correct_rationale`"
            f" holds what was accepted: policy version {version}, {in_markdown(policy.describe())}; a person's"
            " decision outranks it.", "",
            *(f"- {in_markdown(name)}: {n} records" for name, n in files), "",
        ]  # fmt: skip
        _write_text(folder / "README.md", "\n".join(lines))
    return ExportReport("committee", out, sum(n for _, n in files), files=names)


class _DatasetExport(NamedTuple):
    store: Store
    format: str
    exam: Template
    wanted: Filter
    include_all: bool
    progress: Told | None
    most: int | None

    def write(self, folder: Path) -> ExportReport:
        chosen = select(self.store, self.wanted, include_all=self.include_all).first(self.most)
        tally = Tally()
        ending = "parquet" if self.format == "parquet" else "jsonl"
        (folder / "data").mkdir()
        (folder / "provenance").mkdir()
        files = []
        for part in PARTS:
            path = f"data/{part}.{ending}"
            if self._write_part(folder, path, part, chosen, tally):
                files.append((part, path))
        if not files:
            raise ExportError(_why_nothing(chosen, self.format))
        text = card(
            tally, format=self.format, files=files, policy=self.store.policy(),
            teachers=self.store.teachers(active=False), limits=_limits(chosen),
            content=_content([folder / path for _, path in files]),
        )  # fmt: skip
        _write_text(folder / "README.md", text)
        return ExportReport(
            self.format, folder, tally.rows.total(), tally.rows["train"], tally.rows["validation"],
            len(set().union(*tally.questions.values())), chosen.held_out,
            tuple(path for _, path in files),
        )  # fmt: skip

    def _write_part(
        self, folder: Path, path: str, part: Part, chosen: Selection, tally: Tally
    ) -> int:
        """Write one part and its provenance side by side; an empty part leaves no file."""
        data, origins = folder / path, folder / "provenance" / f"{part}.jsonl"
        write = write_parquet if self.format == "parquet" else write_lines
        with Sidecar(origins) as sidecar:
            n = write(data, self._rows(part, chosen, tally, sidecar))
        if not n:
            data.unlink(missing_ok=True)
            origins.unlink()
        return n

    def _rows(self, part: Part, chosen: Selection, tally: Tally, sidecar: Sidecar) -> Iterator[Row]:
        for case, rejected in self._cases(part, chosen):
            asked = ask(case, self.exam)
            row = SHAPES[self.format](asked) if rejected is None else dpo(asked, rejected.text)
            if self.include_all:
                row["decision"] = case.decision
            origin = provenance(
                case, part=part, row=tally.rows[part], exam_hash=self.exam.hash, rejected=rejected
            )
            sidecar.add(origin)
            tally.count(part, case, rejected)
            yield row

    def _cases(self, part: Part, chosen: Selection) -> Iterator[tuple[Case, Rejected | None]]:
        total = sum(len(ids) for ids in chosen.ids.values())
        done = 0 if part == "train" else len(chosen.ids["train"])
        for cases in pages(self.store, chosen.ids[part]):
            if self.format == "dpo":
                yield from paired(self.store, cases, self.wanted)
            else:
                yield from ((case, None) for case in cases)
            done += len(cases)
            if self.progress is not None:
                self.progress(Progress("export", done, total))


def _style(store: Store, student: str | None) -> str:
    """Return which prompts the rows repeat: the student's own, or those all students share."""
    students = list(store.all(StudentRecord))
    own = [s.prompts for s in students if s.name == student]
    shared = {s.prompts for s in students if s.location}
    return own[0] if own else shared.pop() if len(shared) == 1 else "mapd"


def _content(files: Iterable[Path]) -> str:
    """Return a hash of the bytes of the data files."""
    found = hashlib.blake2b(digest_size=8)
    for path in files:
        with path.open("rb") as file:
            while data := file.read(1 << 20):
                found.update(data)
    return found.hexdigest()


def _limits(chosen: Selection) -> list[str]:
    if not chosen.held_out:
        return []
    return [
        f"{chosen.held_out} rationales of questions that are kept for tests are left out:"
        " training on them would spoil the measurement."
    ]


def _why_nothing(chosen: Selection, format: str) -> str:
    if any(chosen.ids.values()):
        return f"no accepted rationale has a worse answer beside it: nothing for {format}"
    if chosen.held_out:
        return "all rationales belong to questions that are kept for tests: nothing to export"
    return "no rationale is accepted: run 'mapd-studio decide' first, or export with --all"


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
