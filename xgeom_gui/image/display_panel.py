"""The panel of the picture: scale, colors, contrast, and what the colors of bad pixels mean."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.image.color_maps import COLOR_MAP_NAMES, SPECIAL_NAMES, special_colors
from xgeom_gui.image.histogram import HistogramSlider
from xgeom_gui.image.picture_item import PictureView
from xgeom_gui.services.contrast import SCALE_NAMES, SCALES
from xgeom_gui.state.display import COLOR_MAPS
from xgeom_gui.state.session import Session

_LARGEST = 1e12


class DisplayPanel(QWidget):
    """Follows the session's display and changes it.

    Parameters
    ----------
    session : Session
    picture : PictureView
        Says which level of the pyramid is drawn: the histogram is of that one.
    """

    def __init__(self, session: Session, picture: PictureView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._picture = session, picture
        self._display = session.display
        self.scale = _combo("Scale of counts", [SCALE_NAMES[scale] for scale in SCALES])
        self.scale.setToolTip("How counts become shades (L switches to logarithmic and back)")
        self.colors = _combo("Color map", [COLOR_MAP_NAMES[name] for name in COLOR_MAPS])
        self.colors.setToolTip("Colors of the counts; all rise evenly in lightness")
        self.inverted = QCheckBox("Inverted")
        self.inverted.setToolTip("Run the color map backwards: dark spots on a light ground (I)")
        self.histogram = HistogramSlider(self._display)
        self.low = _counts_box("Counts at the first color")
        self.high = _counts_box("Counts at the last color")
        self.automatic = QPushButton("Automatic")
        self.automatic.setCheckable(True)
        self.automatic.setToolTip("Let the contrast follow the frames, by percentiles (A)")
        self.low_percent = _percent_box("Percent of the pixels drawn with the first color")
        self.high_percent = _percent_box("Percent of the pixels below the last color")
        self.legend = QGridLayout()
        self._swatches: list[QWidget] = []
        self._arrange()
        self._connect()
        self.refresh()

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        _row(grid, 0, "&Scale", self.scale)
        _row(grid, 1, "C&olors", self.colors, self.inverted)
        layout.addLayout(grid)
        layout.addWidget(self.histogram)
        ends = QHBoxLayout()
        ends.setSpacing(6)
        ends.addWidget(self.low, 1)
        ends.addWidget(_soft("to"))
        ends.addWidget(self.high, 1)
        layout.addLayout(ends)
        percent = QHBoxLayout()
        percent.setSpacing(6)
        percent.addWidget(self.automatic)
        percent.addWidget(self.low_percent, 1)
        percent.addWidget(_soft("to"))
        percent.addWidget(self.high_percent, 1)
        layout.addLayout(percent)
        self.legend.setHorizontalSpacing(8)
        self.legend.setVerticalSpacing(2)
        self.legend.setColumnStretch(1, 1)
        self.legend.setContentsMargins(0, 4, 0, 0)
        layout.addLayout(self.legend)

    def _connect(self) -> None:
        display = self._display
        self.scale.activated.connect(lambda row: display.set_scale(SCALES[row]))
        # Grey is inverted by default, as in print; the colored maps are made for a dark ground.
        self.colors.activated.connect(
            lambda row: display.set_colors(COLOR_MAPS[row], COLOR_MAPS[row] == "grey")
        )
        self.inverted.toggled.connect(lambda on: display.set_colors(display.color_map, on))
        self.histogram.levels_wanted.connect(display.set_levels)
        self.histogram.automatic_wanted.connect(display.set_automatic)
        self.automatic.clicked.connect(self._toggle_automatic)
        for box in (self.low, self.high):
            box.valueChanged.connect(self._want_levels)
        for box in (self.low_percent, self.high_percent):
            box.valueChanged.connect(self._want_percentiles)
        display.changed.connect(self.refresh)
        self._session.frame_changed.connect(self.refresh)
        self._picture.level_changed.connect(self.refresh)

    def showEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """What changed while the panel was hidden is caught up with."""
        super().showEvent(event)  # type: ignore[arg-type]
        self.refresh()

    def refresh(self) -> None:
        """Show the display's state; nothing while hidden, so that a hidden panel costs nothing."""
        if not self.isVisible():
            return
        display, picture = self._display, self._session.picture
        number = max(self._picture.number, 0)
        levels = display.levels(number)
        boxes = (self.low, self.high, self.low_percent, self.high_percent)
        blockers = [QSignalBlocker(one) for one in (self.inverted, *boxes)]
        self.scale.setCurrentIndex(SCALES.index(display.scale))
        self.colors.setCurrentIndex(COLOR_MAPS.index(display.color_map))
        self.inverted.setChecked(display.inverted)
        self.automatic.setChecked(display.automatic)
        digits = 0 if display.unit == 1.0 else 4
        for box, value in zip(boxes[:2], levels, strict=True):
            box.setDecimals(digits)
            box.setSingleStep(max(abs(value) * 0.05, 10.0**-digits))
            box.setValue(value)
        for box, value in zip(boxes[2:], display.percentiles, strict=True):
            box.setValue(value)
        del blockers
        if picture is not None and number < len(picture.levels):
            self.histogram.show_histogram(picture.levels[number].histogram, picture.coding, levels)
        self._refresh_legend()

    def _refresh_legend(self) -> None:
        picture = self._session.picture
        tally = picture.tally if picture else {}
        colors = special_colors(self._display.color_map)
        shown = [(code, name) for code, name in SPECIAL_NAMES.items() if tally.get(code)]
        wanted = [f"{colors[code]} {name} {tally[code]}" for code, name in shown]
        if wanted == [widget.objectName() for widget in self._swatches[::3]]:
            return
        for widget in self._swatches:
            self.legend.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._swatches = []
        for row, (code, name) in enumerate(shown):
            swatch = QLabel()
            swatch.setObjectName(wanted[row])
            pixmap = QPixmap(14, 14)
            pixmap.fill(QColor(colors[code]))
            swatch.setPixmap(pixmap)
            number = _soft(f"{tally[code]:,} px".replace(",", "\N{NARROW NO-BREAK SPACE}"))
            for column, widget in enumerate((swatch, QLabel(name), number)):
                self.legend.addWidget(widget, row, column)
                self._swatches.append(widget)

    def _toggle_automatic(self, on: bool) -> None:
        if on:
            self._display.set_automatic()
        else:
            self._display.set_levels(*self._display.levels(max(self._picture.number, 0)))

    def _want_levels(self) -> None:
        if self.low.value() < self.high.value():
            self._display.set_levels(self.low.value(), self.high.value())

    def _want_percentiles(self) -> None:
        self._display.set_percentiles(self.low_percent.value(), self.high_percent.value())


def _combo(name: str, items: list[str]) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.addItems(items)
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box


def _row(grid: QGridLayout, row: int, text: str, *widgets: QWidget) -> None:
    label = QLabel(text)
    label.setBuddy(widgets[0])
    grid.addWidget(label, row, 0)
    for column, widget in enumerate(widgets, start=1):
        grid.addWidget(widget, row, column, 1, 1 if len(widgets) > 1 else 2)


def _soft(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "soft")
    return label


def _counts_box(name: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(-_LARGEST, _LARGEST)
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    box.setToolTip(f"{name}; fixes the contrast")
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box


def _percent_box(name: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0.0, 100.0)
    box.setDecimals(2)
    box.setSingleStep(0.1)
    box.setSuffix(" %")
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    box.setToolTip(f"{name}, of those neither masked nor saturated")
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box
