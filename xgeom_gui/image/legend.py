"""The legend over the image: which mark is whose."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QLayout, QWidget

from xgeom_gui.image.marks import mark_icon
from xgeom_gui.state.centers import Center
from xgeom_gui.state.formatting import sigma


class Legend(QFrame):
    """Marks with the names and centers of their sources; lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setObjectName("legend")
        self.setAccessibleName("Legend of the marks")
        self.setProperty("role", "veil")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(10, 7, 12, 7)
        # The layout keeps the frame at its own size, also once styles have changed the text's.
        self._grid.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(3)
        self._labels: list[QLabel] = []
        self.hide()

    def show_centers(self, centers: Sequence[Center]) -> None:
        """List these sources; hidden when there are none."""
        for label in self._labels:
            self._grid.removeWidget(label)
            # Deletion waits for the event loop; nothing may shine through until then.
            label.hide()
            label.deleteLater()
        self._labels = []
        for row, center in enumerate(centers):
            icon = QLabel()
            icon.setPixmap(mark_icon(center.style, size=20).pixmap(20, 20))
            estimate = center.estimate
            x, y = estimate.center_px
            spread = sigma(estimate.center_sigma_px)
            place = QLabel(f"{x:.2f}, {y:.2f}" + (f" ± {spread}" if spread else ""))
            place.setProperty("role", "soft")
            for column, label in enumerate((icon, QLabel(center.name), place)):
                self._grid.addWidget(label, row, column)
                self._labels.append(label)
        if any(center.estimate.covariance is not None for center in centers):
            note = QLabel("ellipse: 3σ")
            note.setProperty("role", "soft")
            self._grid.addWidget(note, len(centers), 1, 1, 2)
            self._labels.append(note)
        self.setVisible(bool(centers))

    @property
    def texts(self) -> list[str]:
        """Every text shown, for tests and screen readers."""
        return [label.text() for label in self._labels if label.text()]
