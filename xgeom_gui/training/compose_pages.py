"""The composer's pages that are forms: network, training and validation."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from xgeom_core.simulate.recipe import KINDS
from xgeom_gui.training.form import FormRows, Hint, MoreRows, button
from xgeom_gui.training.form_files import FileList
from xgeom_gui.training.form_values import fields
from xgeom_gui.training.form_words import kind_tip

_NETWORK = (
    *("model.architecture", "model.predicts", "model.width", "model.input_px", "model.supersampling"),
    *("model.activations", "model.first_activations", "model.uncertainty"),
    *("model.coordinates", "model.distance_input"),
)
_TRAINING = (
    *("training.steps", "training.batch", "training.optimizer", "training.momentum"),
    *("training.learning_rate", "training.schedule", "training.warmup_steps", "training.cooldown_steps"),
    *("training.loss", "training.weight_decay", "training.start_from"),
)
_VALIDATION = ("validation.frames", "validation.every_steps", "validation.patience", "validation.seed")


def _below(prefix: str, besides: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(path for path, _ in fields() if path.startswith(prefix) and path not in besides)


class FormPage(QWidget):
    """Rows in sight and rows on demand.

    Signals
    -------
    edited
    """

    edited = Signal()

    def __init__(
        self, rows: FormRows, more: tuple[MoreRows, ...] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.rows, self.more = rows, more
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(14)
        self.body.addWidget(rows)
        for part in more:
            self.body.addWidget(part)
            part.rows.edited.connect(self._on_edit)
        self.body.addStretch(1)
        rows.edited.connect(self._on_edit)

    def values(self) -> dict[str, Any]:
        """What the page says."""
        found = self.rows.values()
        for part in self.more:
            found |= part.rows.values()
        return found

    def set_values(self, values: dict[str, Any]) -> None:
        """Fill the page in."""
        self.rows.set_values(values)
        for part in self.more:
            part.rows.set_values(values)
        self.fit()

    def set_problems(self, problems: dict[str, str]) -> None:
        """Mark what will not do."""
        self.rows.set_problems(problems)
        for part in self.more:
            part.set_problems(problems)

    def fit(self) -> None:
        """Show what means something to the present choices."""

    def _on_edit(self) -> None:
        self.fit()
        self.edited.emit()


class NetworkPage(FormPage):
    """Architecture and target; the parts of an architecture appear with it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.polar = MoreRows("Second stage of 'polar'", FormRows(_below("model.polar.")))
        self.vit = MoreRows("Transformer", FormRows(_below("model.vit.")))
        super().__init__(FormRows(_NETWORK), (self.polar, self.vit), parent)
        self.fit()

    def fit(self) -> None:
        """Only the present architecture's parts."""
        architecture = self.rows.editors["model.architecture"].value()
        self.polar.setVisible(architecture == "polar")
        self.vit.setVisible(architecture == "vit")


class TrainingPage(FormPage):
    """How the network learns. The device is chosen on another page."""

    def __init__(self, parent: QWidget | None = None) -> None:
        rest = _below("training.", (*_TRAINING, "training.device"))
        super().__init__(FormRows(_TRAINING), (MoreRows("More options", FormRows(rest)),), parent)
        tip = "Begin with the weights of a model file, such as that of an earlier run"
        self.browse = button("Choose a model…", tip)
        self.browse.clicked.connect(self._choose)
        row = QHBoxLayout()
        row.addSpacing(160)
        row.addWidget(self.browse)
        row.addStretch(1)
        self.body.insertLayout(1, row)
        self.fit()

    def fit(self) -> None:
        """Only what the optimizer and the schedule heed."""
        self.rows.set_shown("training.momentum", self.rows.editors["training.optimizer"].value() == "sgd")
        trapezoid = self.rows.editors["training.schedule"].value() == "trapezoid"
        self.rows.set_shown("training.cooldown_steps", trapezoid)

    def _choose(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Model to begin with", "", "Models (*.safetensors)")
        if name:
            self.rows.editors["training.start_from"].set_value(name)


class ValidationPage(FormPage):
    """What the network is scored on while it learns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(FormRows(_VALIDATION), (), parent)
        self.hint = Hint("Each kind is scored by itself, beside the error of always guessing the middle.")
        self.kinds = {kind: QCheckBox(kind) for kind in KINDS}
        self._order: tuple[str, ...] = ()
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        for i, (kind, box) in enumerate(self.kinds.items()):
            box.setToolTip(kind_tip(kind))
            box.toggled.connect(self._on_edit)
            grid.addWidget(box, i // 4, i % 4)
        grid.setColumnStretch(4, 1)
        self.files = FileList(
            "Validation files", "Files that are scored besides, such as measured frames with a known center."
        )
        self.files.edited.connect(self._on_edit)
        title = QLabel("Simulated sets")
        title.setProperty("role", "title")
        choice = QWidget()
        grid.setContentsMargins(0, 0, 0, 0)
        choice.setLayout(grid)
        parts: tuple[QWidget, ...] = (title, self.hint, choice, self.files)
        for i, part in enumerate(parts):
            self.body.insertWidget(i, part)

    def values(self) -> dict[str, Any]:
        """What the page says."""
        # In the order of the settings filled in: the same sets in another order would be other settings.
        names = dict.fromkeys((*self._order, *self.kinds))
        chosen = [kind for kind in names if kind in self.kinds and self.kinds[kind].isChecked()]
        return {
            **super().values(),
            "validation.kinds": chosen,
            "validation.files": self.files.paths(),
        }

    def set_values(self, values: dict[str, Any]) -> None:
        """Fill the page in."""
        super().set_values(values)
        self._order = tuple(values.get("validation.kinds", ()))
        for kind, box in self.kinds.items():
            box.setChecked(kind in values.get("validation.kinds", ()))
        self.files.set_paths(values.get("validation.files", ()))

    def set_problems(self, problems: dict[str, str]) -> None:
        """Mark what will not do."""
        super().set_problems(problems)
        self.hint.set_problem(problems.get("validation.kinds", ""))
        self.files.hint.set_problem(problems.get("validation.files", ""))
