"""Asks which devices there are, off the window's thread: torch is imported by a child of the prober."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from xgeom_core.errors import XgeomError
from xgeom_gui.services.latest import LatestThread

if TYPE_CHECKING:
    from xgeom_core.jobs.devices import Probe

_log = logging.getLogger(__name__)


class DeviceProber(LatestThread):
    """Looks once when asked, and remembers what it found.

    Signals
    -------
    probed : Probe
    """

    probed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.found: Probe | None = None
        self.probed.connect(self._keep)

    def look(self) -> None:
        """Ask again; `probed` tells."""
        self.submit(None)

    def handle(self, request: object) -> None:
        """Ask the child; runs in the thread."""
        from xgeom_core.jobs.devices import Device, Probe, probe_devices  # noqa: PLC0415 - psutil takes time

        cpu = (Device("cpu", "Processor", 0.0, ""),)
        try:
            found = probe_devices()
        except XgeomError as error:
            found = Probe(cpu, str(error))
        # The window can train on the CPU without an answer.
        except Exception as error:
            _log.exception("looking for devices")
            found = Probe(cpu, f"No GPU: they could not be looked for ({error!r}).")
        self.probed.emit(found)

    def _keep(self, found: Probe) -> None:
        self.found = found
