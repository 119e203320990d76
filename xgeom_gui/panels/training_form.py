"""The form of a training run: a few fields in sight, the rest on demand."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from xgeom_core.errors import ConfigError
from xgeom_core.simulate.recipe import KINDS, load_recipe
from xgeom_core.training.config import Config
from xgeom_gui.panels.field_editors import FieldEditor, editable


def _section(name: str) -> type[BaseModel]:
    section = Config.model_fields[name].annotation
    assert isinstance(section, type) and issubclass(section, BaseModel)
    return section


_SECTIONS = {name: _section(name) for name in ("training", "model", "data", "validation")}
_IN_SIGHT = (
    ("training", "steps"),
    ("training", "batch"),
    ("training", "learning_rate"),
    ("model", "width"),
    ("model", "input_px"),
    ("validation", "every_steps"),
    ("data", "workers"),
    ("training", "threads"),
    ("training", "device"),
)
_TITLES = {
    ("model", "input_px"): "Network input, px",
    ("model", "width"): "Network width",
    ("validation", "every_steps"): "Steps between validations",
    ("validation", "frames"): "Validation frames",
    ("validation", "seed"): "Seed of validation",
    ("training", "threads"): "CPU threads (0: all)",
    ("training", "ema_decay"): "Averaging decay",
    ("training", "checkpoint_minutes"): "Minutes between checkpoints",
    ("training", "seed"): "Seed of the weights",
    ("data", "seed"): "Seed of the frames",
    ("data", "reuse"): "Uses of each frame",
    ("data", "vignette"): "Share of cut frames",
}
_COLUMNS = 3


class TrainingForm(QWidget):
    """Editors for a `Config`; limits and descriptions come from its schema."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kinds = {kind: self._kind_box(kind) for kind in KINDS}
        self.kinds["standard"].setChecked(True)
        self.editors = {
            (section, name): FieldEditor(model, name, _TITLES.get((section, name), ""))
            for section, model in _SECTIONS.items()
            for name in editable(model)
        }
        hidden = [key for key in self.editors if key not in _IN_SIGHT]
        self._more = _grid([self.editors[key] for key in hidden])
        self._more.hide()
        self.more_button = QToolButton()
        self.more_button.setText("More options")
        self.more_button.setCheckable(True)
        self.more_button.setToolTip("Show every option of a training run")
        self.more_button.toggled.connect(self._more.setVisible)
        kinds = QHBoxLayout()
        kinds.setSpacing(12)
        label = QLabel("Frames")
        label.setProperty("role", "soft")
        kinds.addWidget(label)
        for box in self.kinds.values():
            kinds.addWidget(box)
        kinds.addStretch(1)
        kinds.addWidget(self.more_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(kinds)
        layout.addWidget(_grid([self.editors[key] for key in _IN_SIGHT]))
        layout.addWidget(self._more)

    def set_values(self, **values: Any) -> None:
        """Fill fields in; names such as ``training__steps``."""
        for key, value in values.items():
            section, name = key.split("__")
            self.editors[section, name].set_value(value)

    def config(self, name: str) -> Config:
        """The configuration that the form describes.

        Raises
        ------
        ConfigError
            With a sentence that names the field, if an entry will not do.
        """
        kinds = [kind for kind, box in self.kinds.items() if box.isChecked()]
        if not kinds:
            raise ConfigError("Choose at least one kind of frames to train on.")
        values: dict[str, Any] = {section: {} for section in _SECTIONS}
        for (section, field), editor in self.editors.items():
            values[section][field] = editor.value()
        values["data"]["kinds"] = dict.fromkeys(kinds, 1.0)
        values["validation"]["kinds"] = kinds
        try:
            return Config.model_validate({"name": name, **values})
        except ValidationError as error:
            raise ConfigError(self._sentence(error)) from None

    def _sentence(self, error: ValidationError) -> str:
        first = error.errors()[0]
        what = str(first["msg"]).removeprefix("Value error, ")
        place = tuple(str(step) for step in first["loc"])
        editor = next((e for key, e in self.editors.items() if key == place[:2]), None)
        if not place:
            return f"The options do not go together: {what}."
        name = editor.title if editor else ".".join(place)
        return f"{name} = {first['input']!r} will not do: {what[:1].lower()}{what[1:]}."

    def _kind_box(self, kind: str) -> QCheckBox:
        box = QCheckBox(kind)
        box.setToolTip(load_recipe(kind).description or f"Simulated frames of the kind {kind!r}")
        return box


def _grid(editors: list[FieldEditor]) -> QWidget:
    """Editors under their titles, in columns."""
    widget = QWidget()
    grid = QGridLayout(widget)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(3)
    for i, editor in enumerate(editors):
        row, column = divmod(i, _COLUMNS)
        label = QLabel(editor.title)
        label.setProperty("role", "soft")
        label.setToolTip(editor.widget.toolTip())
        label.setBuddy(editor.widget)
        grid.addWidget(label, 2 * row, column)
        grid.addWidget(editor.widget, 2 * row + 1, column)
        grid.setColumnStretch(column, 1)
    return widget
