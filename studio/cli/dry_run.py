"""What ``train --dry-run`` says, data, steps, memory and what the student would read; and ``queue``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.app.free_memory import free_memory
from studio.app.workbench import Workbench
from studio.cli.output import drive, print_json, table
from studio.domain.errors import StudioError
from studio.domain.percent import percent
from studio.domain.visible import visible
from studio.flow import outlook
from studio.flow.dataset import Draft
from studio.flow.run_queue import Entry, outlooks


def tell_outlook(
    bench: Workbench, student: str, settings: dict[str, Any], *, method: str, json_: bool
) -> None:
    """Print what a run would be: data, steps, memory, and the tokens of an example of each role."""
    told = outlook.training_outlook(bench.bench, student, settings, method=method)
    wanted = outlook.wanted_run(bench.bench, student, settings, method=method)
    draft = outlook.draft_of(bench.bench, wanted)
    seen = outlook.seen_in_exam(bench.bench, draft)
    told["held_out"] = seen.as_json()
    found: list[outlook.Tokens] = []
    troubles: list[str] = []
    try:
        with tempfile.TemporaryDirectory() as runs:  # the project stays as it is
            drive(
                outlook.show_tokens(bench.bench, student, settings, found.append, runs=Path(runs)),
                quiet=json_,
            )
        told["tokens"] = {
            "limit": found[0].limit, "end_is_trained": found[0].end_is_trained,
            "too_long": found[0].over, "roles": found[0].roles,
        }  # fmt: skip
    except StudioError as error:
        troubles.append(str(error))
    try:
        told["memory"] = _memory(wanted, draft, tokens=found[0] if found else None)
    except StudioError as error:
        troubles.append(str(error))
    if json_:
        print_json(told)
        return
    print("\n".join(f"{name:<10} {value}" for name, value in _in_words(told) if value))
    for trouble in troubles:
        print(f"not known  {visible(trouble)}")
    if words := seen.in_words():
        print(f"look at    {visible(words)}")
    for example in _first_of_each(found[0].examples if found else ()):
        print(f"\n{example.side} {example.role}: {example.prompt} tokens read, "
              f"{example.learned} learned (between the marks), {example.cut} cut")  # fmt: skip
        print(_marked(example))


def _memory(
    wanted: outlook.Wanted, draft: Draft, *, tokens: outlook.Tokens | None
) -> dict[str, Any]:
    free = free_memory()
    need = outlook.memory_needed(wanted, draft, on_gpu=free.on_gpu, free=free.bytes, tokens=tokens)
    return {"total": need.total, "free": free.bytes, "on_gpu": free.on_gpu,
            "checkpointing": need.checkpointing,
            "micro_batch": {"tokens": need.load.tokens, "supervised": need.load.supervised,
                            "longest": need.load.longest},
            "lines": {line.name: line.bytes for line in need.needs}}  # fmt: skip


def tell_queue(bench: Workbench, entries: Sequence[Entry], *, json_: bool) -> None:
    """Print what each run of a queue would be, and what it is by now."""
    found = outlooks(bench.bench, entries)
    if json_:
        print_json({"runs": [one._asdict() for one in found]})
        return
    rows = [(one.name, one.state or "not made", one.student, one.examples, one.steps, one.message)
            for one in found]  # fmt: skip
    print(table(rows, head=("name", "run", "student", "examples", "steps at most", "")))


def _first_of_each(examples: Iterable[outlook.Shown]) -> list[outlook.Shown]:
    found: dict[tuple[str, str], outlook.Shown] = {}
    for example in examples:
        found.setdefault((example.side, example.role), example)
    return list(found.values())


def _marked(example: outlook.Shown) -> str:
    """Return an example's text with marks around what is learned, and where it is cut."""
    texts = ["", "", ""]
    for piece in example.pieces:
        texts[piece.fate] += piece.text
    cut = f"✂{texts[2]}" if example.cut else ""
    return visible(f"{texts[0]}⟦{texts[1]}⟧{cut}")


def _in_words(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a run would be, line by line; the settings as ``--set`` takes them."""
    learned, apart = (told["examples"].get(part, {}) for part in ("train", "validation"))
    yield "examples", _counted(learned)
    yield "kept apart", _counted(apart)
    yield "questions", f"{told['questions']:,}"
    yield "steps", f"{told['steps']:,} at most"
    if memory := told.get("memory"):
        parts = ", ".join(f"{name} {_size(n)}" for name, n in memory["lines"].items())
        where = "on the GPU" if memory["on_gpu"] else "free"
        how = " with gradient checkpointing" if memory["checkpointing"] else ""
        of = "" if memory["free"] is None else f" of {_size(memory['free'])} {where}"
        yield "memory", f"{_size(memory['total'])}{of}{how}: {parts}"
    if tokens := told.get("tokens"):
        longest = max((role["longest"] for role in tokens["roles"].values()), default=0)
        fate = f", {_FATES[told['spec']['overlong']]}" if tokens["too_long"] else ""
        yield (
            "tokens",
            f"longest {longest:,} of {tokens['limit']:,}; {tokens['too_long']:,} too long{fate}",
        )
        yield "learned", _shares(tokens["roles"])
        cut = tokens["too_long"] if told["spec"]["overlong"] == "cut" else 0
        but = f", but for the {cut:,} that are cut" if cut and tokens["end_is_trained"] else ""
        yield (
            "",
            f"the end of an answer is {'' if tokens['end_is_trained'] else 'NOT '}learned{but}",
        )
    spec = {name: value for name, value in told["spec"].items() if name not in _NOT_SET}
    yield "student", told["spec"]["student"]["location"]
    yield "settings", " ".join(_settings(spec))


_NOT_SET = ("job", "method", "student")


def _settings(spec: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in spec.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{path}{name}.")
        else:
            yield f"{path}{name}={value}"


#: What becomes of examples that are too long, by the setting ``overlong``.
_FATES = {
    "refuse": "so the run would be refused: raise max_tokens, or set overlong=drop or cut",
    "drop": "which are left out", "cut": "which are cut at the end",
}  # fmt: skip


def _shares(roles: Mapping[str, Mapping[str, int]]) -> str:
    """Return the tokens that are learned, and the share of each role."""
    learned = {name.removeprefix("train "): of.get("supervised", 0)
               for name, of in roles.items() if name.startswith("train ")}  # fmt: skip
    total = sum(learned.values())
    each = ", ".join(f"{percent(n / total)} {role}" for role, n in sorted(learned.items()) if total)
    return f"{total:,} tokens ({each})" if total else "no token at all"


def _counted(roles: Mapping[str, int]) -> str:
    each = ", ".join(f"{n:,} {role}" for role, n in sorted(roles.items()))
    return f"{sum(roles.values()):,} ({each})" if roles else "none"


def _size(n: int) -> str:
    return f"{n / 1e9:,.1f} GB" if n >= 1e9 else f"{n / 1e6:,.1f} MB"
