"""The legend over the image: which mark is whose."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QLayout, QWidget

from xgeom_gui.image.marks import mark_icon
from xgeom_gui.look.marker_styles import SourceStyle
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
        self._rows: list[_Row] = []
        self._folded = False
        self._any = False
        self.hide()

    def show_centers(self, centers: Sequence[Center]) -> None:
        """List these sources; hidden when there are none. Labels stay: a drag only writes numbers."""
        texts: list[tuple[SourceStyle | None, str, str]] = [
            (one.style, one.name, _place(one)) for one in centers
        ]
        if any(one.estimate.covariance is not None for one in centers):
            texts.append((None, "ellipse: 3σ", ""))
        while len(self._rows) < len(texts):
            self._add_row()
        for row, line in enumerate(self._rows):
            style, name, place = texts[row] if row < len(texts) else (None, "", "")
            line.show(style, name, place)
        self._any = bool(centers)
        self.setVisible(self._any and not self._folded)

    def unfold(self, on: bool) -> None:
        """Show the legend, or fold it away: then the frame under it is free."""
        self._folded = not on
        self.setVisible(self._any and on)

    def _add_row(self) -> None:
        line = _Row()
        for column, label in enumerate(line.labels):
            self._grid.addWidget(label, len(self._rows), column)
        self._rows.append(line)

    @property
    def texts(self) -> list[str]:
        """Every text shown, for tests and screen readers."""
        return [label.text() for row in self._rows for label in row.labels if label.text()]


class _Row:
    """Mark, name and center of a source; hidden while there is nothing to show."""

    def __init__(self) -> None:
        self.labels = QLabel(), QLabel(), QLabel()
        self._style: SourceStyle | None = None
        self.labels[2].setProperty("role", "soft")

    def show(self, style: SourceStyle | None, name: str, place: str) -> None:
        """Show these; what is as before is left alone."""
        icon, title, numbers = self.labels
        if style != self._style:
            self._style = style
            icon.setPixmap(mark_icon(style, size=20).pixmap(20, 20) if style else QPixmap())
        for label, text in ((title, name), (numbers, place)):
            if label.text() != text:
                label.setText(text)
        for label, on in zip(self.labels, (style is not None, bool(name), bool(place)), strict=True):
            label.setVisible(on)


def _place(center: Center) -> str:
    x, y = center.estimate.center_px
    spread = sigma(center.estimate.center_sigma_px)
    return f"{x:.2f}, {y:.2f}" + (f" ± {spread}" if spread else "")
