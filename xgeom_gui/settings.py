"""What the window remembers between two starts."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings


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
    def logarithmic(self) -> bool:
        """Whether counts are shown on a logarithmic scale."""
        return self._flag("display/logarithmic", default=False)

    @logarithmic.setter
    def logarithmic(self, value: bool) -> None:
        self._store.setValue("display/logarithmic", value)

    def run_root(self, default: Path) -> Path:
        """Folder below which training runs are kept."""
        return Path(str(self._store.value("training/run_root", str(default))))

    def keep_run_root(self, folder: str) -> None:
        """Remember the folder below which training runs are kept."""
        self._store.setValue("training/run_root", folder)

    def _flag(self, key: str, *, default: bool) -> bool:
        # INI files give back text, the registry and property lists give back booleans.
        return str(self._store.value(key, default)).lower() in {"true", "1"}
