"""The stations of the flow: which page stands where on the rail, and where its code is."""

from __future__ import annotations

from typing import NamedTuple

from studio.ui.texts import mark


class Station(NamedTuple):
    """A page: its title on the rail, its module, its class."""

    title: str
    module: str
    page: str


STATIONS = {
    "overview": Station(mark("Overview"), "overview", "OverviewPage"),
    "data": Station(mark("Data"), "data", "DataPage"),
    "committee": Station(mark("Committee"), "committee", "CommitteePage"),
    "desk": Station(mark("Desk"), "desk", "DeskPage"),
    "train": Station(mark("Train"), "training", "TrainingPage"),
    "evaluate": Station(mark("Evaluate"), "evaluation", "EvaluationPage"),
    "export": Station(mark("Export"), "export", "ExportPage"),
    "settings": Station(mark("Settings"), "settings", "SettingsPage"),
}
