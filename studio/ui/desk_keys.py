"""What the keys of the desk do: one table for the menu, the sheet of keys and the page."""

from __future__ import annotations

from typing import NamedTuple

from studio.ui.texts import mark


class DeskVerb(NamedTuple):
    """One thing done at the desk; ``changes`` the project, or only what is looked at."""

    name: str
    title: str
    keys: str
    tip: str
    changes: bool = True


DESK_VERBS = (
    DeskVerb("accept", mark("&Accept"), "A", mark("Accept the chosen rationale by hand")),
    DeskVerb("reject", mark("&Reject"), "R", mark("Reject the chosen rationale by hand")),
    DeskVerb("clear", mark("&Clear"), "C", mark("Take the decision by hand back; the rule counts again")),
    DeskVerb("confirm", mark("C&onfirm and next"), "Ctrl+Return | Ctrl+Enter",
             mark("Make what is decided a person's word, and go to the next question")),
    DeskVerb("edit", mark("&Edit rationale …"), "E", mark("Put the chosen rationale right; the original stays")),
    DeskVerb("note", mark("&Note and tags …"), "N", mark("Leave a remark on this question")),
    DeskVerb("gold", mark("Correct &gold …"), "G", mark("Correct the gold answer; all answers are graded anew")),
    DeskVerb("fine", mark("Not a mis&take"), "F", mark("Say that the student's answer is right after all")),
    DeskVerb("diff", mark("&Differences …"), "D", mark("Compare the chosen rationale with another, word by word"),
             changes=False),
    DeskVerb("whole", mark("&Whole text …"), "W", mark("Show the whole of the chosen rationale, searchable"),
             changes=False),
    DeskVerb("history", mark("&History …"), "H", mark("Show all that happened to this question"), changes=False),
    DeskVerb("copy", mark("Co&py as Markdown"), "M", mark("Copy this question with all that was said about it"),
             changes=False),
    DeskVerb("copy-json", mark("Copy as &JSON"), "Shift+M", mark("Copy the same as JSON"), changes=False),
    DeskVerb("next", mark("Ne&xt question"), "J", mark("Go to the next question"), changes=False),
    DeskVerb("previous", mark("Pre&vious question"), "K", mark("Go to the question before"), changes=False),
    DeskVerb("search", mark("&Search"), "/", mark("Search in questions and texts"), changes=False),
)  # fmt: skip
