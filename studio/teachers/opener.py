"""Opens endpoints: one client each, made when it is first asked.

A teacher whose address is ``scripted:…`` is served by a local HTTP server that this opener starts;
from there on it is an endpoint like any other.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

from studio.domain.records import TeacherRecord
from studio.prompts import resources
from studio.teachers.dialect import Words
from studio.teachers.openai_chat import OpenAIChat
from studio.teachers.scripted import ScriptedServer


class TeacherOpener:
    """Keeps the clients of one open project.

    Args:
        key_for: finds the API key of a teacher; None where it needs none.
        words: how models want to be asked, by address and model, as far as they told; it is read
            and written, so that a project can remember it.
    """

    def __init__(
        self,
        key_for: Callable[[TeacherRecord], str | None],
        words: MutableMapping[str, Words] | None = None,
    ) -> None:
        self._key_for = key_for
        self._words: MutableMapping[str, Words] = {} if words is None else words
        self._clients: dict[TeacherRecord, OpenAIChat] = {}
        self._scripted: ScriptedServer | None = None

    def open(self, record: TeacherRecord) -> OpenAIChat:
        """Return the client of a teacher; the same record gives the same client."""
        if record not in self._clients:
            if record.scripted or record.base_url.startswith("scripted:"):
                made = OpenAIChat(record, key=None, base_url=self._scripted_url())
            else:
                made = OpenAIChat(record, key=self._key_for(record),
                                  known=self._words.get(place_of(record)), learned=self._learned)  # fmt: skip
            self._clients[record] = made
        return self._clients[record]

    async def aclose(self) -> None:
        """Close every client and the scripted server."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()
        if self._scripted is not None:
            self._scripted.close()
            self._scripted = None

    def _learned(self, record: TeacherRecord, words: Words) -> None:
        self._words[place_of(record)] = words

    def _scripted_url(self) -> str:
        if self._scripted is None:
            self._scripted = ScriptedServer(resources() / "demo" / "questions.jsonl")
        return self._scripted.base_url


def place_of(record: TeacherRecord) -> str:
    """Return what the words of a teacher are remembered by: its address and model."""
    return f"{record.base_url}#{record.model}"
