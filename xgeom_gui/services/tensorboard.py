"""TensorBoard in a child process, opened in the browser once it says where it listens."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QUrl, Signal
from PySide6.QtGui import QDesktopServices

_ADDRESS = re.compile(r"https?://\S+?:\d+/\S*")
_KEPT_CHARACTERS = 4000
_MISSING = "TensorBoard is not installed; install it with: pip install tensorboard."


def tensorboard_command(folder: Path) -> list[str]:
    """The command that shows a run folder: on this machine only, on a port that is free."""
    # Port 0 lets the system choose: fixed ports meet other people's.
    where = ["--logdir", str(folder), "--host", "127.0.0.1", "--port", "0"]
    return [sys.executable, "-P", "-m", "tensorboard.main", *where]


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
    opened : Path, str
        A folder is shown at an address.
    failed : str
        A sentence for the user.
    """

    opened = Signal(object, str)
    failed = Signal(str)

    def __init__(
        self,
        command: Callable[[Path], list[str]] = tensorboard_command,
        open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._command, self._open_url = command, open_url
        self.children_by_folder: dict[Path, _Child] = {}

    def show(self, folder: Path) -> None:
        """Open a folder's TensorBoard, starting it first if need be."""
        child = self.children_by_folder.get(folder)
        if child is not None:
            if child.address:
                self._open(folder, child.address)
            return
        words = self._command(folder)
        if "tensorboard.main" in words and importlib.util.find_spec("tensorboard") is None:
            self.failed.emit(_MISSING)
            return
        child = _Child(folder, words, self)
        self.children_by_folder[folder] = child
        child.listening.connect(self._open)
        child.ended.connect(self._on_end)
        child.start()

    def shutdown(self, wait_ms: int = 2000) -> bool:
        """End every TensorBoard; whether all have ended in time."""
        children = list(self.children_by_folder.values())
        self.children_by_folder.clear()
        # All are ended, also after one that does not end in time.
        ended = [child.end(wait_ms) for child in children]
        return all(ended)

    def _open(self, folder: Path, address: str) -> None:
        if self._open_url(QUrl(address)):
            self.opened.emit(folder, address)
        else:
            self.failed.emit(f"TensorBoard runs, but no browser could be opened; go to {address} yourself.")

    def _on_end(self, folder: Path, last: str) -> None:
        child = self.children_by_folder.pop(folder, None)
        if child is None:
            return
        child.deleteLater()
        if "No module named" in last and "tensorboard" in last:
            self.failed.emit(_MISSING)
        else:
            self.failed.emit(f"TensorBoard ended by itself. {last}")


class _Child(QObject):
    """One TensorBoard.

    Signals
    -------
    listening : Path, str
        The folder is shown at an address.
    ended : Path, str
        It ended by itself, with these last words.
    """

    listening = Signal(object, str)
    ended = Signal(object, str)

    def __init__(self, folder: Path, words: list[str], parent: QObject) -> None:
        super().__init__(parent)
        self._folder, self._words = folder, words
        self._said = self.address = ""
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        # It needs no GPU, and must not take memory of one that trains.
        environment.insert("CUDA_VISIBLE_DEVICES", "")
        self._process.setProcessEnvironment(environment)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self._process.readyRead.connect(self._read)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)

    @property
    def pid(self) -> int:
        """Its process id; 0 when it does not run."""
        return int(self._process.processId())

    def start(self) -> None:
        """Begin."""
        self._process.start(self._words[0], self._words[1:])

    def end(self, wait_ms: int) -> bool:
        """End it; whether it has in time."""
        self.blockSignals(True)
        self._process.kill()
        return self._process.state() == QProcess.ProcessState.NotRunning or self._process.waitForFinished(
            wait_ms
        )

    def _read(self) -> None:
        text = bytes(self._process.readAll().data()).decode("utf-8", errors="replace")
        self._said = (self._said + text)[-_KEPT_CHARACTERS:]
        found = _ADDRESS.search(self._said)
        # The address is whole once the line it stands in goes on behind it.
        if not self.address and found and found.end() < len(self._said):
            self.address = found.group()
            self.listening.emit(self._folder, self.address)

    def _on_finished(self, _code: int, _status: QProcess.ExitStatus) -> None:
        self._read()
        said = [line.strip() for line in self._said.splitlines() if line.strip()]
        self.ended.emit(self._folder, f"Its last words: {said[-1]}" if said else "It said nothing.")

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.ended.emit(self._folder, f"It could not start: {self._process.errorString()}.")
