"""The training loop: read the data, wrap the model, and go through the steps one by one.

Devices, number formats and gradient clipping are ``accelerate``'s business. What a batch costs is
the objective's. Everything that decides a step (data order, dropout, optimiser) follows from the
seed or is in the checkpoint, so a run that was killed goes on with the same losses.
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Sequence

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from studio.domain.errors import RunError, SpecError
from studio.domain.events import ASKED_TO_STOP
from studio.domain.specs import TrainSpec
from studio.jobs import checkpoints
from studio.jobs.batches import (
    Intake,
    Item,
    collate,
    epoch_steps,
    micro_batches,
    read_examples,
    supervised_tokens,
)
from studio.jobs.job import Job
from studio.jobs.objectives.catalog import objective_for
from studio.jobs.outcome import Curves, write_result
from studio.jobs.student import Student, pick_device, use_threads
from studio.jobs.trainable import trainable_student


def train(job: Job, spec: TrainSpec) -> None:
    """Run one training job to its end, or on from its newest checkpoint."""
    use_threads(spec.threads)
    set_seed(spec.seed)
    student = trainable_student(job, spec)
    intake = read_examples(job.data / "train.jsonl", student, spec)
    held_out = read_examples(job.data / "validation.jsonl", student, spec)
    _check(intake)
    run = _Run(job, spec, student, intake, held_out.items)
    run.begin()
    stopped = run.go()
    run.end(stopped)


def _check(intake: Intake) -> None:
    if not any(item.supervised > 0 for item in intake.items):
        raise SpecError("no example has a token to learn: look at the dataset and at max_tokens")


class _Run:
    """One run in progress: what it works with, and where it stands."""

    def __init__(
        self, job: Job, spec: TrainSpec, student: Student, intake: Intake, held_out: list[Item]
    ) -> None:
        self.job, self.spec, self.student = job, spec, student
        self.intake, self.held_out = intake, held_out
        self.device, dtype = pick_device(), student.model.dtype
        precision = {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(dtype, "no")
        self.accelerator = Accelerator(cpu=self.device.type == "cpu", mixed_precision=precision)
        self.parameters = {
            name: value for name, value in student.model.named_parameters() if value.requires_grad
        }
        for value in self.parameters.values():
            value.data = value.data.float()  # what is trained is kept in fp32
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(), lr=spec.lr, weight_decay=spec.weight_decay,
            fused=self.device.type == "cuda",
        )  # fmt: skip
        self.model, self.optimiser = self.accelerator.prepare(student.model, self.optimiser)
        self.objective = objective_for(spec, roles=intake.roles)
        self.plan = _plan(intake.items, spec)
        self.steps = min(sum(self.plan), spec.max_steps or sum(self.plan))
        self.save_steps = spec.save_steps or max(self.plan[0], 1)
        self.eval_steps = spec.eval_steps or max(self.plan[0], 1)
        self.step = 0
        self.loss = math.nan
        self.best: float | None = None
        self.best_step = self.waited = 0
        self.curves = Curves(job.artifacts / "tensorboard")

    # -- beginning -------------------------------------------------------------------------

    def begin(self) -> None:
        """Say what is about to happen, and take up the newest checkpoint if there is one."""
        resumed = self._resume()
        trained = sum(value.numel() for value in self.parameters.values())
        self.job.say(
            "started", job="train", pid=os.getpid(), device=str(self.device),
            precision=self.accelerator.mixed_precision, steps=self.steps, step=self.step,
            examples=len(self.intake.items), roles=dict(self.intake.roles),
            trained_parameters=trained, torch=torch.__version__,
        )  # fmt: skip
        if resumed:
            self.job.say("warned", message=f"goes on from the checkpoint of step {self.step}")
        if words := self.intake.in_words():
            self.job.say("warned", message=f"examples longer than {self.spec.max_tokens:,} tokens: "
                                           f"{words}")  # fmt: skip

    def _resume(self) -> bool:
        found = checkpoints.newest(self.job.artifacts)
        if found is None:
            return False
        with torch.no_grad():
            for name, value in found.weights.items():
                self.parameters[name].copy_(value)
        checkpoints.load_optimiser(self.optimiser, found.optimiser)
        checkpoints.restore_random(found.random)
        self.step = found.step
        self.loss = found.state["loss"]
        self.best, self.best_step = found.state["best"], found.state["best_step"]
        self.waited = found.state["waited"]
        return True

    # -- the steps -------------------------------------------------------------------------

    def go(self) -> str:
        """Go through the steps that are left; returns why it ended early, if it did."""
        self.model.train()
        done = 0
        for epoch, length in enumerate(self.plan):
            if self.step >= done + length:  # an epoch that an earlier life went through
                done += length
                continue
            steps = epoch_steps(self.intake.items, self.spec, epoch=epoch)
            for number in range(self.step - done, length):
                if self.step >= self.steps:
                    return ""
                if self.job.stop_requested:
                    return ASKED_TO_STOP
                self._one(steps[number], epoch=epoch + (number + 1) / len(steps))
                if reason := self._look_up():
                    return reason
            done += length
        return ""

    def _one(self, items: Sequence[Item], *, epoch: float) -> None:
        """Do one optimiser step."""
        started = time.monotonic()
        totals = supervised_tokens(items)
        self._set_rate()
        self.optimiser.zero_grad(set_to_none=True)
        loss, parts = 0.0, Counter[str]()
        for micro in micro_batches(items, self.spec):
            share, roles = self._forward(micro, totals)
            self.accelerator.backward(share)
            loss += float(share.detach())
            parts.update(roles)
        norm = self.accelerator.clip_grad_norm_(self.parameters.values(), self.spec.max_grad_norm)
        if not math.isfinite(loss):
            raise RunError(
                f"the loss became {loss} at step {self.step + 1}: lower lr, or use precision bf16 "
                "or fp32; the last checkpoint is kept"
            )
        self.optimiser.step()
        self.step += 1
        self.loss = loss
        self.objective.after_step(self.step)
        spent = max(time.monotonic() - started, 1e-6)
        self._tell(
            epoch=epoch, loss=loss, lr=self._rate(self.step - 1), grad_norm=float(norm or 0.0),
            tokens_per_s=sum(totals.values()) / spent,
            unpadded_tokens_per_s=sum(len(item.ids) for item in items) / spent,
            **{f"loss_{role}": value for role, value in sorted(parts.items())}, **_gpu_memory(),
        )  # fmt: skip

    def _forward(
        self, items: Sequence[Item], totals: Counter[str]
    ) -> tuple[torch.Tensor, dict[str, float]]:
        batch = collate(items, pad=self.student.pad_id, totals=totals).to(self.device)
        with self.accelerator.autocast():
            return self.objective.loss(self.model, batch)

    def _look_up(self) -> str:
        """Validate and save where it is time; returns the reason to stop early, if any."""
        last = self.step == self.steps
        reason = ""
        if self.held_out and (last or self.step % self.eval_steps == 0):
            reason = self._validate()
        if last or reason or self.step % self.save_steps == 0:
            self.save()
        return reason

    def _validate(self) -> str:
        self.model.eval()
        state = checkpoints.random_state()
        totals, loss, parts = supervised_tokens(self.held_out), 0.0, Counter[str]()
        with torch.inference_mode():
            for micro in micro_batches(self.held_out, self.spec):
                share, roles = self._forward(micro, totals)
                loss += float(share)
                parts.update(roles)
        checkpoints.restore_random(state)
        self.model.train()
        self._tell(epoch=self.step / max(self.plan[0], 1), val_loss=loss,
                   **{f"val_loss_{role}": value for role, value in sorted(parts.items())})  # fmt: skip
        if self.best is None or loss < self.best:
            self.best, self.best_step, self.waited = loss, self.step, 0
            if self.spec.early_stopping:
                self._keep_best()
            return ""
        self.waited += 1
        if not self.spec.early_stopping or self.waited < self.spec.early_stopping:
            return ""
        return (f"early: held-out loss did not fall in {self.waited} validations; the weights of "
                f"step {self.best_step} ({self.best:.4f}) are kept")  # fmt: skip

    def _tell(self, *, epoch: float, **values: float) -> None:
        self.job.say("metric", step=self.step, steps=self.steps, epoch=epoch, **values)
        self.curves.add(self.step, values)

    # -- keeping ---------------------------------------------------------------------------

    def save(self) -> None:
        """Write a checkpoint of the step just done."""
        state = {"loss": self.loss, "best": self.best, "best_step": self.best_step,
                 "waited": self.waited}  # fmt: skip
        checkpoints.save(
            self.job.artifacts,
            checkpoints.Checkpoint(
                self.step, self._weights(), checkpoints.optimiser_tensors(self.optimiser),
                checkpoints.random_state(), state,
            ),
            keep=self.spec.keep_checkpoints,
        )  # fmt: skip

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().cpu() for name, value in self.parameters.items()}

    def _keep_best(self) -> None:
        empty: dict[str, torch.Tensor] = {}
        checkpoints.save(
            self.job.artifacts / "best",
            checkpoints.Checkpoint(self.step, self._weights(), empty, empty, {}), keep=1,
        )  # fmt: skip

    def end(self, stopped: str) -> None:
        """Write the adapter (or the model) and the card, and say how it ended."""
        if stopped == ASKED_TO_STOP:
            self.save()
        best = checkpoints.newest(self.job.artifacts / "best") if self.spec.early_stopping else None
        if best is not None and stopped != ASKED_TO_STOP:
            with torch.no_grad():
                for name, value in best.weights.items():
                    self.parameters[name].copy_(value)
        made = write_result(self.job, self.spec, self.student, facts={
            "steps": self.step, "loss": self.loss, "held_out_loss": self.best,
            "examples": dict(self.intake.roles), "ended": stopped or "after all steps",
        })  # fmt: skip
        self.curves.close()
        self.job.say("finished", stopped=stopped, steps=self.step, loss=self.loss, adapter=made)

    # -- the learning rate -----------------------------------------------------------------

    def _set_rate(self) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate(self.step)

    def _rate(self, step: int) -> float:
        """Return the learning rate of the step that follows ``step`` done ones."""
        warm = math.ceil(self.spec.warmup * self.steps)
        if step < warm:
            return self.spec.lr * (step + 1) / warm
        share = (step - warm) / max(self.steps - warm, 1)
        if self.spec.schedule == "cosine":
            return self.spec.lr * 0.5 * (1 + math.cos(math.pi * share))
        return self.spec.lr * (1 - share if self.spec.schedule == "linear" else 1.0)


def _plan(items: Sequence[Item], spec: TrainSpec) -> list[int]:
    """Return how many steps each epoch takes; the last one may be a part of one."""
    part = spec.epochs % 1
    lengths = [
        len(epoch_steps(items, spec, epoch=epoch)) for epoch in range(math.ceil(spec.epochs))
    ]
    if part:
        lengths[-1] = max(1, math.ceil(lengths[-1] * part))
    return lengths


def _gpu_memory() -> dict[str, float]:
    if not torch.cuda.is_available():
        return {}
    return {"gpu_memory_mb": torch.cuda.max_memory_allocated() / 2**20}
