"""The composer's page on sweeps: many runs in which some settings vary."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from xgeom_core.errors import ConfigError
from xgeom_core.training.search_space import Choice, Space
from xgeom_gui.training.form import Hint, button, mark
from xgeom_gui.training.form_fields import EDITOR_WIDTH, editable
from xgeom_gui.training.form_values import fields
from xgeom_gui.training.form_words import title_of
from xgeom_gui.training.sweep_values import choice_of, runs_of, text_of

_ROWS = 6
_USUAL = ("training.learning_rate", "model.architecture", "model.activations", "training.optimizer")
_HELP = "Choices with commas, or a range: 0.001 to 0.1 log."
_TEXT_WIDTH = 280


class SweepPage(QWidget):
    """Settings that vary, and how many runs.

    Signals
    -------
    edited
    """

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: int = 1
        self.box = QCheckBox("Train many variants and rank them")
        self.box.setToolTip(
            "Start a sweep instead of one run: all combinations of lists, or values that Optuna proposes; "
            "the best come first"
        )
        self.rank_by = QComboBox()
        self.rank_by.addItems(["both", "center", "tilt"])
        self.trials, self.at_once = _spin(2, 10_000, 20), _spin(1, 64, 1)
        self.keys = [_key_choice(i) for i in range(_ROWS)]
        self.texts = [QLineEdit() for _ in range(_ROWS)]
        self.hints = [Hint() for _ in range(_ROWS)]
        self.add = button("Vary one more setting", "Let another setting of the configuration vary")
        self.add.clicked.connect(lambda: self._show_rows(self._shown + 1))
        self.hint = Hint()
        self._body = QWidget()
        self._lay_out()
        self.box.toggled.connect(self._toggle)
        self._toggle(False)

    def _lay_out(self) -> None:
        outer = QGridLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setVerticalSpacing(14)
        outer.addWidget(self.box, 0, 0)
        outer.addWidget(self._body, 1, 0)
        outer.setRowStretch(2, 1)
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(2, 1)
        for i in range(_ROWS):
            key, text, hint = self.keys[i], self.texts[i], self.hints[i]
            text.setAccessibleName(f"Values of setting {i + 1}")
            text.setToolTip(_HELP)
            text.setPlaceholderText("200, 300, 400")
            text.setFixedWidth(_TEXT_WIDTH)
            for column, widget in enumerate((key, text, hint)):
                grid.addWidget(widget, i, column)
            key.currentIndexChanged.connect(lambda _: self.edited.emit())
            text.textChanged.connect(lambda _: self.edited.emit())
        grid.addWidget(self.add, _ROWS, 0)
        tips = (
            ("Runs in all", self.trials, "Runs that are trained, one after another unless stated below"),
            ("Runs at a time", self.at_once, "Runs that share the device at a time"),
            ("Ranked by", self.rank_by, "Error over that of always guessing the middle"),
        )
        for i, (title, widget, tip) in enumerate(tips, start=_ROWS + 1):
            label = QLabel(title)
            label.setBuddy(widget)
            widget.setFixedWidth(EDITOR_WIDTH)
            widget.setAccessibleName(title)
            widget.setToolTip(tip)
            grid.addWidget(label, i, 0)
            grid.addWidget(widget, i, 1)
            grid.addWidget(self.hint if widget is self.trials else Hint(tip), i, 2)
        for spin in (self.trials, self.at_once):
            spin.valueChanged.connect(lambda _: self.edited.emit())
        self.rank_by.currentIndexChanged.connect(lambda _: self.edited.emit())
        self._show_rows(1)

    @property
    def on(self) -> bool:
        """Whether a sweep is wanted."""
        return self.box.isChecked()

    def space(self) -> Space | None:
        """What varies; None where that is unclear, and then the rows say why."""
        vary: dict[str, Choice] = {}
        fine = True
        for key, text, hint in self._rows():
            if not text.text().strip() and vary:
                continue
            path, sentence = str(key.currentData()), ""
            try:
                if path in vary:
                    raise ConfigError(f"{title_of(path)} varies already.")
                vary[path] = choice_of(text.text())
            except (ConfigError, ValueError) as error:
                sentence, fine = str(error), False
            hint.set_problem(sentence)
            mark(text, bool(sentence))
        most = runs_of(vary) if fine else None
        self.hint.set_help(
            f"Each of the {most} combinations is trained once, no more." if most else "Runs that are trained."
        )
        return Space.model_validate({"vary": vary, "rank_by": self.rank_by.currentText()}) if fine else None

    def set_space(self, space: Space | None, trials: int = 20) -> None:
        """Fill the page in; None for one run."""
        vary: Mapping[str, Choice] = space.vary if space is not None else {}
        self._show_rows(max(len(vary), 1))
        for text in self.texts:
            text.clear()
        for (path, choice), key, text in zip(vary.items(), self.keys, self.texts, strict=False):
            key.setCurrentIndex(key.findData(path))
            text.setText(text_of(choice))
        if space is not None:
            self.rank_by.setCurrentText(space.rank_by)
            self.trials.setValue(trials)
        self.box.setChecked(space is not None)
        self.edited.emit()

    def _rows(self) -> list[tuple[QComboBox, QLineEdit, Hint]]:
        return list(zip(self.keys, self.texts, self.hints, strict=True))[: self._shown]

    def _show_rows(self, count: int) -> None:
        self._shown = min(count, _ROWS)
        for i in range(_ROWS):
            for widget in (self.keys[i], self.texts[i], self.hints[i]):
                widget.setVisible(i < self._shown)
        self.hints[0].set_help(_HELP)
        self.add.setEnabled(self._shown < _ROWS)
        self.edited.emit()

    def _toggle(self, on: bool) -> None:
        self._body.setVisible(on)
        self.edited.emit()


def _key_choice(row: int) -> QComboBox:
    combo = QComboBox()
    for path, info in fields():
        if editable(info) and path not in {"name", "training.device"}:
            combo.addItem(title_of(path), path)
            combo.setItemData(combo.count() - 1, path, 3)  # Qt.ToolTipRole
    combo.setCurrentIndex(combo.findData(_USUAL[row % len(_USUAL)]))
    combo.setFixedWidth(180)
    combo.setAccessibleName(f"Setting {row + 1} that varies")
    combo.setToolTip("Which setting varies from run to run")
    return combo


def _spin(low: int, high: int, value: int) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setValue(value)
    return spin
