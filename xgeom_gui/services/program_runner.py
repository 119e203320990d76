"""The thread that runs a conventional program on a frame, and says how far it is."""

from __future__ import annotations

import logging
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal

from xgeom_core.errors import ProgramCancelledError, XgeomError
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.programs import Job, Program, Watch, run
from xgeom_gui.services.latest import LatestThread

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ProgramRequest:
    """A program, the frame that it is to look at, and what is known of it.

    Parameters
    ----------
    program : Program
    frame : Frame
        With the experiment as the user states it.
    answer : Geometry or None
        Where programs that refine are started from, beside the header.
    calibrant : str or None
        The powder, for programs that need to know it.
    """

    program: Program
    frame: Frame
    answer: Geometry | None
    calibrant: str | None = None


class ProgramRunner(LatestThread):
    """Runs one program at a time, each in a new folder that stays.

    Signals
    -------
    step : str, int, int
        What it does now, and the number of this step of about so many.
    line : str
        What the program writes.
    done : ProgramRequest, RunResult
    failed : ProgramRequest, str
        The sentence for the user; "" if it was stopped.
    """

    step = Signal(str, int, int)
    line = Signal(str)
    done = Signal(object, object)
    failed = Signal(object, str)

    _stopped: threading.Event | None = None

    def stop(self) -> None:
        """End the program that runs."""
        if self._stopped is not None:
            self._stopped.set()

    def shutdown(self, wait_ms: int = 15_000) -> bool:
        """Let nothing go on behind a closed window."""
        self.stop()
        return super().shutdown(wait_ms)

    def submit(self, request: ProgramRequest) -> None:
        """Run a program; one that runs already goes on first."""
        self._stopped = threading.Event()
        super().submit(request)

    def handle(self, request: ProgramRequest) -> None:
        """Run it; in the thread."""
        stopped = self._stopped
        assert stopped is not None
        folder = Path(tempfile.mkdtemp(prefix=f"xgeom-{request.program.key}-")) / "run"
        job = Job.of_frame(request.frame, folder, answer=request.answer, calibrant=request.calibrant)
        watch = Watch(self.step.emit, self.line.emit, lambda: stopped.is_set() or self.ending())
        try:
            self.done.emit(request, run(request.program, job, watch))
        except ProgramCancelledError:
            self.failed.emit(request, "")
        except (XgeomError, OSError) as error:
            self.failed.emit(request, str(error))
        # A fault here must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("running %s", request.program.name)
            self.failed.emit(request, f"{request.program.name} could not be run ({error!r}).")
