"""The thread that reads and writes masks; large ones take longer than a window may stand still."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from xgeom_core.errors import XgeomError
from xgeom_core.frames.guarded import read_mask
from xgeom_gui.services.latest import LatestThread

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class MaskRequest:
    """A mask to write, or one to read if no pixels are given."""

    path: str
    pixels: NDArray[np.bool_] | None = None


class MaskFiles(LatestThread):
    """Reads and writes masks off the window's thread.

    Signals
    -------
    loaded : str, ndarray of bool
        The file and its mask.
    saved : str
        The file.
    failed : str
        The sentence for the user.
    """

    loaded = Signal(str, object)
    saved = Signal(str)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)

    def kind(self, request: MaskRequest) -> bool:
        """Reading does not displace writing."""
        return request.pixels is None

    def handle(self, request: MaskRequest) -> None:
        """Read or write one mask; runs in the thread."""
        from xgeom_core.frames.mask_file import write_mask  # noqa: PLC0415 - h5py is slow to import

        try:
            if request.pixels is None:
                self.loaded.emit(request.path, read_mask(request.path))
            else:
                write_mask(request.path, request.pixels)
                self.saved.emit(request.path)
        except XgeomError as error:
            self.failed.emit(str(error))
        # A fault must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("mask %s", request.path)
            self.failed.emit(f"{request.path}: a fault of xgeom ({error!r}); please report it.")
