"""Files come in whole or not at all, and nothing they say is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from studio.domain.errors import ImportRefused, SpecError
from studio.domain.records import (
    AnswerKind,
    Attempt,
    Explanation,
    Question,
    Rationale,
    Review,
    StudentRecord,
)
from studio.flow.questions import import_files, preview
from studio.flow.stage import Progress
from studio.store.tables import Store

DATA = Path(__file__).parent.parent / "data"
COMMITTEE = sorted((DATA / "committee").glob("*.json"))


def questions(store: Store) -> list[Question]:
    return list(store.all(Question))


def jsonl(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def simple(n: int) -> dict[str, str]:
    return {"question": f"What is {n} + {n}?", "answer": str(2 * n)}


# -- the native formats --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "format", "n"),
    [
        ("gsm8k.jsonl", "gsm8k", 2),
        ("svamp.json", "svamp", 2),
        ("strategyqa.json", "strategyqa", 2),
        ("logiqa_test.txt", "logiqa", 2),
        ("model_solutions.jsonl", "gsm8k-solutions", 1),
        ("committee/Tiny-1_mixed_false_round0.json", "committee", 3),
    ],
)
def test_a_native_file_is_recognised_by_its_content(
    store: Store, name: str, format: str, n: int
) -> None:
    report = import_files(store, [DATA / name])
    assert report.files[0].format == format
    assert report.new == store.count(Question) == n


def test_gsm8k_gold_stands_after_the_mark_and_calculator_marks_go(store: Store) -> None:
    import_files(store, [DATA / "gsm8k.jsonl"])
    first, second = questions(store)
    assert (first.gold, first.gold_rationale) == ("24", "She bakes 4*6=24 rolls.")
    assert (second.gold, second.split, second.dataset) == ("1,800", "train", "gsm8k")


def test_svamp_question_is_body_and_question(store: Store) -> None:
    import_files(store, [DATA / "svamp.json"])
    first, second = questions(store)
    expected = "A shelf holds 12 mugs and 5 bowls. How many more mugs than bowls are there?"
    assert (first.text, first.gold, first.key, first.kind) == (
        expected,
        "7",
        "own-1",
        "Subtraction",
    )
    assert (second.gold, second.answer_kind) == ("1.5", AnswerKind.NUMBER)


def test_strategyqa_wants_yes_or_no_and_keeps_the_facts(store: Store) -> None:
    import_files(store, [DATA / "strategyqa.json"])
    first, second = questions(store)
    assert (first.gold, second.gold) == ("no", "yes")
    assert first.answer_kind is AnswerKind.YES_NO
    assert first.gold_rationale == (
        "A rowing boat needs water. Deserts are dry.\n"
        "1. What does a rowing boat need?\n2. Is there #1 in a desert?"
    )


def test_logiqa_options_lose_their_letters(store: Store) -> None:
    import_files(store, [DATA / "logiqa_test.txt"])
    first, second = questions(store)
    assert first.options[1] == "Every key in the box is brass"
    assert (first.gold, first.answer_kind, first.split) == ("B", AnswerKind.CHOICE, "test")
    assert (second.gold, second.text) == ("D", "Who sits last on the right?")


def test_a_logiqa_question_with_a_line_missing_does_not_spoil_the_next(
    store: Store, tmp_path: Path
) -> None:
    lines = (DATA / "logiqa_test.txt").read_text(encoding="utf-8").splitlines()
    file = tmp_path / "short.txt"
    file.write_text("\n".join(lines[:7] + lines[8:]), encoding="utf-8")
    with pytest.raises(ImportRefused, match="line 1: 7 lines where 8 are expected"):
        import_files(store, [file], format="logiqa")
    assert import_files(store, [file], format="logiqa", skip_bad=True).new == 1


def test_model_solutions_become_attempts_with_the_files_own_verdict(store: Store) -> None:
    import_files(store, [DATA / "model_solutions.jsonl"])
    verdicts = {a.student: a.source_verdict for a in store.all(Attempt)}
    assert verdicts == {"tiny_model": "wrong", "small_model": "correct"}
    assert {s.name for s in store.all(StudentRecord)} == set(verdicts)
    assert questions(store)[0].split == "test"


def test_solutions_join_the_questions_that_are_there(store: Store) -> None:
    report = import_files(store, [DATA / "gsm8k.jsonl", DATA / "model_solutions.jsonl"])
    assert (report.new, report.duplicates, report.conflict_count) == (2, 1, 0)


# -- the committee -------------------------------------------------------------------------------


def test_the_three_files_of_a_committee_belong_together(store: Store) -> None:
    report = import_files(store, COMMITTEE)
    assert (report.new, report.attempts) == (3, 4)
    assert (report.explanations, report.rationales, report.reviews) == (11, 11, 22)
    assert {a.student for a in store.all(Attempt)} == {"Tiny-1"}
    assert report.dataset == "mixed"


@pytest.mark.parametrize("file", COMMITTEE, ids=lambda file: file.stem)
def test_each_committee_file_is_enough_alone(store: Store, file: Path) -> None:
    assert import_files(store, [file]).attempts == 4


def test_the_order_of_the_calls_does_not_matter(store: Store, tmp_path: Path) -> None:
    import_files(store, COMMITTEE)
    with_one_call = {t: store.count(t) for t in (Attempt, Explanation, Rationale, Review)}
    other = Store.create(tmp_path / "other")
    for file in reversed(COMMITTEE):
        import_files(other, [file])
    assert {t: other.count(t) for t in with_one_call} == with_one_call
    other.close()


def test_a_question_that_stands_twice_loses_neither_record(store: Store) -> None:
    import_files(store, COMMITTEE)
    twice = {a.key: a for a in store.all(Attempt, "key IN ('8', '9')")}
    assert twice["8"].question_id == twice["9"].question_id
    assert (twice["8"].sample, twice["9"].sample) == (0, 1)
    keys = {
        r.sample: r.key for r in store.all(Rationale, "question_id = ?", twice["8"].question_id)
    }
    assert keys == {0: "8", 1: "9"}


def test_scores_have_the_reviewers_of_the_documented_order(store: Store) -> None:
    import_files(store, COMMITTEE)
    [gemini] = store.all(Rationale, "key = '3' AND teacher = 'gemini'")
    scores = {r.reviewer: r.score for r in store.all(Review, "subject_id = ?", gemini.id)}
    assert scores == {"gpt": 5, "mistral": 1}


def test_a_score_that_is_none_is_missing_and_keeps_what_the_file_said(store: Store) -> None:
    import_files(store, COMMITTEE)
    missing = Counter(r.source_score for r in store.all(Review, "score IS NULL"))
    assert missing == {"0": 1, "83": 1, "null": 2, '"5"': 1, "4.5": 1}
    assert all(r.missing for r in store.all(Review, "score IS NULL"))
    assert store.count(Review, "source_score = '5.0' AND score = 5") == 1


def test_gold_with_facts_becomes_yes_with_a_rationale(store: Store) -> None:
    import_files(store, COMMITTEE)
    [salt] = store.all(Question, "answer_kind = 'yes_no'")
    assert (salt.gold, salt.gold_rationale) == ("yes", "Salt dissolves in water.")


def test_imported_teachers_are_known_but_not_asked(store: Store) -> None:
    import_files(store, COMMITTEE)
    assert store.teachers() == []
    assert [t.name for t in store.teachers(active=False)] == ["gemini", "gpt", "mistral"]


def test_another_text_in_the_same_place_is_a_conflict_not_a_loss(
    store: Store, tmp_path: Path
) -> None:
    import_files(store, COMMITTEE)
    rows = json.loads(COMMITTEE[1].read_text(encoding="utf-8"))
    rows[0]["gpt_feedback"] = "Something else."
    changed = tmp_path / COMMITTEE[1].name
    changed.write_text(json.dumps(rows), encoding="utf-8")
    report = import_files(store, [changed])
    assert report.conflict_count == 1
    assert "explanation of gpt" in report.conflicts[0].what


# -- tables of any making ------------------------------------------------------------------------


def test_kinds_of_answers_are_inferred(store: Store, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"question": "a?", "answer": 51.0},
        {"question": "b?", "answer": True},
        {"question": "c?", "answer": "Paris"},
        {"question": "d?", "answer": "-1,250.5"},
        {"question": "e?", "answer": "\\frac{3}{4}"},
        {"question": "f?", "answer": "purple", "options": ["A. blue", "B. red"]},
        {"question": "f?", "answer": "a", "options": ["blue", "green"]},
        {"question": "g?", "answer": "No."},
    ]
    with pytest.raises(ImportRefused, match="neither a letter A-B nor an option"):
        import_files(store, [jsonl(tmp_path / "a.jsonl", rows)])
    rows[5]["answer"] = "B. red"
    import_files(store, [jsonl(tmp_path / "a.jsonl", rows)])
    found = [(q.gold, str(q.answer_kind)) for q in questions(store)]
    assert found == [
        ("51", "number"), ("yes", "yes_no"), ("Paris", "text"), ("-1,250.5", "number"),
        ("\\frac{3}{4}", "number"), ("B", "choice"), ("A", "choice"), ("no", "yes_no"),
    ]  # fmt: skip


def test_options_that_only_begin_like_a_letter_stay_whole(store: Store, tmp_path: Path) -> None:
    rows = [
        {"question": "When?", "answer": "p.m.", "options": ["a.m.", "p.m."]},
        {"question": "What?", "answer": "A", "options": ["A.I. research", "biology"]},
        {"question": "Who?", "answer": "B", "options": ["(A) Ann", "(B) Bo"]},
    ]
    import_files(store, [jsonl(tmp_path / "a.jsonl", rows)])
    assert [(one.options, one.gold) for one in questions(store)] == [
        (("a.m.", "p.m."), "B"), (("A.I. research", "biology"), "A"), (("Ann", "Bo"), "B"),
    ]  # fmt: skip


def test_csv_columns_are_mapped_and_responses_become_attempts(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "exam.csv"
    text = 'Frage;Antwort;Text;split;key\n"Was ist\n2+2?";4;"2+2=4; also 4";dev;k1\n'
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    columns = {"question": "Frage", "answer": "Antwort", "response": "Text"}
    report = import_files(store, [file], columns=columns)
    assert (report.new, report.attempts) == (1, 1)
    [question] = questions(store)
    assert (question.gold, question.split, question.key) == ("4", "test", "k1")
    [attempt] = store.all(Attempt)
    assert (attempt.student, attempt.text) == ("imported", "2+2=4; also 4")


def test_a_rationale_column_is_a_teachers_rationale(store: Store, tmp_path: Path) -> None:
    rows = [{**simple(1), "rationale": "1 + 1 = 2"}, {**simple(1), "rationale": "Two."}]
    file = jsonl(tmp_path / "a.jsonl", [*rows, rows[0]])
    assert import_files(store, [file]).rationales == 2
    assert [(r.teacher, r.sample) for r in store.all(Rationale)] == [
        ("imported", 0),
        ("imported", 1),
    ]


def test_parquet_is_read(store: Store, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    table = pa.table({"prompt": ["x?", "y?"], "answer": [4, 5], "options": [None, None]})
    pq.write_table(table, tmp_path / "t.parquet")
    report = import_files(store, [tmp_path / "t.parquet"], columns={"question": "prompt"})
    assert (report.new, report.files[0].format) == (2, "parquet")


def test_a_missing_column_names_those_that_are_there(store: Store, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"prompt": "x", "answer": 1}])
    with pytest.raises(ImportRefused, match=r"there are: prompt, answer.*--map question=prompt"):
        import_files(store, [file])


def test_a_wrong_name_to_map_or_of_a_format_is_told(store: Store, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [simple(1)])
    with pytest.raises(ImportRefused, match="--map colour: choose of question, answer"):
        import_files(store, [file], columns={"colour": "x"})
    with pytest.raises(SpecError, match="no format 'xlsx'"):
        import_files(store, [file], format="xlsx")


# -- whole or not at all -------------------------------------------------------------------------


def test_a_bad_row_refuses_the_whole_call_with_line_and_reason(
    store: Store, tmp_path: Path
) -> None:
    good = jsonl(tmp_path / "good.jsonl", [simple(1)])
    bad = tmp_path / "bad.jsonl"
    bad.write_text(json.dumps(simple(2)) + '\n{"question": "x?", answer}\n', encoding="utf-8")
    with pytest.raises(ImportRefused, match=r"bad.jsonl, line 2: broken JSON") as refusal:
        import_files(store, [good, bad])
    assert refusal.value.line == 2
    assert store.count(Question) == 0


def test_skipped_rows_are_listed_beside_the_file(store: Store, tmp_path: Path) -> None:
    rows = [simple(1), {"question": "no answer"}, ["a list"], {**simple(2), "answer": None}]
    report = import_files(store, [jsonl(tmp_path / "a.jsonl", rows)], skip_bad=True)
    assert (report.new, report.bad_rows) == (1, 3)
    listed = (tmp_path / "a.jsonl.bad.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["line"] for line in listed] == [2, 3, 4]
    assert json.loads(listed[0])["row"] == {"question": "no answer"}
    assert report.files[0].bad_list == tmp_path / "a.jsonl.bad.jsonl"


def test_a_refused_import_leaves_no_list_behind(store: Store, tmp_path: Path) -> None:
    bad = jsonl(tmp_path / "a.jsonl", [{"question": "no answer"}, simple(1)])
    broken = tmp_path / "b.json"
    broken.write_text("[{", encoding="utf-8")
    with pytest.raises(ImportRefused, match=r"b.json, line 1: broken JSON"):
        import_files(store, [bad, broken], skip_bad=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jsonl", "b.json", "project"]


def test_the_list_goes_to_the_project_where_the_folder_cannot_be_written(
    store: Store, tmp_path: Path
) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"question": "no answer"}, simple(1)])
    (tmp_path / ".a.jsonl.bad.jsonl.part").mkdir()  # no file can be made there, even by root
    report = import_files(store, [file], skip_bad=True)
    assert report.files[0].bad_list == store.path / "a.jsonl.bad.jsonl"
    assert (store.path / "a.jsonl.bad.jsonl").is_file()


def test_a_file_of_bad_rows_only_is_refused(store: Store, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"question": "x?", "answer": " "}])
    with pytest.raises(ImportRefused, match="no row in it can be taken, the first because: answer"):
        import_files(store, [file], skip_bad=True)


def test_a_cancelled_import_leaves_nothing(store: Store, tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.done >= 1000:
            raise Cancelled

    file = jsonl(tmp_path / "a.jsonl", [simple(n) for n in range(1200)])
    with pytest.raises(Cancelled):
        import_files(store, [file], progress=stop)
    assert store.count(Question) == 0
    assert import_files(store, [file]).new == 1200


def test_the_same_question_is_taken_once_and_other_gold_is_told(
    store: Store, tmp_path: Path
) -> None:
    rows = [
        simple(1),
        {"question": " What  is 1 + 1? ", "answer": "2.0"},
        {**simple(1), "answer": 3},
    ]
    report = import_files(store, [jsonl(tmp_path / "a.jsonl", rows)])
    assert (report.new, report.duplicates, report.conflict_count) == (1, 2, 1)
    assert report.conflicts[0].line == 3
    assert questions(store)[0].gold == "2"
    assert import_files(store, [tmp_path / "a.jsonl"]).new == 0


# -- bytes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        ('{"question": "caf\u00e9?", "answer": 1}'.encode("latin-1"), "not UTF-8 (byte 0xe9"),
        ('{"question": "a?", "answer": 1}'.encode("utf-16"), "this is UTF-16"),
        ('{"question": "a?", "answer": 1}'.encode("utf-16-le"), "NUL bytes"),
        (b'{"question": "a\\u0000?", "answer": 1}', "question holds a NUL"),
        (b'{"question": "a\\ud800?", "answer": 1}', "lone surrogate"),
        (b'{"question": "a?", "answer": NaN}', "not a finite number"),
        (b'{"question": "a?", "answer": 1e999}', "not a finite number"),
        (b'{"question": ' + b"[" * 100_000, "nested too deeply"),
        (b'[{"question": "a?", "answer": 1} {"question"', "a comma or the end"),
        (b'[{"question": "a?", "answer": 1}] []', "more after the end"),
        (b'[\n{"question": "a?",\n"answer" 1}]', "line 3: broken JSON"),
        (b"question,answer\na?,1,2\n", "line 2: 3 cells where the header has 2"),
        (b'question,answer\n"a?,1\n', "line 2: broken CSV"),
        (b"question,answer\n", "no row in it"),
        (b"PAR1 and nothing more", "cannot be read as Parquet"),
        (b"just some prose\n", "its format cannot be told"),
    ],
)
def test_foreign_bytes_are_refused_with_a_reason(
    store: Store, tmp_path: Path, data: bytes, told: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(ImportRefused) as refusal:
        import_files(store, [file])
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert store.count(Question) == 0


def test_whatever_bytes_a_file_holds_it_is_taken_or_refused_in_one_line(
    store: Store, tmp_path: Path
) -> None:
    lot = Random(731)
    refusals: list[str] = []
    sources = sorted(path for path in DATA.rglob("*") if path.suffix in (".json", ".jsonl", ".txt"))
    pieces = [b"null", b"[]", b'"', b"\n", b"\\ud800", b"-1e999", b",", b"\xff", b"\0", b"}", b"\\"]
    for _ in range(400):
        source = lot.choice(sources)
        data = bytearray(source.read_bytes())
        for _ in range(lot.randint(1, 3)):
            place = lot.randrange(len(data))
            data[place : place + lot.randrange(3)] = lot.choice(pieces)
        file = tmp_path / source.name
        file.write_bytes(data)
        try:
            import_files(store, [file], skip_bad=lot.random() < 0.5)
        except ImportRefused as refusal:
            refusals.append(str(refusal))
    assert refusals
    assert not [text for text in refusals if "\n" in text]


def test_a_missing_file_and_a_folder_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="there is no such file"):
        import_files(store, [tmp_path / "absent.jsonl"])
    with pytest.raises(ImportRefused, match="this is a folder"):
        import_files(store, [tmp_path])


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_marks_line_ends_and_a_missing_last_newline_do_not_matter(
    store: Store, tmp_path: Path, bom: bytes, end: bytes
) -> None:
    rows = [json.dumps(simple(n)).encode() for n in range(3)]
    file = tmp_path / "a.jsonl"
    file.write_bytes(bom + (end + end).join(rows))
    assert import_files(store, [file]).new == 3


def test_one_line_in_another_encoding_is_one_bad_row(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    rows = [json.dumps(simple(1)).encode(), b'{"question": "caf\xe9?", "answer": 1}']
    file.write_bytes(b"\n".join(rows))
    report = import_files(store, [file], skip_bad=True)
    assert (report.new, report.faults[0].line) == (1, 2)


def test_a_json_list_is_read_piece_by_piece_with_the_right_lines(
    store: Store, tmp_path: Path
) -> None:
    long = [{"question": f"{n}? " + "long text ] , [ " * 2000, "answer": n} for n in range(200)]
    file = tmp_path / "a.json"
    file.write_text(json.dumps([*long, {"question": "?"}], indent=1), encoding="utf-8")
    assert file.stat().st_size > 3 << 20
    with pytest.raises(ImportRefused, match="line 802: no 'answer'"):
        import_files(store, [file])
    assert import_files(store, [file], skip_bad=True).new == 200


def test_a_long_cell_of_csv_is_taken(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"question,answer\n{'word ' * 60_000}?,1\n", encoding="utf-8")
    assert import_files(store, [file]).new == 1


# -- what is told about it -----------------------------------------------------------------------


def test_a_report_says_what_came_in_and_is_json(store: Store, tmp_path: Path) -> None:
    rows = [simple(1), {**simple(1), "answer": "5"}, {"question": "no answer"}]
    file = jsonl(tmp_path / "a.jsonl", rows)
    report = import_files(store, [file], skip_bad=True)
    assert report.describe() == (
        f"1 new question in dataset questions, 1 row of known questions, 1 bad row listed in {file}.bad.jsonl,"
        " 1 that disagree with the project (it kept its own)"
    )
    told = json.loads(json.dumps(report.as_json()))
    assert (told["new"], told["bad_rows"], told["files"][0]["format"]) == (1, 1, "jsonl")


# -- looking first -------------------------------------------------------------------------------


def test_a_preview_shows_rows_and_columns_without_a_project(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [{"prompt": "x?", "answer": 1}] * 30)
    [refused] = preview([file])
    assert refused.columns == ("prompt", "answer")
    assert "no column 'question'" in refused.refusal
    [shown] = preview([file], columns={"question": "prompt"}, n=5)
    assert (shown.format, len(shown.items), shown.refusal) == ("jsonl", 5, "")


def test_a_preview_of_a_broken_file_tells_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"question": "x?", "answer": 1}\nbroken\n', encoding="utf-8")
    [shown] = preview([file])
    assert (len(shown.items), [fault.line for fault in shown.faults]) == (1, [2])


# -- the real files ------------------------------------------------------------------------------


def test_every_real_file_imports_whole(store: Store, shared_data: Path) -> None:
    counts = {}
    for name in (
        "gsm8k/train.jsonl", "gsm8k/test.jsonl", "gsm8k/example_model_solutions.jsonl",
        "svamp/SVAMP.json", "strategyqa/train.json", "logiqa/Test.txt",
    ):  # fmt: skip
        report = import_files(store, [shared_data / name])
        counts[name] = (report.files[0].rows, report.conflict_count)
    assert counts == {
        "gsm8k/train.jsonl": (600, 0),
        "gsm8k/test.jsonl": (300, 0),
        "gsm8k/example_model_solutions.jsonl": (300, 0),
        "svamp/SVAMP.json": (500, 0),
        "strategyqa/train.json": (400, 0),
        "logiqa/Test.txt": (250, 0),
    }
    assert store.count(Attempt) == 1200


def test_the_real_committee_imports_whole(store: Store, shared_data: Path) -> None:
    files = sorted((shared_data / "learn_from_committee").glob("*.json"))
    report = import_files(store, files)
    assert (report.attempts, report.explanations, report.rationales) == (350, 600, 600)
    assert store.count(Review, "score IS NULL") == 2
    again = import_files(store, files)
    assert (again.new, again.attempts, again.rationales, again.reviews) == (0, 0, 0, 0)
