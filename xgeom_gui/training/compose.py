"""New training: everything that a run is made of, checked while it is typed, and started. Never modal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from xgeom_core.jobs.job import JobKind
from xgeom_core.training.config import Config
from xgeom_gui.services.device_prober import DeviceProber
from xgeom_gui.services.exports import write_text
from xgeom_gui.services.preview_maker import PreviewMaker
from xgeom_gui.training.compose_window import ComposeWindow
from xgeom_gui.training.draft import Draft, place_problem
from xgeom_gui.training.form_values import Problem, check, flat
from xgeom_gui.training.presets import Preset, preset_of_file
from xgeom_gui.training.training_desk import TrainingDesk

_PAUSE_MS = 120


class Composer(QDialog):
    """The dialog "New training".

    Parameters
    ----------
    desk : TrainingDesk
    prober : DeviceProber
    maker : PreviewMaker

    Signals
    -------
    place_changed : dict
        Where jobs run, to be remembered.
    folder_wanted
        The user wants to keep jobs elsewhere.
    """

    place_changed = Signal(object)
    folder_wanted = Signal()

    def __init__(
        self, desk: TrainingDesk, prober: DeviceProber, maker: PreviewMaker, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._desk, self._prober = desk, prober
        self._draft: Draft | None = None
        self._slow: tuple[Problem, ...] = ()
        self._folder = desk.root / f"train-{datetime.now():%Y%m%d-%H%M%S}"
        self._waiting = False
        # What the last attempt met with; stands until something is edited or tried again.
        self._refusal = ""
        self._refused: object = None
        self.setWindowTitle("New training")
        self.window_ = ComposeWindow(self, desk, maker)
        self._soon = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._soon.timeout.connect(self.check)
        self._connect()
        self.use(self.window_.header.first_preset())

    def _connect(self) -> None:
        parts, footer, header = self.window_.pages, self.window_.footer, self.window_.header
        for part in (parts.data, parts.network, parts.training, parts.validation, parts.place, parts.sweep):
            part.edited.connect(self._soon.start)
        header.title.textChanged.connect(lambda _: self._soon.start())
        header.preset_chosen.connect(self.use)
        header.file_wanted.connect(self._open)
        footer.start_button.clicked.connect(self.start)
        footer.save_button.clicked.connect(self._save)
        footer.close_button.clicked.connect(self.close)
        footer.command.copied.connect(lambda _: self._write())
        parts.place.devices.asked.connect(self._prober.look)
        parts.place.edited.connect(lambda: self.place_changed.emit(parts.place.state()))
        parts.place.folder_wanted.connect(self.folder_wanted)
        parts.place.folder.setText(str(self._desk.root))
        self._prober.probed.connect(parts.place.devices.show_probe)
        self._desk.root_changed.connect(self._on_root)
        self._desk.submitted.connect(self._on_submitted)
        self._desk.failed.connect(self._on_failed)

    # ------------------------------------------------------------------------------------- filling

    def use(self, preset: Preset) -> None:
        """Fill every field in, but for a name that somebody typed."""
        self.set_config(preset.config)
        self.window_.pages.sweep.set_space(preset.space, preset.trials)
        title = self.window_.header.title
        if not (title.isModified() and title.text().strip()):
            title.setText(preset.config.name if preset.config.name != "run" else "")
        self.window_.header.say(preset.text)

    def set_config(self, config: Config, title: str = "") -> None:
        """Fill in the settings of a configuration."""
        values = flat(config)
        parts = self.window_.pages
        for page in (parts.data, parts.network, parts.training, parts.validation):
            page.set_values(values)
        if title:
            self.window_.header.title.setText(title)
        self.check()

    def restore_place(self, state: Mapping[str, Any]) -> None:
        """Where the last job ran."""
        self.window_.pages.place.restore(state)

    def open(self, config: Config | None = None, title: str = "") -> None:
        """Show it, with the settings of another run if there is a configuration."""
        if config is not None:
            self.window_.pages.sweep.set_space(None)
            self.window_.header.say(f"The settings of {title or config.name}.")
            self.set_config(config, title)
        self.show()
        self.raise_()
        self.activateWindow()

    # ------------------------------------------------------------------------------------ checking

    def values(self) -> dict[str, Any]:
        """What stands in the fields, by path."""
        parts = self.window_.pages
        found: dict[str, Any] = {"name": self.window_.header.title.text().strip() or "run"}
        for page in (parts.data, parts.network, parts.training, parts.validation):
            found |= page.values()
        return found

    def check(self) -> None:
        """Mark what will not do; show the command of what will."""
        self._soon.stop()
        if self._refusal and self._entries() != self._refused:
            self._refusal = ""
        parts = self.window_.pages
        config, found = check(self.values())
        problems = list(found)
        place, space = parts.place.place(), parts.sweep.space() if parts.sweep.on else None
        if config is not None and (misfit := place_problem(config, place)) is not None:
            problems.append(misfit)
        if parts.sweep.on and space is None:
            problems.append(Problem("sweep", "Say what varies."))
        title = self.window_.header.title.text().strip()
        # While something is wrong the command stays as it was: nothing can be run with it anyway.
        self._draft = None
        if config is not None and not problems:
            self._draft = Draft(
                *(config, place, title or self._folder.name, self._folder, space),
                trials=parts.sweep.trials.value(),
                at_once=parts.sweep.at_once.value(),
            )
            self._folder_for(self._draft)
            self._look_closer(self._draft)
        else:
            self._slow = ()
        self._show(problems)

    def _folder_for(self, draft: Draft) -> None:
        """A sweep's folder is called so."""
        kind = self._folder.name.partition("-")[0]
        if kind != draft.kind:
            self._folder = self._folder.with_name(draft.kind + self._folder.name[len(kind) :])
            self.check()

    def _look_closer(self, draft: Draft) -> None:
        """Missing files need the disk, so they are looked for elsewhere."""

        def then(missing: tuple[Problem, ...]) -> None:
            if self._draft is draft:
                self._slow = missing
                self._show([])

        self._desk.ask(lambda _: draft.missing(), then, lambda _sentence: None, self)

    def _show(self, problems: list[Problem]) -> None:
        # A file may still be made by a job that is ahead in the queue: that is said, but stops nothing.
        self.window_.show_problems(problems, self._slow, self._refusal)
        draft, sweep = self._draft, self.window_.pages.sweep.on
        if draft is not None:
            self.window_.footer.command.set_text(draft.command())
        blocking = [problem for problem in self._slow if problem.path != "data.files"]
        can = draft is not None and not blocking and not self._waiting
        self.window_.footer.show_start(
            "Start sweep" if sweep else "Start training",
            "Start the job; while another one uses the device it waits for its turn. How long it takes is "
            "told from its first minute on (Enter)",
            can,
        )

    # ------------------------------------------------------------------------------------- leaving

    def start(self) -> None:
        """Start the job, or queue it."""
        self.check()
        draft = self._draft
        if draft is None or self._waiting:
            return
        self._waiting, self._refusal = True, ""
        self._show([])
        if draft.space is None:
            self._desk.train(draft.config, draft.place, draft.title, draft.folder)
        else:
            self._desk.submit(
                "sweep", draft.arguments(), draft.place, draft.title, draft.folder, draft.files()
            )

    def _on_submitted(self, _job_id: str) -> None:
        if self._waiting:
            self._waiting = False
            # The name was for this job: the next recipe may bring its own again.
            self.window_.header.title.setModified(False)
            self.hide()
        self._new_folder()

    def _on_failed(self, sentence: str) -> None:
        if self._waiting:
            self._waiting = False
            self._complain(sentence)
            self._new_folder()

    def _complain(self, sentence: str) -> None:
        self._refusal, self._refused = sentence, self._entries()
        self.check()

    def _entries(self) -> object:
        """What an attempt was made with."""
        return self.values(), self.window_.pages.place.place(), self._desk.root

    def _new_folder(self) -> None:
        def then(folder: Path) -> None:
            self._folder = folder
            self.check()

        kind: JobKind = "sweep" if self.window_.pages.sweep.on else "train"
        self._desk.ask(lambda store: store.new_folder(kind), then, self._complain, self)

    def _on_root(self) -> None:
        self.window_.pages.place.folder.setText(str(self._desk.root))
        self._new_folder()

    def _write(self) -> None:
        draft = self._draft
        if draft is not None:
            self._desk.ask(lambda _: draft.write(), None, self._complain, self)

    def _open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open settings", "", "Configurations (*.toml)")
        if name:
            self._desk.ask(lambda _: preset_of_file(Path(name)), self.use, self._complain, self)

    def _save(self) -> None:
        draft = self._draft
        if draft is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self, "Save settings", f"{draft.title}.toml", "Configurations (*.toml)"
        )
        if name:
            text = draft.config.to_toml()
            self._desk.ask(lambda _: write_text(Path(name), text), None, self._complain, self)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw examples and look for devices when somebody looks, not before."""
        super().showEvent(event)
        self.window_.pages.data.kinds.show_examples()
        if self._prober.found is None:
            self._prober.look()
        self._new_folder()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """A sentence about the last attempt is of no use next time."""
        super().hideEvent(event)
        self._refusal = ""
