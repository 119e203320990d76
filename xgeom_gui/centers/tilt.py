"""The panel of the tilt: how much, and which edge leans away from the sample."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from xgeom_gui.centers.tilt_glyph import TiltGlyph
from xgeom_gui.state.formatting import missing_for_tilt, pitch_text, tilt_unknown_text, yaw_text
from xgeom_gui.state.session import Session


class TiltPanel(QWidget):
    """Pitch and yaw in words and as small drawings."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.glyphs = (TiltGlyph("pitch"), TiltGlyph("yaw"))
        self.texts = (QLabel(), QLabel())
        self.unknown = QLabel()
        self.unknown.setWordWrap(True)
        tips = (
            "Pitch: rotation about the fast axis. Positive: the bottom edge leans away from the sample.",
            "Yaw: rotation about the slow axis. Positive: the left edge leans away from the sample.",
        )
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(14)
        layout.setVerticalSpacing(4)
        layout.setColumnStretch(1, 1)
        layout.addWidget(self.unknown, 0, 0, 1, 2)
        for row, (glyph, text, tip) in enumerate(zip(self.glyphs, self.texts, tips, strict=True), start=1):
            text.setWordWrap(True)
            text.setToolTip(tip)
            layout.addWidget(glyph, row, 0)
            layout.addWidget(text, row, 1)
        for signal in (session.prediction_changed, session.metadata_changed):
            signal.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        missing = missing_for_tilt(self._session.metadata)
        best = None if missing else self._session.best
        tilt = best.tilt_deg if best else None
        spreads = best.tilt_sigma_deg if best else None
        for row, make_text in enumerate((pitch_text, yaw_text)):
            angle = tilt[row] if tilt else None
            self.glyphs[row].set_angle(angle)
            self.glyphs[row].setVisible(tilt is not None)
            self.texts[row].setVisible(tilt is not None)
            if angle is not None:
                self.texts[row].setText(make_text(angle, spreads[row] if spreads else None))
        self.unknown.setVisible(tilt is None and self._session.frame is not None)
        if tilt is None:
            self.unknown.setText(tilt_unknown_text(self._session.metadata, self._session.prediction))
