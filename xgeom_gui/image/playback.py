"""Below the frames: play them, and show several as one."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSpinBox, QToolButton, QWidget

from xgeom_gui.services.frame_math import STACK_MODES, STACK_NAMES, Stack, StackMode
from xgeom_gui.state.session import Session

_SINGLE = "Single frames"
_FASTEST = 30
_MOST_FRAMES = 999


class PlayStrip(QWidget):
    """Plays the frames of the open file and combines them; hidden where there is only one.

    A frame is asked for only once the one before is shown, so that none is skipped and nothing piles up.

    Signals
    -------
    playing_changed : bool
    """

    playing_changed = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("playStrip")
        self._session = session
        self._wish: StackMode = "sum"
        self.button = QToolButton()
        self.button.setCheckable(True)
        self.button.setText("Play")
        self.button.setProperty("role", "framed")
        self.button.setMinimumWidth(58)
        self.button.setToolTip("Play the frames one after the other, round and round (S)")
        self.button.setAccessibleName("Play")
        self.speed = QSpinBox()
        self.speed.setRange(1, _FASTEST)
        self.speed.setValue(5)
        self.speed.setSuffix(" per s")
        self.speed.setAccessibleName("Speed in frames per second")
        self.speed.setToolTip("Frames per second, as far as reading keeps up")
        self.mode = QComboBox()
        self.mode.addItems([_SINGLE, *(STACK_NAMES[mode] for mode in STACK_MODES)])
        self.mode.setAccessibleName("Several frames as one")
        self.mode.setToolTip("Show each frame by itself, or the sum, maximum or mean of several")
        self.frames = QSpinBox()
        self.frames.setRange(2, _MOST_FRAMES)
        self.frames.setValue(10)
        self.frames.setKeyboardTracking(False)
        self.frames.setAccessibleName("Number of frames shown as one")
        self.frames.setToolTip("So many frames from the present one on")
        self.unit = QLabel("frames")
        self.unit.setProperty("role", "soft")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 7)
        row.setSpacing(8)
        row.addWidget(self.button)
        row.addWidget(self.speed)
        row.addStretch(1)
        for widget in (self.mode, self.frames, self.unit):
            row.addWidget(widget)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._advance)
        self.button.toggled.connect(self.play)
        self.speed.valueChanged.connect(lambda rate: self._timer.setInterval(1000 // rate))
        self.mode.activated.connect(self._combine)
        self.frames.valueChanged.connect(self._combine)
        session.source_changed.connect(lambda: self.play(False))
        for signal in (session.frame_changed, session.wanted_changed):
            signal.connect(self._refresh)
        self._refresh()

    @property
    def playing(self) -> bool:
        """Whether frames are being played."""
        return self._timer.isActive()

    def play(self, on: bool) -> None:
        """Play, or stop."""
        source = self._session.source
        on = on and source is not None and source.frames > 1
        if on:
            self._timer.start(1000 // self.speed.value())
        else:
            self._timer.stop()
        with QSignalBlocker(self.button):
            self.button.setChecked(on)
        self.button.setText("Stop" if on else "Play")
        self.playing_changed.emit(on)

    def _advance(self) -> None:
        session = self._session
        source, wanted = session.source, session.wanted
        if source is None or wanted is None or wanted.index != session.index:
            return
        session.show_index((session.index + 1) % source.frames)

    def _combine(self) -> None:
        row = self.mode.currentIndex()
        if row == 0:
            self._session.set_stack(Stack())
        else:
            self._session.set_stack(Stack(self.frames.value(), STACK_MODES[row - 1]))

    def _refresh(self) -> None:
        source, stack = self._session.source, self._session.stack
        several = source is not None and source.frames > 1
        self.setVisible(several)
        if not several:
            self.play(False)
        with QSignalBlocker(self.frames):
            self.mode.setCurrentIndex(0 if stack.frames == 1 else 1 + STACK_MODES.index(stack.mode))
            if stack.frames > 1:
                self.frames.setValue(stack.frames)
        for widget in (self.frames, self.unit):
            widget.setVisible(stack.frames > 1)
