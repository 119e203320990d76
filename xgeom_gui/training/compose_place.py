"""The composer's page on where a job runs: this machine's devices, or a Slurm cluster; and its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from xgeom_core.jobs.job import Place, SlurmSettings
from xgeom_core.system.records import typed
from xgeom_gui.training.devices import DeviceTable
from xgeom_gui.training.form import Hint, button
from xgeom_gui.training.form_fields import EDITOR_WIDTH

_TITLE_WIDTH = 148
_SETUP_HEIGHT = 74


class SlurmBox(QWidget):
    """What to ask Slurm for.

    Signals
    -------
    edited
    """

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        start = SlurmSettings()
        self.partition, self.account = QLineEdit(), QLineEdit()
        self.gpus, self.cpus = _whole(0, 64, start.gpus), _whole(1, 1024, start.cpus)
        self.memory, self.hours = _number(" GB", start.memory_gb, 16_000), _number(" h", start.hours, 2000)
        self.setup = QPlainTextEdit()
        self.setup.setFixedHeight(_SETUP_HEIGHT)
        self.setup.setTabChangesFocus(True)
        self.setup.setPlaceholderText("source ~/xgeom/bin/activate")
        rows: tuple[tuple[str, QWidget, str], ...] = (
            ("Partition", self.partition, "Empty: the cluster's default. `sinfo` lists them."),
            ("GPUs", self.gpus, "GPUs on one node; 0 trains on the CPU. Several share one run."),
            ("Processor cores", self.cpus, "Cores on that node; frames are prepared there too."),
            ("Memory", self.memory, "Memory of the node that the job may use, in GB."),
            ("Time limit", self.hours, "In hours. Before it is over the run saves, and can be resumed."),
            ("Account", self.account, "Whom the time is charged to. Empty: your default."),
            (
                "First run",
                self.setup,
                "Shell lines that run first, such as those that activate a conda or venv.",
            ),
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(7)
        grid.setColumnMinimumWidth(0, _TITLE_WIDTH)
        grid.setColumnStretch(2, 1)
        for i, (title, widget, text) in enumerate(rows):
            widget.setAccessibleName(f"Slurm: {title.lower()}")
            widget.setToolTip(text)
            label = QLabel(title)
            label.setBuddy(widget)
            grid.addWidget(label, i, 0)
            if widget is self.setup:
                grid.addWidget(widget, i, 1, 1, 2)
                grid.addWidget(Hint(text), i + 1, 1, 1, 2)
            else:
                widget.setFixedWidth(EDITOR_WIDTH)
                grid.addWidget(widget, i, 1)
                grid.addWidget(Hint(text), i, 2)
        for signal in (
            *(self.partition.textChanged, self.account.textChanged, self.setup.textChanged),
            *(self.gpus.valueChanged, self.cpus.valueChanged),
            *(self.memory.valueChanged, self.hours.valueChanged),
        ):
            signal.connect(lambda *_: self.edited.emit())

    def settings(self) -> SlurmSettings:
        """What stands in the fields."""
        lines = (line.strip() for line in self.setup.toPlainText().splitlines())
        return SlurmSettings(
            partition=self.partition.text().strip(),
            gpus=self.gpus.value(),
            cpus=self.cpus.value(),
            memory_gb=self.memory.value(),
            hours=self.hours.value(),
            account=self.account.text().strip(),
            setup=tuple(line for line in lines if line),
        )

    def state(self) -> dict[str, Any]:
        """What is remembered."""
        found = self.settings()
        return {**asdict(found), "setup": list(found.setup)}

    def restore(self, state: object) -> None:
        """Fill in what was remembered, unless it is odd."""
        try:
            found = typed(SlurmSettings, state)
        except ValueError:
            return
        self.partition.setText(found.partition)
        self.account.setText(found.account)
        self.gpus.setValue(found.gpus)
        self.cpus.setValue(found.cpus)
        self.memory.setValue(found.memory_gb)
        self.hours.setValue(found.hours)
        self.setup.setPlainText("\n".join(found.setup))


class PlacePage(QWidget):
    """Devices, processes, Slurm.

    Signals
    -------
    edited
    folder_wanted
        The user wants to keep jobs elsewhere.
    """

    edited = Signal()
    folder_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.here = QRadioButton("This machine")
        self.here.setToolTip("Run beside this window; the job goes on when the window is closed")
        self.cluster = QRadioButton("A Slurm cluster")
        self.cluster.setToolTip("Submit the job with sbatch from this machine; its folder must be shared")
        choice = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(20)
        for where in (self.here, self.cluster):
            choice.addButton(where)
            row.addWidget(where)
        row.addStretch(1)
        self.devices, self.slurm = DeviceTable(), SlurmBox()
        self.processes = _whole(1, 64, 1)
        self.processes.setFixedWidth(EDITOR_WIDTH)
        self.processes.setAccessibleName("Processes that share the run")
        self.processes.setToolTip("More than 1: torchrun starts them, and they share every batch")
        self.hint = Hint()
        self._machine = QWidget()
        self._lay_out_machine()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        layout.addLayout(row)
        layout.addWidget(self._machine)
        layout.addWidget(self.slurm)
        layout.addLayout(self._folder_row())
        layout.addStretch(1)
        self.here.setChecked(True)
        self._show_choice()
        self.cluster.toggled.connect(self._show_choice)
        self.devices.edited.connect(self._on_devices)
        self.processes.valueChanged.connect(lambda _: self.edited.emit())
        self.slurm.edited.connect(self.edited)

    def _lay_out_machine(self) -> None:
        label = QLabel("Processes")
        label.setBuddy(self.processes)
        label.setMinimumWidth(_TITLE_WIDTH)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(label)
        row.addWidget(self.processes)
        row.addWidget(self.hint, 1)
        layout = QVBoxLayout(self._machine)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        layout.addWidget(self.devices)
        layout.addLayout(row)
        self._on_devices()

    def _folder_row(self) -> QHBoxLayout:
        self.folder = QLineEdit(readOnly=True)
        self.folder.setAccessibleName("Folder of the jobs")
        self.folder.setToolTip("Each job gets a folder of its own in here; nothing is ever deleted")
        tip = "Keep jobs below another folder; the list shows those that are there"
        self.folder_button = button("Change…", tip)
        self.folder_button.clicked.connect(self.folder_wanted)
        label = QLabel("Folder of the jobs")
        label.setBuddy(self.folder)
        label.setMinimumWidth(_TITLE_WIDTH)
        row = QHBoxLayout()
        row.setSpacing(12)
        for widget in (label, self.folder, self.folder_button):
            row.addWidget(widget)
        return row

    def place(self) -> Place:
        """Where the job should run."""
        if self.cluster.isChecked():
            settings = self.slurm.settings()
            devices = ("cuda",) if settings.gpus else ("cpu",)
            return Place(devices, max(settings.gpus, 1), settings)
        return Place(self.devices.chosen(), self.processes.value())

    def set_problem(self, text: str) -> None:
        """Say what is wrong with the processes."""
        self.hint.set_problem(text)

    def state(self) -> dict[str, Any]:
        """What is remembered."""
        return {
            "slurm": self.cluster.isChecked(),
            "settings": self.slurm.state(),
            "devices": list(self.devices.chosen()),
            "processes": self.processes.value(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Fill in what was remembered."""
        self.slurm.restore(state.get("settings"))
        devices = state.get("devices", ())
        if isinstance(devices, list) and devices:
            self.devices.choose(tuple(map(str, devices)))
        if isinstance(state.get("processes"), int):
            self.processes.setValue(state["processes"])
        (self.cluster if state.get("slurm") is True else self.here).setChecked(True)

    def _on_devices(self) -> None:
        gpus = [name for name in self.devices.chosen() if name.startswith("cuda")]
        if gpus:
            self.processes.setValue(len(gpus))
        # One process a GPU: torchrun gives each its own.
        self.processes.setEnabled(not gpus)
        one_each = "One process a GPU, started by torchrun."
        several = "Processes that share each batch, started by torchrun; 1 is right unless cores are idle."
        self.hint.set_help(one_each if len(gpus) > 1 else several)
        self.edited.emit()

    def _show_choice(self) -> None:
        self._machine.setVisible(self.here.isChecked())
        self.slurm.setVisible(self.cluster.isChecked())
        self.edited.emit()


def _whole(low: int, high: int, value: int) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setValue(value)
    return spin


def _number(suffix: str, value: float, most: float) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(0.1, most)
    spin.setDecimals(1)
    spin.setValue(value)
    spin.setSuffix(suffix)
    return spin
