"""Everything about doubting a center, put into the window: hand, loupe, strip, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMessageBox

from xgeom_gui.centers.center_drag_tool import CenterHand
from xgeom_gui.centers.explanation import ExplanationPanel
from xgeom_gui.centers.loupe import Loupe
from xgeom_gui.centers.network_input import SightPanel
from xgeom_gui.centers.next_step import Step
from xgeom_gui.centers.other_model import SecondModelDesk
from xgeom_gui.centers.other_model_panel import SecondModelPanel
from xgeom_gui.centers.panel import CentersPanel
from xgeom_gui.centers.ring_tool import RingTool
from xgeom_gui.centers.variants import VariantsPanel
from xgeom_gui.centers.why import WhyPanel
from xgeom_gui.image.image_view import ImageView
from xgeom_gui.look.stacked_panels import ResultsDock
from xgeom_gui.state.centers import NAMES, Center
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController


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
        self._image = image
        self.hand = CenterHand(session, image)
        self.loupe = Loupe(session, image)
        buttons = ("accept", "fit_here", "reset_center", "blink", "undo", "redo")
        panel.card.add_actions([actions[name] for name in buttons])
        panel.card.finished.connect(image.setFocus)
        panel.step_wanted.connect(self.do)
        session.source_changed.connect(image.setFocus)
        self.ring_tool = RingTool(session, image)
        self._place: tuple[float, float] | None = None
        session.cursor_changed.connect(self._remember_place)
        session.source_changed.connect(self._forget_place)
        panel.taken.connect(self.hand.hold)
        self._build_tabs(results)
        handlers: dict[str, Callable[[], object]] = {
            "undo": session.history.undo,
            "redo": session.history.redo,
            "accept": self.accept,
            "fit_here": self.fit_here,
            "center_here": self.center_here,
            "reset_center": session.user_centers.reset,
            "why": lambda: results.show_tab("Why?"),
        }
        for name, handler in handlers.items():
            actions[name].triggered.connect(lambda _checked, act=handler: act())
        actions["center_from_ring"].toggled.connect(self.ring_tool.set_on)
        self.ring_tool.ended.connect(lambda: actions["center_from_ring"].setChecked(False))
        actions["blink"].toggled.connect(self.loupe.set_shown)
        for signal in (session.current_center.changed, session.frame_changed):
            signal.connect(self._refresh)
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
                # First, so that the switches stay under the pointer when evidence arrives.
                ("Background or Bragg?", self.variants),
                ("What speaks for the answer", self.explanation),
                ("What the network sees", self.sight),
                ("Second model", self.second),
            )
        )
        results.add_tab("Why?", why, "What speaks for the answer, and what the network sees (W)")

    def accept(self) -> None:
        """Take the current center for true; ask first where a trusted one would be passed over."""
        center = self._session.current_center.center
        if center is None:
            return
        trusted = self._session.trusted
        if trusted is None or center.estimate.status == "ok":
            self._accept(center)
            return
        better = NAMES.get(trusted.source, trusted.source)
        text = f"{center.name} is uncertain, and {better} is trusted.\nAccept {center.name} all the same?"
        icon, cancel = QMessageBox.Icon.Question, QMessageBox.StandardButton.Cancel
        question = QMessageBox(icon, "Accept an uncertain center?", text, cancel, self._image)
        accept = question.addButton(f"Accept {center.name}", QMessageBox.ButtonRole.AcceptRole)
        question.setDefaultButton(cancel)
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        accept.clicked.connect(lambda: self._accept(center))
        question.open()

    def _accept(self, center: Center) -> None:
        self._session.user_centers.accept(center.estimate)
        x, y = center.estimate.center_px
        self._session.say(f"Accepted {center.name} ({x:.2f}, {y:.2f}).")

    def fit_here(self) -> None:
        """Fit again from the current center."""
        center = self._session.current_center.center
        if center is not None:
            self._session.user_centers.start_from(center.estimate.center_px)
            # Asked for by hand, it is answered also where automatic prediction is off.
            self._controller.predict_now()

    def center_here(self) -> None:
        """Put a center where the pointer is, or was when a menu was opened over it."""
        if self._place is not None and self._session.frame is not None:
            center = self._session.current_center.center
            self._session.user_centers.put(self._place, center.estimate.tilt_deg if center else None)

    def _remember_place(self) -> None:
        self._place = self._session.cursor or self._place

    def _forget_place(self) -> None:
        self._place = None

    def do(self, step: Step) -> None:
        """Do what a button of the card or of a warning offers."""
        session, argument = self._session, step.argument
        if step.kind == "experiment":
            session.set_experiment(argument)
        elif step.kind == "read_as":
            session.external.read_as(*argument)
        elif step.kind == "choose":
            session.current_center.choose(argument)
            if not session.rings.any:
                session.rings.choose(resolution=True)
        else:
            self._actions[step.kind].trigger()
        self._image.setFocus()

    def _refresh(self) -> None:
        session, actions = self._session, self._actions
        name = session.current_center.name
        for one in ("center_here", "center_from_ring"):
            actions[one].setEnabled(session.frame is not None)
        for one in ("accept", "fit_here", "blink", "copy_dials"):
            actions[one].setEnabled(bool(name))
        actions["accept"].setText(f"Accept {name}".strip())
        actions["fit_here"].setToolTip(f"Fit again, starting from {name or 'a center'} (F)")
        actions["reset_center"].setEnabled(not session.user_centers.current.empty)
        for step, can, text in (
            ("undo", session.history.canUndo(), session.history.undoText()),
            ("redo", session.history.canRedo(), session.history.redoText()),
        ):
            actions[step].setEnabled(can)
            actions[step].setToolTip(f"{step.capitalize()}: {text}" if can else f"Nothing to {step}")
