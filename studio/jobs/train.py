"""The training loop: read the data, wrap the model, and go through the steps one by one.

Devices, number formats and several processes are ``accelerate``'s business; what a batch costs is
the objective's. Everything that decides a step follows from the spec, the data, the checkpoint and
the step's own number, so a run that was killed goes on with the same losses.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from studio.domain.dealing import epoch_steps, steps_from, steps_in_all
from studio.domain.errors import SpecError
from studio.domain.events import ASKED_TO_STOP
from studio.domain.specs import TrainSpec
from studio.jobs.batches import Intake, Item, read_examples
from studio.jobs.compiling import STEPS, Choice, Compiled, Steps
from studio.jobs.fitting import Room
from studio.jobs.gauges import speed
from studio.jobs.job import Job
from studio.jobs.keeping import Keeper, fingerprints
from studio.jobs.objectives.catalog import objective_for
from studio.jobs.outcome import Curves, machine, write_result
from studio.jobs.passes import Passes, prepared, wished
from studio.jobs.quiz import FILE, Quiz
from studio.jobs.rehearsal import LONG, is_out_of_memory, out_of_memory, rehearse
from studio.jobs.sharding import held, share_weights, whole
from studio.jobs.standing import Standing, learning_rate, step_seed, unheeded
from studio.jobs.student import Student, use_threads
from studio.jobs.trainable import trainable_student


def train(job: Job, spec: TrainSpec) -> None:
    """Run one training job to its end, or on from its newest checkpoint.

    Raises:
        SpecError: the settings or the data make no run.
        StudentError: the student cannot be loaded.
        RunError: the losses ran away, or the checkpoint belongs to other data.
        OutOfMemory: it does not fit; tells the smaller settings to go on with.
    """
    use_threads(spec.threads)
    set_seed(spec.seed)
    student, precision = trainable_student(job, spec)
    intake = read_examples(job.data / "train.jsonl", student, spec)
    held_out = read_examples(job.data / "validation.jsonl", student, spec)
    if not intake.items:
        raise SpecError("there is no example to learn from: look at the dataset and at max_tokens")
    try:
        run = _Run(job, spec, student, precision=precision, intake=intake, held_out=held_out)
        run.begin()
        run.end(run.go())
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        longest = max(len(item.ids) for item in (*intake.items, *held_out.items))
        raise out_of_memory(spec, longest=longest) from error


class _Run:
    """One run in progress: what it works with, and where it stands."""

    def __init__(
        self,
        job: Job,
        spec: TrainSpec,
        student: Student,
        *,
        precision: str,
        intake: Intake,
        held_out: Intake,
    ) -> None:
        self.job, self.spec, self.student = job, spec, student
        self.intake, self.held_out = intake, held_out
        self.accelerator = Accelerator(
            cpu=student.model.device.type == "cpu",
            mixed_precision="no" if precision == "fp32" else precision,
        )
        items = (*intake.items, *held_out.items)
        self.room = Room(student.model, spec, say=partial(job.say, "warned"))
        self.room.foresee(items, precision=precision, agreed=partial(wished, self.accelerator))
        if spec.sharded:
            share_weights(
                student.model, processes=spec.processes, device=self.accelerator.device
            )  # fmt: skip
        self.parameters = {
            name: value for name, value in student.model.named_parameters() if value.requires_grad
        }
        self.optimiser = self.accelerator.prepare(torch.optim.AdamW(
            self.parameters.values(), lr=spec.lr, weight_decay=spec.weight_decay, fused=True
        ))  # fmt: skip
        self.model = prepared(self.accelerator, student.model, shared=spec.sharded)
        self.objective = objective_for(spec, roles=intake.roles)
        self.passes = Passes(
            self.accelerator, self.model, student=student, objective=self.objective, spec=spec,
            items=items,
        )  # fmt: skip
        self.quiz = Quiz(job.data / FILE, student, spec)
        self.first_steps = epoch_steps(intake.items, spec, epoch=0)
        self.epoch_steps = len(self.first_steps)
        self.steps = steps_in_all(
            len(intake.items), each=spec.batch_examples, epochs=spec.epochs, most=spec.max_steps
        )
        self.at = Standing()
        made_from = fingerprints(job, spec)
        self.made_from = made_from[0]
        self.keeper = Keeper(
            job, spec, accelerator=self.accelerator, parameters=self.parameters,
            optimiser=self.optimiser, made_from=made_from,
        )  # fmt: skip
        self.compiled = Compiled(self.model, agreed=self.passes.agreed)
        self.choice: Choice | None = None
        self.curves: Curves | None = None

    # -- beginning -------------------------------------------------------------------------

    def begin(self) -> None:
        """Say what is about to happen, and take up the newest checkpoint if there is one."""
        if min(map(len, self.first_steps)) < self.accelerator.num_processes:
            raise SpecError("more processes than examples a step: raise batch_examples")
        self.at, kept = self.keeper.taken_up()
        if self.at.step:  # the rate of a run's steps follows from their number: it stays
            whole = math.ceil(self.epoch_steps * self.spec.epochs)  # as it was counted once
            self.steps = kept.get("steps", min(whole, self.spec.max_steps or whole))
        self.room.take_up(kept.get("checkpointing", False))
        took = self._rehearse()
        self.choice = self._compile(kept.get("compiled"))
        if self.accelerator.is_main_process:
            self.curves = Curves(self.job.artifacts / "tensorboard", after=self.at.step)
        self.job.say(
            "started", job="train", pid=os.getpid(), device=str(self.accelerator.device),
            precision=self.accelerator.mixed_precision, steps=self.steps, step=self.at.step,
            examples=len(self.intake.items), roles=dict(self.intake.roles),
            trained_parameters=sum(value.numel() for value in self.parameters.values()),
            held_parameters=held(self.student.model),
            layout=self.passes.layout, machine=machine(), made_from=self.made_from,
            seed=self.spec.seed, compiled=self.compiled.on, checkpointing=self.room.made, **took,
        )  # fmt: skip
        going_on = f"goes on from the checkpoint of step {self.at.step}" if self.at.step else ""
        for words in filter(None, (going_on, self.choice.words if self.choice else "")):
            self.job.say("warned", message=words, note=True)
        held_out = f"held-out data: {words}" if (words := self.held_out.in_words()) else ""
        in_vain = unheeded(self.spec, held_out=len(self.held_out.items))
        for words in filter(None, (self.intake.in_words(), held_out, in_vain)):
            self.job.say("warned", message=words)

    def _rehearse(self) -> dict[str, float]:
        """Try the largest step where much would be lost if it did not fit."""
        if self.at.step or self.steps < LONG or self.accelerator.scaler is not None:
            return {}
        self.model.train()  # as in a step: with dropout, and with activations made anew
        torch.manual_seed(step_seed(self.spec, 0))
        items = self.intake.items
        return self.room.within(lambda: rehearse(self.passes, self.optimiser, items, self.spec))

    def _compile(self, before: bool | None) -> Choice | None:
        """Compile where it is wished for and pays; as an earlier life did, if there was one."""
        if self.spec.compile == "off":
            return None
        tried = self._tried()
        if before is None or self.spec.compile == "always":
            always, left = self.spec.compile == "always", self.steps - self.at.step
            return self.compiled.chosen(tried, left=left, always=always)
        return self.compiled.again(tried) if before else Choice(False)

    def _tried(self) -> Steps:
        """Return the first steps, each to be gone over without learning anything from it."""

        def over(items: Sequence[Item]) -> None:
            self.model.train()
            torch.manual_seed(step_seed(self.spec, 0, process=self.accelerator.process_index))
            self.passes.over(items, learn=True)
            self.optimiser.zero_grad(set_to_none=True)

        return [partial(over, items) for items in self.first_steps[:STEPS]]

    # -- the steps -------------------------------------------------------------------------

    def go(self) -> str:
        """Go through the steps that are left; returns why it ended early, if it did."""
        self.model.train()
        left = steps_from(self.intake.items, self.spec, done=self.at.step, steps=self.steps)
        for items, following in pairwise(left):
            if reason := self.at.patience_spent(self.spec):
                return reason
            if self.passes.agreed(self.job.stop_requested):
                return ASKED_TO_STOP
            self._one(items, following=following)
            self._look_up()
        return self.at.patience_spent(self.spec)

    def _one(self, items: Sequence[Item], *, following: Sequence[Item]) -> None:
        """Do one optimiser step. A GPU is handed all of it before any number is asked of it."""
        started = time.monotonic()
        rate = learning_rate(self.spec, self.at.step, steps=self.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        sums = self.room.within(lambda: self._learnt(items))
        clip = self.accelerator.clip_grad_norm_
        length = clip(self.parameters.values(), self.spec.max_grad_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.passes.prepare(following)
        losses, norm = self.passes.summed(sums), float(whole(length))
        # With fp16 an overflowing gradient is usual: accelerate passes over the step.
        overflows = self.accelerator.scaler is not None
        self.at.check_finite(self.spec, losses["loss"], None if overflows else norm)
        self.at = self.at.stepped(losses["loss"])
        self.objective.after_step(self.at.step)
        self._tell(**losses, lr=rate, grad_norm=norm, **speed(items, time.monotonic() - started))

    def _learnt(self, items: Sequence[Item]) -> dict[str, torch.Tensor]:
        """Work out the gradients of a step; returns the losses."""
        seed = step_seed(self.spec, self.at.step, process=self.accelerator.process_index)
        torch.manual_seed(seed)  # dropout follows from the step: no generator's state to be kept
        self.optimiser.zero_grad(set_to_none=True)  # of a try that had no room
        return self.passes.through(items, learn=True)

    def _look_up(self) -> None:
        """Validate and save where it is time."""
        step, last = self.at.step, self.at.step == self.steps
        if (self.held_out.items or self.quiz) and (
            last or step % (self.spec.eval_steps or self.epoch_steps) == 0
        ):
            self._validate()
        # The best weights are those of an ordinary checkpoint, which is then not let go.
        is_best = self.spec.ends_with_best and step == self.at.best_step
        ends = last or self.at.patience_spent(self.spec)
        if ends or is_best or step % (self.spec.save_steps or self.epoch_steps) == 0:
            self.save()

    def _validate(self) -> None:
        """Measure the held-out loss, and hold the quiz."""
        self.model.eval()
        losses: dict[str, float] = {}
        with self.compiled.plain():
            if self.held_out.items:
                with torch.no_grad():
                    losses = self.passes.over(self.held_out.items, learn=False)
            told = {f"val_{name}": value for name, value in losses.items()}
            with self.accelerator.autocast():
                told |= self.quiz.held(self.passes, stopped=lambda: self.job.stop_requested)
        self.model.train()
        if told:
            self._tell(**told)
        if losses:
            self.at = self.at.validated(losses["loss"])

    # -- keeping ---------------------------------------------------------------------------

    def save(self) -> None:
        """Write a checkpoint of the step just done."""
        besides = {"checkpointing": self.room.made, "steps": self.steps}
        if self.choice is not None:
            besides["compiled"] = self.compiled.on
        self.keeper.save(self.at, besides)

    def end(self, stopped: str) -> None:
        """Write the adapter (or the model) and the card, and say how it ended."""
        weights_step = self.at.step
        if stopped == ASKED_TO_STOP:
            self.save()
        elif self.spec.ends_with_best and self.at.best is not None:
            weights_step = self.keeper.put_back_best(self.at)
            if weights_step != self.at.best_step:
                self.job.say("warned", message=self.at.best_is_gone())
            stopped = stopped and self.at.patience_spent(self.spec, kept_step=weights_step)
        weights = self.keeper.whole_weights(self.student.model)
        if self.curves is None:  # not the first process
            return
        self.curves.close()
        facts = {
            "steps": self.at.step, "loss": self.at.loss, "held_out_loss": self.at.best,
            "best_step": self.at.best_step, "weights_step": weights_step,
            "examples": dict(self.intake.roles), "held_out": len(self.held_out.items),
            "long": self.intake.in_words(), "ended": stopped or "after all steps",
            "compiled": self.choice.words if self.choice else "",
        }  # fmt: skip
        made = write_result(self.job, self.spec, self.student, facts=facts, weights=weights)
        self.job.say(
            "finished", stopped=stopped, steps=self.at.step, loss=self.at.loss, adapter=made,
            best_step=self.at.best_step, held_out_loss=self.at.best, weights_step=weights_step,
        )  # fmt: skip

    # -- telling ---------------------------------------------------------------------------

    def _tell(self, **values: float) -> None:
        epoch = self.at.step / self.epoch_steps
        self.job.say("metric", step=self.at.step, steps=self.steps, epoch=epoch, **values)
        if self.curves is not None:
            self.curves.add(self.at.step, values)
