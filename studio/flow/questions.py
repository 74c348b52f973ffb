"""Questions in: native files become records, each file whole or not at all.

The modules of ``flow/formats`` read; here items get their place in the project: duplicates are
recognised, an attempt finds its sample number, what disagrees with the project is told. All files
of one call are one transaction, so a refusal or a cancellation leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from studio.domain.errors import ImportRefused
from studio.domain.records import Split
from studio.flow.formats import format_of
from studio.flow.formats.bad_rows import RowList
from studio.flow.formats.base import NONE, Fault, Format, Item, Options
from studio.flow.intake import Conflict, Intake
from studio.flow.stage import Progress
from studio.store.tables import Store

_CHUNK = 500  #: rows between two looks at progress
_SHOWN = 100  #: faults told one by one; all are counted and listed in the file
_ORDER = ("false", "feedback", "rationale")
_MEND = "; mend the row, or take the file without its bad rows (--skip-bad)"


class FileReport(NamedTuple):
    """What became of one file."""

    path: Path
    format: str
    dataset: str  #: the name its questions are filed under
    rows: int
    bad_rows: int = 0
    bad_list: Path | None = None  #: where the bad rows are listed


class ImportReport(NamedTuple):
    """What an import brought. Texts that were there already are not counted again."""

    files: tuple[FileReport, ...]
    new: int  #: questions
    duplicates: int  #: rows whose question was there already
    attempts: int
    explanations: int
    rationales: int
    reviews: int
    bad_rows: int
    faults: tuple[Fault, ...]  #: the first bad rows
    conflicts: tuple[Conflict, ...]  #: the first rows that disagree with the project
    conflict_count: int

    @property
    def dataset(self) -> str:
        """The name of the dataset, several divided by commas."""
        return ", ".join(dict.fromkeys(file.dataset for file in self.files))

    def describe(self) -> str:
        """Return what came in, in one line."""
        texts = {
            "attempts": self.attempts, "explanations": self.explanations,
            "rationales": self.rationales, "reviews": self.reviews,
        }  # fmt: skip
        said = [f"{self.new:,} new question{'s' * (self.new != 1)} in dataset {self.dataset}"]
        said += [f"{n:,} {name}" for name, n in texts.items() if n]
        if self.duplicates:
            said.append(f"{self.duplicates:,} row{'s' * (self.duplicates != 1)} of known questions")
        if self.bad_rows:
            lists = ", ".join(str(file.bad_list) for file in self.files if file.bad_list)
            said.append(f"{self.bad_rows:,} bad row{'s' * (self.bad_rows != 1)} listed in {lists}")
        if self.conflict_count:
            said.append(f"{self.conflict_count:,} that disagree with the project (it kept its own)")
        return ", ".join(said)

    def as_json(self) -> dict[str, object]:
        """Return the shape of ``import --json``."""
        files = [
            {**file._asdict(), "path": str(file.path),
             "bad_list": None if file.bad_list is None else str(file.bad_list)}
            for file in self.files
        ]  # fmt: skip
        return {
            **self._asdict(),
            "dataset": self.dataset,
            "files": files,
            "faults": [fault._asdict() for fault in self.faults],
            "conflicts": [conflict._asdict() for conflict in self.conflicts],
        }


class Preview(NamedTuple):
    """The beginning of a file, as it would be read."""

    path: Path
    format: str
    columns: tuple[str, ...]  #: of a file whose columns can be mapped
    items: tuple[Item, ...]
    faults: tuple[Fault, ...]
    refusal: str = ""  #: why nothing can be read


def import_files(
    store: Store,
    files: Sequence[Path],
    *,
    format: str = "auto",
    split: Split | None = None,
    columns: Mapping[str, str] = NONE,
    skip_bad: bool = False,
    dataset: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ImportReport:
    """Import files, all of them or none.

    Args:
        columns: our name of a column to the file's, for JSONL, CSV and Parquet.
        skip_bad: take a file without its bad rows, which are listed in ``<file>.bad.jsonl``.
        progress: told every few hundred rows (``total`` is 0: the number of rows is not known);
            what it raises cancels the import, and nothing is kept.

    Raises:
        ImportRefused: a file cannot be taken; says line and reason.
    """
    options = Options(split=split, dataset=dataset, columns=columns)
    chosen = [(path, format_of(path, format)) for path in _in_order(files)]
    intake = Intake(store)
    lists: list[RowList] = []
    faults: list[Fault] = []
    reports: list[FileReport] = []
    try:
        with store.transaction():
            for path, how in chosen:
                bad = RowList(path, fallback=store.path)
                lists.append(bad)
                found = _take(intake, path, how, options, bad if skip_bad else None, progress)
                reports.append(found.report)
                faults += found.faults[: _SHOWN - len(faults)]
            for bad in lists:
                bad.keep()
    finally:
        for bad in lists:
            bad.discard()
    return _report(reports, intake, faults)


def preview(
    files: Sequence[Path],
    *,
    format: str = "auto",
    split: Split | None = None,
    columns: Mapping[str, str] = NONE,
    n: int = 20,
) -> list[Preview]:
    """Return the first ``n`` rows of each file as they would be read; a refusal is told in it."""
    return [_preview(path, format, Options(split=split, columns=columns), n) for path in files]


def _preview(path: Path, format: str, options: Options, n: int) -> Preview:
    name = format
    columns: tuple[str, ...] = ()
    try:
        how = format_of(path, format)
        name, columns = how.name, how.columns(path)
        rows = list(islice(how.read(path, options), n))
    except ImportRefused as error:
        return Preview(path, name, columns, (), (), str(error))
    items = tuple(row for row in rows if isinstance(row, Item))
    return Preview(path, name, columns, items, tuple(r for r in rows if isinstance(r, Fault)))


class _Taken(NamedTuple):
    report: FileReport
    faults: list[Fault]


def _take(
    intake: Intake,
    path: Path,
    how: Format,
    options: Options,
    bad: RowList | None,
    progress: Callable[[Progress], None] | None,
) -> _Taken:
    """Take one file; without a list for bad rows the first one refuses it."""
    name, rows, taken, faults = "", 0, 0, list[Fault]()
    for chunk in _chunks(how.read(path, options)):
        items = [row for row in chunk if isinstance(row, Item)]
        for fault in (row for row in chunk if isinstance(row, Fault)):
            if bad is None:
                raise ImportRefused(str(path), f"{fault.reason}{_MEND}", line=fault.line)
            bad.add(fault)
            faults += [fault] if len(faults) < _SHOWN else []
        intake.take(items)
        rows, taken = rows + len(chunk), taken + len(items)
        name = name or (items[0].question.dataset if items else "")
        if progress is not None:
            progress(Progress("import", rows, 0, rows - taken, note=path.name))
    if not taken:
        first = f", the first because: {faults[0].reason}" if faults else ""
        raise ImportRefused(str(path), f"no row in it can be taken{first}")
    listed = None if bad is None or not bad.count else bad.target
    return _Taken(FileReport(path, how.name, name, rows, rows - taken, listed), faults)


def _chunks(rows: Iterator[Item | Fault]) -> Iterator[list[Item | Fault]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _in_order(files: Sequence[Path]) -> list[Path]:
    """Return the files with those that belong together in order: mistakes before what is said."""

    def place(path: Path) -> int:
        return next((n for n, part in enumerate(_ORDER) if f"_{part}_" in path.name), 0)

    return sorted(dict.fromkeys(files), key=place)


def _report(files: Sequence[FileReport], intake: Intake, faults: Sequence[Fault]) -> ImportReport:
    counts = intake.counts
    return ImportReport(
        files=tuple(files),
        new=counts.questions,
        duplicates=counts.duplicates,
        attempts=counts.attempts,
        explanations=counts.explanations,
        rationales=counts.rationales,
        reviews=counts.reviews,
        bad_rows=sum(file.bad_rows for file in files),
        faults=tuple(faults),
        conflicts=tuple(intake.conflicts),
        conflict_count=intake.conflict_count,
    )
