"""Runs across restarts: what became of them while the studio was closed.

A run goes on by itself when the studio ends. At the next start each one that had not ended is
looked at: still going, it is followed again; ended meanwhile, its result is taken; dead, it is
offered to be resumed.
"""

from __future__ import annotations

from typing import NamedTuple

from studio.flow import job_folder
from studio.flow.run_ledger import ENDED
from studio.flow.stage import Bench
from studio.flow.training import folder_of, known_run, settle_run


class Recovery(NamedTuple):
    """What was found, as run ids."""

    going: tuple[str, ...] = ()  #: to be followed again
    ended: tuple[str, ...] = ()  #: finished, stopped or failed while nobody looked
    interrupted: tuple[str, ...] = ()  #: can be resumed

    def describe(self) -> str:
        """Return it in words, for the status line; empty when there is nothing to tell."""
        parts = (
            (self.going, "still going"), (self.ended, "ended meanwhile"),
            (self.interrupted, "interrupted: resume it on the Train page"),
        )  # fmt: skip
        told = [f"run {', '.join(ids)} {what}" for ids, what in parts if ids]
        return "; ".join(told)


def recover(bench: Bench) -> Recovery:
    """Look after every run that had not ended when the studio was last closed."""
    found: dict[str, list[str]] = {"going": [], "ended": [], "interrupted": []}
    for run_id in unended(bench):
        found[_recover(bench, run_id)].append(run_id)
    return Recovery(**{name: tuple(ids) for name, ids in found.items()})


def unended(bench: Bench) -> list[str]:
    """Return the ids of runs that were going when the studio last looked."""
    rows = bench.store.rows(
        "SELECT r.id FROM runs r LEFT JOIN run_states s ON s.run_id = r.id"
        " WHERE COALESCE(s.state, 'made') IN ('made', 'running') ORDER BY r.rowid"
    )
    return [row["id"] for row in rows]


def _recover(bench: Bench, run_id: str) -> str:
    started = job_folder.last_launch(folder_of(bench, known_run(bench.store, run_id)))
    if started is not None and started.is_alive(bench.launcher):
        return "going"
    return "ended" if settle_run(bench, run_id) in ENDED else "interrupted"
