"""Has pictures of simulated frames made by a child process, one after the other."""

from __future__ import annotations

import base64
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

import xgeom_core

SIZE_PX = 132
_GRACE_MS = 2000


@dataclass(frozen=True)
class Preview:
    """A picture of one frame.

    Parameters
    ----------
    kind : str
    index : int
        Which frame of the kind.
    shape : tuple of int
        (slow, fast).
    pixels : bytes
        0 for no counts, 254 for the most, 255 for gaps.
    center : tuple of float
        (x, y) in pixels of the picture.
    """

    kind: str
    index: int
    shape: tuple[int, int]
    pixels: bytes
    center: tuple[float, float]


class PreviewMaker(QObject):
    """Starts the child with the first wish and ends it with itself.

    Signals
    -------
    made : Preview
    failed : str, str
        The kind, and why there is no picture of it.
    """

    made = Signal(object)
    failed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._wishes: dict[str, int] = {}
        self._busy = ""
        self._rest = b""

    def want(self, kind: str, index: int) -> None:
        """Have a picture made; of two wishes for one kind the newer counts."""
        self._wishes[kind] = index
        self._next()

    def shutdown(self, wait_ms: int = _GRACE_MS) -> bool:
        """End the child. Whether it has ended in time."""
        self._wishes.clear()
        process, self._process = self._process, None
        if process is None:
            return True
        process.disconnect(self)
        process.kill()
        return process.waitForFinished(max(wait_ms, 1))

    def _next(self) -> None:
        if self._busy or not self._wishes:
            return
        if self._process is None:
            self._process = self._start()
        kind = next(iter(self._wishes))
        index = self._wishes.pop(kind)
        self._busy = kind
        wish = {"kind": kind, "index": index, "seed": 0, "size": SIZE_PX}
        self._process.write(json.dumps(wish).encode() + b"\n")

    def _start(self) -> QProcess:
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        root = str(Path(xgeom_core.__file__).resolve().parent.parent)
        paths = [root, *filter(None, environment.value("PYTHONPATH").split(os.pathsep))]
        environment.insert("PYTHONPATH", os.pathsep.join(paths))
        # Small pictures: threads would only take cores from what the user waits for.
        for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
            environment.insert(name, "1")
        process.setProcessEnvironment(environment)
        process.setStandardErrorFile(QProcess.nullDevice())
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._on_end)
        process.errorOccurred.connect(self._on_error)
        process.start(sys.executable, ["-P", "-m", "xgeom_gui.services.preview_child"])
        return process

    def _read(self) -> None:
        if self._process is None:
            return
        self._rest += bytes(self._process.readAllStandardOutput().data())
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            answer = json.loads(line)
        except ValueError:
            return
        self._busy = ""
        if "trouble" in answer:
            self.failed.emit(answer["kind"], answer["trouble"])
        else:
            slow, fast = answer["shape"]
            x, y = answer["center"]
            pixels = base64.b64decode(answer["pixels"])
            self.made.emit(Preview(answer["kind"], answer["index"], (slow, fast), pixels, (x, y)))
        self._next()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._on_end()

    def _on_end(self, *_: object) -> None:
        """It crashed: the rest of the wishes would crash it as well."""
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        kinds = [*filter(None, [self._busy]), *self._wishes]
        self._busy, self._rest = "", b""
        self._wishes.clear()
        for kind in kinds:
            self.failed.emit(kind, "The simulator ended before it had made the picture.")
