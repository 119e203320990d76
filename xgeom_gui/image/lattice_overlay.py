"""Spots and lattice on the frame: found, indexed, predicted; hkl and Å at the pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject

from xgeom_gui.services.predictor import PredictionKey, PredictRequest
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.report.explanation import SpotsShown

# Readable on light and on dark maps alike, and apart for most who see colors otherwise.
INDEXED, FOUND, PREDICTED = "#2a9d5c", "#e07b00", "#4a7bd0"
_SIZE_PX = {INDEXED: 13, FOUND: 13, PREDICTED: 8}
_REACH_PX = 9.0


class LatticeOverlay(QObject):
    """Draws what indexing found while it is switched on; asks for it only then.

    Parameters
    ----------
    view : pyqtgraph.ViewBox
    session : Session
    controller : SessionController
        Its predictor explains answers.
    """

    def __init__(
        self, view: pg.ViewBox, session: Session, controller: SessionController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._view, self._session, self._controller = view, session, controller
        self._on = False
        self._asked: PredictionKey | None = None
        self.spots: SpotsShown | None = None
        self.marks = {color: _scatter(color) for color in (PREDICTED, FOUND, INDEXED)}
        self.label = pg.TextItem(anchor=(0, 1), color="#ffffff", fill=(20, 24, 30, 215))
        self.label.setZValue(9)
        for item in (*self.marks.values(), self.label):
            view.addItem(item, ignoreBounds=True)
            item.setVisible(False)
        for signal in (session.prediction_changed, session.frame_changed):
            signal.connect(self._ask)
        session.cursor_changed.connect(self._name_reflection)
        controller.predictor.why_done.connect(self._take)

    def set_on(self, on: bool) -> None:
        """Show or hide everything."""
        self._on = on
        self._ask()

    @property
    def words(self) -> str:
        """How many of each there are."""
        spots = self.spots
        if spots is None:
            return "No spots were found in this frame."
        words = f"{len(spots.x)} spots, {int(spots.indexed.sum())} indexed"
        reflections = spots.reflections
        return words + (f", {len(reflections)} reflections predicted" if reflections is not None else "")

    def _ask(self) -> None:
        prediction, key, frame = self._session.prediction, self._session.prediction_key, self._session.frame
        if not self._on or prediction is None or key is None or frame is None:
            self._asked = None
            self._show(None)
        elif prediction.explanation is not None:
            self._asked = key
            self._take(key, prediction)
        elif key != self._asked:
            self._asked = key
            self._show(None)
            self._controller.predictor.submit(PredictRequest(key, frame, "why"))

    def _take(self, key: PredictionKey, prediction: Prediction) -> None:
        if self._on and key == self._asked:
            explanation = prediction.explanation
            self._show(explanation.spots if explanation is not None else None)
            self._session.say(self.words)

    def _show(self, spots: SpotsShown | None) -> None:
        self.spots = spots
        self.label.setVisible(False)
        places: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        if spots is not None:
            places[FOUND] = spots.x[~spots.indexed], spots.y[~spots.indexed]
            places[INDEXED] = spots.x[spots.indexed], spots.y[spots.indexed]
            if spots.reflections is not None:
                places[PREDICTED] = spots.reflections.x, spots.reflections.y
        for color, item in self.marks.items():
            x, y = places.get(color, (np.zeros(0), np.zeros(0)))
            item.setData(x, y)
            item.setVisible(len(x) > 0)

    def _name_reflection(self) -> None:
        """hkl and spacing of the reflection under the pointer."""
        cursor, reflections = self._session.cursor, self.spots.reflections if self.spots else None
        if cursor is None or reflections is None or not len(reflections):
            self.label.setVisible(False)
            return
        away = np.hypot(reflections.x - cursor[0], reflections.y - cursor[1])
        nearest = int(np.argmin(away))
        reach = _REACH_PX * float(self._view.viewPixelSize()[0])
        self.label.setVisible(bool(away[nearest] <= reach))
        if self.label.isVisible():
            h, k, l = reflections.hkl[nearest]
            more = f"  lattice {reflections.lattice[nearest] + 1}" if reflections.lattice.max() else ""
            self.label.setText(f"{h} {k} {l}   {reflections.d_A[nearest]:.2f} Å{more}")
            self.label.setPos(reflections.x[nearest], reflections.y[nearest])


def _scatter(color: str) -> pg.ScatterPlotItem:
    """Marks of the same size at every zoom: circles about spots, crosses where they are predicted."""
    symbol, width = ("x", 1.0) if color == PREDICTED else ("o", 1.4)
    item = pg.ScatterPlotItem(
        symbol=symbol, size=_SIZE_PX[color], pen=pg.mkPen(color, width=width), brush=None, pxMode=True
    )
    item.setZValue(6)
    return item
