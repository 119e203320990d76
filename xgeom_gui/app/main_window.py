"""The main window: puts views, panels and actions together, and does nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from xgeom_core.errors import XgeomError
from xgeom_core.resources import resource
from xgeom_gui.app.actions import SPECS, make_actions
from xgeom_gui.app.empty import EmptyState
from xgeom_gui.app.key_sheet import KeySheet
from xgeom_gui.app.message_bar import MessageBar
from xgeom_gui.app.room import Room
from xgeom_gui.app.status import StatusBar
from xgeom_gui.app.toolbar import make_toolbar
from xgeom_gui.app.view_menu import PICTURE_MENU, ViewMenu
from xgeom_gui.app.window_layout import WindowLayout
from xgeom_gui.centers.center_menu import CenterMenu
from xgeom_gui.centers.compare_with import CompareWith
from xgeom_gui.centers.experiment import ExperimentPanel
from xgeom_gui.centers.panel import CentersPanel
from xgeom_gui.centers.setup import CenterTools
from xgeom_gui.centers.tilt import TiltPanel
from xgeom_gui.files.recent_menu import RecentList
from xgeom_gui.files.setup import FileTools
from xgeom_gui.image.frame_bar import FileStrip, FrameStrip
from xgeom_gui.image.image_view import ImageView
from xgeom_gui.image.setup import ImageTools
from xgeom_gui.look.stacked_panels import DOCK_WIDTH, ResultsDock
from xgeom_gui.runs.setup import RunTools
from xgeom_gui.services.locations import name_of
from xgeom_gui.services.program_runner import ProgramRunner
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController
from xgeom_gui.state.settings import Settings
from xgeom_gui.training.setup import TrainingTools

EXAMPLE = "example/frame.h5"
DEFAULT_SIZE = (1366, 728)
_NEED_A_FRAME = (
    *("reset_view", "zoom_center", "predict", "reload", "previous", "next"),
    *("copy_as", "copy_center", "read_as", "measure_from", "hide", "remove"),
)


class MainWindow(QMainWindow):
    """Assembles the window around a session.

    Parameters
    ----------
    session : Session
    controller : SessionController
        Owns the threads; shut down when the window closes.
    settings : Settings

    Signals
    -------
    closed
        The window has closed for good: no thread and no child process is left.
    """

    closed = Signal()

    def __init__(self, session: Session, controller: SessionController, settings: Settings) -> None:
        super().__init__()
        self._session, self._controller, self._settings = session, controller, settings
        self.setWindowTitle("xgeom")
        self.setAcceptDrops(True)
        self.actions_by_name = make_actions(self)
        self.image = ImageView(session)
        self.centers, self.tilt = CentersPanel(session), TiltPanel(session)
        self.experiment = ExperimentPanel(session)
        self.training = TrainingTools(session, controller, settings, self)
        self.messages = MessageBar()
        self.status = StatusBar(session)
        self.center_menu = CenterMenu(session, self.centers, self.image.zoom_to, self.actions_by_name)
        self.file_tools = FileTools(self, self.image, session, controller, settings, self.actions_by_name)
        self.experiment.set_memory(self.file_tools.memory)
        self.view_menu = ViewMenu(self, self.image, settings, self.actions_by_name)
        runner = ProgramRunner(self)
        controller.adopt(runner)
        self.compare = CompareWith(session, runner)
        self._build_toolbar()
        self.image_tools = ImageTools(self, self.image, session, controller, settings, self.actions_by_name)
        self.tabifyDockWidget(self.image_tools.docks["display"], self.file_tools.tree_dock)
        self._build_center()
        self._build_dock()
        self.center_tools = CenterTools(
            session, controller, self.image, self.centers, self._results, self.actions_by_name
        )
        self.run_tools = RunTools(session, controller, self._results, self.actions_by_name)
        self.run_tools.panel.export_wanted.connect(self.file_tools.choose_run_export)
        self.setStatusBar(self.status)
        self.room = Room(self, self._results, self.image.legend, self.actions_by_name)
        self._center_row.addWidget(self.room.handle)
        self._layout = WindowLayout(self, settings)
        self._connect_actions()
        self._connect_session()
        self.image.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.resize(*DEFAULT_SIZE)
        self._layout.take()
        self._empty.open_button.setFocus()

    @cached_property
    def _key_sheet(self) -> KeySheet:
        return KeySheet(self)

    def _show_keys(self) -> None:
        self._key_sheet.show()

    def _build_toolbar(self) -> None:
        menus = {
            "file": self.file_tools.menu(),
            "compare_with": self.compare.menu,
            "copy_as": self.center_menu.copy_menu,
            "view": self.view_menu.menu,
        }
        self.addToolBar(make_toolbar(self.actions_by_name, menus))

    def _build_center(self) -> None:
        shown = QWidget()
        layout = QVBoxLayout(shown)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(FileStrip(self._session))
        layout.addWidget(self.image, 1)
        frames = FrameStrip(self._session)
        frames.add_button(self.actions_by_name["follow"])
        layout.addWidget(frames)
        layout.addWidget(self.image_tools.play_strip)
        self.pages = QStackedWidget()
        recent, actions = RecentList(self.file_tools.recent, self.open), self.actions_by_name
        self._empty = EmptyState(actions["open"], actions["example"], recent)
        self.pages.addWidget(self._empty)
        self.pages.addWidget(shown)
        center = QWidget()
        outer = QVBoxLayout(center)
        self._center_row = QHBoxLayout()
        for box in (outer, self._center_row):
            box.setContentsMargins(0, 0, 0, 0)
            box.setSpacing(0)
        self._center_row.addWidget(self.pages, 1)
        outer.addWidget(self.messages)
        outer.addLayout(self._center_row, 1)
        self.setCentralWidget(center)

    def _build_dock(self) -> None:
        centers = self.centers
        sections = (
            *(("", centers.card), ("", self.compare), ("Experiment", self.experiment), ("", centers.notes)),
            *(("", centers), ("Tilt", self.tilt)),
        )
        centers.fold.setChecked(self._settings.sources_shown)
        centers.fold.toggled.connect(lambda on: setattr(self._settings, "sources_shown", on))
        self.experiment.finished.connect(self.image.setFocus)
        self._results = ResultsDock(sections, self.training.panel)
        self.tabs = self._results.tabs
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._results)
        self.resizeDocks([self._results], [DOCK_WIDTH], Qt.Orientation.Horizontal)

    def _connect_actions(self) -> None:
        session = self._session
        handlers: dict[str, Callable[[], object]] = {
            "open": self.choose_file,
            "example": self.open_example,
            "add_geometry": self.choose_geometry,
            "compare_with": self.compare.pop_up,
            "reload": session.reload,
            "previous": lambda: session.step(-1),
            "next": lambda: session.step(1),
            "reset_view": self.image.reset_view,
            "zoom_center": self._zoom_to_best,
            "predict": self._controller.predict_now,
            "train": lambda: self._results.show_tab("Training"),
            "keys": self._show_keys,
            "restore_layout": self._layout.reset,
            "quit": self.close,
        }
        for name, handler in handlers.items():
            self.actions_by_name[name].triggered.connect(lambda _checked, act=handler: act())
        self.actions_by_name["automatic"].toggled.connect(self._set_automatic)
        menu = (*PICTURE_MENU, "", "reload")
        about_the_view = [self.actions_by_name.get(name) for name in menu]
        self.image.set_menu([*self.image_tools.place_menu.actions, *about_the_view])
        # Keys of one row must not work elsewhere: Delete and Space mean something in text fields and buttons.
        self.centers.table.addActions([self.actions_by_name[spec.name] for spec in SPECS if spec.of_table])

    def _connect_session(self) -> None:
        session = self._session
        session.frame_changed.connect(self._on_frame)
        session.options_changed.connect(self._show_options)
        session.noticed.connect(self.messages.show_notice)
        self.image.hovered.connect(session.set_cursor)
        self.centers.chosen.connect(self.image.zoom_to)
        self._show_options()
        self._on_frame()

    def open(self, spec: str) -> None:
        """Open ``FILE`` or ``FILE::dataset``, a folder, several files as one run, or a session file."""
        self.messages.dismiss()
        self.file_tools.open(spec)

    def open_example(self) -> None:
        """Open the bundled example."""
        try:
            example = str(resource(EXAMPLE))
            self.file_tools.recent.ignored |= {example}
            self.open(example)
        except XgeomError as error:
            self._session.notice(str(error))

    def take(self, paths: Sequence[str]) -> None:
        """Open the frames among these, several files as one run; compare with other programs' geometry."""
        self.messages.dismiss()
        self.file_tools.take(paths)

    def choose_file(self) -> None:
        """Ask for files of frames; those of geometry and of sessions are welcome as well."""
        names = self.file_tools.choose_files()
        if names:
            self.take(names)

    def choose_geometry(self) -> None:
        """Ask for other programs' files of geometry."""
        names, _ = QFileDialog.getOpenFileNames(
            self, "Add geometry of DIALS, XDS, CrystFEL, pyFAI…", self._settings.last_folder
        )
        if names:
            self._settings.last_folder = str(Path(names[0]).parent)
            self.messages.dismiss()
            self._controller.files.add(names)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 (Qt's name)
        """Files may be dropped anywhere on the window."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 (Qt's name)
        """Open the frames dropped, several files as one run; compare with the geometries."""
        files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if files:
            event.acceptProposedAction()
            self.take(files)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """Stop the threads; jobs go on by themselves and are there again in the next window."""
        event.accept()
        # What is remembered is the window, not the frame alone.
        self.room.show_alone(False)
        self._layout.keep()
        self.hide()
        self._controller.shutdown()
        self.closed.emit()

    def _on_frame(self) -> None:
        frame, source = self._session.frame, self._session.source
        first = frame is not None and self.pages.currentWidget() is self._empty
        self.pages.setCurrentIndex(0 if frame is None else 1)
        self._results.show_results(frame is not None)
        if first:
            # The button that opened it is gone; arrows and letters are for the image now.
            self.image.setFocus()
        for name in _NEED_A_FRAME:
            self.actions_by_name[name].setEnabled(frame is not None)
        # Of a run of files, the file of the frame shown.
        shown = (frame.path if frame is not None else "") or (source.path if source else "")
        self.setWindowTitle(f"{name_of(shown)} – xgeom" if source else "xgeom")

    def _show_options(self) -> None:
        self.actions_by_name["automatic"].setChecked(self._session.automatic)

    def _set_automatic(self, on: bool) -> None:
        self._session.set_automatic(on)
        self._settings.predict_automatically = on

    def _zoom_to_best(self) -> None:
        center = self._session.current_center.center
        if center is not None:
            self.image.zoom_to(center.estimate.center_px)
