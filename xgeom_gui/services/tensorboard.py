"""TensorBoard: a process per run folder, and the address it says it listens at, opened in the browser."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QUrl, Signal
from PySide6.QtGui import QDesktopServices

# The address is whole once the line goes on behind it.
_ADDRESS = re.compile(r"(https?://\S+?:\d+/\S*)\s")
_KEPT_CHARACTERS = 4000
_MISSING = "TensorBoard is not installed; install it with: pip install tensorboard."


def tensorboard_command(folder: Path) -> list[str]:
    """The command that shows a run folder: on this machine only, on a port that is free."""
    # Port 0 lets the system choose: fixed ports meet other people's.
    where = ["--logdir", str(folder), "--host", "127.0.0.1", "--port", "0"]
    return [sys.executable, "-P", "-m", "tensorboard.main", *where]


@dataclass
class _Running:
    """One TensorBoard, what it said last, and its address once it has said that."""

    process: QProcess
    said: str = ""
    address: str = ""


class TensorBoard(QObject):
    """One TensorBoard a folder; ended with the window.

    Parameters
    ----------
    command : callable
        Makes the command for a folder.
    open_url : callable
        Opens an address in the browser; whether that worked.

    Signals
    -------
    failed : str
        A sentence for the user.
    """

    failed = Signal(str)

    def __init__(
        self,
        command: Callable[[Path], list[str]] = tensorboard_command,
        open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._command, self._open_url = command, open_url
        self.running: dict[Path, _Running] = {}

    def show(self, folder: Path) -> None:
        """Open a folder's TensorBoard, starting it first if need be."""
        if folder not in self.running:
            self._start(folder)
        elif address := self.running[folder].address:
            self._open(address)

    def shutdown(self, wait_ms: int = 2000) -> bool:
        """End every TensorBoard; whether all have ended in time."""
        processes = [one.process for one in self.running.values()]
        self.running.clear()
        for process in processes:
            process.blockSignals(True)
            process.kill()
        # All are waited for, also after one that does not end in time.
        ended = [process.waitForFinished(wait_ms) for process in processes]
        return all(ended)

    def _start(self, folder: Path) -> None:
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        # It needs no GPU, and must not take memory of one that trains.
        environment.insert("CUDA_VISIBLE_DEVICES", "")
        process.setProcessEnvironment(environment)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.readyRead.connect(lambda: self._read(folder))
        process.finished.connect(lambda *_: self._on_end(folder))
        self.running[folder] = _Running(process)
        program, *words = self._command(folder)
        process.start(program, words)

    def _read(self, folder: Path) -> None:
        one = self.running.get(folder)
        if one is None:
            return
        text = bytes(one.process.readAll().data()).decode("utf-8", errors="replace")
        one.said = (one.said + text)[-_KEPT_CHARACTERS:]
        if not one.address and (found := _ADDRESS.search(one.said)):
            one.address = found[1]
            self._open(one.address)

    def _open(self, address: str) -> None:
        if not self._open_url(QUrl(address)):
            self.failed.emit(f"TensorBoard runs, but no browser could be opened; go to {address} yourself.")

    def _on_end(self, folder: Path) -> None:
        self._read(folder)
        one = self.running.pop(folder, None)
        if one is None:
            return
        one.process.deleteLater()
        lines = [line.strip() for line in one.said.splitlines() if line.strip()]
        last = lines[-1] if lines else "It said nothing."
        missing = "No module named" in last and "tensorboard" in last
        self.failed.emit(_MISSING if missing else f"TensorBoard ended by itself. Its last words: {last}")
