"""A view of the desk keeps its name and what it showed."""

from __future__ import annotations

import pytest

from studio.domain.errors import SpecError
from studio.flow.saved_views import delete_view, save_view, saved_views
from studio.store.tables import Store


def test_views_are_kept_replaced_and_forgotten(store: Store) -> None:
    assert saved_views(store) == {}
    save_view(store, "  to  do ", {"state": "undecided"})
    save_view(store, "a", {"teacher": "gpt"})
    save_view(store, "to do", {"state": "rejected", "sort": [["mean", True]]})
    assert list(saved_views(store)) == ["a", "to do"]
    assert saved_views(store)["to do"]["sort"] == [["mean", True]]
    delete_view(store, "to do")
    delete_view(store, "never there")
    assert list(saved_views(store)) == ["a"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_a_view_needs_a_name(store: Store, name: str) -> None:
    with pytest.raises(SpecError, match="give it another one"):
        save_view(store, name, {})
