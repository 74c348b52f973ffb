"""One exam: a student, a round, a split, and how its questions are asked.

A local student answers in a ``generate`` job. Its folder is the same each time the same exam is
sat: an exam that was interrupted takes up the answers already there, joins a job that is still
going, and asks for the rest only. A student behind an endpoint is asked like a teacher.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from studio.domain.errors import RunError, SpecError, StudentError
from studio.domain.events import Failed, Finished, Progress, Warned
from studio.domain.records import (
    Attempt,
    Question,
    Split,
    StudentRecord,
    TeacherRecord,
    digest,
)
from studio.domain.specs import GenerateSpec
from studio.flow import job_folder
from studio.flow.committee import Ask, ask_all
from studio.flow.job_folder import Launch, LineTail
from studio.flow.students import is_endpoint, weights_of
from studio.prompts import question_text
from studio.teachers.base import Outcome, Reply

if TYPE_CHECKING:
    from studio.domain.events import Event
    from studio.flow.stage import Bench
    from studio.store.tables import Store


class ExamSettings(NamedTuple):
    """How an exam is sat; kept in the project, so that two students can sit the same one."""

    temperature: float
    top_p: float
    max_new_tokens: int
    seed: int
    prompt_hash: str


class Step(NamedTuple):
    """What happened since the last step: attempts made, questions given up."""

    made: int = 0
    failed: int = 0
    cost_usd: float | None = None
    note: str = ""


def exam_settings(store: Store, student: str, round_: int, *, split: str) -> ExamSettings | None:
    """Return how a student sat an exam, or None where its attempts were imported."""
    found = store.setting(f"exam:{student}:{round_}:{split}")
    return None if found is None else ExamSettings(**found)


class Exam:
    """Sits one exam. Made anew for each sitting; what it made is in the store."""

    def __init__(
        self,
        student: StudentRecord,
        round_: int,
        *,
        split: Split,
        settings: ExamSettings,
        sample: int = 0,
    ) -> None:
        self._student = student
        self._round = round_
        self._split = split
        self._settings = settings
        self._sample = sample

    async def sit(self, bench: Bench, question_ids: Sequence[str]) -> AsyncGenerator[Step, None]:
        """Let the student answer these questions, adding each attempt as it is made.

        Raises:
            StudentError: the student cannot be loaded or asked.
            RunError: the job ended before its answers were made.
            SpecError: the rest of the held-out exam would be asked in another way.
        """
        self._keep_settings(bench.store)
        sitting = self._at_endpoint if is_endpoint(self._student) else self._in_job
        async with aclosing(sitting(bench, question_ids)) as steps:
            async for step in steps:
                if step.made:
                    bench.changed({"attempts"})
                yield step

    def asks(self, bench: Bench, question_ids: Iterable[str]) -> Iterator[Ask]:
        """Yield what a student behind an endpoint is asked."""
        endpoint = self._endpoint(bench.store)
        return (self._ask(bench, endpoint, question_id) for question_id in question_ids)

    def _keep_settings(self, store: Store) -> None:
        name, before = self._student.name, self._settings_before(store)
        if self._split == "test" and before is not None and before != self._settings:
            raise SpecError(
                f"{name} has answered part of the held-out questions with other settings"
                f" ({before}): use the same, or the score would mean nothing"
            )
        key = f"exam:{name}:{self._round}:{self._split_and_try}"
        store.set_setting(key, self._settings._asdict())

    def _settings_before(self, store: Store) -> ExamSettings | None:
        return exam_settings(store, self._student.name, self._round, split=self._split_and_try)

    @property
    def _split_and_try(self) -> str:
        return f"{self._split}:{self._sample}" if self._sample else self._split

    # -- a local student -------------------------------------------------------------------

    async def _in_job(
        self, bench: Bench, question_ids: Sequence[str]
    ) -> AsyncGenerator[Step, None]:
        folder = self._folder(bench.project, spec := self._spec(bench.project))
        missing = dict.fromkeys(question_ids)
        answers = LineTail(folder / "artifacts" / "answers.jsonl")
        yield Step(self._take(bench.store, answers, missing))
        going = job_folder.last_launch(folder)
        if going is not None and going.is_alive(bench.launcher):
            async for step in self._attend(bench, folder, going, answers, missing):
                yield step
        if not missing:
            return
        rows = self._rows(bench, missing)
        if folder.is_dir():
            # Where the weights are may have changed, with a project that was moved.
            job_folder.write_file(folder / "spec.json", [spec.model_dump_json(indent=2)])
            job_folder.write_rows(folder / "data" / "questions.jsonl", rows)
        else:
            job_folder.write_folder(folder, spec, {"questions.jsonl": rows})
        started = job_folder.launch(bench.launcher, folder)
        async for step in self._attend(bench, folder, started, answers, missing):
            yield step
        if missing:
            yield Step(failed=len(missing), note=f"{len(missing)} questions were not answered")

    async def _attend(
        self,
        bench: Bench,
        folder: Path,
        started: Launch,
        answers: LineTail,
        missing: dict[str, None],
    ) -> AsyncGenerator[Step, None]:
        """Add answers as the job writes them, until it has ended; raises what it failed with."""
        ending: Event | None = None
        try:
            async for event in job_folder.follow(bench.launcher, folder, started):
                if isinstance(event, Failed | Finished):
                    ending = event
                made = self._take(bench.store, answers, missing) if event is None else 0
                note = _note(event)
                if made or note:
                    yield Step(made, note=note)
        except (asyncio.CancelledError, GeneratorExit):
            # Nothing is lost by ending it: the next sitting goes on from the answers on disk.
            await asyncio.to_thread(bench.launcher.cancel, started.handle)
            raise
        if isinstance(ending, Failed):
            raise self._failure(ending)
        if ending is None and missing:
            raise RunError(
                f"the exam of {self._student.name} ended without a word: run it again, its answers"
                f" are kept (its output is in {folder})"
            )

    def _failure(self, event: Failed) -> StudentError | RunError:
        message = f"the exam of {self._student.name} failed: {event.message}"
        return StudentError(message) if event.error == "StudentError" else RunError(message)

    def _take(self, store: Store, answers: LineTail, missing: dict[str, None]) -> int:
        """Add what the job has answered since the last look; returns how many attempts."""
        made = list(self._read(answers, missing))
        store.add(made)
        return len(made)

    def _read(self, answers: LineTail, missing: dict[str, None]) -> Iterator[Attempt]:
        for line in answers.lines():
            try:
                row = json.loads(line)
                key, text = row["key"], row["text"]
                facts = bool(row.get("truncated")), int(row.get("tokens_out") or 0)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # half a line of a job that was killed: the question is asked again
            if key in missing and isinstance(text, str):
                del missing[key]
                yield self._attempt(key, text, truncated=facts[0], tokens_out=facts[1])

    def _attempt(self, question_id: str, text: str, *, truncated: bool, tokens_out: int) -> Attempt:
        return Attempt(
            question_id=question_id, student=self._student.name, text=text, round=self._round,
            sample=self._sample, truncated=truncated, tokens_out=tokens_out,
            prompt_hash=self._settings.prompt_hash,
        )  # fmt: skip

    def _spec(self, project: Path) -> GenerateSpec:
        return GenerateSpec(
            student=weights_of(self._student, project),
            temperature=self._settings.temperature,
            top_p=self._settings.top_p,
            max_new_tokens=self._settings.max_new_tokens,
            seed=self._settings.seed,
        )

    def _folder(self, project: Path, spec: GenerateSpec) -> Path:
        # Paths inside the project are left out of the name: a project that was moved goes on.
        name = digest(
            "exam", self._student.model_dump(), self._round, self._split, self._settings,
            spec.model_dump(exclude={"student", "engine"}),
        )  # fmt: skip
        return project / "runs" / f"exam-{name}"

    def _rows(self, bench: Bench, question_ids: dict[str, None]) -> Iterator[dict[str, object]]:
        for question_id in question_ids:
            yield {"key": question_id, "messages": self._messages(bench, question_id)}

    def _messages(self, bench: Bench, question_id: str) -> list[dict[str, str]]:
        question = bench.store.get(Question, question_id)
        assert question is not None  # the id comes from the same store
        template = bench.templates.get(self._student.prompts, "exam")
        return template.messages({"question": question_text(question)})

    # -- a student behind an endpoint ------------------------------------------------------

    async def _at_endpoint(
        self, bench: Bench, question_ids: Sequence[str]
    ) -> AsyncGenerator[Step, None]:
        def keep(ask: Ask, reply: Reply) -> None:
            truncated = reply.outcome is Outcome.TRUNCATED
            bench.store.add([
                self._attempt(
                    _question_of(ask), reply.text, truncated=truncated,
                    tokens_out=reply.tokens_out or 0,
                )
            ])  # fmt: skip

        said = ask_all(
            bench, self.asks(bench, question_ids), stage="attempt", total=len(question_ids),
            keep=keep, teachers=[self._endpoint(bench.store)],
        )  # fmt: skip
        made = failed = 0
        async with aclosing(said) as steps:
            async for now in steps:
                answered = now.done - now.failed
                yield Step(answered - made, now.failed - failed, now.cost_usd, now.note)
                made, failed = answered, now.failed

    def _ask(self, bench: Bench, endpoint: TeacherRecord, question_id: str) -> Ask:
        how = digest(self._settings)  # the seed, and with it the try, is among them
        return Ask(
            subject=f"attempt/{question_id}/{self._student.name}/{self._round}/{how}",
            teacher=endpoint,
            stage="attempt",
            messages=self._messages(bench, question_id),
            prompt_hash=self._settings.prompt_hash,
            max_tokens=self._settings.max_new_tokens,
        )

    def _endpoint(self, store: Store) -> TeacherRecord:
        return asked_as(store, self._student).changed(
            temperature=self._settings.temperature, max_tokens=self._settings.max_new_tokens
        )


def asked_as(store: Store, student: StudentRecord) -> TeacherRecord:
    """Return a student behind an endpoint as the committee's engine asks it.

    A teacher at the same address lends its pace, its prices and where its key lies.
    """
    url, _, model = student.location.partition("#")
    beside = (one for one in store.teachers(active=False) if one.base_url == url)
    known = next(beside, None) or TeacherRecord(name=model, model=model, base_url=url)
    return known.changed(name=student.name, model=model, active=True)


def _question_of(ask: Ask) -> str:
    return ask.subject.split("/")[1]


def _note(event: Event | None) -> str:
    if isinstance(event, Warned):
        return event.message
    return event.note if isinstance(event, Progress) else ""
