"""The thread that writes files, so that a slow disk does not hold up the window."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from PySide6.QtCore import Signal

from xgeom_core.errors import XgeomError
from xgeom_gui.services.latest import LatestThread

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SaveRequest:
    """A file to write.

    Parameters
    ----------
    path : str
        Which one.
    write : callable
        Writes it; runs in the thread and must not touch what the window owns.
    """

    path: str
    write: Callable[[], None]


class Saver(LatestThread):
    """Writes files one after the other; of two for one path the newer counts.

    Signals
    -------
    saved : str
        The file.
    failed : str
        The sentence for the user.
    """

    saved = Signal(str)
    failed = Signal(str)

    def kind(self, request: SaveRequest) -> Hashable:
        """Different files do not displace each other."""
        return request.path

    def handle(self, request: SaveRequest) -> None:
        """Write one file; runs in the thread."""
        try:
            request.write()
        except XgeomError as error:
            self.failed.emit(str(error))
        # Nothing may end the thread: what was not foreseen is reported and logged.
        except Exception as error:
            _log.exception("writing %s", request.path)
            self.failed.emit(f"{request.path} could not be written ({error!r}).")
        else:
            self.saved.emit(request.path)
