"""Versions of prompts: what may be written, what stays, who asked with what, and the real messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.cli import main
from studio.domain.errors import SpecError
from studio.domain.records import Explanation, Question, Rationale, Review
from studio.flow import asking, forecast, prompt_versions, undo
from studio.flow.message_preview import preview
from studio.flow.prompt_rules import PURPOSES, checked
from studio.flow.stage import Bench
from studio.launch.local import LocalLauncher
from studio.prompts import Prompts
from studio.store.tables import Store
from studio.teachers.opener import TeacherOpener
from tests.fakes import FaultyEndpoint, add_mistakes, teacher

SHORT = "Solve it in one line.\n{{question}}"


def answered(request: dict[str, Any]) -> str:
    text = json.dumps(request["messages"])
    if "SCORE_" in text:
        return f"Fine.\nSCORE_{text.rsplit('SCORE_', 1)[1][:16]}: 4"
    return "1 + 1 = 2\nAnswer: 2"


@pytest.fixture
def sent() -> list[list[dict[str, str]]]:
    return []


@pytest.fixture
def endpoint(sent: list[list[dict[str, str]]]) -> Iterator[FaultyEndpoint]:
    def noted(request: dict[str, Any]) -> str:
        sent.append(request["messages"])
        return answered(request)

    made = FaultyEndpoint(noted)
    yield made
    made.close()


@pytest.fixture
async def bench(store: Store, endpoint: FaultyEndpoint) -> AsyncIterator[Bench]:
    opener = TeacherOpener(lambda record: None)
    for name in ("a", "b"):
        store.put(teacher(name, endpoint.url))
    add_mistakes(store, 2)
    yield Bench(store, store.path, opener.open, LocalLauncher(), Prompts())
    await opener.aclose()


async def run(bench: Bench, *stages: str) -> None:
    async for _ in asking.run_stages(bench, asking.plan(bench, stages)):
        pass


def numbers(bench: Bench, name: str) -> list[tuple[int, bool, int]]:
    known = prompt_versions.history(bench.store, bench.prompts, name)
    return [(one.number, one.in_force, one.made)
            for one in prompt_versions.Made(bench.store).counted(name, known)]  # fmt: skip


@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_shipped_prompt_passes_its_own_rules(purpose: str) -> None:
    for style in ("mapd", "bare"):
        if style == "mapd" or purpose in ("exam", "learn_explanation"):
            text = Prompts().get(style, purpose).text
            assert checked(purpose, text) == text


@pytest.mark.parametrize(
    ("purpose", "text", "said"),
    [
        ("solve", "Solve it.", "needs {{question}}"),
        ("solve", "{{question}} is {{gold}}", "nothing is filled in for {{gold}}"),
        ("solve", "  ", "is empty"),
        ("solve", "{{question}}" + "x" * 20_000, "20,000 at most"),
        ("solve", "---user---\n{{question}}\n---assistant---\nWell,", "end with the user's"),
        ("review_blind", "{{question}} {{candidate}} {{mark}} SCORE_{{mark}}: N", "between <<<"),
        (
            "review_blind", "{{question}} {{candidate}} <<<{{mark}} {{candidate}} {{mark}}>>> "
            "SCORE_{{mark}}: N", "between <<<",
        ),
        ("review_blind", "{{question}} <<<{{mark}} {{candidate}} {{mark}}>>> Score?", "SCORE_"),
    ],
)  # fmt: skip
def test_a_prompt_its_stage_could_not_work_with_is_refused_in_one_line(
    purpose: str, text: str, said: str
) -> None:
    with pytest.raises(SpecError) as refused:
        checked(purpose, text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_reply_keeps_the_version_it_answered_and_nothing_is_asked_twice(
    bench: Bench, endpoint: FaultyEndpoint, sent: list[list[dict[str, str]]]
) -> None:
    await run(bench, "solve")
    assert numbers(bench, "mapd/solve") == [(1, True, 4)]
    made = prompt_versions.write(bench, "mapd/solve", SHORT, who="anna", why="shorter")
    assert (made.number, made.title) == (2, "v2 by anna")
    (line,) = forecast.estimate(bench, asking.plan(bench, ["solve"]))
    assert (line.records, line.older) == (0, 4), "told, and not asked again"
    bench.store.put(teacher("c", endpoint.url))
    await run(bench, "solve")
    assert numbers(bench, "mapd/solve") == [(1, False, 4), (2, True, 2)]
    assert len(sent) == 6
    assert all("one line" in messages[0]["content"] for messages in sent[4:])
    known = {one.hash: one.text for one in prompt_versions.history(bench.store, bench.prompts,
                                                                   "mapd/solve")}  # fmt: skip
    for made_with in bench.store.all(Rationale):
        assert ("Solve it in one" in known[made_with.prompt_hash]) == (made_with.teacher == "c")


def test_a_former_version_is_gone_back_to_and_each_change_is_undone(bench: Bench) -> None:
    shipped = bench.templates.get("mapd", "solve").text
    prompt_versions.write(bench, "mapd/solve", SHORT, who="anna")
    assert bench.templates.get("mapd", "solve").text == SHORT
    with pytest.raises(SpecError, match="nothing was changed"):
        prompt_versions.write(bench, "mapd/solve", SHORT + "\n", who="anna")
    prompt_versions.restore(bench, "mapd/solve", 1, who="ben")
    assert bench.templates.get("mapd", "solve").text == shipped
    prompt_versions.write(bench, "mapd/solve", SHORT, who="ben")
    assert [one.number for one in prompt_versions.history(bench.store, bench.prompts, "mapd/solve")
            ] == [1, 2], "the same text is the same version"  # fmt: skip
    with pytest.raises(SpecError, match="there are 1 to 2"):
        prompt_versions.restore(bench, "mapd/solve", 3, who="ben")
    for text in (shipped, SHORT, shipped):
        assert undo.undo(bench.store) == "another version of the prompt mapd/solve"
        assert bench.templates.get("mapd", "solve").text == text
    assert undo.undo(bench.store) is None
    undo.redo(bench.store)
    assert bench.templates.get("mapd", "solve").text == SHORT


async def test_the_preview_is_what_is_sent(bench: Bench, sent: list[list[dict[str, str]]]) -> None:
    with pytest.raises(SpecError, match="run the stage solve"):
        preview(bench, "mapd/review", to="a")
    question = next(iter(bench.store.all(Question)))
    shown = {"solve": preview(bench, "mapd/solve", question=question.id, to="b"),
             "explain": preview(bench, "mapd/explain", question=question.id, to="a")}  # fmt: skip
    await run(bench, "explain", "solve")
    shown["review"] = preview(bench, "mapd/review", question=question.id, to="a")
    shown["trial"] = preview(bench, "mapd/solve", question=question.id, text=SHORT)
    await run(bench, "review")
    for name in ("solve", "explain", "review"):
        assert shown[name].messages in sent, name
    assert shown["trial"].messages[0]["content"].startswith("Solve it in one line.")
    assert shown["trial"].messages not in sent
    assert shown["review"].schema is not None
    assert shown["review"].as_json()["tokens"] > 50
    assert bench.store.count(Explanation) == 4
    assert bench.store.count(Review) == 4


def test_looking_at_a_review_writes_nothing(bench: Bench) -> None:
    question = next(iter(bench.store.all(Question)))
    bench.store.add([Rationale(question_id=question.id, teacher="b", text="1 + 1 = 3")])
    bench.store.close()
    reader = Store(bench.store.path, read_only=True)
    looked = Bench(reader, reader.path, bench.open_teacher, bench.launcher, bench.prompts)
    assert "1 + 1 = 3" in preview(looked, "mapd/review", to="a").messages[0]["content"]
    assert reader.setting("review_seed") is None
    reader.close()


def test_the_verb_lists_edits_shows_and_restores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, text = tmp_path / "p", tmp_path / "solve.md"
    assert main(["new", str(project)]) == 0
    text.write_text(SHORT, encoding="utf-8")
    assert main(["prompts", str(project), "edit", "solve", "--file", str(text), "--why", "x"]) == 0
    capsys.readouterr()
    assert main(["prompts", str(project), "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)["prompts"]}
    assert listed["mapd/solve"]["version"] == 2
    assert listed["mapd/review"]["version"] == 1
    assert main(["prompts", str(project), "show", "solve", "--against", "1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert "+Solve it in one line." in shown["diff"]
    assert [one["in_force"] for one in shown["versions"]] == [False, True]
    assert main(["prompts", str(project), "restore", "solve", "--version", "1"]) == 0
    assert "v1 as shipped is in force" in capsys.readouterr().out
    text.write_text("nothing", encoding="utf-8")
    for wrong in (["edit", "solve", "--file", str(text)], ["show", "nosuch"], ["edit", "solve"],
                  ["preview", "solve"], ["dance"]):  # fmt: skip
        assert main(["prompts", str(project), *wrong]) == 1
        assert capsys.readouterr().err.count("\n") == 1
