"""Starts the window: application, theme, services; or takes a picture of it and leaves."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyqtgraph as pg
import shiboken6
from PySide6.QtCore import QObject, QSettings, QTimer
from PySide6.QtGui import QCursor, QIcon
from PySide6.QtWidgets import QApplication

from xgeom_core.errors import XgeomError
from xgeom_core.frames import open_run
from xgeom_core.process.reading import start_reading
from xgeom_core.resources import resource
from xgeom_gui.app.main_window import MainWindow
from xgeom_gui.app.options import Options
from xgeom_gui.look.theme import THEME, apply_theme
from xgeom_gui.services.geometry_reader import GeometryReader
from xgeom_gui.services.predictor import PredictorLike, PredictorThread
from xgeom_gui.services.reader import FrameReader
from xgeom_gui.state.formatting import center_rows, plain_table
from xgeom_gui.state.geometry_files import FileDesk
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController
from xgeom_gui.state.settings import Settings

_Say = Callable[[str], None]
_PICTURE_SIZE = (1366, 768)
_PATIENCE_MS = 300_000
# Fonts and docks settle within a few event loop turns; then the picture is complete.
_SETTLE_MS = 400
# How long a thread that computes in Python may keep the window's waiting at a time. Painting asks for
# Python's lock many times over; five milliseconds each, Python's own choice, would be felt.
_SWITCH_S = 0.0005


def run(options: Options, say: _Say, complain: _Say) -> int:
    """Run the window; returns the exit code.

    Parameters
    ----------
    options : Options
        From the command line.
    say, complain : callable
        Where sentences for standard output and standard error go.
    """
    start_reading()
    app = make_application()
    # A picture must look the same for everybody: it ignores and keeps no preferences.
    nowhere = tempfile.TemporaryDirectory(prefix="xgeom-")
    store = QSettings("xgeom", "xgeom") if options.screenshot is None else blank_settings(Path(nowhere.name))
    window, session, controller = make_window(Settings(store), options.model)
    app.setQuitOnLastWindowClosed(False)
    window.closed.connect(app.quit)
    shot: Screenshot | None = None
    if options.screenshot is not None:
        window.resize(*_PICTURE_SIZE)
        shot = Screenshot(window, session, options.screenshot, say, complain)
    window.show()
    spare_collector()
    controller.warm_up()
    if options.example:
        window.open_example()
    elif options.file:
        window.open(options.file)
    # After the frame is asked for: only then is it known that one is coming.
    controller.files.add(options.geometries)
    code = int(app.exec())
    code = shot.code if shot is not None else code
    store.sync()
    nowhere.cleanup()
    if not controller.shutdown(0):
        # A thread that does not end would crash the interpreter while it is taken apart.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    # Widgets must go before the interpreter does.
    shiboken6.delete(window)
    return code


def make_application() -> QApplication:
    """The application, with pyqtgraph and the look set up once."""
    sys.setswitchinterval(_SWITCH_S)
    pg.setConfigOptions(imageAxisOrder="row-major", antialias=True, background="w", foreground="k")
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setApplicationName("xgeom")
    app.setDesktopFileName("xgeom")
    apply_theme(_icons())
    app.setWindowIcon(QIcon(str((_icons() or Path()) / "xgeom.svg")))
    return app


def _icons() -> Path | None:
    """Folder of the bundled icons; missing ones are no reason not to start, they stay blank."""
    try:
        return resource("icons/xgeom.svg").parent
    except XgeomError:
        return None


def spare_collector() -> None:
    """Keep what is there for as long as the program lives out of the sight of the collector of cycles.

    A walk through modules and widgets takes a twentieth of a second, in which the window stands still.
    Called once, before any frame is open: what comes later is collected as ever.
    """
    gc.collect()
    gc.freeze()


def make_window(
    settings: Settings,
    model: str = "default",
    load: Callable[[str], PredictorLike] | None = None,
) -> tuple[MainWindow, Session, SessionController]:
    """The window with its session and services, assembled but not shown."""
    THEME.choose(settings.theme)
    session = Session()
    if model != "default":
        session.use_model(model)
    session.set_automatic(settings.predict_automatically)
    session.display.restore(settings.display)
    desk = FileDesk(session, GeometryReader())
    controller = SessionController(session, FrameReader(open_run), PredictorThread(load), desk)
    window = MainWindow(session, controller, settings)
    for owned in (session, controller):
        owned.setParent(window)
    return window, session, controller


class Screenshot(QObject):
    """Waits until the window has its answer, saves a picture of it and ends the program.

    Attributes
    ----------
    code : int
        Exit code: 0 with an answer, 1 without.
    """

    def __init__(self, window: MainWindow, session: Session, path: Path, say: _Say, complain: _Say) -> None:
        super().__init__(window)
        self._window, self._session, self._path = window, session, path
        self._say, self._complain = say, complain
        self.code = 1
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self._take)
        self._limit = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._limit.timeout.connect(self._take)
        self._limit.start()
        if QApplication.platformName() == "offscreen":
            # Else the pointer hovers over the first button for ever.
            QCursor.setPos(window.width() // 2, 2 * window.height())
        session.activity_changed.connect(self._look)
        session.noticed.connect(lambda notice: complain(notice.text))
        self._look()

    def _look(self) -> None:
        if self._session.activity:
            self._settle.stop()
        else:
            self._settle.start()

    def _take(self) -> None:
        self._limit.stop()
        session = self._session
        prediction = session.prediction
        if session.frame is not None:
            rows = center_rows(session.centers, session.reference, session.metadata)
            self._say(plain_table(rows, prediction))
        self.code = 0 if session.best is not None else 1
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            saved = self._window.grab().save(str(self._path))
        except OSError:
            saved = False
        if saved:
            self._say(f"The window is saved to {self._path}.")
        else:
            self._complain(f"The picture could not be saved to {self._path}: choose another folder.")
            self.code = 1
        self._window.close()


def blank_settings(folder: Path) -> QSettings:
    """Settings that start empty and are kept in a folder of their own.

    Never in the null device: QSettings saves by moving a file over its target, and for the superuser
    that would replace the device by a file.
    """
    return QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
