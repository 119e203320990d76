"""Makes a data set: simulated frames in a file, as a job of its own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from xgeom_core.jobs.job import Job, Place, command_text
from xgeom_core.simulate.recipe import KINDS
from xgeom_gui.training.command_line import CommandLine
from xgeom_gui.training.form import Hint, button, mark
from xgeom_gui.training.form_fields import EDITOR_WIDTH
from xgeom_gui.training.training_desk import TrainingDesk

_LARGEST = 20_000
_SMALLEST = 16
# What a simulated pixel takes on the disk: 1.05 to 1.19 bytes over three kinds, measured.
_BYTES_A_PIXEL = 1.15


class SimulateBox(QFrame):
    """Kind, number, size and file of a data set; the button starts the job.

    Parameters
    ----------
    desk : TrainingDesk

    Signals
    -------
    made : str
        The file that the job will have written.
    """

    made = Signal(str)

    def __init__(self, desk: TrainingDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._suggested = ""
        self.kind = QComboBox()
        self.kind.addItems(KINDS)
        self.count = _spin("Number of frames", 1, 10_000_000, 1000, " frames")
        self.seed = _spin("Seed: the same seed makes the same frames", 0, 2_000_000_000, 0, "")
        self.side = QLineEdit("820")
        self.path = QLineEdit()
        self.hint = Hint()
        self.command = CommandLine(
            "Command line of the data set", "What the button runs, as one would type it"
        )
        tip = "Start a job that simulates these frames; it takes its turn among the jobs"
        self.button = button("Make this data set", tip)
        self.button.clicked.connect(self.start)
        self._browse = button("…", "Choose the file to write")
        self._browse.setAccessibleName("Choose the file to write")
        self._browse.clicked.connect(self._choose)
        self._lay_out()
        self._suggest()
        for signal in (self.kind.currentTextChanged, self.count.valueChanged, self.side.textChanged):
            signal.connect(lambda _: self._suggest())
        for signal in (self.path.textChanged, self.seed.valueChanged):
            signal.connect(lambda _: self._show())
        desk.root_changed.connect(self._suggest)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(4, 1)
        title = QLabel("Make a data set")
        title.setProperty("role", "title")
        grid.addWidget(title, 0, 0, 1, 5)
        rows: tuple[tuple[tuple[str, QWidget, str], ...], ...] = (
            (("Kind", self.kind, "Kind of simulated frames"), ("Frames", self.count, "")),
            (
                ("Size", self.side, "Pixels of each frame: 820, or fast x slow such as 2463x2527"),
                ("Seed", self.seed, ""),
            ),
        )
        for i, row in enumerate(rows, start=1):
            for j, (name, widget, tip) in enumerate(row):
                widget.setFixedWidth(EDITOR_WIDTH)
                widget.setAccessibleName(f"{name} of the data set")
                widget.setToolTip(tip or widget.toolTip())
                grid.addWidget(_label(name, widget), i, 2 * j)
                grid.addWidget(widget, i, 2 * j + 1)
        self.path.setAccessibleName("File of the data set")
        self.path.setToolTip("HDF5 file to write; it is added to the training files")
        where = QHBoxLayout()
        where.addWidget(self.path, 1)
        where.addWidget(self._browse)
        grid.addWidget(_label("File", self.path), 3, 0)
        grid.addLayout(where, 3, 1, 1, 4)
        grid.addWidget(self.hint, 4, 1, 1, 4)
        grid.addWidget(_label("Command", self.command.line), 5, 0)
        grid.addWidget(self.command, 5, 1, 1, 4)
        grid.addWidget(self.button, 6, 1, 1, 2, Qt.AlignmentFlag.AlignLeft)

    def arguments(self) -> tuple[str, ...]:
        """What follows ``xgeom``."""
        return (
            *("simulate", "--kind", self.kind.currentText(), "--count", str(self.count.value())),
            *("--size", self._size_text(), "--seed", str(self.seed.value()), "--out", str(self._file())),
        )

    def start(self) -> None:
        """Submit the job."""
        if self._problem():
            self._show()
            return
        path, arguments = self._file(), self.arguments()
        title = f"{self.count.value()} {self.kind.currentText()} frames"

        def work(store: object) -> None:
            path.parent.mkdir(parents=True, exist_ok=True)

        self._desk.ask(work)
        self._desk.submit("simulate", arguments, Place(), title)
        self.made.emit(str(path))

    def _size_text(self) -> str:
        return self.side.text().strip().lower().replace(" ", "")

    def _file(self) -> Path:
        return Path(self.path.text().strip()).expanduser().absolute()

    def _suggest(self) -> None:
        """A file that speaks for itself, unless the user named one."""
        size = self._size_text().replace("x", "-")
        name = f"{self.kind.currentText()}-{self.count.value()}-{size}.h5"
        suggestion = str(self._desk.root.parent / "data" / name)
        if self.path.text() in {"", self._suggested}:
            self.path.setText(suggestion)
        self._suggested = suggestion
        self._show()

    def _sides(self) -> tuple[int, int] | None:
        parts = self._size_text().split("x")
        if len(parts) > 2 or not all(part.isdecimal() and len(part) < 6 for part in parts):
            return None
        slow, fast = int(parts[-1]), int(parts[0])
        return (slow, fast) if all(_SMALLEST <= side <= _LARGEST for side in (slow, fast)) else None

    def _problem(self) -> str:
        if self._sides() is None:
            return f"The size is pixels such as 820 or 2463x2527 ({_SMALLEST} to {_LARGEST})."
        if not self.path.text().strip().endswith((".h5", ".hdf5")):
            return "The file's name must end in .h5."
        return ""

    def _show(self) -> None:
        problem, sides = self._problem(), self._sides()
        mark(self.side, sides is None)
        mark(self.path, bool(problem) and sides is not None)
        self.hint.set_problem(problem)
        if sides is not None:
            disk = self.count.value() * sides[0] * sides[1] * _BYTES_A_PIXEL
            self.hint.set_help(
                f"About {disk_text(disk)} on the disk. An interrupted job goes on where it was."
            )
        job = Job("", "simulate", "", self._desk.root, self.arguments(), Place(), 0.0)
        self.command.set_text(command_text(job))
        self.button.setEnabled(not problem)

    def _choose(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "File to write", self.path.text(), "HDF5 (*.h5)")
        if name:
            self.path.setText(name)


def disk_text(size: float) -> str:
    """Bytes in words."""
    for unit in ("kB", "MB", "GB"):
        size /= 1000.0
        if size < 1000 or unit == "GB":
            return f"{size:.2g} {unit}" if size < 100 else f"{size:.0f} {unit}"
    raise AssertionError


def _spin(tip: str, low: int, high: int, value: int, suffix: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setValue(value)
    spin.setSuffix(suffix)
    spin.setToolTip(tip)
    return spin


def _label(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(buddy)
    return label
