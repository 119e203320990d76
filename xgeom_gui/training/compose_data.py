"""The composer's first page: what the network learns from."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from xgeom_gui.services.preview_maker import PreviewMaker
from xgeom_gui.training.compose_simulate import SimulateBox
from xgeom_gui.training.data_preview import KindsGrid
from xgeom_gui.training.form import FormRows, MoreRows
from xgeom_gui.training.form_files import FileList

_COMMON = ("data.reuse", "data.reuse_lag", "data.workers", "data.seed")
_CHANGED = (
    "data.vignette",
    "data.distance_known",
    "data.augment.shift",
    "data.augment.farthest_shift",
    "data.augment.gaps",
    "data.augment.shadows",
    "data.augment.dose",
    "data.augment.pooling",
)


class DataPage(QWidget):
    """Kinds to simulate, or files; and how frames are shown to the network.

    Parameters
    ----------
    maker : PreviewMaker
    simulate : SimulateBox
        Makes data sets; placed under the files.

    Signals
    -------
    edited
    """

    edited = Signal()

    def __init__(self, maker: PreviewMaker, simulate: SimulateBox, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kinds = KindsGrid(maker)
        self.files = FileList(
            "Training files", "HDF5 files in the training layout; each frame is read again and again."
        )
        self.simulate = simulate
        simulate.made.connect(lambda path: self.files.add([path]))
        self.from_kinds = QRadioButton("Simulate while it trains")
        self.from_kinds.setToolTip("Every frame is new; nothing is kept on the disk")
        self.from_files = QRadioButton("Read files")
        self.from_files.setToolTip("Learn from HDF5 files, your own or simulated ones")
        choice = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(20)
        for button in (self.from_kinds, self.from_files):
            choice.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        self._on_disk = QWidget()
        below = QVBoxLayout(self._on_disk)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(14)
        below.addWidget(self.files)
        below.addWidget(simulate)
        self.rows = FormRows(_COMMON)
        self.more = MoreRows("How frames are changed before they are shown", FormRows(_CHANGED))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        layout.addLayout(row)
        for widget in (self.kinds, self._on_disk, self.rows, self.more):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.from_kinds.setChecked(True)
        self._show_source()
        self.from_files.toggled.connect(self._show_source)
        for part in (self.kinds, self.files, self.rows, self.more.rows):
            part.edited.connect(self.edited)

    def values(self) -> dict[str, Any]:
        """What the page says."""
        files = self.files.paths() if self.from_files.isChecked() else []
        kinds = self.kinds.weights()
        if self.from_files.isChecked():
            # Kinds mean nothing beside files; kept only so that settings come out as they went in.
            kinds = kinds if files and self.kinds.all_numbers() else {}
        return {
            "data.kinds": kinds,
            "data.files": files,
            **self.rows.values(),
            **self.more.rows.values(),
        }

    def set_values(self, values: dict[str, Any]) -> None:
        """Fill the page in."""
        if values.get("data.kinds"):
            self.kinds.set_weights(values["data.kinds"])
        self.files.set_paths(values.get("data.files", ()))
        (self.from_files if values.get("data.files") else self.from_kinds).setChecked(True)
        self.rows.set_values(values)
        self.more.rows.set_values(values)

    def set_problems(self, problems: dict[str, str]) -> None:
        """Mark what will not do."""
        files = self.from_files.isChecked()
        missing = problems.get("data.kinds", "")
        self.kinds.set_problem("" if files else missing)
        self.files.hint.set_problem(
            problems.get("data.files", "") or ("Add at least one file." if files and missing else "")
        )
        self.rows.set_problems(problems)
        self.more.set_problems(problems)

    def _show_source(self) -> None:
        files = self.from_files.isChecked()
        self.kinds.setVisible(not files)
        self._on_disk.setVisible(files)
        self.edited.emit()
