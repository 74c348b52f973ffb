"""What torch, the GPU driver or the disk may do to a job, in words that say what to do next."""

from __future__ import annotations

import errno

import torch

from studio.jobs.rehearsal import is_out_of_memory

_SMALLER = (
    "halve batch_tokens, set gradient_checkpointing=on, or take a smaller student;"
    " what was saved so far is kept, and the run can be resumed"
)


_LEFT_ALONE = ("gloo", "Connection closed by peer", "Connection reset by peer")


def in_words(error: BaseException) -> str:
    """Return one line for a failure that is nobody's bug; empty for any other."""
    text = str(error)
    if isinstance(error, MemoryError) or "can't allocate memory" in text:
        return f"this machine's memory is full: {_SMALLER}"
    if is_out_of_memory(error):
        return f"the GPU's memory is full: {_SMALLER}"
    # A torch before 2.8 has no such name.
    if isinstance(error, getattr(torch, "AcceleratorError", ())) or "CUDA error" in text:
        return (
            f"the GPU gave up ({text.splitlines()[0]}): resume the run; if it happens again, look"
            " for another program on the GPU or restart the machine"
        )
    if is_disk_full(error):
        return "the disk is full: free some space and run it again; what was saved so far is kept"
    if isinstance(error, OSError) and error.filename:
        return (
            f"{error.filename}: {error.strerror}: look at the disk and its rights, then run again"
        )
    return ""


def is_for_lack_of_another(error: BaseException) -> bool:
    """Return whether a process could not reach one that it works with: so it says itself."""
    if is_out_of_memory(error):
        return False
    kinds = (ConnectionError, getattr(torch.distributed, "DistError", ConnectionError))
    return isinstance(error, kinds) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _LEFT_ALONE)
    )


def is_disk_full(error: BaseException) -> bool:
    """Return whether there was no room to write (safetensors says so in words only)."""
    number = error.errno if isinstance(error, OSError) else None
    return number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
