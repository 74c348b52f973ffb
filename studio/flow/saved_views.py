"""Views of the desk that somebody gave a name: filter and order, kept in the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from studio.domain.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from studio.store.tables import Store

SETTING = "desk_views"
LONGEST = 60  #: letters of a name


def saved_views(store: Store) -> dict[str, dict[str, Any]]:
    """Return every saved view by its name, in the order of their names."""
    views = store.setting(SETTING, {})
    return {name: views[name] for name in sorted(views)} if isinstance(views, dict) else {}


def save_view(store: Store, name: str, view: Mapping[str, Any]) -> None:
    """Keep a view (any JSON object) under a name, in place of one of the same name."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST:
        raise SpecError(f"a view needs a name of 1 to {LONGEST} letters: give it another one")
    store.set_setting(SETTING, {**saved_views(store), name: dict(view)})


def delete_view(store: Store, name: str) -> None:
    """Forget a view; the records it showed stay as they are."""
    left = {other: view for other, view in saved_views(store).items() if other != name}
    store.set_setting(SETTING, left)
