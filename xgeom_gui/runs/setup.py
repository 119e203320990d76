"""The Run tab put into the window: the runner, the table of its answers, their actions."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from xgeom_core.frames import open_run
from xgeom_gui.look.stacked_panels import ResultsDock
from xgeom_gui.runs.batch_runner import BatchRunner
from xgeom_gui.runs.panel import RunPanel
from xgeom_gui.services.batch_reader import BatchReader
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController


class RunTools(QObject):
    """Builds the Run tab and connects its actions.

    Parameters
    ----------
    session : Session
    controller : SessionController
        Takes the runner into its care.
    results : ResultsDock
        Gets the tab "Run".
    actions : mapping of str to QAction
        Of the whole window.
    """

    def __init__(
        self,
        session: Session,
        controller: SessionController,
        results: ResultsDock,
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(results)
        self._results = results
        self.runner = BatchRunner(session, controller, BatchReader(open_run), controller.predictor)
        controller.adopt(self.runner)
        self.panel = RunPanel(session, self.runner)
        results.add_tab(
            "Run", self.panel, "Every frame of the file, in order of doubt (Ctrl+B)", scrolls=False
        )
        actions["run"].triggered.connect(lambda _checked: self._run())
        actions["next_doubtful"].triggered.connect(lambda _checked: self.panel.next_doubtful())

    def _run(self) -> None:
        """Open the run, ready for Return; if it is open already, begin."""
        if not self.panel.isVisible():
            self._results.bring("Run")
            self.panel.start_button.setFocus()
        elif self.panel.start_button.isEnabled():
            self.panel.start()
