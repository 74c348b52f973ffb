"""Where a training run stands, and what follows from that alone: the learning rate, the seed of a
step, whether waiting for a better held-out loss has an end."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace

from studio.domain.errors import RunError
from studio.domain.specs import TrainSpec


@dataclass(frozen=True)
class Standing:
    """Where a run is; kept in each checkpoint."""

    step: int = 0  #: steps done
    loss: float | None = None  #: of the last one
    best: float | None = None  #: lowest held-out loss so far
    best_step: int = 0
    waited: int = 0  #: validations since then

    def stepped(self, loss: float) -> Standing:
        """Return the standing after one more step."""
        return replace(self, step=self.step + 1, loss=loss)

    def check_finite(self, spec: TrainSpec, loss: float, norm: float | None) -> None:
        """Raise RunError before weights that are no numbers could be kept.

        Args:
            norm: of the step's gradient; None where it may overflow.
        """
        if math.isfinite(loss) and (norm is None or math.isfinite(norm)):
            return
        what = f"loss became {loss}" if not math.isfinite(loss) else f"gradient became {norm}"
        raise RunError(
            f"the {what} at step {self.step + 1}: start a new run with a lower lr (now"
            f" {spec.lr:g}), or with precision bf16 or fp32; checkpoints written before are kept"
        )

    def validated(self, loss: float) -> Standing:
        """Return the standing after a validation."""
        if self.best is None or loss < self.best:
            return replace(self, best=loss, best_step=self.step, waited=0)
        return replace(self, waited=self.waited + 1)

    def patience_spent(self, spec: TrainSpec, *, kept_step: int | None = None) -> str:
        """Return why the run should end now, in words; empty if it should not.

        Args:
            kept_step: whose weights it ended with, once that is known.
        """
        if not spec.early_stopping or self.waited < spec.early_stopping:
            return ""
        best = spec.ends_with_best if kept_step is None else kept_step == self.best_step
        kept = f"those of step {self.best_step} ({self.best:.4f})" if best else "the last"
        return f"early: the held-out loss did not fall in {self.waited} validations; its weights are {kept}"

    def best_is_gone(self) -> str:
        """Return what to say where the weights it was to end with were not kept."""
        return (
            f"no checkpoint of step {self.best_step}, where the held-out loss was lowest, was kept:"
            f" the weights are those of step {self.step}"
        )


def unheeded(spec: TrainSpec, *, held_out: int) -> str:
    """Return which settings have no effect where nothing is held out to measure; empty for none."""
    names = ["early_stopping"] * bool(spec.early_stopping) + ["result=best"] * (
        spec.result == "best"
    )
    if held_out or not names:
        return ""
    return (
        f"{' and '.join(names)}: without effect, for no example is kept out to measure the loss:"
        " raise data.val_share"
    )


def learning_rate(spec: TrainSpec, step: int, *, steps: int) -> float:
    """Return the rate of the step that follows ``step`` done ones."""
    warm = math.ceil(spec.warmup * steps)
    if step < warm:
        return spec.lr * (step + 1) / warm
    share = (step - warm) / max(steps - warm, 1)
    match spec.schedule:
        case "cosine":
            return spec.lr * 0.5 * (1 + math.cos(math.pi * share))
        case "linear":
            return spec.lr * (1 - share)
        case "constant":
            return spec.lr


def step_seed(spec: TrainSpec, step: int, *, process: int = 0) -> int:
    """Return what a step's dropout is drawn from: its number is all there is to keep."""
    digest = hashlib.sha256(f"{spec.seed} {step} {process}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
