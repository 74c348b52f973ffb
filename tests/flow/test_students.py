"""What a person names becomes a student, or is refused in one line that says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.domain.errors import StudentError
from studio.domain.records import StudentRecord
from studio.flow.students import find_student, is_endpoint, register, student_from, weights_of
from studio.store.tables import Store


def make_folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name.replace("__", ".")).write_text(text)
    return path


def test_a_model_folder_is_a_student_named_after_it(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "tiny", config__json="{}", model__safetensors="")
    student = student_from(str(folder))
    assert (student.name, student.location, student.prompts) == ("tiny", str(folder), "mapd")


def test_a_model_folder_may_say_how_it_wants_to_be_asked(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "tiny", config__json="{}", model__safetensors="")
    (folder / "mapd-studio.json").write_text('{"prompts": "bare"}')
    assert student_from(str(folder)).prompts == "bare"
    assert student_from(str(folder), prompts="mapd").prompts == "mapd"


def test_an_adapter_folder_brings_its_base_along(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base", config__json="{}", model__safetensors="")
    config = json.dumps({"base_model_name_or_path": str(base)})
    adapter = make_folder(
        tmp_path / "tuned", adapter_config__json=config, adapter_model__safetensors=""
    )
    student = student_from(str(adapter))
    assert (student.name, student.location, student.adapter) == ("tuned", str(base), str(adapter))


@pytest.mark.parametrize("text", ["HuggingFaceTB/SmolLM2-135M-Instruct", "gpt2"])
def test_a_hub_id_is_a_student(text: str) -> None:
    assert student_from(text).location == text
    assert student_from(text).name == text.split("/")[-1]


def test_an_endpoint_is_a_student_named_after_its_model() -> None:
    student = student_from("http://localhost:8000/v1#org/small")
    assert is_endpoint(student)
    assert student.name == "small"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "holds no config.json"),
        ({"config__json": "{}"}, "holds no weights"),
        ({"config__json": "{}", "pytorch_model__bin": ""}, "as a pickle only"),
        ({"config__json": '{"auto_map": {}}', "model__safetensors": ""}, "run code of its own"),
        ({"config__json": "{", "model__safetensors": ""}, "cannot be read as JSON"),
        ({"adapter_config__json": "{}"}, "names no base model"),
        (
            {
                "adapter_config__json": '{"base_model_name_or_path": "gpt2"}',
                "adapter_model__bin": "",
            },
            "holds no adapter_model.safetensors",
        ),
    ],
)
def test_a_folder_that_cannot_be_a_student_is_refused_early(
    tmp_path: Path, files: dict[str, str], says: str
) -> None:
    folder = make_folder(tmp_path / "model", **files)
    with pytest.raises(StudentError, match=says) as caught:
        student_from(str(folder))
    assert "\n" not in str(caught.value)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    folder = make_folder(tmp_path / "m", config__json="{}")
    (folder / "model-1.safetensors").touch()
    (folder / "model.safetensors.index.json").write_text(index)
    with pytest.raises(StudentError, match=r"lacks model-2\.safetensors"):
        student_from(str(folder))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/no/such/model", "there is no folder /no/such/model"),
        ("./nothing", "there is no folder"),
        ("a/b/c", "there is no folder"),
        ("two words", "is no student"),
        ("", "is no student"),
        ("http://localhost:8000/v1", "names no model"),
    ],
)
def test_what_names_nothing_is_refused(text: str, says: str) -> None:
    with pytest.raises(StudentError, match=says):
        student_from(text)


def test_two_models_of_one_name_are_two_students(store: Store) -> None:
    first = register(store, StudentRecord(name="tiny", location="a/tiny"))
    second = register(store, StudentRecord(name="tiny", location="b/tiny"))
    assert first.name == "tiny"
    assert second.name != "tiny"
    assert register(store, StudentRecord(name="tiny", location="b/tiny")) == second
    assert find_student(store, second.name) == second


def test_a_student_known_from_imported_attempts_gets_its_weights(store: Store) -> None:
    store.put(StudentRecord(name="tiny"))
    with pytest.raises(StudentError, match="imported attempts only"):
        weights_of(find_student(store, "tiny"), store.path)
    register(store, StudentRecord(name="tiny", location="org/tiny"))
    assert weights_of(find_student(store, "tiny"), store.path).location == "org/tiny"


def test_an_endpoint_has_no_weights_to_train(tmp_path: Path) -> None:
    with pytest.raises(StudentError, match="is an endpoint"):
        weights_of(student_from("http://localhost/v1#m"), tmp_path)


def test_what_lies_inside_the_project_is_kept_relative_to_it(store: Store) -> None:
    (store.path / "models").mkdir()
    (store.path / "models" / "small.gguf").write_bytes(b"GGUF")
    inside = store.path.resolve() / "models" / "small.gguf"
    found = register(store, student_from(str(inside)))
    assert found.location == "models/small.gguf"
    assert weights_of(found, store.path.resolve()).location == str(inside)
    assert register(store, student_from(str(inside))) == found
    before = found.changed(name="before", location=str(inside))  # as it was kept once
    store.put(before)
    assert register(store, student_from(str(inside)).changed(name="before")) == before
