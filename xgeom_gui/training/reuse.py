"""What a run is good for: its model on the open frame, as default, exported, evaluated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton

from xgeom_core.jobs.job import Place
from xgeom_gui.state.session import Session
from xgeom_gui.state.settings import Settings
from xgeom_gui.training.control import ControlBar

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, Status
    from xgeom_gui.services.training_history import TrainingHistory
    from xgeom_gui.training.training_desk import TrainingDesk

_BEST, _MODEL = "best.safetensors", "model.safetensors"
_MODEL_FILTERS = "Model with its card (*.safetensors);;ONNX (*.onnx)"
_DATA_FILTERS = "Frames with known centers (*.h5 *.hdf5 *.nxs);;All files (*)"
# Short, and asked for by hand: it does not wait for a training to end.
_NOW = Place(devices=())


class Reuse(QObject):
    """Puts its buttons and entries into the bar of controls.

    Parameters
    ----------
    session : Session
        Takes models into use.
    desk : TrainingDesk
        Runs exports and evaluations as jobs.
    settings : Settings
        Remembers the default model.
    bar : ControlBar
        Owns it.
    open_url : callable
        Opens a file or a folder; whether that worked.
    """

    def __init__(
        self,
        session: Session,
        desk: TrainingDesk,
        settings: Settings,
        bar: ControlBar,
        open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl,
    ) -> None:
        super().__init__(bar)
        self._session, self._desk, self._settings, self._bar = session, desk, settings, bar
        self._open_url = open_url
        self.use_button = QPushButton("Use this model")
        self.use_button.setProperty("role", "primary")
        self.use_button.setToolTip("Predict the open frame with the best model of this run")
        self.use_button.clicked.connect(self.use)
        self.report_button = QPushButton("Open report")
        self.report_button.setProperty("role", "primary")
        self.report_button.setToolTip("Open the report of this evaluation in the browser")
        self.report_button.clicked.connect(self.open_report)
        for button in (self.use_button, self.report_button):
            button.setAccessibleName(button.text())
            bar.add_button(button)
        bar.menu.addSeparator()
        self.default_action = bar.add_action(
            "Use as default model", "Predict with this run's best model from every start on", self.set_default
        )
        self.bundled_action = bar.add_action(
            "Back to the bundled model", "Predict with the model that comes with xgeom", self.use_bundled
        )
        self.export_action = bar.add_action(
            "Export model…", "As safetensors with its card, or as ONNX for other programs", self.ask_export
        )
        self.evaluate_open_action = bar.add_action("", "", self.evaluate_open)
        self.evaluate_action = bar.add_action(
            "Evaluate on files…",
            "Score the best model on frames with known centers, and write a report",
            self.ask_evaluate,
        )
        bar.menu.addSeparator()
        self.folder_action = bar.add_action("Open folder", "Show the job's folder", self.open_folder)
        bar.menu.aboutToShow.connect(self._name_open_run)
        session.model_changed.connect(self._show_bundled)
        self._show_bundled()

    def show_job(self, job: Job | None, status: Status | None, history: TrainingHistory) -> None:
        """Offer what this job allows."""
        has_model = job is not None and job.kind == "train" and bool(history.model)
        self.use_button.setVisible(has_model)
        for action in (
            *(self.default_action, self.export_action),
            *(self.evaluate_open_action, self.evaluate_action),
        ):
            action.setVisible(has_model)
        done = status is not None and status.state == "done"
        self.report_button.setVisible(done and job is not None and report_of(job) is not None)
        self.folder_action.setVisible(job is not None)

    def use(self) -> None:
        """Answer with the best model of the selected run; ask first where the run was cut short."""
        job = self._bar.job
        status = self._desk.status(job.id) if job is not None else None
        cut = job is not None and status is not None and status.state != "done"
        early = stopped_early(self._desk.history(job.id)) if job is not None and cut else ""
        if not early:
            self._use()
            return
        text = f"{early}\nIts answers may be far off. Predict all frames with it all the same?"
        cancel = QMessageBox.StandardButton.Cancel
        question = QMessageBox(
            QMessageBox.Icon.Question, "Use a model of a short run?", text, cancel, self._bar
        )
        question.addButton("Use it", QMessageBox.ButtonRole.AcceptRole).clicked.connect(self._use)
        question.setDefaultButton(cancel)
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        question.open()

    def _use(self) -> None:
        self._with_model(lambda _job, model: self._session.use_model(model))

    def set_default(self) -> None:
        """Answer with it, now and from every start on."""

        def take(job: Job, model: str) -> None:
            self._settings.default_model = model
            self._session.use_model(model)
            self._session.say(f"The model of {job.title} answers from now on, also after the next start.")

        self._with_model(take)

    def use_bundled(self) -> None:
        """Answer with the model that comes with xgeom, now and from every start on."""
        self._settings.default_model = ""
        self._session.use_model("default")

    def ask_export(self) -> None:
        """Ask where to, and export."""
        job = self._bar.job
        if job is None:
            return
        proposed = str(Path.home() / f"{_file_name(job.title)}.safetensors")
        name, kind = QFileDialog.getSaveFileName(self._bar, "Export the model", proposed, _MODEL_FILTERS)
        if name:
            ending = ".onnx" if "onnx" in kind else ".safetensors"
            self.export(Path(name) if Path(name).suffix else Path(name).with_suffix(ending))

    def export(self, target: Path) -> None:
        """Write the best model to a file, as a job of its own."""
        self._with_model(
            lambda job, model: self._desk.submit(
                "export",
                ("export", model, "--out", str(target), "--overwrite"),
                _NOW,
                f"Export of {job.title}",
            )
        )

    def evaluate_open(self) -> None:
        """Score the best model on the open run, whose file states the centers."""
        source = self._session.source
        if source is not None and self._session.truth is not None:
            self.evaluate([source.spec])

    def _name_open_run(self) -> None:
        """Offer the open run by its name, or say why it cannot be scored on."""
        source, known = self._session.source, self._session.truth is not None
        name = Path(source.path).name if source is not None and known else "the open run"
        self.evaluate_open_action.setText(f"Evaluate on {name}")
        self.evaluate_open_action.setEnabled(source is not None and known)
        self.evaluate_open_action.setToolTip(
            f"Score the best model on its {source.frames} frames, whose centers are known"
            if source is not None and known
            else "Needs an open file that states true centers, such as 'xgeom simulate' writes"
        )

    def ask_evaluate(self) -> None:
        """Ask for frames with known centers, and score the model on them."""
        names, _ = QFileDialog.getOpenFileNames(
            self._bar, "Evaluate on frames with known centers", self._settings.last_folder, _DATA_FILTERS
        )
        if names:
            self._settings.last_folder = str(Path(names[0]).parent)
            self.evaluate(names)

    def evaluate(self, data: list[str]) -> None:
        """Score the best model on files, as a job that writes a report."""

        def start(job: Job, model: str) -> None:
            folder = self._desk.root / f"evaluate-{datetime.now():%Y%m%d-%H%M%S-%f}"
            words = ["evaluate", "--model", model, "--run", str(job.folder)]
            words += [word for name in data for word in ("--data", name)]
            words += ["--report", str(folder / "report.html"), "--json"]
            self._desk.submit("evaluate", words, _NOW, f"Evaluation of {job.title}", folder)

        self._with_model(start)

    def open_report(self) -> None:
        """Open the report of an evaluation."""
        report = report_of(self._bar.job) if self._bar.job is not None else None
        if report is not None:
            self._open(report)

    def open_folder(self) -> None:
        """Show the job's folder."""
        if self._bar.job is not None:
            self._open(self._bar.job.folder)

    def _open(self, path: Path) -> None:
        if not self._open_url(QUrl.fromLocalFile(str(path))):
            self._session.notice(f"No program could be found to open it; it is here: {path}.")

    def _with_model(self, act: Callable[[Job, str], None]) -> None:
        """Find the best model of the selected run off the window's thread, then go on."""
        job = self._bar.job
        if job is None:
            return

        def go_on(model: str) -> None:
            if model:
                act(job, model)
            else:
                self._session.notice(
                    f"{job.folder} holds no model; the run has not written one, or it was moved."
                )

        self._desk.ask(lambda _store: best_model(job.folder), go_on, owner=self)

    def _show_bundled(self) -> None:
        self.bundled_action.setVisible(self._session.model.name != "default")


def stopped_early(history: TrainingHistory) -> str:
    """That a run ended before its planned steps, in a sentence; "" if it did not."""
    last = history.finished.step if history.finished else history.steps[-1].step if history.steps else 0
    planned = history.planned_steps
    if not 0 < last < planned:
        return ""
    return f"This run has made {last} of {planned} steps."


def restore_default(session: Session, settings: Settings) -> None:
    """Answer with the default of last time, unless the user asked for another on the command line."""
    name = settings.default_model
    if not name or session.model.name != "default":
        return
    if Path(name).is_file():
        session.use_model(name)
    else:
        settings.default_model = ""
        session.notice(f"Your default model {name} is no longer there; the bundled model answers.")


def best_model(folder: Path) -> str:
    """The best model in a run folder, else the newest; "" if there is none."""
    return next((str(folder / name) for name in (_BEST, _MODEL) if (folder / name).is_file()), "")


def report_of(job: Job) -> Path | None:
    """The report that an evaluation writes."""
    words = job.arguments
    # A record that somebody else wrote may name any file to be opened.
    if job.kind != "evaluate" or not job.ours or "--report" not in words[:-1]:
        return None
    return Path(words[words.index("--report") + 1])


def _file_name(title: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in title).strip("-") or "model"
