"""Kinds of simulated frames to choose from, each with a picture of one and its known center."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from xgeom_core.simulate.recipe import KINDS
from xgeom_gui.look.marker_styles import style_of
from xgeom_gui.look.theme import ACCENT, CANVAS, INK, LINE, PAPER, SOFT_INK
from xgeom_gui.services.preview_maker import SIZE_PX, Preview, PreviewMaker
from xgeom_gui.training.form import Hint, mark
from xgeom_gui.training.form_words import kind_tip

_COLUMNS = 4
_HALF_X = 5.0
_PICTURE = SIZE_PX + 2


class PreviewPicture(QWidget):
    """One simulated frame with an X at its center; a click or Space asks for another.

    Signals
    -------
    clicked
    """

    clicked = Signal()

    def __init__(self, kind: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preview: Preview | None = None
        self._words = ""
        self.setFixedSize(_PICTURE, _PICTURE)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"Example of {kind} frames")
        self.setToolTip("A simulated frame; the X marks its known center. Click for another one.")

    @property
    def preview(self) -> Preview | None:
        """What is shown."""
        return self._preview

    def show_preview(self, preview: Preview) -> None:
        """Show a frame."""
        self._preview, self._words = preview, ""
        self.update()

    def show_words(self, words: str) -> None:
        """Say what is going on in place of a frame."""
        self._words = words
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """A fixed square."""
        return QSize(_PICTURE, _PICTURE)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Another example."""
        self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Another example, by keyboard."""
        if event.key() in {Qt.Key.Key_Space, Qt.Key.Key_Return}:
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Counts in ink on paper, gaps in the color of the canvas, the center as an X."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.fillRect(frame, PAPER.color if self._preview else CANVAS.color)
        if self._preview is not None:
            self._paint_frame(painter, frame, self._preview)
        if self._words:
            painter.setPen(SOFT_INK.color)
            painter.drawText(frame.adjusted(8, 8, -8, -8), _CENTERED, self._words)
        painter.setPen(QPen((ACCENT if self.hasFocus() else LINE).color, 1.0))
        painter.drawRect(frame)
        painter.end()

    def _paint_frame(self, painter: QPainter, frame: QRectF, preview: Preview) -> None:
        slow, fast = preview.shape
        painter.drawImage(frame, _image(preview))
        x = frame.left() + preview.center[0] / fast * frame.width()
        y = frame.top() + preview.center[1] / slow * frame.height()
        painter.setPen(QPen(QColor(style_of("truth").color), 1.6))
        for slope in (-1, 1):
            reach = QPointF(_HALF_X, slope * _HALF_X)
            painter.drawLine(QPointF(x, y) - reach, QPointF(x, y) + reach)


_CENTERED = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)


def _image(preview: Preview) -> QImage:
    slow, fast = preview.shape
    image = QImage(preview.pixels, fast, slow, fast, QImage.Format.Format_Indexed8)
    low, high, gap = (np.array(list(role), dtype=float) for role in (PAPER, INK, CANVAS))
    steps = np.linspace(0.0, 1.0, 255)[:, None]
    table = np.vstack([low + steps * (high - low), gap]).astype(np.uint32)
    colors = (0xFF << 24) | (table[:, 0] << 16) | (table[:, 1] << 8) | table[:, 2]
    image.setColorTable(colors.tolist())
    # The bytes belong to the preview; the picture must not outlive them.
    return image.copy()


class KindCard(QWidget):
    """A kind: its picture, whether it is taken, and its weight."""

    edited = Signal()
    another = Signal(str, int)

    def __init__(self, kind: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = kind
        self._index = zlib.crc32(kind.encode()) % 100_000
        self.picture = PreviewPicture(kind)
        self.picture.clicked.connect(self._another)
        tip = kind_tip(kind)
        self.box = QCheckBox(kind)
        self.box.setToolTip(tip)
        self.weight = QLineEdit("1")
        self.weight.setFixedWidth(46)
        self.weight.setAccessibleName(f"Weight of {kind} frames")
        self.weight.setToolTip("Weight: how many of the frames are of this kind, relative to the others")
        self.box.toggled.connect(self._toggle)
        self.weight.textChanged.connect(lambda _: self.edited.emit())
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.box, 1)
        row.addWidget(self.weight)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(row)
        self.setFixedWidth(_PICTURE + 42)
        self._toggle(False)

    @property
    def index(self) -> int:
        """Number of the frame that is shown or waited for."""
        return self._index

    def _toggle(self, on: bool) -> None:
        policy = self.weight.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.weight.setSizePolicy(policy)
        self.weight.setVisible(on)
        self.edited.emit()

    def _another(self) -> None:
        self._index += 1
        self.another.emit(self.kind, self._index)


class KindsGrid(QWidget):
    """All kinds side by side.

    Parameters
    ----------
    maker : PreviewMaker
        Draws the examples, once `show_examples` asks for them.

    Signals
    -------
    edited
    """

    edited = Signal()

    def __init__(self, maker: PreviewMaker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._maker = maker
        self._asked = False
        self.cards = {kind: KindCard(kind) for kind in KINDS}
        self.hint = Hint("Frames are simulated while the network learns, every one of them new.")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(10)
        grid.addWidget(self.hint, 0, 0, 1, _COLUMNS + 1)
        for i, card in enumerate(self.cards.values()):
            card.edited.connect(self.edited)
            card.another.connect(self._want)
            grid.addWidget(card, 1 + i // _COLUMNS, i % _COLUMNS)
        grid.setColumnStretch(_COLUMNS, 1)
        maker.made.connect(self._on_made)
        maker.failed.connect(self._on_failed)

    def show_examples(self) -> None:
        """Have the pictures drawn, the first time that somebody looks."""
        if not self._asked:
            self._asked = True
            for card in self.cards.values():
                self._want(card.kind, card.index)

    def weights(self) -> dict[str, Any]:
        """Kinds taken with their weights as typed; empty weights count as missing."""
        return {
            kind: card.weight.text().strip().replace(",", ".")
            for kind, card in self.cards.items()
            if card.box.isChecked()
        }

    def all_numbers(self) -> bool:
        """Whether every weight typed will do."""
        return all(_is_weight(str(weight)) for weight in self.weights().values())

    def set_weights(self, weights: Mapping[str, Any]) -> None:
        """Take these kinds."""
        for kind, card in self.cards.items():
            card.box.setChecked(kind in weights)
            card.weight.setText(f"{weights.get(kind, 1):g}")

    def set_problem(self, text: str) -> None:
        """Say what is wrong with the choice."""
        self.hint.set_problem(text)
        for card in self.cards.values():
            mark(card.weight, bool(text) and card.box.isChecked() and not _is_weight(card.weight.text()))

    def _want(self, kind: str, index: int) -> None:
        self.cards[kind].picture.show_words("simulating…")
        self._maker.want(kind, index)

    def _on_made(self, preview: Preview) -> None:
        if preview.kind in self.cards:
            self.cards[preview.kind].picture.show_preview(preview)

    def _on_failed(self, kind: str, why: str) -> None:
        if kind in self.cards:
            self.cards[kind].picture.show_words(f"No picture: {why}")


def _is_weight(text: str) -> bool:
    try:
        return float(text.replace(",", ".")) > 0
    except ValueError:
        return False
