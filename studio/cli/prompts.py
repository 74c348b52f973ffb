"""The verb prompts: which text each stage asks with, its versions, and the real messages."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Annotated

import typer

from studio.app.workbench import Workbench
from studio.cli.output import print_json, table, when
from studio.cli.project import Json, Project
from studio.domain.errors import SpecError
from studio.flow import prompt_versions as versions
from studio.flow.message_preview import Preview, preview
from studio.flow.prompt_rules import PURPOSES
from studio.flow.prompt_versions import PromptVersion
from studio.flow.stage import Bench

_ACTIONS = ("list", "show", "edit", "restore", "preview")


def register(app: typer.Typer) -> None:
    """Put this verb on ``app``."""
    app.command("prompts", short_help="List, show, edit or restore the prompts of the stages.")(
        prompts
    )


def prompts(
    project: Project,
    action: Annotated[str, typer.Argument(help=", ".join(_ACTIONS))] = "list",
    name: Annotated[str, typer.Argument(help="e.g. solve, review, bare/exam")] = "",
    *,
    version: Annotated[int | None, typer.Option(help="Which version to show or restore")] = None,
    against: Annotated[
        int | None, typer.Option(help="Show what sets it apart from this one")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="The new text (edit) or one on trial (preview); - is stdin")
    ] = None,
    why: Annotated[str, typer.Option(help="Why; kept with the version")] = "",
    question: Annotated[str, typer.Option(help="Preview at this question: its id or key")] = "",
    teacher: Annotated[str, typer.Option(help="Preview to this teacher")] = "",
    json_: Json = False,
) -> None:
    """List, show, edit or restore the prompts of the stages, or preview the real messages."""
    if action not in _ACTIONS:
        raise SpecError(f"there is no action {action!r}: choose one of {', '.join(_ACTIONS)}")
    if action != "list" and not name:
        raise SpecError(f"name the prompt to {action}: 'mapd-studio prompts {project}' lists them")
    if action == "restore" and version is None:
        raise SpecError("name the version to go back to: --version N")
    bench = Workbench(project, read_only=action not in ("edit", "restore"))
    try:
        known = versions.full_name(bench.store, name) if name else ""
        if action == "list":
            _list(bench.bench, json_=json_)
        elif action == "show":
            _show(bench.bench, known, version, against, json_=json_)
        elif action == "preview":
            text = None if file is None else _read(file)
            found = preview(bench.bench, known, question=question, to=teacher, text=text)
            print_json(found.as_json()) if json_ else print(_messages(found))
        else:
            text = None if action == "restore" else _read(file)
            _change(bench, known, text, version or 0, why=why, json_=json_)
    finally:
        bench.close()


def _list(bench: Bench, *, json_: bool) -> None:
    lines, made = [], versions.Made(bench.store)
    for name in versions.names(bench.store):
        known = made.counted(name, _history(bench, name))
        lines.append((name, known, next(one for one in known if one.in_force)))
    if json_:
        print_json({"prompts": [
            {"name": name, "meaning": PURPOSES[versions.purpose_of(name)].meaning,
             "versions": len(known), "older": sum(one.made for one in known) - now.made,
             **now.as_json()} for name, known, now in lines
        ]})  # fmt: skip
        return
    rows = [(name, now.title, len(known), now.made, sum(one.made for one in known) - now.made,
             PURPOSES[versions.purpose_of(name)].meaning) for name, known, now in lines]  # fmt: skip
    print(table(rows, head=("prompt", "in force", "versions", "made", "by others", "what for")))


def _show(
    bench: Bench, name: str, version: int | None, against: int | None, *, json_: bool
) -> None:
    known = versions.Made(bench.store).counted(name, _history(bench, name))
    chosen = (next(one for one in known if one.in_force) if version is None
              else versions.find(known, version))  # fmt: skip
    other = None if against is None else versions.find(known, against)
    diff = [] if other is None else _diff(other, chosen)
    if json_:
        print_json({"name": name, **chosen.as_json(), "diff": diff,
                    "versions": [one.as_json() for one in known]})  # fmt: skip
    elif other is not None:
        print("\n".join(diff) or "The same text.")
    else:
        rows = [(one.title, "in force" if one.in_force else "", when(one.at) if one.at else "–",
                 one.made, one.why) for one in known]  # fmt: skip
        print(table(rows, head=(name, "", "since", "made", "why")))
        print(f"\n{chosen.title}:\n{chosen.text}")


def _change(
    bench: Workbench, name: str, text: str | None, version: int, *, why: str, json_: bool
) -> None:
    if text is None:
        now = versions.restore(bench.bench, name, version, who=bench.who, why=why)
    else:
        now = versions.write(bench.bench, name, text, who=bench.who, why=why)
    known = versions.Made(bench.store).counted(name, _history(bench.bench, name))
    older = sum(one.made for one in known if one.number != now.number)
    if json_:
        print_json({"name": name, **now.as_json(), "older": older})
        return
    print(f"{name}: {now.title} is in force.")
    if older:
        print(f"{older:,} made with other versions stay as they are; nothing is asked again.")


def _history(bench: Bench, name: str) -> list[PromptVersion]:
    return versions.history(bench.store, bench.prompts, name)


def _diff(before: PromptVersion, after: PromptVersion) -> list[str]:
    return list(difflib.unified_diff(before.text.splitlines(), after.text.splitlines(),
                                     before.title, after.title, lineterm=""))  # fmt: skip


def _read(file: Path | None) -> str:
    if file is None:
        raise SpecError("name the file with the new text: --file FILE, or --file - for stdin")
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(f"{file} cannot be read ({error.strerror}): name a text file") from None
    except UnicodeDecodeError:
        raise SpecError(f"{file} is not UTF-8: save it as UTF-8 text and try again") from None


def _messages(found: Preview) -> str:
    lines = [
        f"{found.name}, {found.version}, to {found.to}{f' ({found.model})' if found.model else ''}"
    ]
    for message in found.messages:
        lines += [f"\n── {message['role']} ──", message["content"]]
    lines.append(f"\nabout {found.tokens:,} tokens")
    if found.max_tokens:
        lines[-1] += f", a reply of {found.max_tokens:,} at most"
    if found.schema is not None:
        lines.append(f"asked for as JSON: {found.schema['json_schema']['name']}")
    if found.taken:
        calls, read, written = found.taken
        lines.append(f"{calls:,} calls so far took {read:,.0f} tokens and brought {written:,.0f}")
    return "\n".join(lines)
