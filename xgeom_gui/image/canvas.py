"""The canvas of the image: what lies on it can be turned in quarters."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QWidget


class Canvas(pg.GraphicsView):
    """A view whose scene is as large as its window, also when it is turned.

    Marks that ignore transformations, and children in its corners, stay upright.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        self._turns = 0
        super().__init__(parent)

    def turn(self, turns: int) -> None:
        """Show the scene turned so many quarters to the right."""
        self._turns = turns % 4
        self._fit_scene()

    def resizeEvent(self, ev: object) -> None:  # noqa: N802 (Qt's name)
        """The scene keeps the window's size."""
        super().resizeEvent(ev)
        if self._turns:
            self._fit_scene()

    def _fit_scene(self) -> None:
        width, height = self.size().width(), self.size().height()
        if self._turns % 2:
            width, height = height, width
        self.setRange(QRectF(0, 0, width, height), padding=0, disableAutoPixel=False)

    def updateMatrix(self, propagate: bool = True) -> None:  # noqa: N802 (pyqtgraph's name)
        """Turn what pyqtgraph has laid out."""
        super().updateMatrix(propagate)
        if self._turns:
            self.rotate(90 * self._turns)
