"""The thread that looks whether the open file or folder has grown."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from PySide6.QtCore import Signal

from xgeom_core.errors import XgeomError
from xgeom_core.frames.series import count_frames, open_run
from xgeom_gui.services.latest import LatestThread

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WatchRequest:
    """A file or run to look at, and how many frames are known of it."""

    spec: str
    known: int


class Watcher(LatestThread):
    """Counts frames, with handles of its own.

    Signals
    -------
    found : WatchRequest, int
        So many frames can be read now.
    failed : WatchRequest, str
        The sentence for the user.
    """

    found = Signal(object, int)
    failed = Signal(object, str)

    def handle(self, request: WatchRequest) -> None:
        """Look once; runs in the thread."""
        try:
            frames = count_frames(request.spec)
            if frames > request.known:
                # The newest may be half written: it counts once it can be read.
                with open_run(request.spec) as source:
                    frames = len(source)
                    source.frame(frames - 1)
        except (XgeomError, OSError) as error:
            self.failed.emit(request, str(error))
        # A fault in a reader must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("watching %s", request)
            self.failed.emit(request, f"{request.spec} cannot be followed ({error!r}).")
        else:
            self.found.emit(request, frames)
