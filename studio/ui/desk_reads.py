"""What the desk reads as a whole, on the reading thread; no Qt in here."""

from __future__ import annotations

from studio.domain.policy import Policy
from studio.flow.scorebook import Scorebook
from studio.store import tag_views
from studio.store.tables import Store


def read_scores(store: Store) -> tuple[Scorebook, int, Policy]:
    """Return all scores, and the rule in force with its version."""
    return Scorebook(store), *store.policy()


def read_overrides(store: Store) -> dict[str, bool]:
    """Return what people said, by rationale id."""
    return {
        row[0]: bool(row[1]) for row in store.rows("SELECT rationale_id, accepted FROM overrides")
    }


def read_tags(store: Store) -> list[str]:
    """Return every tag that stands on a question."""
    return [row[0] for row in store.rows(tag_views.TAGS)]
