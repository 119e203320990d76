"""The frame unrolled about the current center, live: drag the center until the lines are straight."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QTimer
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from xgeom_gui.image.plots import Plot
from xgeom_gui.image.radial_profile import place_of
from xgeom_gui.image.spacing_lines import SpacingLines
from xgeom_gui.look.theme import THEME
from xgeom_gui.services.cake import EMPTY, Cake, CakeRequest
from xgeom_gui.services.profiles import ProfileThread
from xgeom_gui.state.overlay_center import aim_of
from xgeom_gui.state.session import Session

_SETTLED_MS = 350
_TITLE = "The frame unrolled: azimuth in degrees against radius in px; a right center makes straight lines"
_QUARTERS = [(float(angle), f"{angle}°") for angle in (0, 90, 180, 270, 360)]
_GAP = {True: (52, 58, 66), False: (214, 219, 226)}


class CakePanel(QWidget):
    """Asks its thread for cakes while visible: a quick one at once, a fine one when nothing moves.

    Parameters
    ----------
    session : Session
    thread : ProfileThread
        Shut down by whoever owns it.
    """

    def __init__(self, session: Session, thread: ProfileThread, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._thread = session, thread
        self._cake: Cake | None = None
        self.plot = Plot(_TITLE)
        self.plot.getAxis("left").setTicks([_QUARTERS])
        self.plot.invertY(True)
        self._image = pg.ImageItem(axisOrder="row-major", levels=(0, 255), autoDownsample=False)
        self._image.setZValue(-10)
        self.plot.addItem(self._image)
        self.lines = SpacingLines(self.plot)
        self.about = QLabel()
        self.about.setProperty("role", "soft")
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.addWidget(self.about)
        layout.addWidget(self.plot, 1)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._settled.timeout.connect(lambda: self._ask(quick=False))
        for signal in (session.frame_changed, session.metadata_changed, session.current_center.changed):
            signal.connect(self.refresh)
        session.rings.changed.connect(self._draw_lines)
        THEME.changed.connect(self._recolor)
        thread.done.connect(self._on_done)
        self._recolor()

    @property
    def cake(self) -> Cake | None:
        """What is drawn."""
        return self._cake

    def showEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Catch up with what changed while hidden."""
        super().showEvent(event)  # type: ignore[arg-type]
        self.refresh()

    def refresh(self) -> None:
        """Ask for a quick cake now, and for a fine one when nothing has changed for a while."""
        if self.isVisible():
            self._ask(quick=True)
            self._settled.start()

    def _ask(self, quick: bool) -> None:
        frame, aim = self._session.frame, aim_of(self._session)
        if frame is None or aim is None or not self.isVisible():
            self.about.setText("" if frame is None else "no center yet: press P to predict")
            return
        x, y = aim.center_px
        self.about.setText(f"about {aim.center.name} ({x:.2f}, {y:.2f}): rings stand upright if it is right")
        self._thread.submit(CakeRequest(frame, aim.center_px, aim.geometry, quick))

    def _on_done(self, request: object, cake: Cake) -> None:
        if isinstance(request, CakeRequest) and request.frame is self._session.frame:
            reach = self._cake.farthest_px if self._cake else 0.0
            self._cake = cake
            self._image.setImage(cake.codes, autoLevels=False)
            self._image.setRect(QRectF(0.0, 0.0, cake.farthest_px, 360.0))
            # A drag moves the end a little; the axis stays until another frame or geometry comes.
            if not 0.8 < cake.farthest_px / max(reach, 1e-9) < 1.25:
                self.plot.setRange(xRange=(0.0, cake.farthest_px), yRange=(0.0, 360.0), padding=0.0)
            self._draw_lines()

    def _draw_lines(self) -> None:
        """Rings shown on the frame, upright here."""
        cake, frame = self._cake, self._session.frame
        if cake is None or frame is None:
            return
        geometry = cake.geometry
        rings = self._session.rings.on(geometry, frame.shape) if geometry is not None else ()
        self.lines.show([(ring.kind, place_of(ring.d_A, "px", geometry)) for ring in rings], THEME.dark)

    def _recolor(self) -> None:
        self._image.setLookupTable(_table(THEME.dark))
        self._draw_lines()


def _table(dark: bool) -> NDArray[np.uint8]:
    """Much is ink: dark on light paper, light on dark; what is not known is gray."""
    gray = np.arange(256, dtype=np.uint8) if dark else 255 - np.arange(256, dtype=np.uint8)
    table = np.repeat(gray[:, None], 3, axis=1)
    table[EMPTY] = _GAP[dark]
    return table
