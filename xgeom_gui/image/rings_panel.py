"""Which rings are drawn: resolution, ice, a calibrant, the user's own."""

from __future__ import annotations

import re

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from xgeom_core.calibrants import CALIBRANTS
from xgeom_gui.state.formatting import missing_for_rings
from xgeom_gui.state.overlay_center import aim_of
from xgeom_gui.state.session import Session

_NONE = "No calibrant"


class RingsPanel(QWidget):
    """Follows the session's rings and changes them; says what is missing where they cannot be drawn."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._rings = session, session.rings
        self.resolution = QCheckBox("Resolution")
        self.resolution.setToolTip("Rings of round resolutions in Å, about the selected center (G)")
        self.ice = QCheckBox("Ice")
        self.ice.setToolTip("Rings of hexagonal ice at 100 K: 3.89, 3.66, 3.44, 2.67 Å…")
        self.calibrant = QComboBox()
        self.calibrant.addItems([_NONE, *CALIBRANTS])
        self.calibrant.setAccessibleName("Calibrant")
        self.calibrant.setToolTip("Powder rings of a calibrant")
        self.calibrant.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.own = QLineEdit()
        self.own.setPlaceholderText("own spacings in Å")
        self.own.setAccessibleName("Own spacings in Å")
        self.own.setToolTip("Rings of your own: spacings d in Å, with spaces between")
        self.note = QLabel()
        self.note.setProperty("role", "soft")
        self.note.setWordWrap(True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(2, 1)
        grid.addWidget(self.resolution, 0, 0)
        grid.addWidget(self.ice, 0, 1)
        for row, widget in enumerate((self.calibrant, self.own, self.note), 1):
            grid.addWidget(widget, row, 0, 1, 3)
        self.resolution.toggled.connect(lambda on: self._rings.choose(resolution=on))
        self.ice.toggled.connect(lambda on: self._rings.choose(ice=on))
        self.calibrant.activated.connect(lambda row: self._rings.choose(calibrant=("", *CALIBRANTS)[row]))
        self.own.editingFinished.connect(lambda: self._rings.choose(own=spacings_in(self.own.text())))
        about = (session.metadata_changed, session.current_center.changed)
        for signal in (self._rings.changed, session.frame_changed, *about):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is chosen, and why nothing is drawn if so."""
        rings = self._rings
        blockers = [QSignalBlocker(one) for one in (self.resolution, self.ice, self.own)]
        self.resolution.setChecked(rings.resolution)
        self.ice.setChecked(rings.ice)
        self.calibrant.setCurrentIndex(("", *CALIBRANTS).index(rings.calibrant))
        if not self.own.hasFocus():
            self.own.setText("  ".join(f"{d:g}" for d in rings.own))
        del blockers
        aim = aim_of(self._session)
        geometry = aim.geometry if aim else None
        known = aim is not None and geometry is not None and geometry.wavelength_A is not None
        text = ""
        if self._session.frame is not None and not known:
            text = missing_for_rings(self._session.metadata, aim is not None)
        elif rings.any and aim is not None:
            text = f"about {aim.center.name}, as conics of its tilt"
        self.note.setText(text)
        self.note.setVisible(bool(text))


def spacings_in(text: str) -> list[float]:
    """The positive numbers in a text."""
    found = (float(number) for number in re.findall(r"\d+(?:\.\d*)?|\.\d+", text))
    return [number for number in found if number > 0]
