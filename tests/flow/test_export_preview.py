"""A preview shows what the export writes, because it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.domain.errors import ExportError
from studio.flow.export import DATASET_FORMATS, export
from studio.flow.export_preview import ROWS, preview
from studio.store.tables import Store
from tests.flow.test_export import decided

__all__ = ["decided"]


@pytest.mark.parametrize("format", [f for f in DATASET_FORMATS if f not in ("dpo", "parquet")])
def test_the_rows_are_those_of_the_export(decided: Store, tmp_path: Path, format: str) -> None:
    found = preview(decided, format=format)
    export(decided, tmp_path / "out", format=format)
    (name, text) = found.files[0]
    written = (tmp_path / "out" / name).read_text(encoding="utf-8").splitlines()[:ROWS]
    assert text == "\n\n".join(
        json.dumps(json.loads(line), indent=2, ensure_ascii=False) for line in written
    )
    card = dict(found.files)["README.md"]
    assert card == (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert any(name.startswith("provenance/") for name, _ in found.files)


def test_parquet_and_the_committee_s_own_files_can_be_previewed(decided: Store) -> None:
    assert "rationale_id" in preview(decided, format="parquet").files[0][1]
    assert any("rationale" in name for name, _ in preview(decided, format="committee").files)


def test_a_large_project_is_previewed_from_its_beginning_and_that_is_told(decided: Store) -> None:
    whole = preview(decided, format="messages")
    part = preview(decided, format="messages", most=1)
    assert (whole.is_part, part.is_part) == (False, True)
    assert part.rows < whole.rows
    with pytest.raises(ExportError, match="too many"):
        preview(decided, format="attempts", most=1)


def test_what_holds_nothing_says_why(store: Store) -> None:
    with pytest.raises(ExportError, match="no rationale is accepted"):
        preview(store, format="messages")
    with pytest.raises(ExportError, match="weights"):
        preview(store, format="model")
