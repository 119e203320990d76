"""The thread that looks whether files are still there; on a network drive that may take seconds."""

from __future__ import annotations

import os
from collections.abc import Sequence

from PySide6.QtCore import Signal

from xgeom_gui.services.latest import LatestThread
from xgeom_gui.services.locations import is_there


class PathChecker(LatestThread):
    """Looks for files.

    Signals
    -------
    done : frozenset of str
        Which of the specs last asked for are gone.
    """

    done = Signal(object)

    def handle(self, request: Sequence[str]) -> None:
        """Look for the files of some specs; runs in the thread."""
        gone = frozenset(spec for spec in request if not is_there(spec, os.path.exists))
        if not self.superseded():
            self.done.emit(gone)
