"""Every text is found by its words, whatever is typed, and the index may always be thrown away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.records import Attempt, Explanation, Question, Rationale, Review
from studio.store import search_index
from studio.store.search_index import NAME, SearchIndex, find, match_query
from studio.store.tables import Store


def fill(store: Store, *, first: int = 0) -> None:
    """Add two questions with a text of every kind."""
    for n in (first, first + 1):
        question = Question(text=f"How many pears are {n}?", gold="1", context="An orchard")
        attempt = Attempt(question_id=question.id, student="small", text=f"Attempted {n}, naïve")
        said = Explanation(attempt_id=attempt.id, teacher="gpt", text="it lost the decimal 3.5")
        rationale = Rationale(question_id=question.id, teacher="gpt", text=f"Therefore {n} it is")
        store.add([question, attempt, said, rationale])
        store.add(
            [
                Review(subject_id=rationale.id, reviewer="gemini", score=5, comment="Splendid"),
                Review(subject_id=said.id, subject_kind="explanation", reviewer="gemini", score=1,
                       comment="Hardly helpful"),
            ]
        )  # fmt: skip


def catch_up(store: Store) -> None:
    """Take everything into the index."""
    index = SearchIndex(store.path)
    while index.step():
        pass
    assert index.progress().whole
    index.close()


def found(store: Store, wanted: str) -> set[int]:
    """Return the row numbers of the questions found."""
    hits = find(store.path, wanted)
    return {int(row) for row in hits.questions.split(",") if row}


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ("pears", {1, 2}), ("PEARS 1", {2}), ("orchard", {1, 2}), ("attempted 0", {1}),
        ("naive", {1, 2}), ("decim", {1, 2}), ("3.5", {1, 2}), ("5.3", set()), ("it is", {1, 2}),
        ('"is it"', set()), ('"therefore 1 it"', {2}), ("splendid", {1, 2}), ("hardly", {1, 2}),
        ("pears therefore", set()), ("AND", set()), ("pears NOT many", set()), ("100%", set()),
        ("", set()), ("*", set()), ('"', set()), ("an or", {1, 2}),
    ],
)  # fmt: skip
def test_texts_are_found_by_all_their_words(store: Store, wanted: str, rows: set[int]) -> None:
    fill(store)
    catch_up(store)
    assert found(store, wanted) == rows


def test_what_is_added_later_is_found_too_and_nothing_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "ROWS_AT_ONCE", 1)
    fill(store)
    catch_up(store)
    fill(store, first=2)
    question = Question(text="How many pears are 0?", gold="1", context="An orchard")
    for n in range(600):  # more texts than one band of a question holds
        store.add(
            [Rationale(question_id=question.id, teacher="gpt", sample=n + 1, text=f"late{n}")]
        )
    assert not find(store.path, "late7").progress.whole
    monkeypatch.setattr(search_index, "ROWS_AT_ONCE", 100)
    catch_up(store)
    assert found(store, "pears") == {1, 2, 3, 4}
    assert found(store, "late0") == found(store, "late300") == found(store, "late599") == {1}
    assert find(store.path, "pears").questions.count(",") == 3


def test_a_note_is_found_as_it_stands_now(store: Store) -> None:
    fill(store)
    catch_up(store)
    row = store.rows("SELECT id FROM questions")[1][0]
    store.execute("INSERT INTO notes VALUES (?, 'Ask Mary', 'later', 'ada', 0)", row)
    assert found(store, "mary later") == {2}
    store.execute("DELETE FROM notes")
    assert found(store, "mary later") == set()


@given(st.text(max_size=60))
def test_nothing_that_can_be_typed_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, wanted: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "typed"
    if not folder.exists():
        with_text = Store.create(folder)
        fill(with_text)
        catch_up(with_text)
        with_text.close()
    find(folder, wanted)


def test_only_the_last_word_may_be_the_start_of_one() -> None:
    assert match_query("big pea") == '"big" "pea" *'
    assert match_query("big pea ") == '"big" "pea"'
    assert match_query("x") == '"x"'
    assert match_query('say "two words"') == '"say" "two words"'


def test_a_word_that_stands_in_too_many_texts_is_meant_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question(text="then other", gold="1")
    store.add([Question(text="the one", gold="1"), question])
    catch_up(store)
    assert found(store, "the") == {1, 2}
    monkeypatch.setattr(search_index, "COMMON", 1)
    assert found(store, "the") == {1}


def test_without_an_index_nothing_is_found_yet(store: Store) -> None:
    fill(store)
    hits = find(store.path, "pears")
    assert hits.questions == ""
    assert not hits.progress.whole


@pytest.mark.parametrize("spoilt", ["other project", "no database", "newer"])
def test_an_index_that_does_not_fit_is_made_anew(store: Store, tmp_path: Path, spoilt: str) -> None:
    fill(store)
    catch_up(store)
    file = store.path / NAME
    if spoilt == "other project":
        other = Store.create(tmp_path / "other")
        fill(other, first=7)
        catch_up(other)
        other.close()
        file.write_bytes((tmp_path / "other" / NAME).read_bytes())
    elif spoilt == "no database":
        file.write_bytes(b"nothing of the kind" * 1000)
    else:
        SearchIndex(store.path)._sql.execute("PRAGMA user_version=99")
    catch_up(store)
    assert found(store, "pears 0") == {1}


@pytest.mark.skipif(sys.platform != "linux", reason="limits file sizes by RLIMIT_FSIZE")
def test_an_index_for_which_there_is_no_room_is_told_and_not_tried_for_ever(store: Store) -> None:
    fill(store)
    code = f"""
import resource, signal
from pathlib import Path
from studio.domain.errors import StorageError
from studio.store.search_index import SearchIndex
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    SearchIndex(Path({str(store.path)!r}))
except StorageError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "search.db cannot be made" in done.stdout
