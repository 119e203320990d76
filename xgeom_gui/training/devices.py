"""The devices of this machine, to choose from; without a GPU it says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.training.form import Hint, button

if TYPE_CHECKING:
    from xgeom_core.jobs.devices import Device, Probe

_COLUMNS = ("Device", "Name", "Memory", "Driver")
_WIDTHS = (110, 330, 90)
_HEIGHT = 132


class DeviceTable(QWidget):
    """One row a device with a box to tick; several GPUs share a run, the CPU and a GPU do not.

    Signals
    -------
    edited
        Other devices are ticked.
    asked
        Look for devices again.
    """

    edited = Signal()
    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(_COLUMNS)
        self.tree.setRootIsDecorated(False)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tree.setAccessibleName("Devices of this machine")
        self.tree.setToolTip("Tick where to train; memory in GB. Space ticks the row with the cursor.")
        self.tree.setFixedHeight(_HEIGHT)
        header = self.tree.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, width in enumerate(_WIDTHS):
            self.tree.setColumnWidth(column, width)
        self.tree.itemChanged.connect(self._on_change)
        self.hint = Hint("Looking for GPUs…")
        self.again = button("Look again", "Look for GPUs again, such as after a driver was loaded")
        self.again.clicked.connect(self._look_again)
        below = QHBoxLayout()
        below.addWidget(self.hint, 1)
        below.addWidget(self.again)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.tree)
        layout.addLayout(below)
        self._wanted: tuple[str, ...] = ()
        self._filling = False
        self._add("cpu", "Processor", "", "")
        self._tick({"cpu"})

    def chosen(self) -> tuple[str, ...]:
        """Names of the devices ticked."""
        return tuple(row.text(0) for row in self._rows() if row.checkState(0) == Qt.CheckState.Checked)

    def choose(self, names: tuple[str, ...]) -> None:
        """Tick these; those that are not there yet are ticked when they are found."""
        self._wanted = names
        there = {row.text(0) for row in self._rows()}
        self._tick(set(names) & there or {"cpu"})
        self.edited.emit()

    def show_probe(self, probe: Probe) -> None:
        """Show what was found; the first GPU is ticked unless the user chose already."""
        kept = self._wanted or self.chosen()
        self._filling = True
        self.tree.clear()
        for device in probe.devices:
            self._add_device(device)
        self._filling = False
        names = [device.name for device in probe.devices]
        first_gpu = next((name for name in names if name != "cpu"), "cpu")
        still = {name for name in kept if name in names}
        self._tick(still if self._wanted and still else {first_gpu})
        self.hint.set_help(probe.trouble or "Tick several GPUs to share one run between them.")
        self.again.setEnabled(True)
        self.edited.emit()

    def _rows(self) -> list[QTreeWidgetItem]:
        rows = (self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount()))
        return [row for row in rows if row is not None]

    def _look_again(self) -> None:
        self.hint.set_help("Looking for GPUs…")
        self.again.setEnabled(False)
        self.asked.emit()

    def _add_device(self, device: Device) -> None:
        memory = f"{device.memory_gb:.0f} GB" if device.memory_gb else ""
        self._add(device.name, device.title, memory, device.driver)

    def _add(self, *texts: str) -> None:
        row = QTreeWidgetItem(self.tree, list(texts))
        row.setFlags(row.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        row.setCheckState(0, Qt.CheckState.Unchecked)
        for column, text in enumerate(texts):
            row.setToolTip(column, text)

    def _tick(self, names: set[str]) -> None:
        self._filling = True
        for row in self._rows():
            on = row.text(0) in names
            row.setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self._filling = False

    def _on_change(self, row: QTreeWidgetItem, column: int) -> None:
        if self._filling or column:
            return
        chosen = set(self.chosen())
        name = row.text(0)
        if row.checkState(0) == Qt.CheckState.Checked:
            # Only NVIDIA GPUs share a run.
            chosen = {other for other in chosen if _shares(other, name)} | {name}
        self._tick(chosen or {name})
        self._wanted = self.chosen()
        self.edited.emit()


def _shares(one: str, other: str) -> bool:
    return one.startswith("cuda") and other.startswith("cuda")
