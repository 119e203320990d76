"""Follow mode: looks again and again whether the open file or folder has grown. Knows no widget."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from xgeom_gui.services.watcher import Watcher, WatchRequest
from xgeom_gui.state.session import Session

_EVERY_MS, _PATIENCE = 1000, 10


class Follower(QObject):
    """Jumps to the newest frame whenever there is one.

    Parameters
    ----------
    session : Session
    watcher : Watcher
        Shut down by whoever owns it.

    Signals
    -------
    changed
        Following was switched on or off.
    """

    changed = Signal()

    def __init__(self, session: Session, watcher: Watcher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._watcher = session, watcher
        self._on, self._busy, self._failures = False, False, 0
        self.timer = QTimer(self, interval=_EVERY_MS)
        self.timer.timeout.connect(self._look)
        watcher.found.connect(self._on_found)
        watcher.failed.connect(self._on_failed)

    @property
    def on(self) -> bool:
        """Whether the newest frame is followed."""
        return self._on

    def set_on(self, on: bool) -> None:
        """Follow the newest frame, or stay."""
        if on == self._on:
            return
        self._on, self._busy, self._failures = on, False, 0
        # Whoever listens makes the reader let go of the file before it is asked for a frame.
        self.changed.emit()
        if on:
            source = self._session.source
            if source is not None:
                self._session.show_newest(source.frames)
            self.timer.start()
            self._look()
        else:
            self.timer.stop()

    def _look(self) -> None:
        source = self._session.source
        if source is not None and not self._busy and not self._session.opening:
            self._busy = True
            self._watcher.submit(WatchRequest(source.spec, source.frames))

    def _on_found(self, request: WatchRequest, frames: int) -> None:
        self._busy, self._failures = False, 0
        source = self._session.source
        if not self._on or source is None or source.spec != request.spec or frames == source.frames:
            return
        if frames > source.frames:
            self._session.show_newest(frames)
        else:
            # It was begun anew.
            self._session.open(source.spec, frames - 1)

    def _on_failed(self, request: WatchRequest, sentence: str) -> None:
        self._busy = False
        self._failures += 1
        # A file is often unreadable for a moment while it is written.
        if self._on and self._failures == _PATIENCE:
            self._session.notice(f"Still following, but nothing new can be read: {sentence}", "info")
