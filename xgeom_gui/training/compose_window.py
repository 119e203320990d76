"""The composer's layout: name and presets above, sections on the left, the footer below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.look.theme import CHOSEN, FAILED, INK, LINE, PAPER, THEME
from xgeom_gui.services.preview_maker import PreviewMaker
from xgeom_gui.training.compose_data import DataPage
from xgeom_gui.training.compose_footer import ComposeFooter
from xgeom_gui.training.compose_pages import NetworkPage, TrainingPage, ValidationPage
from xgeom_gui.training.compose_place import PlacePage
from xgeom_gui.training.compose_simulate import SimulateBox
from xgeom_gui.training.compose_sweep import SweepPage
from xgeom_gui.training.form import Hint, mark
from xgeom_gui.training.form_values import Problem
from xgeom_gui.training.form_words import title_of
from xgeom_gui.training.presets import Preset, usable_presets
from xgeom_gui.training.training_desk import TrainingDesk

SIZE = QSize(1020, 690)
_SIDE = 150
_ROW = 34
_SECTIONS = ("Data", "Network", "Training", "Validation", "Where", "Sweep")
_TIPS = (
    "What the network learns from",
    "Architecture and target",
    "Steps, batch, optimizer, learning rate",
    "What it is scored on while it learns",
    "Device, processes, Slurm",
    "Many runs in which some settings vary",
)


@dataclass(frozen=True)
class Pages:
    """The pages by name."""

    data: DataPage
    network: NetworkPage
    training: TrainingPage
    validation: ValidationPage
    place: PlacePage
    sweep: SweepPage

    def in_order(self) -> tuple[QWidget, ...]:
        """As the sections on the left."""
        return (self.data, self.network, self.training, self.validation, self.place, self.sweep)


class ComposeHeader(QWidget):
    """What the run is called, and settings to begin with.

    Signals
    -------
    preset_chosen : Preset
    file_wanted
        The user wants to open a configuration.
    """

    preset_chosen = Signal(object)
    file_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presets = usable_presets()
        self.title = QLineEdit()
        self.title.setFixedWidth(230)
        self.title.setPlaceholderText("named after the time")
        self.title.setAccessibleName("Name of the run")
        self.title.setToolTip("What the run and its model are called")
        self.presets = QComboBox()
        self.presets.addItems([preset.title for preset in self._presets])
        for i, preset in enumerate(self._presets):
            self.presets.setItemData(i, preset.text, Qt.ItemDataRole.ToolTipRole)
        self.presets.insertSeparator(self.presets.count())
        self.presets.addItem("Open a configuration…")
        self.presets.setAccessibleName("Settings to begin with")
        self.presets.setToolTip("Fill every field in: the poster's settings, the bundled recipes, or a file")
        self.presets.setMinimumWidth(330)
        self.presets.activated.connect(self._choose)
        self.hint = Hint()
        row = QHBoxLayout()
        row.setSpacing(10)
        for text, widget in (("Name", self.title), ("Begin with", self.presets)):
            label = QLabel(text)
            label.setBuddy(widget)
            row.addWidget(label)
            row.addWidget(widget)
            row.addSpacing(14)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 10)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.hint)

    def first_preset(self) -> Preset:
        """What the composer begins with."""
        return self._presets[0]

    def choose(self, title: str) -> None:
        """Take the preset of this title."""
        self.presets.setCurrentText(title)
        self._choose(self.presets.currentIndex())

    def say(self, text: str) -> None:
        """What the fields were filled in with."""
        self.hint.set_help(text)

    def set_problem(self, text: str) -> None:
        """Say what is wrong with the name."""
        self.hint.set_problem(f"Name: {text}" if text else "")
        mark(self.title, bool(text))

    def _choose(self, index: int) -> None:
        if index < len(self._presets):
            self.preset_chosen.emit(self._presets[index])
        else:
            self.file_wanted.emit()


class ComposeWindow:
    """Builds the parts into a dialog and marks the sections.

    Parameters
    ----------
    dialog : QDialog
    desk : TrainingDesk
    maker : PreviewMaker
    """

    def __init__(self, dialog: QDialog, desk: TrainingDesk, maker: PreviewMaker) -> None:
        self.header, self.footer = ComposeHeader(), ComposeFooter()
        self.pages = Pages(
            *(DataPage(maker, SimulateBox(desk)), NetworkPage(), TrainingPage(), ValidationPage()),
            *(PlacePage(), SweepPage()),
        )
        self.sections = QListWidget()
        self.sections.setFixedWidth(_SIDE)
        self.sections.setFrameShape(QFrame.Shape.NoFrame)
        self.sections.setAccessibleName("Sections")
        self.sections.setToolTip("Sections of the settings; a mark stands where something will not do")
        self.stack = QStackedWidget()
        for name, tip, page in zip(_SECTIONS, _TIPS, self.pages.in_order(), strict=True):
            item = QListWidgetItem(name, self.sections)
            item.setSizeHint(QSize(_SIDE, _ROW))
            item.setToolTip(tip)
            self.stack.addWidget(_scrolled(page))
        self.sections.currentRowChanged.connect(self.stack.setCurrentIndex)
        self.sections.setCurrentRow(0)
        self._wrong: set[int] = set()
        self._lines = (_line(), _line())
        dialog.resize(SIZE)
        layout = QVBoxLayout(dialog)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self._lines[0])
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.sections)
        middle.addWidget(self.stack, 1)
        layout.addLayout(middle, 1)
        layout.addWidget(self._lines[1])
        layout.addWidget(self.footer)
        THEME.changed.connect(self._color)
        self._color()

    def show_section(self, name: str) -> None:
        """Bring a page to the front."""
        self.sections.setCurrentRow(_SECTIONS.index(name))

    def show_problems(
        self, problems: Sequence[Problem], warnings: Sequence[Problem] = (), refusal: str = ""
    ) -> None:
        """Mark fields and sections, and say in the footer what is wrong where."""
        by_path = {problem.path: problem.text for problem in (*warnings, *problems)}
        parts = self.pages
        for page in (parts.data, parts.network, parts.training, parts.validation):
            page.set_problems(by_path)
        parts.place.set_problem(by_path.get("place", ""))
        self.header.set_problem(by_path.get("name", ""))
        self._wrong = {_section_of(problem.path) for problem in problems if problem.path != "name"}
        self._paint_sections()
        self.footer.trouble.set_problem(_summary(problems) or refusal)

    def _paint_sections(self) -> None:
        for i, name in enumerate(_SECTIONS):
            item = self.sections.item(i)
            wrong = i in self._wrong
            item.setText(f"{name}  ●" if wrong else name)
            item.setForeground(FAILED.color if wrong else QBrush())
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{name}, needs attention" if wrong else name)

    def _color(self) -> None:
        self.sections.setStyleSheet(
            f"QListWidget {{ background: {PAPER}; outline: 0; }}"
            "QListWidget::item { padding-left: 14px; }"
            f"QListWidget::item:selected {{ background: {CHOSEN}; color: {INK}; }}"
        )
        for line in self._lines:
            line.setStyleSheet(f"background: {LINE}; border: 0;")
        self._paint_sections()


def _section_of(path: str) -> int:
    names = {"data": 0, "model": 1, "training": 2, "validation": 3, "place": 4, "sweep": 5}
    return names.get(path.partition(".")[0], 2)


def _summary(problems: Sequence[Problem]) -> str:
    if not problems:
        return ""
    where = [
        "Name" if one.path == "name" else f"{_SECTIONS[_section_of(one.path)]}: {_name(one.path)}"
        for one in problems[:3]
    ]
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return f"To be mended first: {', '.join(where)}{more}."


def _name(path: str) -> str:
    names = {
        "data.kinds": "frames",
        "validation.kinds": "sets",
        "place": "processes",
        "sweep": "what varies",
    }
    return names.get(path) or title_of(path).lower()


def _scrolled(page: QWidget) -> QScrollArea:
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(20, 16, 20, 16)
    layout.addWidget(page)
    area = QScrollArea()
    area.setWidget(holder)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def _line() -> QFrame:
    line = QFrame()
    line.setFixedHeight(1)
    return line
