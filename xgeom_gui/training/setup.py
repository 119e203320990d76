"""Everything about training, put into the window: the desk, its threads, the tab and the composer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QFileDialog, QWidget

from xgeom_core.jobs.store import default_root
from xgeom_gui.services.device_prober import DeviceProber
from xgeom_gui.services.jobs_owner import JobsOwner
from xgeom_gui.services.preview_maker import PreviewMaker
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController
from xgeom_gui.state.settings import Settings
from xgeom_gui.training.panel import JobsPanel
from xgeom_gui.training.training_desk import TrainingDesk

if TYPE_CHECKING:
    from xgeom_core.training.config import Config
    from xgeom_gui.training.compose import Composer


class TrainingTools(QObject):
    """Builds the tab and opens the composer when it is asked for. Jobs outlive all of it.

    Parameters
    ----------
    session : Session
    controller : SessionController
        Takes the threads into its care.
    settings : Settings
        Remembers the folder of the jobs and where they ran last.
    window : QWidget
        The composer stands before it.

    Attributes
    ----------
    desk : TrainingDesk
    panel : JobsPanel
    composer : Composer or None
        Built when it is opened for the first time.
    """

    def __init__(
        self, session: Session, controller: SessionController, settings: Settings, window: QWidget
    ) -> None:
        super().__init__(window)
        self._settings, self._window = settings, window
        root = settings.run_root(default_root())
        self.desk = TrainingDesk(JobsOwner(root), root, self)
        self.prober, self.maker = DeviceProber(self), PreviewMaker(self)
        self.panel = JobsPanel(session, self.desk, settings, controller.predictor)
        self.composer: Composer | None = None
        # First what asks, then what answers.
        for service in (self.panel, self.maker, self.prober, self.desk):
            controller.adopt(service)
        self.desk.compose_asked.connect(self.open_composer)
        self.desk.root_changed.connect(lambda: settings.keep_run_root(str(self.desk.root)))
        self._warmed = False
        self.panel.installEventFilter(self)
        # The window first.
        QTimer.singleShot(0, self.desk, self.desk.start)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Load the composer's modules, in another thread, when somebody looks at the tab."""
        if event.type() == QEvent.Type.Show and not self._warmed:
            self._warmed = True
            self.desk.ask(_warm, otherwise=lambda _sentence: None)
        return super().eventFilter(watched, event)

    def open_composer(self, config: Config | None = None, title: str = "") -> None:
        """Open "New training", with the settings of another run if there is a configuration."""
        if self.composer is None:
            self.composer = self._build_composer()
        self.composer.open(config, title)

    def choose_root(self) -> None:
        """Ask for another folder for jobs."""
        folder = QFileDialog.getExistingDirectory(self._window, "Folder for jobs", str(self.desk.root))
        if folder:
            self.desk.set_root(Path(folder))

    def _build_composer(self) -> Composer:
        from xgeom_gui.training.compose import Composer  # noqa: PLC0415 - many widgets, seldom needed

        composer = Composer(self.desk, self.prober, self.maker, self._window)
        composer.restore_place(self._settings.training_place)
        composer.place_changed.connect(self._keep_place)
        composer.folder_wanted.connect(self.choose_root)
        return composer

    def _keep_place(self, state: object) -> None:
        if isinstance(state, dict):
            self._settings.training_place = state


def _warm(_store: object) -> None:
    """Load what the composer needs; runs in the thread of the jobs."""
    from xgeom_core.simulate.recipe import KINDS  # noqa: PLC0415 - not before it is needed
    from xgeom_gui.training import compose  # noqa: F401, PLC0415
    from xgeom_gui.training.form_words import kind_tip  # noqa: PLC0415

    for kind in KINDS:
        kind_tip(kind)
