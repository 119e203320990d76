"""Compare with a second model: chosen from a file, marked in blue beside the orange one."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from xgeom_gui.state.formatting import center_text
from xgeom_gui.state.session import Session


class SecondModelPanel(QWidget):
    """Chooses the model; says how far the two are from the known center.

    Signals
    -------
    folder_chosen : str
        The file that was chosen, to be remembered for the next time.
    """

    folder_chosen = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("role", "soft")
        self.choose_button = QPushButton("Choose model…")
        self.choose_button.setToolTip("Compare with the network of another model (.safetensors)")
        self.end_button = QPushButton("End comparison")
        self.end_button.setToolTip("Show the answers of one model only")
        self.choose_button.clicked.connect(self.choose)
        self.end_button.clicked.connect(lambda: session.second.choose(""))
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.choose_button)
        row.addWidget(self.end_button)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.words)
        layout.addLayout(row)
        for signal in (session.prediction_changed, session.second.changed):
            signal.connect(self._refresh)
        self._refresh()

    def choose(self) -> None:
        """Ask for a model file."""
        name, _ = QFileDialog.getOpenFileName(
            self, "Compare with a second model", "", "Models (*.safetensors);;All files (*)"
        )
        if name:
            self.folder_chosen.emit(name)
            self._session.second.choose(name)

    def _refresh(self) -> None:
        session = self._session
        second = session.second
        self.end_button.setVisible(second.choice is not None)
        if second.choice is None:
            self.words.setText(
                "Two networks on one frame, as in the poster: the model in orange, a second one in blue, "
                "the known center in red."
            )
            return
        estimate = second.estimate(session.prediction_key)
        said = center_text(estimate) if estimate else "asked…"
        first = session.prediction.network if session.prediction else None
        lines = [f"{second.name} (blue): {said}"]
        if first is not None:
            lines.insert(0, f"{session.model.name} (orange): {center_text(first)}")
        self.words.setText("\n".join(lines))
