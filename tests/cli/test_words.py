"""What the command line says to people who mistype, ask for the impossible, or just begin."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from studio import __version__
from studio.cli import main
from studio.cli.output import describe, named, table
from studio.domain.policy import preset
from studio.domain.records import Attempt, Question, Rationale, TeacherRecord
from studio.flow.decisions import apply_policy
from studio.flow.formats import FORMATS
from studio.flow.questions import import_files
from studio.flow.stage import Progress
from studio.prompts import resources
from studio.store.tables import Store

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def project(tmp_path: Path) -> str:
    made = str(tmp_path / "p")
    assert main(["new", made]) == 0
    return made


def teachers(project: str) -> list[TeacherRecord]:
    store = Store(Path(project), read_only=True)
    try:
        return store.teachers(active=False)
    finally:
        store.close()


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mapd-studio {__version__}\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["trian", "x"], "there is no verb 'trian': did you mean train? (see mapd-studio --help)"),
        (["satus"], "there is no verb 'satus': did you mean status? (see mapd-studio --help)"),
        (["zzz", "x"], "there is no verb 'zzz' (see mapd-studio --help)"),
    ],
)
def test_a_verb_that_is_none_is_not_taken_for_a_project(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given) == 2
    assert capsys.readouterr().err == f"mapd-studio: {said}\n"


def test_a_usage_error_names_the_help_of_its_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 2
    assert "(see mapd-studio status --help)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", [("--budget", "-1"), ("--budget", "nan"), ("--limit", "-3"), ("--round", "-1")]
)
def test_a_run_takes_no_number_that_makes_no_sense(
    option: tuple[str, str], project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", project, *option]) == 2
    assert option[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("", ("m", "http://a/v1"), "name: it is empty"),
        ("x", ("", "http://a/v1"), "model: it is empty"),
        ("x", ("m", "http://"), "is not an address"),
        ("x", ("m", "http://a:b/v1"), "is not an address"),
        ("x", ("m", "localhost:11434"), "is not an address"),
        ("x\x1b[31m", ("m", "http://a/v1"), "has signs that cannot be seen"),
        ("x", ("m", "http://a/v1", "--price-in", "-4"), "price_in: "),
        ("x", ("m", "http://a/v1", "--samples", "0"), "samples: "),
    ],
)
def test_a_teacher_that_cannot_be_is_refused_in_one_line(
    name: str, options: tuple[str, ...], said: str, project: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    model, url, *more = options
    assert main(["teacher", "add", project, name, "--model", model, "--base-url", url, *more]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert "\x1b" not in told
    assert teachers(project) == []


def test_a_changed_teacher_keeps_what_is_not_named(project: str) -> None:
    add = ["teacher", "add", project, "x", "--model", "m", "--base-url"]
    first = ["--price-in", "2", "--concurrency", "3", "--max-tokens", "4000"]
    assert main([*add, "http://a/v1/chat/completions/", *first]) == 0
    assert main([*add, "http://b/v1", "--price-in", "1"]) == 0
    (record,) = teachers(project)
    assert record == TeacherRecord(
        name="x", model="m", base_url="http://b/v1", price_in=1.0, concurrency=3, max_tokens=4000
    )


def test_a_project_without_teachers_says_how_to_add_one(
    project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["teacher", "list", project]) == 0
    assert "teacher add" in capsys.readouterr().out
    assert main(["teacher", "test", project]) == 1
    assert "teacher add" in capsys.readouterr().err


def test_nothing_that_a_model_wrote_commands_the_terminal() -> None:
    evil = "a\x1b[31mred\u202eback\nnext"
    told = table([(evil,)], head=("reply",)) + describe(Progress("x", 1, 2, note=evil), spent_s=1)
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert len(table([(evil,)], head=("reply",)).splitlines()) == 3


def test_every_verb_fits_on_its_line_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert "..." not in told.split("Commands:")[1]


def test_import_names_the_formats_it_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert all(name in told for name in FORMATS)


def test_without_runs_the_comparison_says_how_to_make_one(
    project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["compare", project]) == 0
    assert capsys.readouterr().out == f"No runs yet: 'mapd-studio train {project}' makes one.\n"


def test_a_dry_run_tells_the_settings_as_set_takes_them(
    project: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(Path(project))
    import_files(store, sorted((DATA / "committee").glob("*.json")))
    apply_policy(store, preset("paper"), who="test")
    store.close()
    capsys.readouterr()
    student = resources() / "demo" / "student"
    settings = ["--set", "epochs=2", "--set", "lora.r=4", "--set", "overlong=drop"]
    assert main(["train", project, "--student", str(student), "--dry-run", *settings]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = {line[:10].strip(): line[11:] for line in lines if line[10:11] == " "}
    assert told["student"] == str(student)
    assert {"epochs=2.0", "lora.r=4", "overlong=drop"} <= set(told["settings"].split())
    assert told["steps"].endswith(" at most")
    assert "rationale)" in told["examples"]
    assert "{" not in told["examples"] + told["memory"] + told["settings"]


class Terminal(io.StringIO):
    """A standard output that people read."""

    def isatty(self) -> bool:
        return True


def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write to a terminal of 40 columns; from within a test, where pytest's own output is in place."""
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "40")


def test_a_table_too_wide_for_the_terminal_becomes_a_block_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    narrow_terminal(monkeypatch)
    rows = [("a" * 30, 1_000, "57.0 %"), ("b", 2, "–")]
    shown = table(rows, head=("reviewer of all", "reviews", "accuracy"))
    assert shown.split("\n\n")[1].splitlines() == [
        "reviewer of all  b",
        "reviews          2",
        "accuracy         –",
    ]
    assert "─" in table([("b", 2)], head=("name", "n")), "one that fits stays a table"


def test_long_facts_go_on_below_their_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow_terminal(monkeypatch)
    shown = named(
        [("policy", "studio: mean of valid scores > 3, own answer equals gold"), ("n", "1")]
    )
    assert shown.splitlines() == [
        "policy  studio: mean of valid scores >",
        "        3, own answer equals gold",
        "n       1",
    ]


def test_in_a_file_lines_are_as_long_as_they_are() -> None:
    said = "a word " * 40
    assert named([("policy", said)]) == f"policy  {said}".rstrip()
    assert table([(said, 1)], head=("text", "n")).count("\n") == 2


def test_numbers_written_as_text_stand_to_the_right() -> None:
    shown = table(
        [("a", "0.0 %", "−0.15"), ("b", "100.0 %", "+1.2")], head=("name", "share", "gap")
    )
    assert shown.splitlines()[2:] == ["a       0.0 %  −0.15", "b     100.0 %   +1.2"]


def test_what_is_not_graded_is_told_by_status_and_decide(
    project: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(Path(project))
    question = Question(text="How many?", gold="3")
    store.add([question, Attempt(question_id=question.id, student="small", text="Answer: 4"),
               Rationale(question_id=question.id, teacher="gpt", text="Answer: 3")])  # fmt: skip
    store.close()
    assert main(["status", project]) == 0
    said = capsys.readouterr().out
    assert "1: 0 correct · 0 wrong · 0 unreadable · 0 doubtful · 1 not graded yet" in said
    assert "calls         none made here" in said
    assert main(["decide", project, "--what-if"]) == 0
    said = capsys.readouterr().out
    assert "1 own answers not graded yet: run 'mapd-studio run PROJECT grade'" in said
    assert "accepted but wrong" not in said
