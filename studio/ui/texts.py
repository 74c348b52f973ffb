"""Texts in the person's language: English in the code, other languages in ``resources/texts``.

``tr`` looks a text up where Qt does; ``packaging/texts.py`` gathers all of them into
``resources/texts/en.json``, which is what a translator starts from. What is data (names of projects,
texts of models, numbers) is filled in after the look-up and never looked up itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from PySide6.QtCore import QCoreApplication, QTranslator

from studio.prompts import resources

_CONTEXT = "studio"


def tr(text: str, **values: object) -> str:
    """Return ``text`` in the person's language, with ``{name}`` filled in."""
    found = QCoreApplication.translate(_CONTEXT, text)
    return found.format(**values) if values else found


def all_tr(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts that were marked where they stand in the person's language."""
    return tuple(tr(text) for text in texts)


def mark(text: str) -> str:
    """Return ``text`` as it is: it is looked up where it is shown, because no application is there yet."""
    return text


class Catalogue(QTranslator):
    """A language: English texts and what they are in it; what it lacks stays English."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__()
        self._texts = texts

    # Qt's own names

    def translate(
        self, context: str, text: str, disambiguation: str | None = None, n: int = -1
    ) -> str:
        """Return a text; None, which Qt takes for "ask the next one", where this language lacks it."""
        del disambiguation, n
        return self._texts.get(text) if context == _CONTEXT else None  # type: ignore[return-value]

    def isEmpty(self) -> bool:
        """Whether there is nothing in it."""
        return not self._texts


def use_language(app: QCoreApplication, language: str) -> Catalogue | None:
    """Install the catalogue of a language such as ``de``; None: there is none, English stays."""
    file = resources() / "texts" / f"{language}.json"
    if language == "en" or not file.is_file():
        return None
    made = Catalogue(json.loads(file.read_text(encoding="utf-8")))
    made.setParent(app)
    app.installTranslator(made)
    return made
