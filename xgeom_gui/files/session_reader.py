"""The thread that reads session files and looks for the files they name."""

from __future__ import annotations

import logging

from PySide6.QtCore import Signal

from xgeom_core.errors import XgeomError
from xgeom_gui.files.session_file import read_session
from xgeom_gui.services.latest import LatestThread

_log = logging.getLogger(__name__)


class SessionReader(LatestThread):
    """Reads session files.

    Signals
    -------
    done : str, SavedSession
        The file and what it holds.
    failed : str
        The sentence for the user.
    """

    done = Signal(str, object)
    failed = Signal(str)

    def handle(self, request: str) -> None:
        """Read one file; runs in the thread."""
        try:
            self.done.emit(request, read_session(request))
        except XgeomError as error:
            self.failed.emit(str(error))
        # A fault in a reader must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("reading %s", request)
            self.failed.emit(f"{request} could not be read ({error!r}).")
