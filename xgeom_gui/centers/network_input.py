"""What the network sees: its input image with the predicted center in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from xgeom_gui.centers.explanation_plots import KIND_COLORS
from xgeom_gui.look.marker_styles import style_of
from xgeom_gui.look.theme import GROUND, THEME
from xgeom_gui.services.predictor import PredictionKey, PredictorThread, PredictRequest
from xgeom_gui.state.session import Session

if TYPE_CHECKING:
    from xgeom_core.predict.network_input import NetworkSight

_HEIGHT = 340
_PERCENTILES = (1.0, 99.5)


class SightPanel(QWidget):
    """Asked for only while it can be seen, for the frame and the model shown.

    Parameters
    ----------
    session : Session
    predictor : PredictorThread
        Has the model.
    """

    def __init__(self, session: Session, predictor: PredictorThread, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._predictor = session, predictor
        self._asked: PredictionKey | None = None
        self.sight: NetworkSight | None = None
        self.words = QLabel("The network's input appears here once a frame is open.")
        self.words.setProperty("role", "soft")
        self.words.setWordWrap(True)
        self.view = pg.GraphicsView(background=None)
        self.view.setFixedHeight(_HEIGHT)
        self.view.setAccessibleName("Input of the network")
        self.view.setToolTip("Logarithms of pooled counts, as they enter the network; the X is its answer")
        self._box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False, enableMouse=False)
        self.view.setCentralItem(self._box)
        self._image = pg.ImageItem()
        self._x = pg.ScatterPlotItem(size=16, symbol="x", pxMode=True)
        self._truth = pg.ScatterPlotItem(size=16, symbol="x", pxMode=True)
        for item in (self._image, self._x, self._truth):
            self._box.addItem(item)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.words)
        layout.addWidget(self.view)
        self.view.hide()
        session.prediction_changed.connect(self._ask)
        predictor.sight_done.connect(self._take)
        predictor.sight_failed.connect(self._on_failed)
        THEME.changed.connect(self._recolor)
        self._recolor()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """What was not asked for while hidden is asked for now."""
        super().showEvent(event)
        self._ask()

    def _recolor(self) -> None:
        self.view.setBackground(GROUND.color)

    def _ask(self) -> None:
        key, frame = self._session.prediction_key, self._session.frame
        if key is None or frame is None or not self.isVisible():
            return
        # Where the fit starts is nothing to the network.
        key = replace(key, start_px=None)
        if key != self._asked:
            self._asked = key
            self._predictor.submit(PredictRequest(key, frame, "sight"))

    def _take(self, key: PredictionKey, sight: NetworkSight) -> None:
        if key != self._asked:
            return
        self.sight = sight
        rows, columns = sight.image.shape
        known = sight.image[sight.known]
        low, high = np.percentile(known, _PERCENTILES) if known.size else (0.0, 1.0)
        place = np.clip((sight.image - low) / max(high - low, 1e-6), 0.0, 1.0)
        shown = np.repeat((255.0 * (1.0 - place)).astype(np.ubyte)[..., None], 3, axis=2)
        unknown = QColor(KIND_COLORS["masked"])
        shown[~sight.known] = (unknown.red(), unknown.green(), unknown.blue())
        self._image.setImage(shown, levels=(0, 255))
        self._image.setRect(QRectF(0, 0, columns, rows))
        self._x.setData(
            [sight.center[0]], [sight.center[1]], pen=pg.mkPen(style_of("network").color, width=2.6)
        )
        truth = self._session.truth
        places = [sight.pooling.to_pooled(truth.center_px)] if truth else []
        pen = pg.mkPen(style_of("truth").color, width=2.6)
        self._truth.setData([x for x, _ in places], [y for _, y in places], pen=pen)
        self._box.setRange(QRectF(0, 0, columns, rows), padding=0.01)
        self.words.setText(_words(sight, columns, rows, bool(places)))
        self.view.show()

    def _on_failed(self, key: PredictionKey, sentence: str) -> None:
        if key == self._asked:
            self.words.setText(sentence)
            self.view.hide()


def _words(sight: NetworkSight, columns: int, rows: int, known: bool) -> str:
    factor = sight.pooling.factor
    share = 100.0 * float(sight.known.mean())
    text = (
        f"{columns} × {rows} pixels, each of {factor} × {factor} native ones; {share:.0f} % of them known, "
        "the rest (brown) says nothing. Orange X: where the network puts the beam."
    )
    return f"{text} Red X: the known center." if known else text
