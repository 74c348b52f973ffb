"""Where a run stands: its events, told to the project, and at the end the student it made."""

from __future__ import annotations

import json
import time
from typing import Any

from studio.domain.events import (
    ASKED_TO_STOP,
    Event,
    Failed,
    Finished,
    Metric,
    Started,
    Warned,
    noted_failure,
)
from studio.domain.records import Run
from studio.flow.job_folder import QUIET_AFTER_S
from studio.flow.stage import Bench, Progress
from studio.flow.tuned import made_by, record_made

ENDED = ("finished", "stopped", "failed")  #: states with a last word of the job's own
_SAVE_EVERY_S = 0.5  #: seconds between two notes of where a living run stands
_WARNINGS = 20  #: so many of a run's warnings are kept
LOSS_OVER = 10  #: steps whose mean is a run's loss: that of one alone jumps with what it held


class RunLedger:
    """Takes a run's events one by one and keeps its row in ``run_states``.

    States: made, running, finished, stopped (asked to, at a checkpoint), failed, interrupted (ended
    without a word). All but finished can be resumed.
    """

    def __init__(self, bench: Bench, run: Run) -> None:
        self._bench = bench
        self._run = run
        row = bench.store.run_state(run.id)
        self._step = int(row["step"]) if row is not None else 0
        self._steps = int(row["steps"]) if row is not None else 0
        self._loss: float | None = row["loss"] if row is not None else None
        self._result: dict[str, Any] = json.loads(row["result"]) if row is not None else {}
        self._ending: Failed | Finished | None = None
        self._saved = self._heard = time.monotonic()
        self._begun: float | None = None
        self._tokens = self._seconds = 0.0  #: learned in how much time
        self.message = ""

    def note(self, event: Event | None) -> Progress | None:
        """Take one event (None: nothing new); returns progress worth telling, if any."""
        now = time.monotonic()
        if event is None:
            silent = now - self._heard
            return (
                self.progress(f"no word for {silent / 60:.0f} min") if self._quiet(silent) else None
            )
        self._heard = now
        text = self._take(event)
        self._clock(event)
        if now - self._saved > _SAVE_EVERY_S:
            self._saved = now
            self._save(state="running")
        return None if text is None else self.progress(text)

    def is_at_work(self) -> bool:
        """Return whether ending it now would lose what it learned since its last checkpoint."""
        return self._begun is not None and not self._quiet(time.monotonic() - self._heard)

    def settle(self) -> str:
        """Note how the run ended and register the student it made; returns the state."""
        state = self._state()
        made = made_by(self._bench.project, self._run)
        if made and state in ("finished", "stopped"):
            self._register(made)
        self._save(state=state, message=self.message)
        return state

    def _register(self, made: str) -> None:
        """Put the student the run made into the project, unless it is that of the same step."""
        step = self._result.get("held_out", {}).get("weights_step") or self._step
        self._result["adapter"] = made
        if self._result.get("student") and self._result.get("step") == step:
            return
        self._result["student"] = record_made(self._bench, self._run, made, step=step)
        self._result["step"] = step  # whose weights it has
        for name in ("accuracy", "accuracy_n"):  # they were those of the student before
            self._result.pop(name, None)

    def progress(self, note: str = "") -> Progress:
        """Return how far the run is."""
        return Progress("train", self._step, max(self._steps, self._step), note=note)

    def _clock(self, event: Event) -> None:
        """Note how long this life of the run has lasted; read again, it is noted once."""
        if isinstance(event, Started):
            self._begun = event.t
        if self._begun is not None:
            lives = self._result.setdefault("lives", {})
            lives[f"{self._begun:.3f}"] = round(max(0.0, event.t - self._begun), 3)

    def _quiet(self, silent_s: float) -> bool:
        return silent_s > QUIET_AFTER_S

    def _take(self, event: Event) -> str | None:
        """Remember what an event says; returns it in words where it is worth telling."""
        match event:
            case Started():
                self._ending = None
                self._steps = event.steps or self._steps
                self._result["machine"] = {"device": event.device, "precision": event.precision,
                                           **event.machine}  # fmt: skip
                self._result.pop("offer", None)
                return f"on {event.device}" if event.device else ""
            case Metric():
                return self._take_metric(event)
            case Warned():
                kept = self._result.setdefault("warnings", [])
                if event.message not in kept and len(kept) < _WARNINGS:
                    kept.append(event.message)
                return event.message
            case Failed() | Finished():
                self._ending = event
                if isinstance(event, Failed) and event.offer:
                    self._result["offer"] = event.offer
                if isinstance(event, Finished):
                    self._result["held_out"] = {
                        "loss": event.held_out_loss, "step": event.best_step,
                        "weights_step": event.weights_step,
                    }  # fmt: skip
                    if event.weights_step and event.weights_step == event.best_step:
                        self._result["val_loss"] = event.held_out_loss  # of these weights
        return None

    def _take_metric(self, metric: Metric) -> str:
        self._step, self._steps = metric.step, metric.steps
        if metric.tokens_per_s is not None:
            self._result["tokens_per_s"] = self._pace(metric)
        if metric.val_loss is not None:
            self._result["val_loss"] = metric.val_loss
        if metric.loss is None:
            return f"held-out loss {metric.val_loss:.4f}" if metric.val_loss is not None else ""
        self._loss = self._mean_loss(metric.step, metric.loss)
        return f"loss {self._loss:.4f}"

    def _mean_loss(self, step: int, loss: float) -> float:
        """Return the mean of the last steps; what an earlier life said of later ones is void."""
        known: dict[str, float] = self._result.get("losses", {})
        kept = {at: value for at, value in known.items() if step - LOSS_OVER < int(at) < step}
        last = {**kept, str(step): loss}
        self._result["losses"] = last
        return sum(last.values()) / len(last)

    def _pace(self, metric: Metric) -> float:
        """Return the learned tokens a second of all steps heard of: one step alone tells little."""
        assert metric.tokens_per_s is not None
        seconds = metric.seconds or 0.0
        self._seconds += seconds
        self._tokens += metric.tokens_per_s * seconds
        return self._tokens / self._seconds if self._seconds else metric.tokens_per_s

    def _state(self) -> str:
        if self._ending is None:  # the first process may have been left waiting for another
            failed = noted_failure(self._bench.project / "runs" / self._run.id)
            if failed is not None:
                self._take(failed)
        match self._ending:
            case Finished(stopped=""):
                return "finished"
            case Finished(stopped=reason):
                self.message = reason
                return "stopped" if reason == ASKED_TO_STOP else "finished"
            case Failed(message=message):
                self.message = message
                return "failed"
        self.message = f"ended without a word at step {self._step}: resume it"
        return "interrupted"

    def _save(self, **fields: Any) -> None:
        self._bench.store.set_run_state(
            self._run.id, step=self._step, steps=self._steps, loss=self._loss,
            result=self._result, **fields,
        )  # fmt: skip
        self._bench.changed({"run_states"})
