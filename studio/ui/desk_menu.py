"""The menu of the desk, made of the table of its verbs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from studio.ui.desk_keys import DESK_VERBS
from studio.ui.menus import Menu, Verb
from studio.ui.texts import tr


def desk_menu(do: Callable[[str], None]) -> Menu:
    """Return the menu; ``do`` is given the name of the verb, or ``teacher-<n>``."""
    teachers = [
        Verb(f"desk-teacher-{n}", tr("Teacher {n}", n=n), f"{n}", tr("Choose this teacher's rationale"),
             partial(do, f"teacher-{n}")) for n in range(1, 10)
    ]  # fmt: skip
    return (
        *(Verb(f"desk-{one.name}", tr(one.title), one.keys, tr(one.tip), partial(do, one.name))
          for one in DESK_VERBS),
        (tr("Choose a &teacher"), teachers),
    )  # fmt: skip
