"""Bad input ends in one line that says what to do next, exit code 1 or 2, and loses nothing."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from studio.cli import main
from studio.store.database import FILE_NAME
from studio.store.tables import Store
from tests.curated import make_student
from tests.fakes import add_mistakes

FILES = {
    "prose.jsonl": b"this is text\nmore\n", "empty.jsonl": b"", "noise.jsonl": b"\x93\0\xff\1" * 99,
    "half.jsonl": b'{"question": "1 and 1?", "answer": "2"}\n{"question": broken\n',
    "latin.csv": 'question,answer\n"Wie groß?",3\n'.encode("latin-1"),
    "wide.csv": "question,answer\nA,1\n".encode("utf-16"),
    "ragged.csv": b"question,answer\nA,1\nB\n", "numbers.json": b"[1, 2, 3]",
    "columns.jsonl": b'{"q": "x", "a": "1"}\n', "prose.parquet": b"hi", "prose.xyz": b"x",
    "texts.jsonl": b'{"words": "x"}\n', "runs.toml": b"run = 3\n",
}  # fmt: skip
ADD = ("teacher", "add", "p", "t", "--model", "m", "--base-url")
#: What is typed, and what the one line must say.
TYPED = [
    ("import p prose.jsonl", "this is not JSON (it begins 'this is text')"),
    ("import p prose.parquet", "this is not Parquet"),
    ("import p prose.xyz", "--format"),
    ("import p empty.jsonl", "the file is empty"),
    ("import p noise.jsonl", "save it as UTF-8"),
    ("import p half.jsonl", "line 2: broken JSON: Expecting value at column 14; mend the row, or"),
    ("import p latin.csv", "line 2: not UTF-8 (byte 0xdf at column 9): save the file as UTF-8"),
    ("import p wide.csv", "UTF-16: save the file as UTF-8"),
    ("import p ragged.csv", "--skip-bad"),
    ("import p numbers.json", "a number where an object is expected"),
    ("import p columns.jsonl", "--map question=q"),
    ("import p columns.jsonl --map question", "name=value"),
    ("import p columns.jsonl --map colour=q", "choose of question, answer"),
    ("import p columns.jsonl --format xls", "choose auto or one of"),
    ("import p columns.jsonl --split dev", "choose train or test"),
    ("import p folder", "name the files in it"),
    ("import p nowhere.jsonl", "there is no such file"),
    ("import nowhere half.jsonl", "make one with 'mapd-studio new"),
    ("status half.jsonl", "is not a project"),
    ("new p", "name another folder"),
    ("new half.jsonl", "name another one"),
    ("new half.jsonl/inside", "name another folder"),
    ("override p abc accept", "lists ids"),
    ("override p abc maybe", "write accept, reject or clear"),
    ("report p folder", "name another file"),
    ("report p r.html --round 7", "there is no run of round 7"),
    ("export p out --format xml", "choose one of messages"),
    ("export p out --format messages", "decide"),
    ("export p half.jsonl --format messages --all", "name a folder"),
    ("export p out --format model", "train"),
    ("split p --hold-out 1.5", "between 0 and 1"),
    ("split p --hold-out nan", "between 0 and 1"),
    ("split p --hold-out 0.2 --dataset nothing", "no train question of dataset 'nothing'"),
    ("split p --seed 3", "give --hold-out with them"),
    ("decide p --preset paper --version 1", "name one of them"),
    ("evaluate p --run r --student s", "name one of them"),
    ("export p out --format messages --run r", "take --format model"),
    ("export p out --format messages --student s", "take --format model"),
    ("export p out --format model --student s --run r", "name one of them"),
    ("decide p --preset best", "choose one of paper, studio"),
    ("decide p --aggregate max", "'mean', 'min' or 'median'"),
    ("decide p --threshold nan", "threshold"),
    ("decide p --leave-out nobody", "has reviewed nothing"),
    ("decide p --weight t=heavy", "write it as NAME=2"),
    ("policies p 1", "name two versions"),
    ("reviewers p --flips nobody", "has reviewed nothing"),
    ("batches p --cancel zz", "none is out"),
    ("prompts p show poem", "choose one of exam"),
    ("prompts p fly", "choose one of list"),
    ("prompts p edit solve --file nowhere", "name a text file"),
    ("prompts p edit solve --file latin.csv", "save it as UTF-8"),
    ("prompts p show solve --version 9", "there are 1 to 1"),
    ("teacher remove p nobody", "see mapd-studio teacher list"),
    ("teacher test p nobody", "teacher"),
    (" ".join((*ADD, "http://a/v1", "--api-key-env sk-abcdefghijklmnop")), "not the key itself"),
    (" ".join((*ADD, "http://me:secret@a/v1")), "holds a name or password"),
    (" ".join((*ADD, "http://a/v1", "--price-in inf")), "finite"),
    ("run p fly", "choose from attempt, grade"),
    ("run p --round 9", "there is no round 9 yet, the newest is 0"),
    ("run p --student ./nowhere", "name a model folder"),
    ("run p --student http://a/v1", "write URL#MODEL"),
    ("run p --student folder", "no config.json"),
    ("run p --samples -1", "samples: "),
    ("train p", "run 'mapd-studio run PROJECT' first"),
    ("train p --method best", "choose one of mapd"),
    ("train p --launcher moon", "use --launcher local"),
    ("train p --set lr", "key=value"),
    ("train p --set colour=red", "there is no colour"),
    ("train p --set lr=nan", "lr: "),
    ("train p --set epochs=inf", "epochs: Input should be"),
    ("train p --set lora.alpha=inf", "lora.alpha: Input should be a finite number"),
    ("train p --set lora=5", "lora has settings of its own: lora.r"),
    ("train p --set max_steps=2 --set save_steps=9", "set it to no more, or to 0"),
    ("train p --set student=other", "--student"),
    ("train p --set student.location=other", "--student"),
    ("train p --set method=qcrd", "--method"),
    ("train p --resume zz --dry-run", "leave --dry-run, --student"),
    ("train p --resume zz --method mapd", "leave --dry-run, --student, --method"),
    ("train p --config nowhere.toml", "name a TOML or JSON file"),
    ("train p --config half.jsonl", "not valid TOML or JSON"),
    ("train p --resume zz", "there is no run 'zz'"),
    ("evaluate p --split dev", "choose test or train"),
    ("evaluate p --run zz", "there is no run 'zz'"),
    ("queue p nowhere.toml", "name a TOML file"),
    ("queue p runs.toml", "write one [[run]] table for each"),
    ("forgetting p texts.jsonl", "nothing was trained yet"),
    ("backup p p/studio.db", "name another one for the backup"),
    ("backup p half.jsonl/b.db", "name another place"),
    ("restore p half.jsonl", "choose another backup"),
    ("restore p folder", "name the backup itself"),
    ("open p --size 99999x99999", "write it as 1280x800"),
    ("open p --page home", "choose one of overview"),
    ("open p --theme blue", "choose light, dark or system"),
]  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project ``p`` and files that are not what they should be."""
    made = tmp_path_factory.mktemp("whole")
    store = Store.create(made / "p")
    add_mistakes(store, 2)
    student = make_student(made)
    store.put(student)
    store.set_setting("student", student.name)
    store.close()
    for name, data in FILES.items():
        (made / name).write_bytes(data)
    (made / "folder").mkdir()
    return made


@pytest.fixture
def place(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to be in."""
    made = shutil.copytree(whole, tmp_path / "place")
    monkeypatch.chdir(made)
    return made


def rows(project: Path) -> list[str]:
    sql = sqlite3.connect(project / FILE_NAME)
    try:
        return [line for line in sql.iterdump() if "INTO" in line]
    finally:
        sql.close()


@pytest.mark.parametrize(("typed", "said"), TYPED, ids=[typed for typed, _ in TYPED])
def test_what_makes_no_sense_is_one_line_and_changes_nothing(
    typed: str, said: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, files = rows(place / "p"), sorted(map(str, place.rglob("*")))
    capsys.readouterr()
    assert main(typed.split()) == 1
    told = capsys.readouterr()
    assert told.err.startswith("mapd-studio: ")
    assert told.err.count("\n") == 1
    assert said in told.err
    assert told.out == ""
    assert rows(place / "p") == before
    assert [one for one in sorted(map(str, place.rglob("*"))) if one not in files] == []


@pytest.mark.parametrize(
    "typed",
    ["run p --budget inf", "run p --budget nan", "ablate p --steps -2", "round p --rounds 0",
     "restore p nowhere.db", "decide p --threshold high", "status", "status p p", "status p --nope"],
)  # fmt: skip
def test_wrong_usage_is_one_line_that_names_the_help(
    typed: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed.split()) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.endswith(f"(see mapd-studio {typed.split()[0]} --help)\n")


@pytest.mark.parametrize("name", ["x" * 5000, "a\nb", "a\x1b[31mred", "\udcff"])
@pytest.mark.parametrize("verb", ["status", "decide", "new"])
def test_no_name_of_a_file_breaks_the_line(
    verb: str, name: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "p" / "in the way").touch()
    wanted = f"p/in the way/{name}" if verb == "new" else name
    assert main([verb, wanted]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.write_bytes(b""), "is empty"),
        (lambda file: file.write_bytes(b"x" * 5000), "cannot be read as a project"),
        (lambda file: file.write_bytes(file.read_bytes()[:5000]), "damaged"),
    ],
)
def test_a_file_that_is_no_project_any_more_names_the_way_back(
    spoil: object, said: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = place / "p" / FILE_NAME
    spoil(file)  # type: ignore[operator]
    left = file.read_bytes()
    assert main(["status", "p"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "restore" in told
    assert file.read_bytes() == left


@pytest.mark.skipif(sys.platform != "linux", reason="writes to /dev/full")
@pytest.mark.parametrize("typed", ["status p --json", "doctor --json", "--help"])
def test_standard_output_that_is_full_is_one_line(typed: str, place: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "studio", *typed.split()], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert os.strerror(errno.ENOSPC) in done.stderr


def test_a_terminal_of_few_letters_is_spoken_to_in_these(place: Path) -> None:
    poor = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-m", "studio", "status", "p"], capture_output=True,
                          env=poor, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"2 train" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_an_interruption_while_it_starts_is_told_like_any_other(place: Path) -> None:
    code = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "studio.cli.verbs":
            import os, signal
            os.kill(os.getpid(), signal.SIGINT)
from studio.cli import main
sys.meta_path.insert(0, Interrupting())
sys.exit(main(["status", "p"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "mapd-studio: interrupted; what was made is kept, run it again\n"


def test_a_picture_that_cannot_be_written_is_told_before_the_window_is_drawn(place: Path) -> None:
    for name in ("folder", "half.jsonl/x.png"):
        done = subprocess.run(
            [sys.executable, "-m", "studio", "open", "p", "--screenshot", name],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.endswith("name another place for the picture\n")
        assert done.stderr.count("\n") == 1
