"""Stop, pause, go on, resume, kill, rename, archive: what can be done to a job, and when."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from xgeom_core.jobs.job import command_text
from xgeom_core.jobs.trust import code_of, needs_consent, stranger_words
from xgeom_core.system.text import visible
from xgeom_gui.training.form import button
from xgeom_gui.training.words import STATE_TIPS

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, Status
    from xgeom_core.jobs.store import JobStore
    from xgeom_core.training.config import Config
    from xgeom_gui.training.training_desk import TrainingDesk

_GOING = frozenset({"starting", "running"})
_GOES_ON = frozenset({"stopped", "failed", "killed", "lost"})
_CAN_GO_ON = frozenset({"train", "sweep"})


def possible(job: Job | None, status: Status | None, archived: bool) -> frozenset[str]:
    """What can be done to a job as it stands."""
    if job is None:
        return frozenset()
    can = {"rename", "folder"}
    if job.kind == "train":
        can |= {"duplicate", "tensorboard"}
    if status is None:
        return frozenset(can)
    state = status.state
    if state in _GOING or state in {"queued", "paused"}:
        can.add("stop")
    if state == "running" and job.place.slurm is None:
        can.add("pause")
    if state == "paused":
        can.add("unpause")
    if state in _GOING or state in {"paused", "stopping"}:
        can.add("kill")
    if state in _GOES_ON and job.kind in _CAN_GO_ON and not archived and not job.trouble:
        can.add("resume")
    if status.over:
        can.add("unarchive" if archived else "archive")
    return frozenset(can)


class ControlBar(QWidget):
    """Buttons for what is done often, a menu for the rest; killing asks once, in place.

    Parameters
    ----------
    desk : TrainingDesk

    Signals
    -------
    rename_wanted : str
        The job whose title is to be edited.
    said : str
        What was done, for the status line.
    """

    rename_wanted = Signal(str)
    said = Signal(str)

    def __init__(self, desk: TrainingDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._job: Job | None = None
        self.can: frozenset[str] = frozenset()
        self.stop_button = button("Stop", "Ask the job to save its model and end; takes some seconds")
        self.pause_button = button("Pause", "Freeze the job where it is; it keeps its memory")
        self.unpause_button = button("Go on", "Wake the job")
        self.resume_button = button("Resume", "Go on from the last checkpoint, in the same folder")
        self.kill_button = button("Kill…", "End the job and everything it started at once")
        self.kill_button.setProperty("role", "danger")
        self.more_button = QToolButton()
        self.more_button.setText("More")
        self.more_button.setProperty("role", "framed")
        self.more_button.setAccessibleName("More that can be done")
        self.more_button.setToolTip("Duplicate, rename, archive, and what can be done with the model")
        self.more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.more_button.setMenu(self.menu)
        self._actions = {
            "duplicate": self.add_action(
                "Duplicate with changes…", "Compose a run like this", self.duplicate
            ),
            "tensorboard": self.add_action(
                "Copy TensorBoard command",
                "Paste it into a terminal, and open the address that it says",
                self.copy_tensorboard,
            ),
            "rename": self.add_action("Rename", "Give the job another title (F2)", self._rename),
            "archive": self.add_action(
                "Archive", "Put the job out of sight; nothing is deleted", self._archive
            ),
            "unarchive": self.add_action("Bring back", "Take the job out of the archive", self._unarchive),
        }
        self._build_question()
        self._lay_out()
        self._connect()
        self.show_job(None, None, False)

    @property
    def job(self) -> Job | None:
        """The job that the buttons are about."""
        return self._job

    def show_job(self, job: Job | None, status: Status | None, archived: bool) -> None:
        """Offer what can be done to this job now."""
        if job is None or self._job is None or job.id != self._job.id:
            self.question.hide()
        self._job = job
        self.can = possible(job, status, archived)
        for name, shown in self._buttons.items():
            shown.setVisible(name in self.can)
        self.more_button.setVisible(job is not None)
        for name, action in self._actions.items():
            action.setVisible(name in self.can)
        if not self.can & {"kill", "resume"}:
            self.question.hide()
        if status is not None and status.state == "stopping":
            self.kill_button.setToolTip(f"{STATE_TIPS['stopping']}. Kill ends it at once instead")

    def add_action(self, text: str, tip: str, act: Callable[[], object]) -> QAction:
        """One more entry of the menu."""
        action = QAction(text, self)
        action.setToolTip(tip)
        action.triggered.connect(lambda _checked: act())
        self.menu.addAction(action)
        return action

    def add_button(self, more: QWidget) -> None:
        """One more button, before the menu."""
        self._row.insertWidget(self._row.indexOf(self.more_button), more)

    def duplicate(self) -> None:
        """Open the composer with this run's configuration."""
        job = self._job
        if job is None:
            return
        path = job.folder / "config.toml"

        def read(_store: JobStore) -> Config:
            from xgeom_core.training.config import load_config  # noqa: PLC0415 - not in the window's thread

            return load_config(path)

        self._desk.ask(read, lambda config: self._desk.compose(config, f"{job.title} (2)"), owner=self)

    def copy_tensorboard(self) -> None:
        """Copy the command that shows this run in TensorBoard, on this machine only."""
        if self._job is not None:
            command = shlex.join(["tensorboard", "--logdir", str(self._job.folder), "--host", "127.0.0.1"])
            QGuiApplication.clipboard().setText(command)
            self.said.emit(f"Copied: {command}")

    def _build_question(self) -> None:
        self.question = QWidget()
        self.question_words = QLabel()
        self.question_words.setWordWrap(True)
        # A stranger's command is shown as it is.
        self.question_words.setTextFormat(Qt.TextFormat.PlainText)
        self.sure_button = button("Kill it", "Do what was asked for")
        self.sure_button.setProperty("role", "danger")
        self.leave_button = button("Leave it", "Do nothing")
        self._sure: Callable[[str], object] = self._desk.kill
        row = QHBoxLayout(self.question)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.question_words, 1)
        row.addWidget(self.leave_button)
        row.addWidget(self.sure_button)
        self.question.hide()

    def _lay_out(self) -> None:
        self._buttons = {
            "stop": self.stop_button,
            "pause": self.pause_button,
            "unpause": self.unpause_button,
            "resume": self.resume_button,
            "kill": self.kill_button,
        }
        self._row = QHBoxLayout()
        self._row.setSpacing(6)
        # Each has its place whether it is offered or not; those that are never offered together share one.
        slots = QGridLayout()
        slots.setSpacing(6)
        for column, names in enumerate((("stop", "resume"), ("pause", "unpause"), ("kill",))):
            for each in (self._buttons[name] for name in names):
                policy = each.sizePolicy()
                policy.setRetainSizeWhenHidden(True)
                each.setSizePolicy(policy)
                slots.addWidget(each, 0, column)
        self._row.addLayout(slots)
        self._row.addStretch(1)
        self._row.addWidget(self.more_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(self._row)
        layout.addWidget(self.question)

    def _connect(self) -> None:
        desk = self._desk
        for name, act in (("stop", desk.stop), ("pause", desk.pause), ("unpause", desk.unpause)):
            self._buttons[name].clicked.connect(lambda _checked, act=act: self._of_job(act))
        self.resume_button.clicked.connect(self._resume)
        self.kill_button.clicked.connect(self._ask_to_kill)
        self.leave_button.clicked.connect(self.question.hide)
        self.sure_button.clicked.connect(self._act)

    def _resume(self) -> None:
        """Go on; where somebody else may have written what would run, that is shown and asked for."""
        job = self._job
        if job is None or not needs_consent(job):
            self._of_job(self._desk.resume)
            return
        words = f"{stranger_words(job)} It would run:\n{visible(command_text(job))}"
        code = code_of(job)
        self._ask(words, "Run it", lambda job_id: self._desk.resume(job_id, code))

    def _ask_to_kill(self) -> None:
        words = "Kill ends it at once; what came after its last checkpoint is lost."
        self._ask(words, "Kill it", self._desk.kill)

    def _ask(self, words: str, sure: str, act: Callable[[str], object]) -> None:
        self.question_words.setText(words)
        self.sure_button.setText(sure)
        self.sure_button.setAccessibleName(sure)
        self._sure = act
        self.question.show()
        self.leave_button.setFocus()

    def _act(self) -> None:
        self.question.hide()
        self._of_job(self._sure)

    def _rename(self) -> None:
        self._of_job(self.rename_wanted.emit)

    def _archive(self) -> None:
        self._of_job(self._desk.archive)

    def _unarchive(self) -> None:
        self._of_job(self._desk.unarchive)

    def _of_job(self, act: Callable[[str], object]) -> None:
        if self._job is not None:
            act(self._job.id)
