"""The stations of the flow: which page stands where on the rail, and where its code is."""

from __future__ import annotations

from typing import NamedTuple


class Station(NamedTuple):
    """A page: its title on the rail, its module, its class."""

    title: str
    module: str
    page: str


STATIONS = {
    "overview": Station("Overview", "overview", "OverviewPage"),
    "data": Station("Data", "data", "DataPage"),
    "committee": Station("Committee", "committee", "CommitteePage"),
    "desk": Station("Desk", "desk", "DeskPage"),
    "train": Station("Train", "training", "TrainingPage"),
    "evaluate": Station("Evaluate", "evaluation", "EvaluationPage"),
    "export": Station("Export", "export", "ExportPage"),
    "settings": Station("Settings", "settings", "SettingsPage"),
}
