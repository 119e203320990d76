"""The training panel: set up a run, watch it learn, take its model into use."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from xgeom_core.errors import XgeomError
from xgeom_core.training.events import Event
from xgeom_gui.panels.training_form import TrainingForm
from xgeom_gui.services.training_process import TrainingProcess, command_text, new_run_folder
from xgeom_gui.session import Session
from xgeom_gui.views.loss_curves import LossCurves

_REDRAW_MS = 200


class TrainingPanel(QWidget):
    """Form, buttons, progress, curves.

    Parameters
    ----------
    session : Session
        Takes the trained model into use and carries messages.
    process : TrainingProcess
        Owns the run.
    run_root : Path
        Folder below which new run folders are proposed.

    Signals
    -------
    root_chosen : str
        The user chose another folder for runs.
    """

    root_chosen = Signal(str)

    def __init__(
        self, session: Session, process: TrainingProcess, run_root: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._process, self._run_root = session, process, run_root
        self.form = TrainingForm()
        self.folder = QLineEdit(str(new_run_folder(run_root, datetime.now())))
        self.folder.setAccessibleName("Run folder")
        self.folder.setToolTip("Folder of the run: configuration, events, checkpoints, model; never deleted")
        self.folder.textChanged.connect(self._show_command)
        self.command = QLineEdit(readOnly=True)
        self.command.setAccessibleName("Command line")
        self.command.setToolTip("What Start runs, once the configuration is written into the run folder")
        self.command.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.status = QLabel("No run yet.")
        self.status.setWordWrap(True)
        self.progress = QProgressBar(textVisible=False, maximum=1000)
        self.progress.setAccessibleName("Progress of the run")
        self.progress.setFixedHeight(6)
        self.curves = LossCurves()
        self._make_buttons()
        self._lay_out()
        self._redraw = QTimer(self, singleShot=True, interval=_REDRAW_MS)
        self._redraw.timeout.connect(self._show_history)
        process.event_arrived.connect(self._on_event)
        process.state_changed.connect(self._show_state)
        process.failed.connect(session.notice)
        session.model_changed.connect(self._show_state)
        self._show_command()
        self._show_state()

    def start(self) -> None:
        """Begin a run with what the form says."""
        run_dir = Path(self.folder.text()).expanduser()
        try:
            config = self.form.config(run_dir.name or "run")
        except XgeomError as error:
            self._session.notice(str(error))
            return
        self._process.start(config, run_dir)
        if run_dir.parent != self._run_root:
            self._run_root = run_dir.parent
            self.root_chosen.emit(str(run_dir.parent))
        self._show_history()

    def use_model(self) -> None:
        """Answer with the newest model of the run."""
        if self._process.history.model:
            self._session.use_model(self._process.history.model)

    def _make_buttons(self) -> None:
        self.start_button = _button("Start", "Start training in its own process", self.start)
        self.start_button.setProperty("role", "primary")
        self.stop_button = _button(
            "Stop", "Ask the run to save its model and end; takes a few seconds", self._process.stop
        )
        self.kill_button = _button(
            "Kill", "End the run at once; what was not saved is lost", self._process.kill
        )
        self.kill_button.setProperty("role", "danger")
        self.use_button = _button(
            "Use this model", "Predict the open frame with the newest model of this run", self.use_model
        )
        self.default_button = _button(
            "Back to the default model",
            "Predict with the model that comes with xgeom",
            lambda: self._session.use_model("default"),
        )
        self.browse_button = _button("…", "Choose the folder below which the run is kept", self._browse)
        self.copy_button = _button("Copy", "Copy the command line", self._copy)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.form)
        layout.addLayout(_row(_soft("Run folder"), self.folder, self.browse_button))
        layout.addLayout(_row(_soft("Command"), self.command, self.copy_button))
        buttons = _row(self.start_button, self.stop_button, self.kill_button)
        buttons.addStretch(1)
        buttons.addWidget(self.use_button)
        buttons.addWidget(self.default_button)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addWidget(self.curves, 1)

    def _show_command(self) -> None:
        self.command.setText(command_text(Path(self.folder.text()).expanduser()))
        self.command.setCursorPosition(0)

    def _show_state(self) -> None:
        state = self._process.state
        self.start_button.setEnabled(state == "idle")
        self.stop_button.setEnabled(state == "running")
        self.stop_button.setText("Stopping…" if state == "stopping" else "Stop")
        self.kill_button.setEnabled(state != "idle")
        for widget in (self.form, self.folder, self.browse_button):
            widget.setEnabled(state == "idle")
        self.use_button.setEnabled(bool(self._process.history.model))
        self.default_button.setVisible(self._session.model.name != "default")
        if state == "idle" and self._process.run_dir is not None:
            # The next run gets a folder of its own; the last one is never written over.
            self.folder.setText(str(new_run_folder(self._process.run_dir.parent, datetime.now())))
            self._show_history()

    def _on_event(self, event: Event) -> None:
        if not self._redraw.isActive():
            self._redraw.start()

    def _show_history(self) -> None:
        history = self._process.history
        text = history.status_text()
        if self._process.state == "idle" and self._process.run_dir is not None:
            text += f" Kept in {self._process.run_dir}."
        self.status.setText(text)
        busy = self._process.state != "idle" and not history.steps
        # A range of 0 to 0 is Qt's busy indicator: something goes on, but nobody knows how long.
        self.progress.setRange(0, 0 if busy else 1000)
        self.progress.setValue(round(1000 * history.progress))
        self.use_button.setEnabled(bool(history.model))
        self.curves.show_history(history)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for training runs", str(self._run_root))
        if folder:
            self._run_root = Path(folder)
            self.root_chosen.emit(folder)
            self.folder.setText(str(new_run_folder(self._run_root, datetime.now())))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.command.text())


def _button(text: str, tip: str, action: object) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(action)
    return button


def _soft(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "soft")
    label.setMinimumWidth(70)
    return label


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    return row
