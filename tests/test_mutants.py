"""The mutants of ``tests/benchmarks/mutants.py`` still fit the code they are to break."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from tests.benchmarks.mutants import MUTANTS, ROOT, Mutant, apply


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_can_be_made_and_is_still_python(tmp_path: Path, mutant: Mutant) -> None:
    for file in {change.file for change in mutant.changes}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    for change in mutant.changes:
        apply(change, tmp_path)
    for change in mutant.changes:
        changed = (tmp_path / change.file).read_text(encoding="utf-8")
        ast.parse(changed)
        assert changed != (ROOT / change.file).read_text(encoding="utf-8")
    assert all((ROOT / test.partition("::")[0]).is_file() for test in mutant.tests)
