"""The command line is a contract: scripts of others hold on to these words and shapes.

More may be added at any time; what stands here may not go, be renamed, or mean something else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from studio.cli import main
from studio.cli.project import PAGES
from studio.cli.share import FORMATS
from studio.cli.verbs import app
from studio.domain.policy import PRESETS
from studio.domain.specs import with_settings
from studio.flow import formats
from studio.flow.asking import STAGES
from studio.store.tables import Store
from tests.curated import add_question, add_rationale
from tests.fakes import add_mistakes

#: Verb: what stands after it in order, and its options. ``*``: any number of these.
CONTRACT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "open": (("project",), ("--page", "--theme", "--size", "--screenshot")),
    "demo": (("folder",), ("--headless",)),
    "new": (("project",), ("--json",)),
    "import": (("project", "files*"), ("--format", "--split", "--map", "--skip-bad", "--json")),
    "teacher add": (
        ("project", "name"),
        ("--model", "--base-url", "--api-key-env", "--concurrency", "--price-in", "--price-out",
         "--json"),
    ),
    "teacher list": (("project",), ("--json",)),
    "teacher test": (("project", "name"), ("--json",)),
    "teacher remove": (("project", "name"), ("--json",)),
    "run": (
        ("project", "stages*"),
        ("--student", "--round", "--limit", "--budget", "--dry-run", "--json"),
    ),
    "decide": (
        ("project",),
        ("--preset", "--aggregate", "--threshold", "--answer-gate", "--no-answer-gate",
         "--min-reviews", "--what-if", "--json"),
    ),
    "override": (("project", "rationale_id", "wish"), ("--reason", "--json")),
    "train": (
        ("project",),
        ("--method", "--student", "--config", "--set", "--resume", "--launcher", "--dry-run",
         "--json"),
    ),
    "evaluate": (("project",), ("--run", "--student", "--split", "--json")),
    "export": (("project", "out"), ("--format", "--all", "--json")),
    "reviewers": (("project",), ("--json",)),
    "round": (("project",), ("--budget", "--json")),
    "status": (("project",), ("--json",)),
    "doctor": ((), ("--json",)),
}  # fmt: skip
OPEN_A_WINDOW = {"open", "demo"}


def verbs() -> dict[str, Any]:
    """Return every verb of the program with its parameters."""
    found: dict[str, Any] = {}
    whole: Any = typer.main.get_command(app)
    for name, verb in whole.commands.items():
        below = getattr(verb, "commands", None)
        found.update(
            {name: verb} if below is None else {f"{name} {n}": v for n, v in below.items()}
        )
    return found


@pytest.mark.parametrize("verb", CONTRACT)
def test_a_verb_takes_what_the_contract_says(verb: str) -> None:
    arguments, options = CONTRACT[verb]
    params = verbs()[verb].params
    there = [p.name + "*" * (p.nargs == -1) for p in params if p.param_type_name == "argument"]
    assert tuple(there) == arguments
    flags = {flag for p in params for flag in (*p.opts, *p.secondary_opts)}
    assert set(options) <= flags


def test_every_verb_that_opens_no_window_speaks_json() -> None:
    silent = {name for name, verb in verbs().items()
              if not any("--json" in p.opts for p in verb.params)}  # fmt: skip
    assert silent == OPEN_A_WINDOW


def test_the_words_an_option_takes_are_those_of_the_contract() -> None:
    assert PAGES == ("overview", "data", "committee", "desk", "train", "evaluate", "export",
                     "settings")  # fmt: skip
    assert set(FORMATS) >= {"messages", "prompt-completion", "alpaca", "sharegpt", "dpo", "parquet",
                            "committee", "attempts", "model"}  # fmt: skip
    assert set(formats.FORMATS) >= {"gsm8k", "svamp", "strategyqa", "logiqa", "committee",
                                    "gsm8k-solutions", "jsonl", "csv", "parquet"}  # fmt: skip
    assert STAGES == ("attempt", "grade", "explain", "solve", "review", "decide")
    assert set(PRESETS) >= {"paper", "studio"}


@pytest.mark.parametrize(
    "pair",
    ["epochs=2", "max_steps=3", "save_steps=3", "lr=0.1", "seed=1", "alpha=0.4", "batch_tokens=99",
     "max_tokens=99", "precision=fp32", "lora.r=4", "lora.alpha=8", "full=true"],
)  # fmt: skip
def test_a_setting_of_training_goes_by_this_name(pair: str) -> None:
    name, _, value = pair.partition("=")
    found: Any = with_settings({}, {name: value})
    for part in name.split("."):
        found = found[part]
    assert str(found).lower() == value


SHAPES: dict[str, dict[str, Any]] = {
    "status": {
        "questions": {"train": int, "test": int}, "attempts": int,
        "grades": {"correct": int, "wrong": int, "unreadable": int, "doubtful": int},
        "students": dict, "explanations": int, "rationales": int,
        "reviews": {"valid": int, "missing": int},
        "decisions": {"accepted": int, "rejected": int, "overridden": int},
        "accepted_by_teacher": dict, "questions_covered": int,
        "calls": {"done": int, "failed": int, "tokens_in": int, "tokens_out": int,
                  "cost_usd": None},
        "runs": list,
    },
    "decide": {
        "policy": dict, "accepted": int, "rejected": int, "questions_covered": int,
        "accepted_by_teacher": dict, "accepted_but_wrong": int, "rejected_but_right": int,
        "tokens": int, "changed": {"to_accepted": int, "to_rejected": int},
    },
}  # fmt: skip


def fits(value: Any, shape: Any) -> bool:
    """Return whether a value has this shape; it may have more."""
    if isinstance(shape, dict):
        return all(name in value and fits(value[name], one) for name, one in shape.items())
    return shape is None or isinstance(value, shape)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    store = Store.create(tmp_path / "p")
    add_mistakes(store, 3)
    store.close()
    return tmp_path / "p"


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """Return the one JSON object a verb prints; nothing else may stand beside it."""
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("verb", SHAPES)
def test_json_has_the_shape_of_the_contract(
    verb: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fits(told(capsys, verb, project), SHAPES[verb])


def test_a_what_if_has_the_same_shape_and_stores_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = told(capsys, "status", project)
    assert fits(told(capsys, "decide", project, "--what-if", "--threshold", "1"), SHAPES["decide"])
    assert told(capsys, "status", project) == before


def test_what_makes_or_changes_a_thing_says_in_json_what_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made"
    assert told(capsys, "new", made) == {"project": str(made)}
    teacher = ("--model", "m", "--base-url", "http://a/v1", "--price-in", "2")
    added = told(capsys, "teacher", "add", made, "t", *teacher)
    assert (added["name"], added["price_in"], added["active"]) == ("t", 2.0, True)
    assert told(capsys, "teacher", "remove", made, "t") == {"name": "t", "active": False}
    (listed,) = told(capsys, "teacher", "list", made)["teachers"]
    assert listed["active"] is False
    backup = told(capsys, "backup", made, tmp_path / "b.db")
    assert backup == {"file": str(tmp_path / "b.db"), "bytes": (tmp_path / "b.db").stat().st_size}
    back = told(capsys, "restore", made, tmp_path / "b.db")
    assert Path(back["kept"]).is_file()
    page = told(capsys, "report", made, tmp_path / "r.html")
    assert page == {"out": str(tmp_path / "r.html"), "bytes": (tmp_path / "r.html").stat().st_size}


def test_an_override_says_in_json_whether_it_changed_something(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(project)
    question = add_question(store, "How many?")
    rationale = add_rationale(store, question).id
    store.close()
    for changed in (1, 0):
        found = told(capsys, "override", project, rationale, "accept")
        assert found == {"rationale_id": rationale, "wish": "accept", "changed": changed}
