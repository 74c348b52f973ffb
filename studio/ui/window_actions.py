"""What can be done from anywhere in a project's window: its menus, and what they do."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog

from studio import __version__
from studio.flow.undo import next_changes
from studio.store.tables import Store
from studio.ui.backup_actions import BackupActions
from studio.ui.desk_keys import DESK_VERBS
from studio.ui.desk_menu import desk_menu
from studio.ui.folder_dialogs import new_dialog, open_dialog
from studio.ui.menus import Menu, Menus, Verb
from studio.ui.parts import ask, say
from studio.ui.plain_text import one_line
from studio.ui.recent import remembered_projects
from studio.ui.texts import mark, tr
from studio.ui.window_state import ZOOMS, zoom_now
from studio.ui.words import things

if TYPE_CHECKING:
    from studio.ui.main_window import MainWindow

_THEMES = {"system": mark("As the desktop"), "light": mark("Light"), "dark": mark("Dark")}


class WindowActions:
    """The menus of one window; ``menus`` holds its verbs by name."""

    def __init__(self, window: MainWindow, stations: dict[str, str]) -> None:
        self._window = window
        self._bench = window.workbench
        self.backups = BackupActions(window)
        table: dict[str, Menu] = {
            tr("&File"): self._file(), tr("&Edit"): self._edit(), tr("&View"): self._view(),
            tr("&Go"): self._go(stations), tr("&Desk"): desk_menu(self._on_desk), tr("&Run"): self._run(),
            tr("&Help"): self._help(),
        }  # fmt: skip
        self.menus = Menus(window, table)
        self.read_changes()
        self.show_work()
        for name in (f"theme-{QSettings().value('theme', 'system')}", f"zoom-{zoom_now()}"):
            if name in self.menus.actions:
                self.menus[name].setChecked(True)

    # -- what is in force ------------------------------------------------------------------

    def read_changes(self) -> None:
        """Name in the menu what undo and redo would do."""

        def show(found: tuple[str | None, str | None]) -> None:
            for name, word, what in (
                ("undo", tr("&Undo"), found[0]),
                ("redo", tr("&Redo"), found[1]),
            ):
                told = one_line(what or "", most=80).replace("&", "&&")
                self.menus[name].setText(f"{word}: {told}" if told else word)

        self._window.reading.ask("changes", read_changes, show)

    def show_work(self) -> None:
        """Offer to stop work while there is some."""
        self.menus["stop-all"].setEnabled(bool(self._bench.background.tasks))
        for name in ("import", "run-missing", "train", "restore"):
            self.menus[name].setEnabled(not self._bench.read_only)

    # -- the table -------------------------------------------------------------------------

    def _file(self) -> Menu:
        window = self._window
        others = [folder for folder in remembered_projects() if folder != self._bench.project]
        recent = [
            Verb(f"recent-{n}", _menu_text(folder, among=others), "", tr("Open {folder}", folder=folder),
                 partial(window.open_requested.emit, folder))
            for n, folder in enumerate(others)
        ]  # fmt: skip
        return (
            Verb("new", tr("&New project …"), "Ctrl+N", tr("Make an empty project and open it"),
                 self._on_new),
            Verb("open", tr("&Open project …"), "Ctrl+O", tr("Open the folder of another project"),
                 self._on_open),
            *(((tr("Open &recent"), recent),) if recent else ()),
            Verb("start", tr("&Start page"), "", tr("Close this project and show the start page"),
                 window.start_requested.emit),
            None,
            Verb("import", tr("&Import files …"), "Ctrl+I",
                 tr("Take questions, attempts or rationales from files"), self._on_import),
            Verb("export", tr("&Export …"), "Ctrl+E", tr("Go to the export page"), self._goer("export")),
            Verb("report", tr("Write &report …"), "", tr("Write the newest round as one HTML file: counts, "
                 "charts, rule, reviewers, examples"), self._on_report),
            *self.backups.verbs(),
            Verb("folder", tr("Show in &folder"), "", tr("Open the project's folder on the desktop"),
                 self._on_folder),
            None,
            Verb("close", tr("&Close"), "Ctrl+W", tr("Close this window; asks while work is running"),
                 window.close),
        )  # fmt: skip

    def _edit(self) -> Menu:
        window = self._window
        return (
            Verb("undo", tr("&Undo"), "Ctrl+Z", tr("Take back the newest change, also after a restart"),
                 window.undo),
            Verb("redo", tr("&Redo"), "Ctrl+Shift+Z", tr("Do the newest undone change again"), window.redo),
            None,
            Verb("copy-command", tr("Copy as &command"), "Ctrl+Shift+C",
                 tr("Copy the command that opens this page"), self._on_copy),
            Verb("copy-status", tr("Copy &status as Markdown"), "",
                 tr("Copy where the project stands, as a table"), self._on_copy_status),
        )  # fmt: skip

    def _view(self) -> Menu:
        colours = [Verb(f"theme-{wish}", tr(text), "", tr("Colours: {name}", name=tr(text)),
                        partial(self._window.use_theme, wish), "theme")
                   for wish, text in _THEMES.items()]  # fmt: skip
        sizes = [Verb(f"zoom-{percent}", f"{percent} %", "", tr("Size of texts and everything else; "
                      "the window opens anew"), partial(self.zoom, percent), "zoom")
                 for percent in ZOOMS]  # fmt: skip
        return (
            (tr("&Colours"), colours), (tr("&Size"), sizes), None,
            Verb("full", tr("&Full screen"), "F11", tr("Fill the screen, or stop doing so"), self._on_full),
        )  # fmt: skip

    def _go(self, stations: dict[str, str]) -> Menu:
        return (
            *(Verb(f"go-{name}", f"&{n} {title}", f"Ctrl+{n}", tr("Go to the page {title}", title=title),
                   self._goer(name)) for n, (name, title) in enumerate(stations.items(), 1)),
            None,
            Verb("palette", tr("Do &anything …"), "Ctrl+K", tr("Find whatever the menus can do by typing"),
                 self._opener("command_palette", "CommandPalette")),
        )  # fmt: skip

    def show_page(self, name: str) -> None:
        """Let the keys of the desk do something on the desk only."""
        changing = {f"desk-{one.name}" for one in DESK_VERBS if one.changes}
        for verb, action in self.menus.actions.items():
            if verb.startswith("desk-"):
                locked = self._bench.read_only and verb in changing
                action.setEnabled(name == "desk" and not locked)

    def _on_desk(self, verb: str) -> None:
        from studio.ui.pages.desk import DeskPage  # built by now: its keys work on the desk only

        page = self._window.show_page("desk")
        assert isinstance(page, DeskPage)
        page.do(verb)

    def _run(self) -> Menu:
        return (
            Verb("run-missing", tr("&Run what is missing …"), "Ctrl+R",
                 tr("Go to the overview, where it is estimated and started"), self._goer("overview")),
            Verb("train", tr("&Train …"), "Ctrl+T", tr("Go to the page where a training run is started"),
                 self._goer("train")),
            Verb("evaluate", tr("&Evaluate …"), "", tr("Go to the page where students are compared"),
                 self._goer("evaluate")),
            None,
            Verb("stop-all", tr("&Stop all work …"), "Ctrl+.", tr("Stop what is running; what was made is "
                 "kept"), self._on_stop_all),
        )  # fmt: skip

    def _help(self) -> Menu:
        return (
            Verb("keys", tr("&Keys"), "? | F1", tr("Show what each key does"),
                 self._opener("key_sheet", "KeySheet")),
            Verb("change-keys", tr("&Change keys …"), "", tr("Give the actions of the menus other keys"),
                 self._opener("key_editor", "KeyEditor")),
            Verb("machine", tr("What this &machine has"), "", tr("Go to the settings: packages, GPU, disk, "
                 "keyring, each lack with its remedy"), self._goer("settings")),
            Verb("about", tr("&About"), "", tr("Version and licence"), self._on_about),
        )  # fmt: skip

    def _goer(self, page: str) -> Callable[[], None]:
        return lambda: self._window.show_page(page).focus_main()

    def _opener(self, module: str, name: str) -> Callable[[], None]:
        def open_() -> None:  # imported only now: few starts need it
            made: QDialog = getattr(import_module(f"studio.ui.{module}"), name)(
                self._window, self.menus
            )
            made.open()

        return open_

    # -- what they do ----------------------------------------------------------------------

    def _on_new(self) -> None:
        dialog = new_dialog(self._window)
        dialog.fileSelected.connect(lambda name: self._window.new_requested.emit(Path(name)))
        dialog.open()

    def _on_open(self) -> None:
        dialog = open_dialog(self._window)
        dialog.fileSelected.connect(lambda name: self._window.open_requested.emit(Path(name)))
        dialog.open()

    def _on_import(self) -> None:
        dialog = QFileDialog(self._window, tr("Import files"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(
            lambda names: self._window.import_files([Path(name) for name in names])
        )
        dialog.open()

    def _on_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._bench.project)))

    def _on_copy(self) -> None:
        command = [
            "mapd-studio",
            "open",
            str(self._bench.project),
            "--page",
            self._window.page_name,
        ]
        self._copy(shlex.join(command), tr("Copied the command that opens this page"))

    def _on_copy_status(self) -> None:
        from studio.flow.status import status_in_markdown

        self._window.reading.ask("status", status_in_markdown, lambda text: self._copy(
            text, tr("Copied where the project stands")))  # fmt: skip

    def _copy(self, text: str, said: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._window.jobs.tell(said)

    def zoom(self, percent: int) -> None:
        """Give everything another size; the program starts anew for that."""
        QSettings().setValue("zoom", percent)
        self._window.restart_requested.emit()

    def _on_full(self) -> None:
        if self._window.isFullScreen():
            self._window.showNormal()
        else:
            self._window.showFullScreen()

    def _on_report(self) -> None:
        from studio.ui.report_dialog import ask_for_report

        ask_for_report(self._window)

    def _on_stop_all(self) -> None:
        background = self._bench.background
        tasks = background.tasks

        def stop() -> None:
            for task in tasks:
                background.cancel(task.id)

        ask(
            self._window,
            tr("Stop all work"),
            tr(
                "{tasks}: {titles}. What was made is kept, and running it again goes on.",
                tasks=things(len(tasks), "task"),
                titles=", ".join(task.title for task in tasks),
            ),
            yes=tr("Stop"),
            then=stop,
            no=tr("Go on working"),
        )

    def _on_about(self) -> None:
        say(
            self._window,
            tr("About"),
            tr(
                "MAPD Studio {version}\n\nTeach a small language model to reason "
                "from its own mistakes. Apache License 2.0.",
                version=__version__,
            ),
        )


def read_changes(store: Store) -> tuple[str | None, str | None]:
    """Return what undo and redo would do."""
    return next_changes(store)


def _menu_text(folder: Path, *, among: Sequence[Path]) -> str:
    """Return a project's name; where several are called so, with the folder it is in."""
    alike = sum(other.name == folder.name for other in among) > 1
    name = f"{folder.name} ({folder.parent})" if alike else folder.name
    return name.replace("&", "&&")[:60]
