"""A short list of files that can be added, taken away and typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QListWidget, QVBoxLayout, QWidget

from xgeom_gui.training.form import Hint, button

_HEIGHT = 84
_FILTER = "Training files (*.h5 *.hdf5 *.hdf);;All files (*)"


class FileList(QWidget):
    """Files of frames with known truth.

    Parameters
    ----------
    name : str
        For screen readers.
    help_text : str
        What the files are for.

    Signals
    -------
    edited
    """

    edited = Signal()

    def __init__(self, name: str, help_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = _List()
        self.list.setAccessibleName(name)
        self.list.setToolTip(f"{name}; Delete takes the selected ones out of the list, not from the disk")
        self.list.setFixedHeight(_HEIGHT)
        self.list.removed.connect(self.remove_selected)
        self.hint = Hint(help_text)
        self.add_button = button("Add…", "Add HDF5 files in the training layout")
        self.add_button.clicked.connect(self._choose)
        tip = "Take the selected files out of the list; they stay on the disk"
        self.remove_button = button("Remove", tip)
        self.remove_button.clicked.connect(self.remove_selected)
        buttons = QVBoxLayout()
        buttons.addWidget(self.add_button)
        buttons.addWidget(self.remove_button)
        buttons.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(self.list, 1)
        row.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.hint)
        layout.addLayout(row)

    def paths(self) -> list[str]:
        """The files."""
        return [self.list.item(i).text() for i in range(self.list.count())]

    def set_paths(self, paths: Sequence[str | Path]) -> None:
        """Other files."""
        self.list.clear()
        self.list.addItems([str(path) for path in paths])
        self.edited.emit()

    def add(self, paths: Sequence[str | Path]) -> None:
        """More files; those that are there already are not taken twice."""
        known = self.paths()
        self.list.addItems([str(path) for path in paths if str(path) not in known])
        self.edited.emit()

    def remove_selected(self) -> None:
        """Take files out of the list."""
        for item in self.list.selectedItems():
            self.list.takeItem(self.list.row(item))
        self.edited.emit()

    def _choose(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Files of frames with known truth", "", _FILTER)
        if names:
            self.add(names)


class _List(QListWidget):
    """A list whose Delete key takes entries out."""

    removed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self.removed.emit()
        else:
            super().keyPressEvent(event)
