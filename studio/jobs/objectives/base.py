"""What a loss is to the training loop: a number per micro-batch, and its parts by role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from studio.jobs.packing import Pack

IGNORED = -100  #: label of a token that is not learned
_PIECE = {True: 1 << 19, False: 1 << 25}  #: logits worked on at once, on a CPU and elsewhere


class Batch(NamedTuple):
    """A micro-batch, padded or packed.

    Attributes:
        input_ids: (batch, tokens); packed (1, tokens).
        attention_mask: (batch, tokens), 1 where there is a token; None where packed.
        labels: IGNORED for what is not learned; the shape of ``input_ids``, or of
            ``decoder_input_ids`` where there are any. They stay in the CPU's memory.
        roles: one per example.
        totals: supervised tokens per role of the whole optimiser step this is a part of.
        decoder_input_ids: what an encoder-decoder's answer is predicted from; else None.
        pack: where each example stands, if they stand in one row.
        places: what ``learned`` returns, where it was worked out beforehand.
    """

    input_ids: Tensor
    attention_mask: Tensor | None
    labels: Tensor
    roles: tuple[str, ...]
    totals: Mapping[str, int]
    decoder_input_ids: Tensor | None = None
    pack: Pack | None = None
    places: Learned | None = None

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device, with all worked out that would make a GPU wait."""
        places = self.learned()
        if device == self.input_ids.device:
            return self._replace(places=places)
        return self._replace(
            input_ids=sent(self.input_ids, device),
            attention_mask=_to(self.attention_mask, device),
            decoder_input_ids=_to(self.decoder_input_ids, device),
            pack=self.pack and self.pack.to(device),
            places=Learned(*(sent(each, device) for each in places)),
        )

    def given(self) -> dict[str, Any]:
        """Return what the model is called with."""
        given: dict[str, Any] = {"input_ids": self.input_ids, "use_cache": False}
        if self.pack is not None:
            return {**given, "position_ids": self.pack.positions, "pack": self.pack}
        if self.decoder_input_ids is not None:
            given["decoder_input_ids"] = self.decoder_input_ids
        return {**given, "attention_mask": self.attention_mask}

    def learned(self) -> Learned:
        """Return where the model predicts a learned token, and which."""
        if self.places is not None:
            return self.places
        shift = 1 if self.decoder_input_ids is None else 0
        labels = self.labels[:, shift:]
        # On the CPU: on a GPU, asking which they are would wait for all that it still has to do.
        places = torch.nonzero(labels != IGNORED)
        lines, columns = places.unbind(1)
        rows = lines if self.pack is None else self.pack.rows[0, columns]
        return Learned(lines, columns, rows, labels[lines, columns])


class Learned(NamedTuple):
    """Where learned tokens are predicted; all (supervised tokens,).

    Attributes:
        lines, columns: the place in the batch.
        rows: the number of the example.
        targets: the token that is right.
    """

    lines: Tensor
    columns: Tensor
    rows: Tensor
    targets: Tensor


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device; it travels while a GPU goes on with what it has to do.

    From ordinary memory it would wait for that first.
    """
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    # Elsewhere (MPS) what is sent may be gone before it is read.
    return tensor.to(device, non_blocking=device.type == "cuda")


def _to(tensor: Tensor | None, device: torch.device) -> Tensor | None:
    return None if tensor is None else sent(tensor, device)


class Objective(Protocol):
    """One way to learn from a batch; its name is that of a method in ``studio.methods``."""

    name: ClassVar[str]

    def loss(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return this micro-batch's share of the step's loss, and of each role's mean CE.

        Summed over the micro-batches of a step both are the step's own. They stay on the device:
        a number asked for here would make the GPU wait for the step.
        """

    def after_step(self, step: int) -> None:
        """Take note that an optimiser step is done."""


def token_losses(model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of each supervised token and the example it stands in.

    Shapes: both (supervised tokens,).
    """
    learned = batch.learned()
    with _logits_only_at(model, learned):
        logits = model(**batch.given()).logits
    losses: Tensor = _TokenLosses.apply(logits[0], learned.targets)
    return losses, learned.rows


class _TokenLosses(Function):
    """Cross-entropy of each row of logits, ``(tokens, vocab)`` and ``(tokens,)`` to ``(tokens,)``.

    The same as torch's own of the logits in fp32, but a piece at a time that fits the cache, and
    what is kept for the way back is the gradient itself, in the logits' own type: a half of the
    time on a CPU, a fifth of the memory anywhere.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        exact = torch.promote_types(logits.dtype, torch.float32)
        learns = ctx.needs_input_grad[0]
        kept = torch.empty_like(logits) if learns else logits
        losses = torch.empty(len(targets), dtype=exact, device=logits.device)
        piece = max(1, _PIECE[logits.device.type == "cpu"] // logits.shape[-1])
        for at in range(0, len(targets), piece):
            rows = slice(at, at + piece)
            values, right = logits[rows].to(exact, copy=True), targets[rows, None]
            total = values.logsumexp(-1, keepdim=True)
            losses[rows] = (total - values.gather(-1, right))[:, 0]
            if learns:
                values.sub_(total).exp_().scatter_add_(-1, right, values.new_full(right.shape, -1))
                kept[rows] = values
        ctx.save_for_backward(kept)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return kept.mul_(given[:, None]), None


@contextmanager
def _logits_only_at(model: Any, learned: Learned) -> Iterator[None]:
    """Let the model make logits where they are wanted only: they are a step's largest tensors.

    The output layer is handed the chosen positions as one row, ``(1, chosen, hidden)``. Whatever a
    model does to its logits afterwards (caps, scales) it does to each by itself, so it still holds.
    """

    def choose(layer: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, *rest = given
        return hidden[learned.lines, learned.columns][None], *rest

    whole = getattr(model, "module", model)  # wrapped where several processes train together
    hook = whole.get_output_embeddings().register_forward_pre_hook(choose)
    try:
        yield
    finally:
        hook.remove()
