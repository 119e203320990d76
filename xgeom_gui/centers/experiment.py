"""Distance, pixel size and wavelength: shown, and typed in where the file is silent or wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from xgeom_core.metadata import Metadata
from xgeom_gui.state.experiment_store import ExperimentMemory
from xgeom_gui.state.session import Session

_FIELDS = (
    ("distance_mm", "Distance", "mm", "Sample to detector along the beam, mm"),
    ("pixel_mm", "Pixel", "mm", "Side of a pixel, mm; two numbers (fast × slow) where it is not square"),
    ("wavelength_A", "Wavelength", "Å", "Wavelength, Å"),
)


def parse_lengths(text: str) -> tuple[float, ...] | None:
    """One or two positive numbers, ``0.172`` or ``0.172 × 0.172``; None if it is anything else."""
    parts = text.replace("×", " ").replace("x", " ").replace(",", ".").split()
    try:
        values = tuple(float(part) for part in parts)
    except ValueError:
        return None
    return values if len(values) in {1, 2} and all(0 < value < 1e6 for value in values) else None


class ExperimentPanel(QWidget):
    """Three fields; each holds what is known, and takes another value.

    What was typed holds, all of it at once, with Enter or when the keyboard goes elsewhere; Escape gives
    back what was there. Emptying a field goes back to what the file says.

    Signals
    -------
    finished
        Enter or Escape was pressed: the keyboard is for the frame again.
    """

    finished = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.fields: dict[str, QLineEdit] = {}
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(6)
        for column, (name, title, unit, tip) in enumerate(_FIELDS):
            field = QLineEdit()
            field.setPlaceholderText("unknown")
            field.setAccessibleName(f"{title} in {unit}")
            field.setToolTip(f"{tip}. Enter applies it and predicts again; empty goes back to the file.")
            field.returnPressed.connect(self._enter)
            field.installEventFilter(self)
            label = QLabel(f"{title}, {unit}")
            label.setProperty("role", "soft")
            label.setBuddy(field)
            layout.addWidget(label, 0, column)
            layout.addWidget(field, 1, column)
            layout.setColumnStretch(column, 1)
            self.fields[name] = field
        session.metadata_changed.connect(self._refresh)
        self._refresh()

    def set_memory(self, memory: ExperimentMemory) -> None:
        """Say which values are remembered ones, with a way to forget them."""
        self.remembered = QLabel()
        self.remembered.setProperty("role", "soft")
        self.remembered.setWordWrap(True)
        self.forget = QToolButton()
        self.forget.setText("Forget")
        self.forget.setProperty("role", "framed")
        self.forget.setToolTip("Forget what was stated for this detector, and go back to what the file says")
        self.forget.setAccessibleName("Forget what is remembered for this detector")
        self.forget.clicked.connect(memory.forget)
        row = QHBoxLayout()
        row.setContentsMargins(0, 2, 0, 0)
        row.addWidget(self.remembered, 1)
        row.addWidget(self.forget)
        layout = self.layout()
        assert isinstance(layout, QGridLayout)
        layout.addLayout(row, 2, 0, 1, len(_FIELDS))

        def show() -> None:
            names = memory.remembered
            text = f"{' and '.join(names).capitalize()} remembered for {memory.detector}."
            self.remembered.setText(text)
            for widget in (self.remembered, self.forget):
                widget.setVisible(bool(names))

        memory.changed.connect(show)
        self._session.metadata_changed.connect(show)
        show()

    def _refresh(self) -> None:
        metadata = self._session.metadata
        shown = self._session.frame is not None
        for name, field in self.fields.items():
            field.setEnabled(shown)
            if not field.hasFocus() or not field.isModified():
                self._show(field, _text(metadata, name), missing=shown and getattr(metadata, name) is None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Notice Escape, and when the keyboard leaves the three fields."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() == QEvent.Type.KeyPress:
                for field in self.fields.values():
                    field.setModified(False)
                self._refresh()
                self.finished.emit()
            event.accept()
            return True
        if event.type() == QEvent.Type.FocusOut:
            # Where the keyboard went is known only afterwards.
            QTimer.singleShot(0, self, self._left)
        return super().eventFilter(watched, event)

    def _left(self) -> None:
        if not any(field.hasFocus() for field in self.fields.values()):
            self._apply()

    def _enter(self) -> None:
        if self._apply():
            self.finished.emit()

    def _apply(self) -> bool:
        """State everything that was typed; False if some of it makes no sense."""
        stated: dict[str, Any] = {}
        for name, field in self.fields.items():
            if not field.isModified():
                continue
            text = field.text().strip()
            lengths = parse_lengths(text) if text else ()
            if lengths is None or (name != "pixel_mm" and len(lengths) > 1):
                _mark(field, "invalid", True)
                self._session.notice(f"{field.accessibleName()} must be a positive number, not {text!r}.")
                return False
            value = (lengths[0], lengths[-1]) if name == "pixel_mm" and lengths else lengths[:1]
            stated[name] = (value if name == "pixel_mm" else value[0]) if lengths else None
        if stated:
            for name in stated:
                self.fields[name].setModified(False)
            self._session.set_experiment(replace(self._session.experiment, **stated))
            self._refresh()
        return True

    def _show(self, field: QLineEdit, text: str, missing: bool) -> None:
        if field.text() != text:
            field.setText(text)
            field.setCursorPosition(0)
        field.setModified(False)
        _mark(field, "invalid", False)
        _mark(field, "missing", missing)


def _text(metadata: Metadata, name: str) -> str:
    value = getattr(metadata, name)
    if value is None:
        return ""
    if isinstance(value, tuple):
        fast, slow = value
        return f"{fast:.6g}" if fast == slow else f"{fast:.6g} × {slow:.6g}"
    return f"{value:.6g}"


def _mark(field: QLineEdit, name: str, on: bool) -> None:
    """Set a property that the style sheet looks at."""
    if field.property(name) != on:
        field.setProperty(name, on)
        field.style().unpolish(field)
        field.style().polish(field)
