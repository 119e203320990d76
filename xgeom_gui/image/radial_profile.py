"""Mean counts about the selected center, live: drag the center and see the rings sharpen."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, QTimer
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from xgeom_core.calibrants import spacings_A
from xgeom_core.geometry import Geometry
from xgeom_gui.image.plots import Plot, SpacingAxis
from xgeom_gui.image.spacing_lines import SpacingLines
from xgeom_gui.look.theme import THEME
from xgeom_gui.services.profiles import (
    UNIT_NAMES,
    UNITS,
    ProfileThread,
    RadialProfile,
    RadialRequest,
    Unit,
    units_for,
)
from xgeom_gui.state.overlay_center import Aim, aim_of
from xgeom_gui.state.rings import RingKind
from xgeom_gui.state.session import Session

_SETTLED_MS = 350
_TITLE = "Mean counts of the valid pixels about the selected center"
_MOST_LINES = 30


class RadialProfilePanel(QWidget):
    """Asks its thread for profiles while visible: a quick one at once, all pixels when nothing moves.

    Parameters
    ----------
    session : Session
    thread : ProfileThread
        Shut down by whoever owns it.
    """

    def __init__(self, session: Session, thread: ProfileThread, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._thread = session, thread
        self._profile: RadialProfile | None = None
        self._wanted: Unit = "d"
        self._axis = SpacingAxis()
        self.plot = Plot(_TITLE, {"bottom": self._axis})
        self._lines = SpacingLines(self.plot)
        self.unit = QComboBox()
        self.unit.setAccessibleName("Unit of the radius")
        self.unit.setToolTip(
            "Spacing d in Å, scattering angle 2θ, q = 2π/d, or the radius in px; true under tilt"
        )
        self.logarithmic = QCheckBox("Log")
        self.logarithmic.setToolTip("Counts on a logarithmic axis")
        self.about = QLabel()
        self.about.setProperty("role", "soft")
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout()
        row.setSpacing(8)
        for widget in (self.unit, self.logarithmic, self.about):
            row.addWidget(widget, 1 if widget is self.about else 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.addLayout(row)
        layout.addWidget(self.plot, 1)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._settled.timeout.connect(lambda: self._ask(quick=False))
        self._connect()

    def _connect(self) -> None:
        session = self._session
        about = (session.metadata_changed, session.current_center.changed)
        for signal in (session.frame_changed, *about):
            signal.connect(self.refresh)
        session.rings.changed.connect(self._draw_lines)
        THEME.changed.connect(self._draw_lines)
        self.unit.activated.connect(lambda _row: self._choose_unit())
        self.logarithmic.toggled.connect(lambda on: self.plot.setLogMode(y=on))
        self._thread.done.connect(self._on_done)
        self._thread.failed.connect(session.notice)

    def showEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Catch up with what changed while hidden."""
        super().showEvent(event)  # type: ignore[arg-type]
        self.refresh()

    @property
    def profile(self) -> RadialProfile | None:
        """What is drawn."""
        return self._profile

    def refresh(self) -> None:
        """Ask for a quick profile now, and for one of all pixels when nothing has changed for a while."""
        if self.isVisible():
            self._ask(quick=True)
            self._settled.start()

    def _ask(self, quick: bool) -> None:
        frame, aim = self._session.frame, aim_of(self._session)
        if frame is None or aim is None or not self.isVisible():
            self.about.setText("" if frame is None else "no center yet: press P to predict")
            return
        self.about.setText(f"about {aim.center.name} ({aim.center_px[0]:.2f}, {aim.center_px[1]:.2f})")
        self._offer(aim)
        self._thread.submit(RadialRequest(frame, aim.center_px, aim.geometry, quick))

    def _offer(self, aim: Aim) -> None:
        units = units_for(aim.geometry)
        with QSignalBlocker(self.unit):
            self.unit.clear()
            for unit in UNITS:
                if unit in units:
                    self.unit.addItem(UNIT_NAMES[unit], unit)
            chosen = self._wanted if self._wanted in units else units[0]
            self.unit.setCurrentIndex(units.index(chosen))

    def _choose_unit(self) -> None:
        self._wanted = self.unit.currentData()
        self._draw()
        self.plot.enableAutoRange()

    def _on_done(self, request: object, profile: RadialProfile) -> None:
        if isinstance(request, RadialRequest) and request.frame is self._session.frame:
            self._profile = profile
            self._draw()

    def _draw(self) -> None:
        profile, unit = self._profile, self.unit.currentData()
        if profile is None or unit is None or unit not in units_for(profile.geometry):
            return
        self._axis.spacings = unit == "d"
        x = profile.abscissa(unit)
        self.plot.show_curve(1.0 / x if unit == "d" else x, profile.mean)
        self._draw_lines()

    def _draw_lines(self) -> None:
        """The calibrant's and the ice's rings as lines."""
        profile, unit = self._profile, self.unit.currentData()
        if profile is not None and unit is not None:
            wanted = self._wanted_lines(profile)
            self._lines.show([(kind, place_of(d, unit, profile.geometry)) for kind, d in wanted], THEME.dark)

    def _wanted_lines(self, profile: RadialProfile) -> list[tuple[RingKind, float]]:
        """Kind and spacing of each line that has a place on the axis."""
        rings = self._session.rings
        if profile.geometry is None or profile.geometry.wavelength_A is None:
            return []
        wanted: list[tuple[RingKind, float]] = []
        wanted += [("ice", d) for d in (spacings_A("ice", 1.2) if rings.ice else ())]
        wanted += [
            ("calibrant", d) for d in (spacings_A(rings.calibrant) if rings.calibrant else ())[:_MOST_LINES]
        ]
        wanted += [("own", d) for d in rings.own]
        return [(kind, d) for kind, d in wanted if profile.geometry.wavelength_A <= 2 * d]


def place_of(d_A: float, unit: Unit, geometry: Geometry | None) -> float:
    """Where a spacing lies on an axis of this unit."""
    wavelength = geometry.wavelength_A if geometry is not None else None
    assert geometry is not None and wavelength is not None
    two_theta = 2.0 * np.arcsin(wavelength / (2.0 * d_A))
    values = {
        "d": 1.0 / d_A,
        "q": 2.0 * np.pi / d_A,
        "two_theta": np.degrees(two_theta),
        "px": np.tan(two_theta) * geometry.distance_mm / geometry.pixel_mm[0],
    }
    return float(values[unit])
