"""Everything about doubting a center, put into the window: hand, loupe, strip, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from xgeom_core.estimate import Estimate
from xgeom_core.frames import open_run
from xgeom_gui.batch_runner import BatchRunner
from xgeom_gui.centers import centers_of
from xgeom_gui.coordinator import Coordinator
from xgeom_gui.corrections import MANUAL
from xgeom_gui.panels.center_strip import CenterStrip
from xgeom_gui.panels.centers import CentersPanel
from xgeom_gui.panels.explanation import ExplanationPanel
from xgeom_gui.panels.results import ResultsDock
from xgeom_gui.panels.run import RunPanel
from xgeom_gui.panels.second_model import SecondModelPanel
from xgeom_gui.panels.sight import SightPanel
from xgeom_gui.panels.variants import VariantsPanel
from xgeom_gui.panels.why import WhyPanel
from xgeom_gui.second_desk import SecondModelDesk
from xgeom_gui.services.batch_reader import BatchReader
from xgeom_gui.services.sharpness import SharpnessThread
from xgeom_gui.session import Session
from xgeom_gui.views.center_hand import CenterHand
from xgeom_gui.views.image_view import ImageView
from xgeom_gui.views.loupe import Loupe


class CenterTools(QObject):
    """Builds the tools and connects their actions.

    Parameters
    ----------
    session : Session
    coordinator : Coordinator
        Takes the threads into its care.
    image : ImageView
    panel : CentersPanel
    results : ResultsDock
        Gets the tabs "Why?" and "Run".
    actions : mapping of str to QAction
        Of the whole window.
    """

    def __init__(
        self,
        session: Session,
        coordinator: Coordinator,
        image: ImageView,
        panel: CentersPanel,
        results: ResultsDock,
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(image)
        self._session, self._coordinator, self._actions = session, coordinator, actions
        self.hand = CenterHand(session, image)
        self.loupe = Loupe(session, image)
        thread = SharpnessThread(self)
        coordinator.adopt(thread)
        buttons = ("accept", "fit_here", "reset_center", "blink", "undo", "redo")
        self.strip = CenterStrip(session, thread, [actions[name] for name in buttons])
        panel.add_below_table(self.strip)
        panel.taken.connect(self.hand.hold)
        self._build_tabs(results)
        handlers: dict[str, Callable[[], object]] = {
            "undo": session.history.undo,
            "redo": session.history.redo,
            "accept": self.accept,
            "fit_here": self.fit_here,
            "reset_center": session.corrections.reset,
            "why": lambda: results.show_tab("Why?"),
            "run": lambda: results.show_tab("Run"),
            "next_doubtful": self.run.next_doubtful,
        }
        for name, handler in handlers.items():
            actions[name].triggered.connect(lambda _checked, act=handler: act())
        actions["blink"].toggled.connect(self.loupe.set_shown)
        session.estimates_changed.connect(self._refresh)
        session.corrections.selected_changed.connect(self._refresh)
        session.history.indexChanged.connect(self._refresh)
        self._refresh()

    def _build_tabs(self, results: ResultsDock) -> None:
        session, coordinator = self._session, self._coordinator
        reader = BatchReader(open_run)
        self.second_desk = SecondModelDesk(session, coordinator.predictor, self)
        self.runner = BatchRunner(session, coordinator, reader, coordinator.predictor)
        coordinator.adopt(self.runner)
        self.explanation = ExplanationPanel(session, coordinator)
        self.variants = VariantsPanel(session)
        self.sight = SightPanel(session, coordinator.predictor)
        self.second = SecondModelPanel(session)
        self.run = RunPanel(session, self.runner)
        why = WhyPanel(
            (
                ("What speaks for the answer", self.explanation),
                ("Background or Bragg?", self.variants),
                ("What the network sees", self.sight),
                ("Second model", self.second),
            )
        )
        results.add_tab("Why?", why, "What speaks for the answer, and what the network sees (W)")
        results.add_tab("Run", self.run, "Every frame of the file, in order of doubt (Ctrl+B)", scrolls=False)

    def accept(self) -> None:
        """Take the center in question for true."""
        center = self._in_question()
        if center is not None:
            self._session.corrections.accept(center)
            x, y = center.center_px
            self._session.say(f"Accepted ({x:.2f}, {y:.2f}) for frame {self._session.index}.")

    def fit_here(self) -> None:
        """Fit again from the center in question."""
        center = self._in_question()
        if center is not None:
            self._session.corrections.start_from(center.center_px)
            # Asked for by hand, it is answered also where automatic prediction is off.
            self._coordinator.predict_now()

    def _in_question(self) -> Estimate | None:
        """The selected center, else the user's own, else the answer, else any."""
        session = self._session
        known = {one.estimate.source: one.estimate for one in centers_of(session)}
        best = session.best.source if session.best else ""
        names = (session.corrections.selected, MANUAL, best)
        return next((known[name] for name in names if name in known), next(iter(known.values()), None))

    def _refresh(self) -> None:
        session, actions = self._session, self._actions
        any_center = session.frame is not None and self._in_question() is not None
        for name in ("accept", "fit_here", "blink"):
            actions[name].setEnabled(any_center)
        actions["reset_center"].setEnabled(not session.corrections.current.empty)
        for name, can, text in (
            ("undo", session.history.canUndo(), session.history.undoText()),
            ("redo", session.history.canRedo(), session.history.redoText()),
        ):
            actions[name].setEnabled(can)
            word = name.capitalize()
            actions[name].setToolTip(f"{word}: {text}" if can else f"Nothing to {name}")
