"""The main window: puts views, panels and actions together, and does nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QFileDialog,
    QFrame,
    QLabel,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QTabWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from xgeom_core.errors import XgeomError
from xgeom_core.resources import resource
from xgeom_gui.actions import make_actions
from xgeom_gui.coordinator import Coordinator
from xgeom_gui.panels.centers import CentersPanel
from xgeom_gui.panels.empty import EmptyState
from xgeom_gui.panels.experiment import ExperimentPanel
from xgeom_gui.panels.frame_bar import FileStrip, FrameStrip
from xgeom_gui.panels.key_sheet import KeySheet
from xgeom_gui.panels.message_bar import MessageBar
from xgeom_gui.panels.status import StatusBar
from xgeom_gui.panels.tilt import TiltPanel
from xgeom_gui.panels.training import TrainingPanel
from xgeom_gui.services.training_process import TrainingProcess, default_run_root
from xgeom_gui.session import Notice, Session
from xgeom_gui.settings import Settings
from xgeom_gui.views.image_view import ImageView

EXAMPLE = "example/frame.h5"
DEFAULT_SIZE = (1366, 728)
_DOCK_WIDTH = 600
_LAST_PATIENCE_MS = 20_000


class MainWindow(QMainWindow):
    """Assembles the window around a session.

    Parameters
    ----------
    session : Session
    coordinator : Coordinator
        Owns the threads; shut down when the window closes.
    training : TrainingProcess
    settings : Settings

    Signals
    -------
    closed
        The window has closed for good: no thread and no child process is left.
    """

    closed = Signal()

    def __init__(
        self, session: Session, coordinator: Coordinator, training: TrainingProcess, settings: Settings
    ) -> None:
        super().__init__()
        self._session, self._coordinator = session, coordinator
        self._training, self._settings = training, settings
        self._close_confirmed = False
        self._patience = QTimer(self, singleShot=True, interval=_LAST_PATIENCE_MS)
        self._patience.timeout.connect(training.kill)
        self.setWindowTitle("xgeom")
        self.setAcceptDrops(True)
        self.actions_by_name = make_actions(self)
        self.image = ImageView(session)
        self.centers, self.tilt = CentersPanel(session), TiltPanel(session)
        self.experiment = ExperimentPanel(session)
        self.training_panel = TrainingPanel(session, training, settings.run_root(default_run_root()))
        self.messages = MessageBar()
        self.status = StatusBar(session)
        self._key_sheet = KeySheet(self)
        self._build_toolbar()
        self._build_center()
        self._build_dock()
        self.setStatusBar(self.status)
        self._connect_actions()
        self._connect_session()
        self.image.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.resize(*DEFAULT_SIZE)
        if settings.window_geometry is not None:
            self.restoreGeometry(settings.window_geometry)

    def _build_toolbar(self) -> None:
        bar = QToolBar("Actions")
        bar.setObjectName("toolbar")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        groups = (("open", "example"), ("reset_view", "zoom_center", "log"), ("predict", "automatic"))
        for i, group in enumerate(groups):
            if i:
                bar.addSeparator()
            bar.addActions([self.actions_by_name[name] for name in group])
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(spacer)
        bar.addActions([self.actions_by_name[name] for name in ("keys",)])
        self.addToolBar(bar)

    def _build_center(self) -> None:
        shown = QWidget()
        layout = QVBoxLayout(shown)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(FileStrip(self._session))
        layout.addWidget(self.image, 1)
        layout.addWidget(FrameStrip(self._session))
        self.pages = QStackedWidget()
        self.pages.addWidget(EmptyState(self.actions_by_name["open"], self.actions_by_name["example"]))
        self.pages.addWidget(shown)
        center = QWidget()
        outer = QVBoxLayout(center)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.messages)
        outer.addWidget(self.pages, 1)
        self.setCentralWidget(center)

    def _build_dock(self) -> None:
        sections = QWidget()
        layout = QVBoxLayout(sections)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        for title, panel in (
            ("Centers", self.centers),
            ("Tilt", self.tilt),
            ("Experiment", self.experiment),
        ):
            label = QLabel(title)
            label.setProperty("role", "title")
            layout.addWidget(label)
            layout.addWidget(panel)
            layout.addSpacing(8)
        layout.addStretch(1)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        hint = QLabel("The center and the tilt of the open frame appear here.")
        hint.setProperty("role", "soft")
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._results = QStackedWidget()
        self._results.addWidget(hint)
        self._results.addWidget(_scrolled(sections))
        self.tabs.addTab(self._results, "Center and tilt")
        self.tabs.addTab(_scrolled(self.training_panel), "Training")
        dock = QDockWidget()
        dock.setObjectName("panels")
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget())
        dock.setWidget(self.tabs)
        dock.setMinimumWidth(_DOCK_WIDTH)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        self.resizeDocks([dock], [_DOCK_WIDTH], Qt.Orientation.Horizontal)

    def _connect_actions(self) -> None:
        session = self._session
        handlers: dict[str, Callable[[], object]] = {
            "open": self.choose_file,
            "example": self.open_example,
            "reload": session.reload,
            "previous": lambda: session.step(-1),
            "next": lambda: session.step(1),
            "reset_view": self.image.reset_view,
            "zoom_center": self._zoom_to_best,
            "predict": self._coordinator.predict_now,
            "train": lambda: self.tabs.setCurrentIndex(1 - self.tabs.currentIndex()),
            "keys": self._key_sheet.show,
            "quit": self.close,
        }
        for name, handler in handlers.items():
            self.actions_by_name[name].triggered.connect(lambda _checked, act=handler: act())
        self.actions_by_name["log"].toggled.connect(self._set_logarithmic)
        self.actions_by_name["automatic"].toggled.connect(self._set_automatic)
        menu = ("reset_view", "zoom_center", "log", "reload")
        self.image.set_menu([self.actions_by_name[name] for name in menu])

    def _connect_session(self) -> None:
        session = self._session
        session.frame_changed.connect(self._on_frame)
        session.options_changed.connect(self._show_options)
        session.noticed.connect(self.messages.show_notice)
        self.image.hovered.connect(session.set_cursor)
        self.centers.chosen.connect(self.image.zoom_to)
        self._training.state_changed.connect(self._on_training)
        self._show_options()
        self._on_frame()

    def open(self, spec: str) -> None:
        """Open ``FILE`` or ``FILE::dataset``."""
        self.messages.dismiss()
        self._session.open(spec)

    def open_example(self) -> None:
        """Open the bundled example."""
        try:
            self.open(str(resource(EXAMPLE)))
        except XgeomError as error:
            self._session.notice(str(error))

    def choose_file(self) -> None:
        """Ask for a file."""
        name, _ = QFileDialog.getOpenFileName(self, "Open diffraction frames", self._settings.last_folder)
        if name:
            self._settings.last_folder = str(Path(name).parent)
            self.open(name)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 (Qt's name)
        """Files may be dropped anywhere on the window."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 (Qt's name)
        """Open the file dropped; the first one if there are several."""
        files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if files:
            event.acceptProposedAction()
            self.open(files[0])

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """Stop threads and a running training without a stall; ask first if one is running."""
        if self._training.state != "idle" and not self._close_confirmed:
            event.ignore()
            self._close_confirmed = True
            self.messages.show_notice(
                Notice("A training run is going on. Closing stops it; its model is saved first.", "info"),
                "Stop it and close",
                self.close,
            )
            return
        if self._training.state != "idle":
            event.ignore()
            self.hide()
            self._training.stop()
            self._patience.start()
            return
        event.accept()
        self._settings.window_geometry = self.saveGeometry()
        self.hide()
        self._coordinator.shutdown()
        self.closed.emit()

    def _on_frame(self) -> None:
        frame, source = self._session.frame, self._session.source
        for pages in (self.pages, self._results):
            pages.setCurrentIndex(0 if frame is None else 1)
        if frame is not None and self.focusWidget() is None:
            self.image.setFocus()
        for name in ("reset_view", "zoom_center", "predict", "reload", "previous", "next"):
            self.actions_by_name[name].setEnabled(frame is not None)
        self.setWindowTitle(f"{Path(source.path).name} – xgeom" if source else "xgeom")

    def _on_training(self) -> None:
        if self._training.state != "idle":
            return
        if self.isHidden() and self._close_confirmed:
            # Not from within the process's own signal: it is still being dismantled there.
            QTimer.singleShot(0, self.close)
        self._close_confirmed = self._close_confirmed and self.isHidden()

    def _show_options(self) -> None:
        self.actions_by_name["log"].setChecked(self._session.logarithmic)
        self.actions_by_name["automatic"].setChecked(self._session.automatic)

    def _set_logarithmic(self, on: bool) -> None:
        self._session.set_logarithmic(on)
        self._settings.logarithmic = on

    def _set_automatic(self, on: bool) -> None:
        self._session.set_automatic(on)
        self._settings.predict_automatically = on

    def _zoom_to_best(self) -> None:
        estimate: QAction | object = self._session.best or next(iter(self._session.estimates), None)
        center = getattr(estimate, "center_px", None)
        if center is not None:
            self.image.zoom_to(center)


def _scrolled(widget: QWidget) -> QScrollArea:
    """A panel that scrolls on small screens instead of being cut off."""
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
