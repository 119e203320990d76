"""Everything about files, put into the window: menu, recent files, tree, exports, sessions, follow mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QDockWidget, QFileDialog, QMenu

from xgeom_gui.files.follow_mode import Follower
from xgeom_gui.files.recent_files import RecentFiles
from xgeom_gui.files.recent_menu import RecentMenu
from xgeom_gui.files.session_io import SessionDesk
from xgeom_gui.files.session_reader import SessionReader
from xgeom_gui.files.tree import TreePanel
from xgeom_gui.image.image_view import ImageView
from xgeom_gui.image.picture_export import paper_image, png_image, svg_bytes, write_png
from xgeom_gui.services.exports import export_rows, write_bytes
from xgeom_gui.services.geometry_reader import evident_frames
from xgeom_gui.services.locations import RUN_SEPARATOR, SESSION_SUFFIX, file_of, is_session, paths_of
from xgeom_gui.services.path_checker import PathChecker
from xgeom_gui.services.saver import Saver, SaveRequest
from xgeom_gui.services.tree_reader import TreeReader
from xgeom_gui.services.watcher import Watcher
from xgeom_gui.state.experiment_store import ExperimentMemory
from xgeom_gui.state.formatting import center_rows
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController
from xgeom_gui.state.settings import Settings
from xgeom_gui.state.table_rows import center_cells

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow

_PAPER = "PNG picture (*.png)"
_PICTURES = "PNG picture (*.png);;SVG drawing (*.svg)"
_TABLES = "CSV table (*.csv);;JSON (*.json)"
_SESSIONS = f"Session of xgeom (*{SESSION_SUFFIX})"
_NEED_A_FRAME = ("export_view", "export_figure", "export_table", "copy_table", "save_session", "follow")


class FileTools(QObject):
    """Builds what the file menu needs and connects its actions.

    Parameters
    ----------
    window : QMainWindow
        Takes the dock of the tree.
    image : ImageView
    session : Session
    controller : SessionController
        Takes the threads into its care.
    settings : Settings
    actions : mapping of str to QAction
        Of the whole window.

    Attributes
    ----------
    sessions : SessionDesk
        ``sessions.parts.register(name, to_json, from_json)`` adds a state to session files.
    memory : ExperimentMemory
    recent : RecentFiles
    """

    def __init__(
        self,
        window: QMainWindow,
        image: ImageView,
        session: Session,
        controller: SessionController,
        settings: Settings,
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(window)
        self._window, self._image, self._session = window, image, session
        self._controller, self._settings, self._actions = controller, settings, actions
        checker, self._saver, watcher = PathChecker(self), Saver(self), Watcher(self)
        trees, session_reader = TreeReader(self), SessionReader(self)
        for service in (checker, self._saver, watcher, trees, session_reader):
            controller.adopt(service)
        self.recent = RecentFiles(session, settings, checker, self)
        self.memory = ExperimentMemory(session, settings, self)
        self.follower = Follower(session, watcher, self)
        self.sessions = SessionDesk(session, controller, image, self._saver, session_reader, self)
        self.tree = TreePanel(session, trees)
        self.tree_dock = QDockWidget("File contents", window)
        self.tree_dock.setObjectName("tree")
        self.tree_dock.setWidget(self.tree)
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.tree_dock)
        self.tree_dock.hide()
        self._connect()

    def menu(self) -> QMenu:
        """The file menu."""
        menu = QMenu(self._window)
        menu.setToolTipsVisible(True)
        groups = (
            ("open", "open_folder", "recent", "example"),
            ("reload", "follow", "tree"),
            ("save_session",),
            ("export_view", "export_figure", "export_table", "copy_table"),
            ("quit",),
        )
        for i, group in enumerate(groups):
            if i:
                menu.addSeparator()
            for name in group:
                if name == "recent":
                    menu.addMenu(RecentMenu(self.recent, self.open, menu))
                else:
                    menu.addAction(self._actions[name])
        return menu

    def open(self, spec: str) -> None:
        """Open frames or a session file by name."""
        if is_session(spec):
            self.recent.add(spec)
            self.sessions.open(spec)
        else:
            self._session.open(spec)

    def take(self, paths: Sequence[str]) -> None:
        """Files of any kind: sessions and frames are opened; what may be a geometry goes to the file desk."""
        found = [path for path in paths if is_session(path)]
        rest = [path for path in paths if path not in found]
        if found:
            self.open(found[0])
        if rest and all(evident_frames(path) for path in rest):
            # What needs no look inside takes the same road as everything that is opened by name.
            self.open(RUN_SEPARATOR.join(rest))
        elif rest:
            self._controller.files.take(rest)

    def choose_files(self) -> list[str]:
        """Ask for files."""
        names, _ = QFileDialog.getOpenFileNames(
            self._window, "Open diffraction frames, several as one run", self._settings.last_folder
        )
        if names:
            self._settings.last_folder = str(Path(names[0]).parent)
        return names

    def choose_folder(self) -> None:
        """Ask for a folder whose files are one run."""
        name = QFileDialog.getExistingDirectory(
            self._window, "Open the frames of a folder as one run", self._settings.last_folder
        )
        if name:
            self._settings.last_folder = name
            self._session.open(name)

    def export_view(self, path: str) -> None:
        """Save the view with its marks as ``.png`` or ``.svg``."""
        target = Path(path)
        if target.suffix.lower() == ".svg":
            write = partial(write_bytes, target, svg_bytes(self._image.canvas, self._title()))
        else:
            target = target if target.suffix.lower() == ".png" else target.with_name(f"{target.name}.png")
            write = partial(write_png, png_image(self._image), target)
        self._saver.submit(SaveRequest(str(target), write))

    def export_figure(self, path: str) -> None:
        """Save the frame as ``.png`` for paper: light, without margins."""
        target = Path(path)
        target = target if target.suffix.lower() == ".png" else target.with_name(f"{target.name}.png")
        self._saver.submit(SaveRequest(str(target), partial(write_png, paper_image(self._image), target)))

    def export_table(self, path: str) -> None:
        """Save the table of centers as ``.csv`` or ``.json``."""
        target = Path(path)
        if target.suffix.lower() not in {".csv", ".json"}:
            target = target.with_name(f"{target.name}.csv")
        self._saver.submit(SaveRequest(str(target), partial(export_rows, self._rows(), target)))

    def export_run(self, path: str) -> None:
        """Save what a run has found, frame by frame, as ``.csv`` or ``.json``."""
        target = Path(path)
        if target.suffix.lower() not in {".csv", ".json"}:
            target = target.with_name(f"{target.name}.csv")
        rows = self._session.batch.records()
        self._saver.submit(SaveRequest(str(target), partial(export_rows, rows, target)))

    def choose_run_export(self) -> None:
        """Ask where to save what a run has found."""
        self._ask("Save the list of frames of the run", _TABLES, ".csv", self.export_run)

    def copy_table(self) -> None:
        """Copy the table of centers as text with tabs, as spreadsheets take it."""
        rows = self._rows()
        if rows:
            lines = ["\t".join(rows[0])]
            lines += [
                "\t".join("" if value is None else str(value) for value in row.values()) for row in rows
            ]
            QApplication.clipboard().setText("\n".join(lines))
            self._session.say(f"Copied {len(rows)} centers.")

    def _rows(self) -> list[dict[str, object]]:
        session = self._session
        frame, source = session.frame, session.source
        where = (
            {"file": frame.path, "dataset": frame.dataset, "frame": frame.index} if frame and source else {}
        )
        rows = center_rows(session.centers, session.reference, session.metadata)
        return [where | center_cells(row) for row in rows]

    def _connect(self) -> None:
        handlers: dict[str, Callable[[], object]] = {
            "open_folder": self.choose_folder,
            "export_view": lambda: self._ask(
                "Save the view with its marks", _PICTURES, ".png", self.export_view
            ),
            "export_figure": lambda: self._ask(
                "Save the frame for paper", _PAPER, ".png", self.export_figure
            ),
            "export_table": lambda: self._ask(
                "Save the table of centers", _TABLES, ".csv", self.export_table
            ),
            "copy_table": self.copy_table,
            "save_session": lambda: self._ask(
                "Save the session", _SESSIONS, SESSION_SUFFIX, self.sessions.save
            ),
        }
        for name, handler in handlers.items():
            self._actions[name].triggered.connect(lambda _checked, act=handler: act())
        self._actions["follow"].setIconText("Follow")
        self._actions["follow"].triggered.connect(self.follower.set_on)
        self.follower.changed.connect(self._on_follow)
        self._actions["tree"].triggered.connect(self._show_tree)
        self.tree_dock.visibilityChanged.connect(
            lambda _shown: self._actions["tree"].setChecked(not self.tree_dock.isHidden())
        )
        self._saver.saved.connect(self._saved)
        self._saver.failed.connect(self._session.notice)
        self._session.frame_changed.connect(self._refresh)
        self._refresh()

    def _on_follow(self) -> None:
        self._actions["follow"].setChecked(self.follower.on)
        self._controller.let_files_grow(self.follower.on)

    def _saved(self, path: str) -> None:
        self._session.say(f"Saved {Path(path).name}.")
        if is_session(path):
            self.recent.add(path)

    def _show_tree(self, on: bool) -> None:
        self.tree_dock.setVisible(on)
        if on:
            self.tree_dock.raise_()
            self.tree.filter.setFocus()

    def _ask(self, title: str, kinds: str, suffix: str, act: Callable[[str], object]) -> None:
        """Ask where to, and do it."""
        folder = Path(self._settings.last_folder or ".")
        name, chosen = QFileDialog.getSaveFileName(
            self._window, title, str(folder / f"{self._title()}{suffix}"), kinds
        )
        if name:
            self._settings.last_folder = str(Path(name).parent)
            if not Path(name).suffix and "*" in chosen:
                name += chosen[chosen.rindex("*") + 1 :].rstrip(")")
            act(name)

    def _title(self) -> str:
        """Name of what is shown, fit for a file."""
        source, frame = self._session.source, self._session.frame
        if source is None or frame is None:
            return "xgeom"
        stem = Path(file_of(paths_of(frame.path)[0] if frame.path else source.path)).name.split(".")[0]
        return f"{stem}-{frame.index}" if source.frames > 1 else stem

    def _refresh(self) -> None:
        for name in _NEED_A_FRAME:
            self._actions[name].setEnabled(self._session.frame is not None)
