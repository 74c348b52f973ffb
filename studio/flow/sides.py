"""On which side of a dataset a question falls: to be learned from, or kept out to measure the loss.

It is a lot drawn from the question's id, so a question falls on the same side in every dataset.
"""

from __future__ import annotations

from studio.domain.records import digest


def lot_of(question_id: str, *, seed: int) -> float:
    """Return a question's lot, 0 to 1; below ``val_share`` it is kept out."""
    return int(digest("side", seed, question_id), 16) / 2**64
