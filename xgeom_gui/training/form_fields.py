"""One editor for each field of the configuration, made from its type, its limits and its description."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox, QWidget

from xgeom_gui.training.form_words import limits_text, shown, title_of, unit_of

_LARGEST = 1_000_000_000
EDITOR_WIDTH = 132


class _CalmWheel:
    """Editors in a page that scrolls: the wheel must not change a number that it passes over."""

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        event.ignore()


class _Spin(_CalmWheel, QSpinBox):
    """A whole number."""


class _Combo(_CalmWheel, QComboBox):
    """One of a few words."""


class FieldEditor(QObject):
    """An editor and how to read it.

    Parameters
    ----------
    path : str
        Dotted path of the field, such as ``"training.batch"``.
    info : FieldInfo
        The field; its type must be int, float, str or a Literal of texts.

    Signals
    -------
    edited
        Something else stands in the editor.
    """

    edited = Signal()

    def __init__(self, path: str, info: FieldInfo, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path, self.info = path, info
        self.title = title_of(path)
        self.help = " ".join(filter(None, (info.description or "", limits_text(info))))
        self.widget = _make_widget(path, info)
        self.widget.setAccessibleName(self.title)
        default = f" Default: {shown(info.default)}." if info.default != "" else ""
        unit = f" Unit: {unit_of(path)}." if unit_of(path) else ""
        self.widget.setToolTip(f"{self.help}{unit}{default}\n{path} in the configuration")
        _changed(self.widget).connect(lambda *_: self.edited.emit())

    def value(self) -> Any:
        """What stands in the editor; pydantic checks it."""
        match self.widget:
            case QCheckBox() as box:
                return "yes" if box.isChecked() else "no"
            case QComboBox() as combo:
                return combo.currentText()
            case QSpinBox() as spin:
                return spin.value()
            case QLineEdit() as line:
                text = line.text().strip()
                return text.replace(",", ".") if self.info.annotation is float else text
        raise TypeError(f"{self.path} has no editor")

    def set_value(self, value: Any) -> None:
        """Put a value into the editor."""
        match self.widget:
            case QCheckBox() as box:
                box.setChecked(value == "yes")
            case QComboBox() as combo:
                combo.setCurrentText(str(value))
            case QSpinBox() as spin:
                spin.setValue(int(value))
            case QLineEdit() as line:
                line.setText(shown(value))


def editable(info: FieldInfo) -> bool:
    """Whether a field has an editor of this kind."""
    return info.annotation in {int, float, str} or get_origin(info.annotation) is Literal


def _changed(widget: QWidget) -> Any:
    match widget:
        case QCheckBox():
            return widget.toggled
        case QComboBox():
            return widget.currentTextChanged
        case QSpinBox():
            return widget.valueChanged
        case QLineEdit():
            return widget.textChanged
    raise TypeError(type(widget).__name__)


def _make_widget(path: str, info: FieldInfo) -> QWidget:
    if get_origin(info.annotation) is Literal:
        words = [str(value) for value in get_args(info.annotation)]
        if set(words) == {"no", "yes"}:
            box = QCheckBox("Yes")
            box.setChecked(info.default == "yes")
            return box
        combo = _Combo()
        combo.addItems(words)
        combo.setCurrentText(str(info.default))
        combo.setFixedWidth(EDITOR_WIDTH)
        return combo
    if info.annotation is int:
        return _make_spin(path, info)
    # Rates and decays span decades: a text field takes 2e-3 where a spin box would round it away.
    line = QLineEdit(shown(info.default))
    line.setFixedWidth(EDITOR_WIDTH)
    return line


def _make_spin(path: str, info: FieldInfo) -> QSpinBox:
    spin = _Spin()
    low, high, step = 0, _LARGEST, 1
    for limit in info.metadata:
        match limit:
            case annotated_types.Ge(ge=bound):
                low = int(bound)  # type: ignore[call-overload]
            case annotated_types.Le(le=bound):
                high = int(bound)  # type: ignore[call-overload]
            case annotated_types.MultipleOf(multiple_of=bound):
                step = int(bound)  # type: ignore[call-overload]
            case _:
                pass
    spin.setRange(low, high)
    spin.setSingleStep(step)
    spin.setValue(int(info.default))
    if unit_of(path):
        spin.setSuffix(f" {unit_of(path)}")
    spin.setFixedWidth(EDITOR_WIDTH)
    return spin
