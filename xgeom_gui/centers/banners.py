"""What is out of the ordinary about an answer, and the way back: another model, only a part of the frame."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from xgeom_gui.centers.variants import CHOICES
from xgeom_gui.look.elided import ElidedLabel
from xgeom_gui.look.theme import set_role
from xgeom_gui.state.session import Session


class Banner(QWidget):
    """A line of words with one button; hidden while there is nothing to say.

    Parameters
    ----------
    words : callable
        What is out of the ordinary; "" for nothing.
    back : str
        The button's text.
    leave : callable
        Goes back to the ordinary.
    """

    def __init__(self, words: Callable[[], str], back: str, leave: Callable[[], object]) -> None:
        super().__init__()
        self._words = words
        self.name = ElidedLabel()
        set_role(self.name, "uncertain")
        self.back = QToolButton()
        self.back.setText(back)
        self.back.setProperty("role", "framed")
        self.back.clicked.connect(leave)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.name, 1)
        row.addWidget(self.back)
        self.refresh()

    def refresh(self) -> None:
        """Say what holds now."""
        words = self._words()
        self.name.setText(words)
        self.setVisible(bool(words))


def model_banner(session: Session) -> Banner:
    """Which model answers, if it is not the one that comes with xgeom."""

    def words() -> str:
        return "" if session.model.name == "default" else f"Model that answers: {session.model.title}"

    banner = Banner(words, "Back to the bundled model", lambda: session.use_model("default"))
    session.model_changed.connect(banner.refresh)
    return banner


def part_banner(session: Session) -> Banner:
    """Which part of the frame answers, if it is not the whole."""

    def words() -> str:
        name = next(text for variant, text, _ in CHOICES if variant == session.variant)
        return "" if session.variant == "measured" else f"Answer of a part: {name}"

    banner = Banner(words, "Back to the whole frame", lambda: session.set_variant("measured"))
    session.options_changed.connect(banner.refresh)
    return banner
