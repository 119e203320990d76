"""Counts along a line that is drawn on the image."""

from __future__ import annotations

import math
import re

import pyqtgraph as pg
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.image.frame_view_box import FrameViewBox
from xgeom_gui.image.plots import Plot
from xgeom_gui.services.profiles import Point, line_profile, spacing_between_A
from xgeom_gui.state.overlay_center import aim_of
from xgeom_gui.state.session import Session

_COLOR = "#c2187a"
_NUMBERS, _ENDLESS_A = 4, 1e5


class LineProfilePanel(QWidget):
    """The line on the image and its plot; both are there only while the panel is.

    Parameters
    ----------
    session : Session
    box : FrameViewBox
        Where the line lies; Ctrl and drag draws it anew.
    """

    def __init__(self, session: Session, box: FrameViewBox, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._box = session, box
        self._line: pg.LineSegmentROI | None = None
        self.plot = Plot("Counts along the line, over the distance from its start in px")
        self.ends = QLineEdit()
        self.ends.setAccessibleName("Ends of the line")
        self.ends.setToolTip("Ends of the line in native px: fast, slow of the start; fast, slow of the end")
        self.ends.setMinimumWidth(120)
        self.width_px = QSpinBox()
        self.width_px.setRange(1, 201)
        self.width_px.setSingleStep(2)
        self.width_px.setSuffix(" px")
        self.width_px.setAccessibleName("Width of the line")
        self.width_px.setToolTip("Mean over so many parallel lines, a pixel apart")
        self.logarithmic = QCheckBox("Log")
        self.logarithmic.setToolTip("Counts on a logarithmic axis")
        self.note = QLabel("Ctrl + drag on the image draws the line.")
        self.note.setProperty("role", "soft")
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout()
        row.setSpacing(8)
        for widget in (self.ends, _label("&Width", self.width_px), self.width_px):
            row.addWidget(widget, 3 if widget is self.ends else 0)
        row.addWidget(self.logarithmic)
        row.addWidget(self.note, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.addLayout(row)
        layout.addWidget(self.plot, 1)
        self.width_px.valueChanged.connect(self.refresh)
        self.logarithmic.toggled.connect(lambda on: self.plot.setLogMode(y=on))
        self.ends.editingFinished.connect(self._take_ends)
        box.line_drawn.connect(self._draw)
        session.frame_changed.connect(self.refresh)

    @property
    def line(self) -> tuple[Point, Point] | None:
        """Start and end in native px."""
        if self._line is None:
            return None
        (_, start), (_, end) = self._line.getSceneHandlePositions()
        first, last = (self._box.mapSceneToView(place) for place in (start, end))
        # Handles are kept in places of the screen: what is left of that is no part of the length.
        (x0, y0), (x1, y1) = ((round(at.x(), 4), round(at.y(), 4)) for at in (first, last))
        return (x0, y0), (x1, y1)

    def set_line(self, start: Point, end: Point) -> None:
        """Put the line there."""
        if self._line is not None:
            self._box.removeItem(self._line)
            self._line.deleteLater()
        pen, hover = pg.mkPen(_COLOR, width=2), pg.mkPen(_COLOR, width=3.5)
        self._line = pg.LineSegmentROI([start, end], pen=pen, hoverPen=hover, handlePen=pen)
        self._line.setZValue(40)
        self._box.addItem(self._line, ignoreBounds=True)
        self._line.sigRegionChanged.connect(self.refresh)
        self.refresh()

    def showEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Show the line, a first one through the center if there is none."""
        super().showEvent(event)  # type: ignore[arg-type]
        frame = self._session.frame
        if self._line is None and frame is not None:
            aim = aim_of(self._session)
            height, width = frame.shape
            x, y = aim.center_px if aim else (width / 2.0, height / 2.0)
            reach = min(width, height) / 4.0
            self.set_line((x - reach, y), (x + reach, y))
        if self._line is not None:
            self._line.show()
        self.refresh()

    def hideEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Hide the line with the panel."""
        super().hideEvent(event)  # type: ignore[arg-type]
        if self._line is not None:
            self._line.hide()

    def refresh(self) -> None:
        """Measure along the line anew; nothing while hidden."""
        frame, line = self._session.frame, self.line
        if frame is None or line is None or not self.isVisible():
            return
        (x0, y0), (x1, y1) = line
        profile = line_profile(frame, *line, self.width_px.value())
        self.plot.show_curve(profile.distance, profile.counts)
        if not self.ends.hasFocus():
            self.ends.setText(f"{x0:.1f}, {y0:.1f}; {x1:.1f}, {y1:.1f}")
            self.ends.setCursorPosition(0)
        length = math.hypot(x1 - x0, y1 - y0)
        pixel = self._session.metadata.pixel_mm
        text = f"{length:.1f} px"
        if pixel is not None:
            text += f", {math.hypot((x1 - x0) * pixel[0], (y1 - y0) * pixel[1]):.1f} mm"
        aim = aim_of(self._session)
        spacing = spacing_between_A(aim.geometry if aim else None, (x0, y0), (x1, y1))
        if spacing is not None and spacing < _ENDLESS_A:
            text += f", {spacing:.4g} Å"
        self.note.setText(text)
        self.note.setToolTip(
            "Length of the line and the spacing that it spans. Ctrl + drag on the image draws another."
        )

    def _draw(self, start: QPointF, end: QPointF) -> None:
        if self.isVisible():
            self.set_line((start.x(), start.y()), (end.x(), end.y()))

    def _take_ends(self) -> None:
        numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d*)?", self.ends.text())]
        if len(numbers) == _NUMBERS and self.line is not None:
            self.set_line((numbers[0], numbers[1]), (numbers[2], numbers[3]))
        else:
            self.refresh()


def _label(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(buddy)
    return label
