"""One small question to one teacher, to see whether its endpoint can be used; never in the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from studio.app.background import Background
    from studio.app.settings import Keys
    from studio.domain.records import TeacherRecord
    from studio.teachers.opener import TeacherOpener

QUESTION = "Reply with the word ready."
_SHOWN = 200

#: What to do about each outcome, in a few words.
_ADVICE = {
    "denied": "the key is refused, is it the right one for this address?",
    "quota": "the account has nothing left to spend",
    "offline": "nobody answers there, is the server running and the address right?",
    "timed out": "it did not answer in time, is the model still being loaded?",
    "rate-limited": "it asks to be left alone for a while, fewer requests at once may help",
    "no such model": "it does not know this model, look at the name",
    "rejected": "it does not take such requests, is the address that of the OpenAI form (often …/v1)?",
    "unreadable": "what came back is not of the OpenAI form, is the address right (often …/v1)?",
    "server error": "the server failed, its own log says why",
}


NO_KEY = "no key"  #: nothing was sent


class Finding(NamedTuple):
    """What one question to a teacher brought."""

    teacher: str
    outcome: str
    served_model: str
    tokens: str  #: prompt and reply, or a dash where the endpoint does not say
    text: str  #: what it said, or what went wrong

    @property
    def is_fine(self) -> bool:
        """Whether the endpoint can be used."""
        return self.outcome in ("answered", "truncated")  # a model that thinks first is cut short

    @property
    def in_words(self) -> str:
        """The finding in one line, with what to do."""
        if self.outcome == NO_KEY:
            return self.text  # it says whose key is wanted, and where to put it
        if self.is_fine:
            model = f" as {self.served_model}" if self.served_model else ""
            return f"✓ {self.teacher} answered{model}: “{self.text}” ({self.tokens} tokens)"
        advice = _ADVICE.get(self.outcome, self.outcome.replace("_", " "))
        return f"{self.teacher} cannot be used: {advice}" + (f" ({self.text})" if self.text else "")


async def ask_once(opener: TeacherOpener, teacher: TeacherRecord) -> Finding:
    """Ask a teacher one small question.

    Raises:
        KeyNotAllowed: its key was never allowed to go to its address.
        TeacherError: it wants a key and there is none.
    """
    reply = await opener.open(teacher).answer(
        [{"role": "user", "content": QUESTION}], max_tokens=16
    )
    known = reply.tokens_in is not None and reply.tokens_out is not None
    tokens = f"{reply.tokens_in}+{reply.tokens_out}" if known else "–"
    said = " ".join((reply.text or reply.detail).split())[:_SHOWN]
    return Finding(teacher.name, str(reply.outcome), reply.served_model, tokens, said)


class Endpoints:
    """What the window does with endpoints besides asking them for records.

    Args:
        forget: lets go of the clients that are open, where nothing is under way.
    """

    def __init__(
        self, keys: Keys, background: Background, forget: Callable[[], Awaitable[None]]
    ) -> None:
        self._keys, self._background, self._forget = keys, background, forget

    def try_out(self, teacher: TeacherRecord) -> Future[Finding]:
        """Ask a teacher one small question over a connection of its own (see ``ask_once``)."""

        async def ask() -> Finding:
            from studio.teachers.opener import TeacherOpener

            opener = TeacherOpener(self._keys.key_for)
            try:
                return await ask_once(opener, teacher)
            finally:
                await opener.aclose()

        return self._background.run(ask())

    def store_key(self, teacher: TeacherRecord, key: str) -> Future[bool]:
        """Keep a key for a teacher and its address; False: no keyring took it, it lasts for this session."""

        async def store() -> bool:
            kept = await asyncio.to_thread(self._keys.store_key, teacher, key)
            await self._forget()
            return kept

        return self._background.run(store())

    def allow(self, teacher: TeacherRecord) -> Future[None]:
        """Remember that the person lets this teacher's key go to its address."""
        return self._background.call(lambda: self._keys.allow(teacher))
