"""What the desk reads as a whole, on the reading thread; no Qt in here."""

from __future__ import annotations

from studio.domain.policy import Policy
from studio.flow.score_tallies import Said
from studio.flow.scorebook import Scorebook
from studio.store import tag_views
from studio.store.tables import Store


def read_scores(store: Store) -> tuple[Scorebook, int, Policy]:
    """Return all scores, and the rule in force with its version."""
    return Scorebook(store), *store.policy()


def read_overrides(book: Scorebook, store: Store) -> tuple[Scorebook, Said, int, Policy]:
    """Return what people say now of this book's rationales, and the rule in force."""
    return book, book.said(store), *store.policy()


def read_tags(store: Store) -> list[str]:
    """Return every tag that stands on a question."""
    return [row[0] for row in store.rows(tag_views.TAGS)]
