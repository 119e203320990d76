"""The owner of training runs: a child process in its own session, watched line by line."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Literal

import platformdirs
import psutil
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

import xgeom_core
from xgeom_core.training.config import Config
from xgeom_core.training.events import Failed, Finished, from_line
from xgeom_gui.services.training_history import TrainingHistory

RunState = Literal["idle", "running", "stopping"]

STOP_FILE = "STOP"
_KEPT_ERROR_CHARACTERS = 4000


def default_run_root() -> Path:
    """Folder below which runs are kept unless the user says otherwise."""
    return Path(platformdirs.user_data_dir("xgeom", appauthor=False)) / "runs"


def new_run_folder(root: Path, now: datetime) -> Path:
    """A folder that does not exist yet, named after the time."""
    folder = root / f"run-{now:%Y%m%d-%H%M%S}"
    count = 1
    while folder.exists():
        count += 1
        folder = root / f"run-{now:%Y%m%d-%H%M%S}-{count}"
    return folder


def training_command(run_dir: Path) -> list[str]:
    """The command that trains with ``config.toml`` in a run folder."""
    config = str(run_dir / "config.toml")
    return [sys.executable, "-m", "xgeom_core", "train", config, "--run-dir", str(run_dir), "--json"]


class TrainingProcess(QObject):
    """Starts, watches and stops one training run at a time.

    Signals
    -------
    event_arrived : Event
        The child said something; `history` already holds it.
    state_changed
        The run began, was asked to stop, or ended.
    failed : str
        A sentence for the user: the run could not start or ended in trouble.
    """

    event_arrived = Signal(object)
    state_changed = Signal()
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history = TrainingHistory()
        self._process: QProcess | None = None
        self._run_dir: Path | None = None
        self._state: RunState = "idle"
        self._pending = b""
        self._errors = ""
        self._killed = False

    @property
    def state(self) -> RunState:
        """Whether a run is going on."""
        return self._state

    @property
    def run_dir(self) -> Path | None:
        """Folder of the present or last run."""
        return self._run_dir

    @property
    def pid(self) -> int:
        """Process id of the run; 0 when there is none."""
        return int(self._process.processId()) if self._process is not None else 0

    def start(self, config: Config, run_dir: Path) -> None:
        """Write the configuration into the run folder and begin."""
        if self._state != "idle":
            raise ValueError("a training run is going on already")
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            (run_dir / STOP_FILE).unlink(missing_ok=True)
            (run_dir / "config.toml").write_text(config.to_toml(), encoding="utf-8")
        except OSError as error:
            self.failed.emit(f"The folder {run_dir} cannot be written ({error.strerror}); choose another.")
            return
        self.history, self._run_dir = TrainingHistory(), run_dir
        self._pending, self._errors, self._killed = b"", "", False
        self._process = self._make_process()
        self._set_state("running")
        program, *arguments = training_command(run_dir)
        self._process.start(program, arguments)

    def stop(self) -> None:
        """Ask the run to save its model and end; it does so within seconds."""
        if self._state != "running" or self._run_dir is None:
            return
        self._set_state("stopping")
        try:
            (self._run_dir / STOP_FILE).touch()
        except OSError as error:
            self._set_state("running")
            self.failed.emit(
                f"The run could not be asked to stop: {self._run_dir} cannot be written ({error.strerror})."
            )

    def kill(self) -> None:
        """End the run and the processes that prepare its frames at once; what was not saved is lost."""
        pid = self.pid
        if pid == 0:
            return
        self._killed = True
        if hasattr(os, "killpg"):
            # The child leads its own session, so its group holds its workers and nothing of ours.
            try:
                if os.getpgid(pid) == pid:
                    os.killpg(pid, signal.SIGKILL)
                    return
            except ProcessLookupError:
                return
        _kill_tree(pid)

    def shutdown(self, wait_ms: int = 10_000) -> None:
        """Ask the run to stop, wait a little, end it if it does not listen. For the end of the program."""
        if self._process is None or self._state == "idle":
            return
        self.stop()
        if not self._process.waitForFinished(wait_ms):
            self.kill()
            self._process.waitForFinished(2000)

    def _make_process(self) -> QProcess:
        process = QProcess(self)
        if hasattr(process, "setUnixProcessParameters"):
            process.setUnixProcessParameters(QProcess.UnixProcessFlag.CreateNewSession)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        # The child must find the same xgeom_core that this window uses, installed or not.
        package_root = str(Path(xgeom_core.__file__).resolve().parent.parent)
        paths = [package_root, *filter(None, environment.value("PYTHONPATH").split(os.pathsep))]
        environment.insert("PYTHONPATH", os.pathsep.join(paths))
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read_output)
        process.readyReadStandardError.connect(self._read_errors)
        process.errorOccurred.connect(self._on_error)
        process.finished.connect(self._on_finished)
        return process

    def _read_output(self) -> None:
        if self._process is None:
            return
        self._pending += bytes(self._process.readAllStandardOutput().data())
        *lines, self._pending = self._pending.split(b"\n")
        for line in lines:
            event = from_line(line.decode("utf-8", errors="replace"))
            if event is not None:
                self.history.add(event)
                self.event_arrived.emit(event)

    def _read_errors(self) -> None:
        if self._process is not None:
            text = bytes(self._process.readAllStandardError().data()).decode("utf-8", errors="replace")
            self._errors = (self._errors + text)[-_KEPT_ERROR_CHARACTERS:]

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            reason = self._process.errorString()
            self._drop_process()
            self.failed.emit(f"The training could not start: {reason}.")

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read_output()
        self._read_errors()
        self._drop_process()
        if self.history.failed is not None:
            self.failed.emit(self.history.failed.message)
        elif self._killed:
            self.history.failed = Failed(message="killed; the last checkpoint, if any, is kept.")
        elif self.history.finished is None:
            self.history.failed = Failed(message=self._trouble(code))
            self.failed.emit(self._trouble(code))
        self.state_changed.emit()

    def _drop_process(self) -> None:
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        self._set_state("idle")

    def _trouble(self, code: int) -> str:
        """Why the run ended without saying so itself: its last word on standard error."""
        said = [line.strip() for line in self._errors.splitlines() if line.strip()]
        if said and said[-1].startswith("xgeom: "):
            return said[-1].removeprefix("xgeom: ")
        last = f" Its last words: {said[-1]}" if said else ""
        return f"The training ended with exit code {code} before it was done.{last}"

    def _set_state(self, state: RunState) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit()


def command_text(run_dir: Path) -> str:
    """The command as one would type it."""
    return shlex.join(training_command(run_dir))


def is_last_word(event: object) -> bool:
    """Whether a run says nothing more after this."""
    return isinstance(event, Finished | Failed)


def _kill_tree(pid: int) -> None:
    """End a process and everything it started, where there are no process groups."""
    try:
        parent = psutil.Process(pid)
        family = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
