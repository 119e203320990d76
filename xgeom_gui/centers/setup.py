"""Everything about doubting a center, put into the window: hand, loupe, strip, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from xgeom_core.estimate import Estimate
from xgeom_gui.centers.center_drag_tool import CenterHand
from xgeom_gui.centers.center_strip import CenterStrip
from xgeom_gui.centers.explanation import ExplanationPanel
from xgeom_gui.centers.loupe import Loupe
from xgeom_gui.centers.network_input import SightPanel
from xgeom_gui.centers.other_model import SecondModelDesk
from xgeom_gui.centers.other_model_panel import SecondModelPanel
from xgeom_gui.centers.panel import CentersPanel
from xgeom_gui.centers.variants import VariantsPanel
from xgeom_gui.centers.why import WhyPanel
from xgeom_gui.image.image_view import ImageView
from xgeom_gui.look.stacked_panels import ResultsDock
from xgeom_gui.services.sharpness import SharpnessThread
from xgeom_gui.state.centers import centers_of
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController
from xgeom_gui.state.user_centers import MANUAL


class CenterTools(QObject):
    """Builds the tools and connects their actions.

    Parameters
    ----------
    session : Session
    controller : SessionController
        Takes the threads into its care.
    image : ImageView
    panel : CentersPanel
    results : ResultsDock
        Gets the tab "Why?".
    actions : mapping of str to QAction
        Of the whole window.
    """

    def __init__(
        self,
        session: Session,
        controller: SessionController,
        image: ImageView,
        panel: CentersPanel,
        results: ResultsDock,
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(image)
        self._session, self._controller, self._actions = session, controller, actions
        self.hand = CenterHand(session, image)
        self.loupe = Loupe(session, image)
        thread = SharpnessThread(self)
        controller.adopt(thread)
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
        }
        for name, handler in handlers.items():
            actions[name].triggered.connect(lambda _checked, act=handler: act())
        actions["blink"].toggled.connect(self.loupe.set_shown)
        session.estimates_changed.connect(self._refresh)
        session.corrections.selected_changed.connect(self._refresh)
        session.history.indexChanged.connect(self._refresh)
        self._refresh()

    def _build_tabs(self, results: ResultsDock) -> None:
        session, controller = self._session, self._controller
        self.second_desk = SecondModelDesk(session, controller.predictor, self)
        self.explanation = ExplanationPanel(session, controller)
        self.variants = VariantsPanel(session)
        self.sight = SightPanel(session, controller.predictor)
        self.second = SecondModelPanel(session)
        why = WhyPanel(
            (
                ("What speaks for the answer", self.explanation),
                ("Background or Bragg?", self.variants),
                ("What the network sees", self.sight),
                ("Second model", self.second),
            )
        )
        results.add_tab("Why?", why, "What speaks for the answer, and what the network sees (W)")

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
            self._controller.predict_now()

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
