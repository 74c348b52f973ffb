"""What goes out: the accepted rationales, loadable elsewhere, with where they come from."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import ExportError
from studio.domain.policy import Policy, preset
from studio.domain.records import Grade, Override, Question, Rationale, StudentRecord, Verdict
from studio.domain.visible import in_markdown
from studio.flow.decisions import apply_policy
from studio.flow.export import DATASET_FORMATS, FORMATS, export
from studio.flow.exports.card import Tally, card
from studio.flow.exports.target import beside
from studio.flow.questions import import_files
from studio.store.tables import Store

COMMITTEE = sorted((Path(__file__).parent.parent / "data" / "committee").glob("*.json"))


@pytest.fixture
def decided(store: Store) -> Store:
    """The small committee, decided by the paper's policy."""
    import_files(store, COMMITTEE)
    apply_policy(store, preset("paper"), who="test")
    return store


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The real ``load_dataset``, kept off the network and out of the home folder."""
    cache = tmp_path_factory.mktemp("hf")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("HF_HUB_OFFLINE", "1"),
            ("HF_DATASETS_OFFLINE", "1"),
            ("HF_HOME", str(cache)),
            ("HF_DATASETS_CACHE", str(cache / "datasets")),
        ):
            patch.setenv(name, value)
        datasets = pytest.importorskip("datasets")
        datasets.disable_progress_bars()
        where = str(cache / "datasets")
        yield lambda folder, *name: datasets.load_dataset(str(folder), *name, cache_dir=where)


def accepted(store: Store) -> list[Rationale]:
    where = "id IN (SELECT rationale_id FROM final_decisions WHERE accepted = 1)"
    return list(store.all(Rationale, where))


def grade(store: Store, rationale: Rationale, verdict: Verdict) -> None:
    store.add(
        [Grade(subject_id=rationale.id, subject_kind="rationale", verdict=verdict, grader="t")]
    )


def jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# -- every dataset format ------------------------------------------------------------------------


def answer_in(format: str, row: dict[str, Any]) -> str:
    where = {
        "messages": lambda: row["messages"][-1]["content"],
        "prompt-completion": lambda: row["completion"],
        "alpaca": lambda: row["output"],
        "sharegpt": lambda: row["conversations"][-1]["value"],
        "dpo": lambda: row["chosen"],
        "parquet": lambda: row["rationale"],
    }
    text: str = where[format]()
    return text


@pytest.mark.parametrize("format", DATASET_FORMATS)
def test_every_format_loads_with_datasets_and_loses_no_text(
    decided: Store, tmp_path: Path, load: Any, format: str
) -> None:
    report = export(decided, tmp_path / "out", format=format)
    loaded = load(tmp_path / "out")
    assert {part: len(rows) for part, rows in loaded.items()} == {
        "train": report.train,
        "validation": report.validation,
    }
    out = sorted(answer_in(format, row) for rows in loaded.values() for row in rows)
    wanted = {r.text.strip() for r in accepted(decided)}
    assert set(out) <= wanted
    if format != "dpo":
        assert len(out) == len(accepted(decided))
        assert set(out) == wanted


@pytest.mark.parametrize("format", [f for f in DATASET_FORMATS if f != "dpo"])
def test_all_rationales_go_with_their_decision_as_a_column(
    decided: Store, tmp_path: Path, load: Any, format: str
) -> None:
    decided.execute("DELETE FROM decisions WHERE rationale_id = ?", accepted(decided)[0].id)
    report = export(decided, tmp_path / "out", format=format, include_all=True)
    assert report.rows == decided.count(Rationale)
    rows = [row for part in load(tmp_path / "out").values() for row in part]
    assert {row["decision"] for row in rows} == {"accepted", "rejected", "undecided"}


def test_a_second_export_to_the_same_place_is_not_loaded_from_a_cache(
    decided: Store, tmp_path: Path, load: Any
) -> None:
    first = export(decided, tmp_path / "out", format="messages")
    assert sum(map(len, load(tmp_path / "out").values())) == first.rows
    one = accepted(decided)[0]
    decided.set_overrides({one.id: Override(rationale_id=one.id, accepted=False)})
    export(decided, tmp_path / "out", format="messages")
    assert sum(map(len, load(tmp_path / "out").values())) == first.rows - 1


def test_the_prompt_is_the_exams(decided: Store, tmp_path: Path) -> None:
    export(decided, tmp_path / "out", format="messages")
    row = jsonl(tmp_path / "out" / "data" / "train.jsonl")[0]
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
    question = decided.get(Question, accepted(decided)[0].question_id)
    assert question is not None
    rows = jsonl(tmp_path / "out" / "data" / "train.jsonl")
    rows += jsonl(tmp_path / "out" / "data" / "validation.jsonl")
    assert any(question.text in row["messages"][0]["content"] for row in rows)


def test_the_prompt_is_that_of_the_students_own_style(decided: Store, tmp_path: Path) -> None:
    decided.put(StudentRecord(name="small", location="here", prompts="bare"))
    export(decided, tmp_path / "out", format="prompt-completion")
    rows = jsonl(tmp_path / "out" / "data" / "train.jsonl")
    texts = {question.text for question in decided.all(Question)}
    assert {row["prompt"] for row in rows} <= texts


def test_options_and_context_are_part_of_the_prompt(store: Store, tmp_path: Path) -> None:
    row = {
        "question": "Which?", "context": "Two boxes.", "options": ["red", "blue"], "answer": "B",
        "rationale": "The second.",
    }  # fmt: skip
    (tmp_path / "q.jsonl").write_text(json.dumps(row), encoding="utf-8")
    import_files(store, [tmp_path / "q.jsonl"])
    export(store, tmp_path / "out", format="alpaca", include_all=True)
    [out] = jsonl(tmp_path / "out" / "data" / "train.jsonl")
    for part in ("Two boxes.", "Which?", "A. red", "B. blue"):
        assert part in out["instruction"]


def test_no_question_stands_in_both_parts_and_none_changes_its_part(
    store: Store, tmp_path: Path
) -> None:
    def parts(folder: Path) -> dict[str, str]:
        return {
            row["question_id"]: row["part"]
            for part in ("train", "validation")
            for row in jsonl(folder / "provenance" / f"{part}.jsonl")
        }

    def add(first: int, n: int) -> None:
        file = tmp_path / f"{first}.jsonl"
        rows = (
            {"question": f"{i} + 1?", "answer": i + 1, "rationale": f"way {way}: {i + 1}"}
            for i in range(first, first + n)
            for way in (1, 2)
        )
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        import_files(store, [file])

    add(0, 100)
    report = export(store, tmp_path / "a", format="messages", include_all=True)
    assert report.rows == 200
    before = parts(tmp_path / "a")
    add(100, 100)
    export(store, tmp_path / "b", format="messages", include_all=True)
    after = parts(tmp_path / "b")
    assert {qid: after[qid] for qid in before} == before
    assert 5 <= list(after.values()).count("validation") <= 40


def test_questions_kept_for_tests_never_become_training_rows(
    decided: Store, tmp_path: Path
) -> None:
    everything = export(decided, tmp_path / "a", format="messages")
    first = accepted(decided)[0].question_id
    decided.execute("UPDATE questions SET split = 'test' WHERE id = ?", first)
    report = export(decided, tmp_path / "b", format="messages")
    assert report.left_out > 0
    assert report.rows + report.left_out == everything.rows
    assert "kept for tests are left out" in (tmp_path / "b" / "README.md").read_text()


def test_only_a_students_questions_go_out(decided: Store, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no rationale is accepted"):
        export(decided, tmp_path / "a", format="messages", student="nobody")
    report = export(decided, tmp_path / "b", format="messages", student="Tiny-1", round=0)
    assert report.rows == len(accepted(decided))
    assert report.describe().startswith(f"{report.rows} rows as messages in {tmp_path / 'b'} (")
    assert json.loads(json.dumps(report.as_json()))["format"] == "messages"


# -- preferences ---------------------------------------------------------------------------------


def test_an_accepted_rationale_is_preferred_to_the_students_mistake(
    decided: Store, tmp_path: Path
) -> None:
    [row] = decided.rows("SELECT id, question_id, text FROM attempts WHERE key = '3'")
    decided.add([Grade(subject_id=row["id"], verdict=Verdict.WRONG, grader="t")])
    export(decided, tmp_path / "out", format="dpo")
    rows = [
        (told["question_id"], said["rejected"])
        for part in ("train", "validation")
        for said, told in zip(
            jsonl(tmp_path / "out" / "data" / f"{part}.jsonl"),
            jsonl(tmp_path / "out" / "provenance" / f"{part}.jsonl"),
            strict=True,
        )
    ]
    assert (row["question_id"], row["text"]) in rows


def test_neither_a_doubtful_mistake_nor_a_right_rationale_is_taught_as_bad(
    decided: Store, tmp_path: Path
) -> None:
    decided.execute("DELETE FROM decisions WHERE rationale_id NOT IN"
                    " (SELECT id FROM rationales WHERE key = '3')")  # fmt: skip
    for rationale in decided.all(Rationale, "key = '3'"):
        grade(decided, rationale, Verdict.CORRECT)
    with pytest.raises(ExportError, match="no accepted rationale has a worse answer"):
        export(decided, tmp_path / "out", format="dpo")


# -- card and provenance -------------------------------------------------------------------------


def test_provenance_tells_where_each_row_comes_from(decided: Store, tmp_path: Path) -> None:
    rejected = decided.rows("SELECT rationale_id FROM final_decisions WHERE accepted = 0")[0][0]
    decided.set_overrides(
        {rejected: Override(rationale_id=rejected, accepted=True, reason="right")}
    )
    export(decided, tmp_path / "out", format="prompt-completion")
    for part in ("train", "validation"):
        rows = jsonl(tmp_path / "out" / "data" / f"{part}.jsonl")
        told = jsonl(tmp_path / "out" / "provenance" / f"{part}.jsonl")
        for n, (row, origin) in enumerate(zip(rows, told, strict=True)):
            made = decided.get(Rationale, origin["rationale_id"])
            assert made is not None
            assert (row["completion"], n) == (made.text.strip(), origin["row"])
            assert {"question_id", "attempts", "teacher", "prompt_hash", "reviews"} <= origin.keys()
            assert len(origin["reviews"]) == 2
            person = {"accepted": True, "reason": "right"} if made.id == rejected else None
            assert origin["override"] == person
            assert origin["policy_version"] == 1


def test_the_card_tells_policy_teachers_and_limits(decided: Store, tmp_path: Path) -> None:
    grade(decided, accepted(decided)[0], Verdict.WRONG)
    total = export(decided, tmp_path / "out", format="messages").rows
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "paper, version 1: mean of valid scores > 3, at least 1 valid review." in text
    assert "| gpt | not told | imported |" in text
    assert f"1 of {total} accepted rationales end on an answer that was graded wrong." in text
    assert f"The own answer of {total - 1} of {total} was not graded." in text


def test_no_name_makes_a_link_or_a_picture_in_the_card() -> None:
    told = in_markdown("![x](http://a/b.png) <b> `code` | _y_\n# Head")
    assert told == r"\!\[x\](http://a/b.png) &lt;b> \`code\` \| \_y\_ \# Head"
    names = {"![p](http://a/p.png)": 0.0, "[l](http://a)": 2.0}
    rule = Policy(name="[mine](http://a)", weights=names)
    text = card(Tally(), format="messages", files=[], policy=(1, rule), teachers=[], content="")
    assert re.search(r"(?<!\\)\[", text) is None


def test_scripted_teachers_are_called_so(decided: Store, tmp_path: Path) -> None:
    gpt = next(t for t in decided.teachers(active=False) if t.name == "gpt")
    decided.put(gpt.changed(scripted=True))
    export(decided, tmp_path / "out", format="messages")
    assert "| gpt | not told | scripted" in (tmp_path / "out" / "README.md").read_text()


# -- attempts ------------------------------------------------------------------------------------


def test_attempts_go_out_with_verdict_and_doubts(decided: Store, tmp_path: Path) -> None:
    [row] = decided.rows("SELECT id FROM attempts WHERE key = '3'")
    doubts = ({"name": "number formats differ", "evidence": "17"},)
    decided.add(
        [Grade.model_validate({"subject_id": row["id"], "verdict": "wrong", "extracted": "17",
                               "doubts": doubts, "grader": "t"})]
    )  # fmt: skip
    report = export(decided, tmp_path / "attempts.jsonl", format="attempts")
    rows = {row["key"]: row for row in jsonl(report.out)}
    wanted = ["question_id", "key", "question", "student", "text", "extracted", "gold", "verdict"]
    assert set(wanted) | {"doubts", "source_verdict"} <= rows["3"].keys()
    graded = {name: rows["3"][name] for name in ("verdict", "extracted", "doubts")}
    assert graded == {
        "verdict": "wrong", "extracted": "17", "doubts": ["number formats differ"],
    }  # fmt: skip
    assert rows["8"]["verdict"] is None


def test_attempts_go_into_a_folder_where_no_file_is_named(decided: Store, tmp_path: Path) -> None:
    export(decided, tmp_path / "out", format="attempts")
    export(decided, tmp_path / "out", format="attempts")  # an export of ours may be replaced
    assert len(jsonl(tmp_path / "out" / "attempts.jsonl")) == 4
    (tmp_path / "mine.jsonl").write_text('{"mine": 1}\n')
    with pytest.raises(ExportError, match="no export of ours"):
        export(decided, tmp_path / "mine.jsonl", format="attempts")


# -- the committee's own form --------------------------------------------------------------------


def test_committee_records_go_back_as_they_came(decided: Store, tmp_path: Path) -> None:
    export(decided, tmp_path / "out", format="committee")
    for file in COMMITTEE:
        assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes(), file.name


def test_each_part_of_the_records_loads_with_datasets(
    decided: Store, tmp_path: Path, load: Any
) -> None:
    for _ in range(2):  # the second takes the place of the first
        export(decided, tmp_path / "out", format="committee")
    for file in COMMITTEE:
        (part,) = (one for one in ("false", "feedback", "rationale") if f"_{one}_" in file.name)
        rows = load(tmp_path / "out", f"{part}_records")["train"]
        known = json.loads(file.read_text(encoding="utf-8"))
        assert [row["question"] for row in rows] == [row["question"] for row in known]


def test_records_go_back_unchanged_when_the_questions_were_there_before(
    store: Store, tmp_path: Path
) -> None:
    rows = [
        {"question": " A boat is 4 m  long. How long are 3 boats?", "answer": "12.0"},
        {"question": "Is “salt” soluble in water?", "answer": "yes"},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    import_files(store, [tmp_path / "a.jsonl"])
    import_files(store, COMMITTEE)
    apply_policy(store, preset("paper"), who="test")
    export(store, tmp_path / "out", format="committee")
    for file in COMMITTEE:
        assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes(), file.name


def test_students_whose_files_would_have_one_name_have_files_of_their_own(
    store: Store, tmp_path: Path
) -> None:
    for part in ("a-b", "A-B"):  # one name where letters have no case
        folder = tmp_path / part
        folder.mkdir()
        row = {"id": 1, "question": "What is 1 and 1?", "gold_answer": "2",
               "student_wrong_pred": f"3, says {part}", "student_wrong_final_answer": "3"}  # fmt: skip
        file = folder / f"{part}_sums_false_round0.json"
        file.write_text(json.dumps([row]), encoding="utf-8")
        import_files(store, [file])
    apply_policy(store, preset("paper"), who="test")
    export(store, tmp_path / "out", format="committee")
    files = sorted((tmp_path / "out").glob("*.json"), key=lambda one: one.name.casefold())
    assert len({one.name.casefold() for one in files}) == 2
    said = "".join(one.read_text(encoding="utf-8") for one in files)
    assert "says a-b" in said
    assert "says A-B" in said


def test_a_person_changes_what_is_written_as_right(decided: Store, tmp_path: Path) -> None:
    first = accepted(decided)[0]
    decided.set_overrides({first.id: Override(rationale_id=first.id, accepted=False)})
    export(decided, tmp_path / "out", format="committee")
    records = json.loads((tmp_path / "out" / COMMITTEE[2].name).read_text(encoding="utf-8"))
    assert all(first.text not in record["correct_rationale"] for record in records)


def test_the_real_committee_is_reproduced(store: Store, tmp_path: Path, shared_data: Path) -> None:
    files = sorted((shared_data / "learn_from_committee").glob("*.json"))
    import_files(store, files)
    tally = apply_policy(store, preset("paper"), who="test")
    assert tally.accepted_by_teacher == {"gpt": 142, "gemini": 110, "mistral": 168}
    export(store, tmp_path / "out", format="committee")
    for file in files:
        ours = json.loads((tmp_path / "out" / file.name).read_text(encoding="utf-8"))
        assert ours == json.loads(file.read_text(encoding="utf-8")), file.name


# -- places --------------------------------------------------------------------------------------


def test_only_an_export_of_ours_is_replaced(decided: Store, tmp_path: Path) -> None:
    export(decided, tmp_path / "out", format="messages")
    export(decided, tmp_path / "out", format="alpaca")
    row = jsonl(tmp_path / "out" / "data" / "train.jsonl")[0]
    assert set(row) == {"instruction", "input", "output"}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("my own")
    for format in FORMATS:
        if format != "attempts":
            with pytest.raises(ExportError, match="not empty and no export of ours"):
                export(decided, tmp_path / "mine", format=format)
    with pytest.raises(ExportError, match="is a file"):
        export(decided, tmp_path / "mine" / "README.md", format="messages")
    assert (tmp_path / "mine" / "README.md").read_text() == "my own"


@pytest.mark.parametrize(
    "name", ["ein Ordner", "日本語 🎓", "a.b", "-dash", "x" * 200, "con", "it's"]
)
def test_odd_names_are_fine(decided: Store, tmp_path: Path, name: str) -> None:
    if os.name == "nt" and name == "con":
        pytest.skip("a reserved name on Windows")
    export(decided, tmp_path / name, format="messages")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "project"])


def test_a_name_that_is_too_long_is_told_in_one_line(decided: Store, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"cannot be written .*name another place"):
        export(decided, tmp_path / ("x" * 300), format="messages")


def test_nothing_to_export_writes_nothing(store: Store, tmp_path: Path) -> None:
    for format in FORMATS:
        with pytest.raises(ExportError):
            export(store, tmp_path / "out", format=format)
    with pytest.raises(ExportError, match="no format 'xml'"):
        export(store, tmp_path / "out", format="xml")
    assert not (tmp_path / "out").exists()


_CHILD = """
import os, resource, signal, sys
from pathlib import Path
from studio.domain.errors import StudioError
from studio.flow.export import export
from studio.store.tables import Store
store = Store(Path(sys.argv[1]))
if sys.argv[3] == "kill":
    def strike(progress): os.kill(os.getpid(), signal.SIGKILL)
else:
    strike = None
    resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    export(store, Path(sys.argv[2]), format="alpaca", progress=strike)
except StudioError as error:
    print(error)
    os._exit(1)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")
@pytest.mark.parametrize(("fault", "code"), [("kill", -9), ("no space", 1)])
def test_an_export_that_ends_half_way_keeps_the_old_one(
    decided: Store, tmp_path: Path, fault: str, code: int
) -> None:
    out = tmp_path / "out"
    export(decided, out, format="messages")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    decided.close()
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_CHILD), str(decided.path), str(out), fault],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert child.returncode == code, child.stderr
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    again = Store(decided.path)
    export(again, out, format="alpaca")
    again.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "project"]


def test_an_old_export_left_aside_is_put_back(decided: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(decided, out, format="messages")
    before = (out / "README.md").read_bytes()
    out.rename(beside(out, "old"))
    for rid in [r.id for r in accepted(decided)]:
        decided.set_overrides({rid: Override(rationale_id=rid, accepted=False)})
    with pytest.raises(ExportError, match="no rationale is accepted"):
        export(decided, out, format="messages")
    assert (out / "README.md").read_bytes() == before
