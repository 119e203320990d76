"""Which file, which dataset, which frame: the strips above and below the image."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

from xgeom_core.formats.source import position
from xgeom_gui.look.elided import ElidedLabel
from xgeom_gui.state.session import Session


class FileStrip(QWidget):
    """Name and facts of the open file, and its datasets where there are several."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName("fileStrip")
        # Numbers of frames stand at the end of a name: its middle gives way.
        self.name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.name.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.name.setProperty("role", "title")
        # Beside open docks the image is narrow; the facts give way.
        self.facts = ElidedLabel()
        self.facts.setProperty("role", "soft")
        self.datasets = QComboBox()
        self.datasets.setAccessibleName("Dataset")
        self.datasets.setToolTip("Image dataset in this file")
        # Paths inside a file are long: the list shows them in full, the strip their first letters.
        self.datasets.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.datasets.setMinimumContentsLength(12)
        self.datasets.view().setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.datasets.activated.connect(self._choose)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(10)
        layout.addWidget(self.name)
        layout.addWidget(self.facts, 1)
        layout.addWidget(self.datasets)
        session.source_changed.connect(self._refresh)
        session.frame_changed.connect(self._refresh)

    def _refresh(self) -> None:
        source = self._session.source
        if source is None:
            return
        # In a run of files the one that the frame shown lies in.
        frame = self._session.frame
        path = frame.path if frame is not None and frame.path else source.path
        self.name.setText(Path(path).name)
        self.name.setToolTip(path if path == source.path else f"{path}\nof {source.path}")
        height, width = source.shape
        detector = self._session.metadata.detector
        facts = [source.layout, *([detector] if detector else []), f"{width} × {height} px"]
        self.facts.setText("  ·  ".join(facts))
        with QSignalBlocker(self.datasets):
            self.datasets.clear()
            self.datasets.addItems(list(source.datasets))
            self.datasets.setCurrentText(source.dataset)
        self.datasets.setVisible(len(source.datasets) > 1)

    def _choose(self, row: int) -> None:
        self._session.open_dataset(self.datasets.itemText(row))


class FrameStrip(QWidget):
    """Steps through the frames of the open file; frames are counted from 0, as everywhere."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName("frameStrip")
        self.back = _arrow(Qt.ArrowType.LeftArrow, "Previous frame (left arrow)", lambda: session.step(-1))
        self.forth = _arrow(Qt.ArrowType.RightArrow, "Next frame (right arrow)", lambda: session.step(1))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Frame number")
        self.slider.setToolTip("Frame, counted from 0")
        self.spin = QSpinBox()
        self.spin.setAccessibleName("Frame number")
        self.spin.setToolTip("Frame, counted from 0")
        self.spin.setKeyboardTracking(False)
        self.spin.setFixedWidth(64)
        # Style sheets set no padding inside spin boxes.
        self.spin.lineEdit().setTextMargins(5, 0, 0, 0)
        self.count = QLabel()
        self.count.setProperty("role", "soft")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(8)
        label = QLabel("Frame")
        label.setBuddy(self.spin)
        for widget in (label, self.spin, self.count, self.back, self.slider, self.forth):
            layout.addWidget(widget, 1 if widget is self.slider else 0)
        self.slider.valueChanged.connect(session.show_index)
        self.spin.valueChanged.connect(session.show_index)
        session.wanted_changed.connect(self._refresh)
        session.frame_changed.connect(self._refresh)

    def add_button(self, action: QAction) -> None:
        """One more button at the end, for an action that can be switched on and off."""
        button = QToolButton()
        button.setDefaultAction(action)
        button.setProperty("role", "framed")
        button.setAccessibleName(action.text())
        layout = self.layout()
        assert layout is not None
        layout.addWidget(button)

    def _refresh(self) -> None:
        source, wanted = self._session.source, self._session.wanted
        if source is None or wanted is None:
            return
        with QSignalBlocker(self.slider), QSignalBlocker(self.spin):
            for control in (self.slider, self.spin):
                control.setRange(0, source.frames - 1)
                control.setValue(wanted.index)
                control.setEnabled(source.frames > 1)
        last = source.frames - 1
        place = ""
        if len(source.axes) > 1 and 0 <= wanted.index <= last:
            place = f"{list(position(wanted.index, source.axes))} "
        self.count.setText(f"{place}of {source.frames}, counted from 0" if last else "single frame")
        self.back.setEnabled(wanted.index > 0)
        self.forth.setEnabled(wanted.index < last)


def _arrow(kind: Qt.ArrowType, tip: str, action: object) -> QToolButton:
    button = QToolButton()
    button.setArrowType(kind)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setAutoRepeat(True)
    button.clicked.connect(action)
    return button
