"""Who is taught: turn what a person names into a student, and refuse early what cannot be one.

The weights themselves are loaded by the job; here only what can be seen without torch is checked,
so that a wrong path costs a second and not the wait for a job.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.domain.errors import StudentError
from studio.domain.records import StudentRecord, digest
from studio.domain.specs import StudentSpec

if TYPE_CHECKING:
    from studio.store.tables import Store

STYLE = "mapd"  #: folder of ``resources/prompts`` for a student that does not name its own
HINTS = "mapd-studio.json"  #: beside a model's weights: ``{"prompts": "bare"}``
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_LOOKS_LIKE_A_PATH = re.compile(r"^(\.{1,2}([/\\]|$)|[/\\~]|[A-Za-z]:[/\\])|[\\]|/.*/")
_WEIGHTS = ("*.safetensors", "*.gguf")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def find_student(store: Store, text: str, *, prompts: str = "") -> StudentRecord:
    """Return the student a person means: the name of one in the project, else something new."""
    row = store.one("SELECT id FROM students WHERE name = ?", text)
    known = None if row is None else store.get(StudentRecord, row["id"])
    return known if known is not None else student_from(text, prompts=prompts)


def student_from(text: str, *, prompts: str = "") -> StudentRecord:
    """Return the student at ``PATH``, ``HUB_ID`` or ``URL#MODEL``.

    Args:
        prompts: the style it is asked in; empty for what its folder says, else ``mapd``.

    Raises:
        StudentError: it cannot be a student; says why in one line.
    """
    text = text.strip()
    if re.match(r"https?://", text):
        return _endpoint(text, prompts or STYLE)
    path = Path(text).expanduser()
    if text and path.exists():
        return _folder(path.resolve(), prompts or _own_style(path))
    if _LOOKS_LIKE_A_PATH.search(text):
        raise StudentError(f"there is no folder {text}: name a model folder, a hub id or URL#MODEL")
    if not _HUB_ID.fullmatch(text):
        raise StudentError(f"{text!r} is no student: name a model folder, a hub id or URL#MODEL")
    return StudentRecord(name=text.rsplit("/", 1)[-1], location=text, prompts=prompts or STYLE)


def register(store: Store, student: StudentRecord) -> StudentRecord:
    """Put a student into the project; returns it under the name it goes by there.

    Two models of the same name are told apart by a suffix: attempts name their student. What lies
    inside the project is kept relative to it, and so moves with it.
    """
    student = student.changed(
        location=_inside(student.location, store.path), adapter=_inside(student.adapter, store.path)
    )
    row = store.one("SELECT id FROM students WHERE name = ?", student.name)
    known = None if row is None else store.get(StudentRecord, row["id"])
    if known is None:
        store.put(student)
        return student
    before = (_inside(known.location, store.path), _inside(known.adapter, store.path))
    if before == (student.location, student.adapter):
        return known
    if not known.location:  # so far known from imported attempts only
        found = known.changed(location=student.location, adapter=student.adapter)
        store.put(found)
        return found
    suffix = digest(student.location, student.adapter)[:4]
    return register(store, student.changed(name=f"{student.name}-{suffix}"))


def _inside(place: str, project: Path) -> str:
    """Return a place relative to the project where it lies inside it, else as it is."""
    path = Path(place)
    if not path.is_absolute() or not path.is_relative_to(project.resolve()):
        return place
    return path.relative_to(project.resolve()).as_posix()


def is_endpoint(student: StudentRecord) -> bool:
    """Return whether the student is asked over HTTP (and so cannot be trained here)."""
    return student.location.startswith(("http://", "https://"))


def weights_of(student: StudentRecord, project: Path) -> StudentSpec:
    """Return where a job finds the student's weights; raises StudentError when it has none."""
    if is_endpoint(student):
        raise StudentError(
            f"{student.name} is an endpoint, which has no weights here: "
            "name the same model as a folder or hub id with --student"
        )
    if not student.location:
        raise StudentError(
            f"{student.name} is known from imported attempts only: name its model folder or hub id"
            " with --student"
        )
    adapter = str(project / student.adapter) if student.adapter else ""
    if adapter and not Path(adapter, "adapter_config.json").is_file():
        raise StudentError(
            f"the adapter of {student.name} is gone: {adapter} was expected; put it back, or train"
            " again"
        )
    inside = project / student.location  # weights inside the project move with it
    location = str(inside) if inside.exists() else student.location
    if Path(location).is_absolute() and not Path(location).exists():
        raise StudentError(
            f"the weights of {student.name} are gone: {location} was expected; put them back, or"
            " name another student"
        )
    return StudentSpec(location=location, adapter=adapter)


def base_of(store: Store, student: StudentRecord) -> str:
    """Return the name of the student it was trained from; empty for one that was not."""
    found = store.value("SELECT student FROM runs WHERE id = ?", student.run_id)
    return str(found) if found else ""


def taught_from(store: Store, name: str) -> str:
    """Return the newest student that was trained from one; empty where there is none."""
    found = store.value(
        "SELECT s.name FROM students s JOIN runs r ON r.id = s.run_id WHERE r.student = ?"
        " ORDER BY r.created_at DESC LIMIT 1",
        name,
    )
    return str(found) if found else ""


def _endpoint(text: str, prompts: str) -> StudentRecord:
    url, _, model = text.partition("#")
    if not model:
        raise StudentError(f"{text} names no model: write URL#MODEL, for example {url}#llama3.2:1b")
    return StudentRecord(name=model.rsplit("/", 1)[-1], location=text, prompts=prompts)


def _folder(path: Path, prompts: str) -> StudentRecord:
    if path.is_file():
        if path.suffix != ".gguf":
            raise StudentError(f"{path} is a file: name the folder that holds the model")
        return StudentRecord(name=path.stem, location=str(path), prompts=prompts)
    if (path / "adapter_config.json").is_file():
        return _adapter_folder(path, prompts)
    if not any(path.glob("*.gguf")):
        _check_config(path)
    _check_weights(path)
    return StudentRecord(name=path.name, location=str(path), prompts=prompts)


def _own_style(path: Path) -> str:
    """Return the style of prompts a model folder wants to be asked in."""
    hints = path / HINTS
    style = _read_json(hints).get("prompts", STYLE) if hints.is_file() else STYLE
    if not (isinstance(style, str) and re.fullmatch(r"[\w-]+", style)):
        raise StudentError(f"{hints}: prompts must be the name of a folder of prompts")
    return style


def _adapter_folder(path: Path, prompts: str) -> StudentRecord:
    base = _read_json(path / "adapter_config.json").get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise StudentError(
            f"{path / 'adapter_config.json'} names no base model: give the base folder"
        )
    if not (path / "adapter_model.safetensors").is_file():
        raise StudentError(
            f"{path} holds no adapter_model.safetensors: save the adapter as safetensors"
        )
    beneath = student_from(base, prompts=prompts)
    return beneath.changed(name=path.name, adapter=str(path))


def _check_config(path: Path) -> None:
    if not (path / "config.json").is_file():
        raise StudentError(f"{path} is not a model folder: it holds no config.json")
    # Configurations that bring code of their own are refused: loading them would run it.
    if "auto_map" in _read_json(path / "config.json"):
        raise StudentError(f"{path} wants to run code of its own (auto_map): it is not loaded")


def _check_weights(path: Path) -> None:
    if any(found for pattern in _WEIGHTS for found in path.glob(pattern)):
        _check_shards(path)
        return
    pickles = sorted(found.name for pattern in _PICKLES for found in path.glob(pattern))
    if pickles:
        raise StudentError(
            f"{path} holds weights as a pickle only ({pickles[0]}), which could run code:"
            " convert it to safetensors"
        )
    raise StudentError(f"{path} holds no weights: model.safetensors was expected")


def _check_shards(path: Path) -> None:
    index = path / "model.safetensors.index.json"
    if not index.is_file():
        return
    weights = _read_json(index).get("weight_map")
    shards = set(weights.values()) if isinstance(weights, dict) else set()
    missing = sorted(name for name in shards if not (path / str(name)).is_file())
    if missing:
        raise StudentError(f"{path} lacks {missing[0]}: copy the model again")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise StudentError(f"{path} cannot be read as JSON: copy the model again") from None
    if not isinstance(value, dict):
        raise StudentError(f"{path} is not what a model folder holds: copy the model again")
    return value
