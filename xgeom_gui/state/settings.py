"""What the window remembers between two starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from xgeom_gui.look.theme import THEME_CHOICES, ThemeChoice


class Settings:
    """Typed access to the stored preferences.

    Parameters
    ----------
    store : QSettings
        Where they are kept; tests pass a file of their own.
    """

    def __init__(self, store: QSettings) -> None:
        self._store = store

    @property
    def window_geometry(self) -> QByteArray | None:
        """Size and place of the window, if one was stored."""
        value = self._store.value("window/geometry")
        return value if isinstance(value, QByteArray) else None

    @window_geometry.setter
    def window_geometry(self, value: QByteArray) -> None:
        self._store.setValue("window/geometry", value)

    @property
    def last_folder(self) -> str:
        """Folder from which a file was opened last; "" at first."""
        return str(self._store.value("files/last_folder", ""))

    @last_folder.setter
    def last_folder(self, value: str) -> None:
        self._store.setValue("files/last_folder", value)

    @property
    def predict_automatically(self) -> bool:
        """Whether each frame shown is predicted without asking."""
        return self._flag("predict/automatically", default=True)

    @predict_automatically.setter
    def predict_automatically(self, value: bool) -> None:
        self._store.setValue("predict/automatically", value)

    @property
    def sources_shown(self) -> bool:
        """Whether the table of every source is unfolded under the answer."""
        return self._flag("centers/sources_shown", default=False)

    @sources_shown.setter
    def sources_shown(self, value: bool) -> None:
        self._store.setValue("centers/sources_shown", value)

    @property
    def default_model(self) -> str:
        """Model file that answers from the start; "" for the one that comes with xgeom."""
        return str(self._store.value("predict/model", ""))

    @default_model.setter
    def default_model(self, value: str) -> None:
        self._store.setValue("predict/model", value)

    @property
    def theme(self) -> ThemeChoice:
        """Whether the window is light, dark, or as the system is."""
        value = str(self._store.value("window/theme", "system"))
        return next((choice for choice in THEME_CHOICES if choice == value), "system")

    @theme.setter
    def theme(self, value: ThemeChoice) -> None:
        self._store.setValue("window/theme", value)

    @property
    def dock_layout(self) -> QByteArray | None:
        """Which docks are shown and where, if it was stored."""
        value = self._store.value("window/docks")
        return value if isinstance(value, QByteArray) else None

    @dock_layout.setter
    def dock_layout(self, value: QByteArray) -> None:
        self._store.setValue("window/docks", value)

    @property
    def display(self) -> dict[str, Any]:
        """How counts were drawn last (see `xgeom_gui.state.display.Display.state`)."""
        try:
            state = json.loads(str(self._store.value("display/state", "{}")))
        except ValueError:
            return {}
        return state if isinstance(state, dict) else {}

    @display.setter
    def display(self, state: dict[str, Any]) -> None:
        self._store.setValue("display/state", json.dumps(state))

    @property
    def recent(self) -> list[str]:
        """What was opened last, newest first (see `xgeom_gui.files.recent_files`)."""
        found = self._json("files/recent", [])
        return [spec for spec in found if isinstance(spec, str)] if isinstance(found, list) else []

    @recent.setter
    def recent(self, specs: list[str]) -> None:
        self._store.setValue("files/recent", json.dumps(specs))

    @property
    def experiments(self) -> dict[str, Any]:
        """What the user stated of the experiments of each detector (see `experiment_store`)."""
        found = self._json("files/experiments", {})
        return found if isinstance(found, dict) else {}

    @experiments.setter
    def experiments(self, experiments: dict[str, Any]) -> None:
        self._store.setValue("files/experiments", json.dumps(experiments))

    def _json(self, key: str, default: Any) -> Any:
        try:
            return json.loads(str(self._store.value(key, json.dumps(default))))
        except ValueError:
            return default

    def run_root(self, default: Path) -> Path:
        """Folder below which training runs are kept."""
        return Path(str(self._store.value("training/run_root", str(default))))

    def keep_run_root(self, folder: str) -> None:
        """Remember the folder below which training runs are kept."""
        self._store.setValue("training/run_root", folder)

    @property
    def training_place(self) -> dict[str, Any]:
        """Where jobs ran last: devices, processes, Slurm's settings."""
        found = self._json("training/place", {})
        return found if isinstance(found, dict) else {}

    @training_place.setter
    def training_place(self, state: dict[str, Any]) -> None:
        self._store.setValue("training/place", json.dumps(state))

    def _flag(self, key: str, *, default: bool) -> bool:
        # INI files give back text, the registry and property lists give back booleans.
        return str(self._store.value(key, default)).lower() in {"true", "1"}
