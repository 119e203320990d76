"""Background or Bragg? Shows only a part of the frame and predicts it again at once."""

from __future__ import annotations

import math
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from xgeom_gui.look.theme import SOFT_INK, STATUS_COLORS, THEME
from xgeom_gui.services.predictor import PredictionKey
from xgeom_gui.state.formatting import sigma
from xgeom_gui.state.session import Session

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.masked_frames import Variant

CHOICES: tuple[tuple[Variant, str, str], ...] = (
    ("measured", "As measured", "The frame as it is"),
    ("background", "Background only", "Spots are masked: what does the background alone say?"),
    ("spots", "Bragg spots only", "Every pixel outside the spots is set to 0 counts"),
    ("binary", "Spots as 0 and 1", "1 where a pixel stands out of its surroundings, 0 elsewhere"),
)


class VariantsPanel(QWidget):
    """Switches, and what was answered to each part of the frame shown."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._about: PredictionKey | None = None
        self._answers: dict[str, Prediction] = {}
        self.buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout()
        row.setSpacing(0)
        group = QButtonGroup(self)
        for variant, text, tip in CHOICES:
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(text)
            button.setCheckable(True)
            button.setProperty("role", "framed")
            button.clicked.connect(lambda _on, one=variant: session.set_variant(one))
            group.addButton(button)
            row.addWidget(button)
            self.buttons[variant] = button
        row.addStretch(1)
        self.answers = QLabel()
        self.answers.setTextFormat(Qt.TextFormat.RichText)
        self.answers.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.answers)
        session.prediction_changed.connect(self._refresh)
        session.options_changed.connect(self._refresh)
        THEME.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        session = self._session
        self.buttons[session.variant].setChecked(True)
        key = session.prediction_key
        about = replace(key, variant="measured") if key else None
        if about != self._about:
            self._about, self._answers = about, {}
        if key is not None and session.prediction is not None:
            self._answers[key.variant] = session.prediction
        self.answers.setText(self._text())

    def _text(self) -> str:
        whole = self._answers.get("measured")
        rows = []
        for variant, name, _ in CHOICES:
            prediction = self._answers.get(variant)
            cells = [escape(name), *(_cells(prediction, whole) if prediction else ("not asked yet", "", ""))]
            color = STATUS_COLORS[prediction.status] if prediction else SOFT_INK
            styles = ("", "", "", f"color:{color}")
            rows.append(
                "<tr>"
                + "".join(
                    f'<td style="padding-right:18px; {style}">{cell}</td>'
                    for cell, style in zip(cells, styles, strict=True)
                )
                + "</tr>"
            )
        return f'<table style="color:{SOFT_INK}">{"".join(rows)}</table>'


def _cells(prediction: Prediction, whole: Prediction | None) -> tuple[str, str, str]:
    best = prediction.best
    if best is None:
        return "no center", "", prediction.status
    x, y = best.center_px
    spread = sigma(best.center_sigma_px)
    place = f"{x:.2f}, {y:.2f}" + (f" ± {spread}" if spread else "") + " px"
    moved = ""
    if whole is not None and whole is not prediction and whole.best is not None:
        moved = f"{math.dist(best.center_px, whole.best.center_px):.2f} px away"
    return place, moved, f"{prediction.status} ({best.source})"
