"""Which model answers, where that is not the one that comes with xgeom."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from xgeom_gui.look.elided import ElidedLabel
from xgeom_gui.look.theme import set_role
from xgeom_gui.state.session import Session


class ModelBanner(QWidget):
    """Says which model answers, if it is not the bundled one, and leads back to that."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.name = ElidedLabel()
        set_role(self.name, "uncertain")
        self.back = QToolButton()
        self.back.setText("Back to the bundled model")
        self.back.setProperty("role", "framed")
        self.back.setToolTip("Answer with the model that comes with xgeom")
        self.back.clicked.connect(lambda: session.use_model("default"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.name, 1)
        row.addWidget(self.back)
        session.model_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Name the model."""
        model = self._session.model
        self.name.setText(f"Model that answers: {model.title}")
        self.name.setToolTip(model.name)
        self.setVisible(model.name != "default")
