"""What the window shows before a file is open: what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

_FORMATS = "NXmx and Dectris HDF5, plain HDF5, training files, CBF, TIFF, SMV, MarCCD, Bruker"


class EmptyState(QWidget):
    """An invitation to open a file.

    Parameters
    ----------
    open_action, example_action : QAction
        What the two buttons do.
    recent : QWidget
        The files opened last.
    """

    def __init__(
        self, open_action: QAction, example_action: QAction, recent: QWidget, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        # It shares its place with the image, which may become narrower beside open docks.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        picture = QLabel()
        picture.setPixmap(QApplication.windowIcon().pixmap(88, 88))
        title = QLabel("Where does the beam hit the detector, and how is it tilted?")
        title.setProperty("role", "title")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.35)
        title.setFont(font)
        what = QLabel("Open a diffraction frame, or drop files or a folder here.")
        formats = QLabel(_FORMATS)
        formats.setProperty("role", "soft")
        self.open_button = open_button = QPushButton("Open a file…")
        open_button.setProperty("role", "primary")
        open_button.setToolTip(open_action.toolTip())
        open_button.clicked.connect(open_action.trigger)
        example_button = QPushButton("Open the example")
        example_button.setToolTip(example_action.toolTip())
        example_button.clicked.connect(example_action.trigger)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch(1)
        buttons.addWidget(open_button)
        buttons.addWidget(example_button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addStretch(2)
        for label in (picture, title, what):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(label is not picture)
            layout.addWidget(label)
        layout.addSpacing(6)
        layout.addLayout(buttons)
        layout.addSpacing(6)
        formats.setAlignment(Qt.AlignmentFlag.AlignCenter)
        formats.setWordWrap(True)
        layout.addWidget(formats)
        layout.addSpacing(14)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(recent, 10)
        row.addStretch(1)
        layout.addLayout(row)
        layout.addStretch(3)
