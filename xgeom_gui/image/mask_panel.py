"""The panel of the mask: tools to paint it, thresholds, numbers, undo, load and save."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QRectF, QSignalBlocker
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.image.mask_painter import MaskPainter, Tool, circle_region, filled_region
from xgeom_gui.services.mask_files import MaskFiles, MaskRequest
from xgeom_gui.state.session import Session

_TOOLS: dict[Tool, tuple[str, str]] = {
    "none": ("P&an", "Dragging moves the image"),
    "brush": ("&Brush", "Drag to paint; hold Alt to unmask"),
    "rectangle": ("&Rect", "Drag a rectangle; hold Alt to unmask"),
    "polygon": ("Pol&ygon", "Click its corners, double click (or Return) closes it; Esc forgets it"),
}
_FILTER = "Masks (*.h5 *.hdf5 *.npy *.tif *.tiff);;All files (*)"
_CIRCLE, _RECTANGLE = 3, 4
_LARGEST = 1e12


class MaskPanel(QWidget):
    """Paints the mask of the detector shown; predictions leave masked pixels out.

    Parameters
    ----------
    session : Session
    painter : MaskPainter
    files : MaskFiles
        Shut down by whoever owns it.
    """

    def __init__(
        self, session: Session, painter: MaskPainter, files: MaskFiles, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._painter, self._files = session, painter, files
        self._desk = session.masks
        self._offered: float | None = None
        self.tools: dict[Tool, QPushButton] = {}
        self._group = QButtonGroup(self)
        for name, (text, tip) in _TOOLS.items():
            button = QPushButton(text)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
            button.setStyleSheet("padding: 5px 2px;")
            button.setMinimumWidth(40)
            button.clicked.connect(lambda _on, tool=name: painter.choose(tool))
            self._group.addButton(button)
            self.tools[name] = button
        self.unmasking = QCheckBox("&Unmask instead")
        self.unmasking.setToolTip("Strokes, shapes and thresholds unmask")
        self.unmasking.toggled.connect(lambda on: setattr(painter, "unmasking", on))
        self.brush = QSpinBox()
        self.brush.setRange(1, 999)
        self.brush.setValue(painter.brush_px)
        self.brush.setSuffix(" px")
        self.brush.setAccessibleName("Diameter of the brush")
        self.brush.setToolTip("Diameter of the brush in native pixels")
        self.brush.valueChanged.connect(lambda value: setattr(painter, "brush_px", value))
        self.side = QComboBox()
        self.side.addItems(["above", "below"])
        self.side.setAccessibleName("Side of the threshold")
        self.side.setToolTip("Which counts to mask")
        self.threshold = QDoubleSpinBox()
        self.threshold.setRange(-_LARGEST, _LARGEST)
        self.threshold.setDecimals(1)
        self.threshold.setAccessibleName("Threshold in counts")
        self.threshold.setToolTip("Counts of this frame beyond which pixels are masked")
        self.threshold.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.numbers = QLineEdit()
        self.numbers.setPlaceholderText("x, y, radius  or  x0, y0, x1, y1")
        self.numbers.setAccessibleName("Circle or rectangle in numbers")
        self.numbers.setToolTip(
            "A circle (x, y, radius) or a rectangle (x0, y0, x1, y1) in native px; Return masks it"
        )
        self.note = QLabel()
        self.note.setProperty("role", "soft")
        self.note.setWordWrap(True)
        self._arrange()
        self._connect()
        self._refresh()

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        tools = QHBoxLayout()
        tools.setSpacing(0)
        for button in self.tools.values():
            tools.addWidget(button, 1)
        layout.addLayout(tools)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.unmasking, 0, 0, 1, 2)
        grid.addWidget(self.brush, 0, 2)
        grid.addWidget(self.side, 1, 0)
        grid.addWidget(self.threshold, 1, 1)
        self.apply_threshold = self._button("Mask", "Mask these counts of the frame shown", self.mask_counts)
        grid.addWidget(self.apply_threshold, 1, 2)
        grid.addWidget(self.numbers, 2, 0, 1, 3)
        layout.addLayout(grid)
        buttons = QGridLayout()
        buttons.setSpacing(6)
        specs: tuple[tuple[str, str, Callable[[], object]], ...] = (
            ("Undo", "Take back the last step", self._desk.undo_stack.undo),
            ("Redo", "Do it again", self._desk.undo_stack.redo),
            ("Clear", "Unmask everything that you have masked", self._desk.clear),
            ("Load…", "Read a mask: HDF5, .npy or .tif, not 0 where masked", self._ask_load),
            ("Save…", "Write this mask: .h5, .npy or .tif, 1 where masked", self._ask_save),
            ("Invert", "Mask what is not, and the other way round", self._invert),
        )
        self.buttons: dict[str, QPushButton] = {}
        for i, (text, tip, act) in enumerate(specs):
            self.buttons[text] = self._button(text, tip, act)
            buttons.addWidget(self.buttons[text], i // 3, i % 3)
        layout.addLayout(buttons)
        layout.addWidget(self.note)

    def _button(self, text: str, tip: str, act: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setMinimumWidth(40)
        button.clicked.connect(lambda _checked: act())
        return button

    def _connect(self) -> None:
        self._painter.tool_changed.connect(self._refresh)
        self._desk.changed.connect(self._refresh)
        self._session.frame_changed.connect(self._refresh)
        self._session.source_changed.connect(self._forget_threshold)
        self.threshold.valueChanged.connect(self._keep_threshold)
        self.numbers.returnPressed.connect(self.mask_numbers)
        self._files.loaded.connect(self._on_loaded)
        self._files.saved.connect(lambda path: self._session.say(f"mask saved to {Path(path).name}"))
        self._files.failed.connect(self._session.notice)

    def hideEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Without its panel no tool is at hand."""
        super().hideEvent(event)  # type: ignore[arg-type]
        self._painter.choose("none")

    def load(self, path: str) -> None:
        """Read a mask in place of the present one."""
        self._files.submit(MaskRequest(path))

    def save(self, path: str) -> None:
        """Write the present mask."""
        pixels = self._desk.pixels
        if pixels is not None:
            self._files.submit(MaskRequest(path, pixels))

    def mask_counts(self) -> None:
        """Mask the counts of the frame shown that are beyond the threshold."""
        frame = self._session.frame
        if frame is None:
            return
        limit, above = self.threshold.value(), self.side.currentIndex() == 0
        beyond = frame.data > limit if above else frame.data < limit
        beyond &= frame.valid
        verb = "unmask" if self._painter.unmasking else "mask"
        side = self.side.currentText()
        self._desk.paint(beyond, (0, 0), not self._painter.unmasking, f"{verb} counts {side} {limit:g}")

    def mask_numbers(self) -> None:
        """Mask the circle or rectangle typed in."""
        numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d*)?", self.numbers.text())]
        if len(numbers) == _CIRCLE and numbers[2] > 0:
            region, corner = circle_region((numbers[0], numbers[1]), numbers[2])
        elif len(numbers) == _RECTANGLE:
            path = QPainterPath()
            x0, y0, x1, y1 = numbers
            path.addRect(QRectF(x0, y0, x1 - x0, y1 - y0).normalized())
            region, corner = filled_region(path)
        else:
            self._session.notice(
                "A mask by numbers is a circle (x, y, radius) or a rectangle (x0, y0, x1, y1)."
            )
            return
        masked = not self._painter.unmasking
        self._desk.paint(region, corner, masked, "mask by numbers" if masked else "unmask by numbers")

    def _forget_threshold(self) -> None:
        self._offered = None

    def _keep_threshold(self) -> None:
        # What the user typed stands for the whole file.
        self._offered = math.nan

    def _offer_threshold(self) -> None:
        """Offer a threshold that masks nothing good: saturation, else the highest count of the frame."""
        frame = self._session.frame
        if frame is None or self._offered is not None:
            return
        highest = frame.metadata.saturation or float(frame.data.max(where=frame.valid, initial=0.0))
        with QSignalBlocker(self.threshold):
            self.threshold.setValue(highest)
        self._offered = highest

    def _refresh(self) -> None:
        self._offer_threshold()
        self.tools[self._painter.tool].setChecked(True)
        current, stack = self._desk.current, self._desk.undo_stack
        self.setEnabled(self._session.frame is not None)
        self.buttons["Undo"].setEnabled(stack.canUndo())
        self.buttons["Redo"].setEnabled(stack.canRedo())
        number = int(np.count_nonzero(current.pixels)) if current else 0
        self.note.setText(
            f"{number:,} px masked by you; predictions and profiles leave them out.".replace(
                ",", "\N{NO-BREAK SPACE}"
            )
            if number
            else "Nothing masked by you. What you mask is left out of predictions and profiles."
        )

    def _invert(self) -> None:
        pixels = self._desk.pixels
        if pixels is not None:
            self._desk.replace(~pixels, "invert the mask")

    def _ask_load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Load a mask", "", _FILTER)
        if name:
            self.load(name)

    def _ask_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save the mask", "mask.h5", _FILTER)
        if name:
            self.save(name)

    def _on_loaded(self, path: str, pixels: object) -> None:
        assert isinstance(pixels, np.ndarray)
        shape = self._desk.shape
        if shape is None:
            return
        if pixels.shape != shape:
            self._session.notice(
                f"{Path(path).name} is a mask of {pixels.shape[1]} × {pixels.shape[0]} px, "
                f"but the frames have {shape[1]} × {shape[0]}: open the frames it belongs to."
            )
            return
        self._desk.replace(pixels, f"load {Path(path).name}")
        self._session.say(f"mask loaded from {Path(path).name}")
