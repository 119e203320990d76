"""Editors for the fields of a pydantic section, made from its types, limits and descriptions."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox, QWidget

_LARGEST = 1_000_000_000


class FieldEditor:
    """One editor and how to read it.

    Parameters
    ----------
    section : type of BaseModel
        The section of the configuration.
    name : str
        The field; its type must be int, float or a Literal of texts.
    title : str
        What to call it where its name does not speak for itself.
    """

    def __init__(self, section: type[BaseModel], name: str, title: str = "") -> None:
        self.name = name
        info = section.model_fields[name]
        self.title = title or name.replace("_", " ").capitalize()
        self.widget = _make_widget(info)
        self.widget.setAccessibleName(self.title)
        self.widget.setToolTip(f"{info.description} {_limits_text(info)}".strip())

    def value(self) -> Any:
        """What stands in the editor; pydantic checks it."""
        if isinstance(self.widget, QComboBox):
            return self.widget.currentText()
        if isinstance(self.widget, QSpinBox):
            return self.widget.value()
        assert isinstance(self.widget, QLineEdit)
        return self.widget.text().strip().replace(",", ".")

    def set_value(self, value: Any) -> None:
        """Put a value into the editor."""
        if isinstance(self.widget, QComboBox):
            self.widget.setCurrentText(str(value))
        elif isinstance(self.widget, QSpinBox):
            self.widget.setValue(int(value))
        else:
            assert isinstance(self.widget, QLineEdit)
            self.widget.setText(f"{value:g}")


def editable(section: type[BaseModel]) -> list[str]:
    """Names of the fields that have an editor."""
    return [
        name
        for name, info in section.model_fields.items()
        if info.annotation in {int, float} or get_origin(info.annotation) is Literal
    ]


def _make_widget(info: FieldInfo) -> QWidget:
    if get_origin(info.annotation) is Literal:
        choice = QComboBox()
        choice.addItems([str(value) for value in get_args(info.annotation)])
        choice.setCurrentText(str(info.default))
        return choice
    if info.annotation is int:
        return _make_spin(info)
    # Rates and decays span decades: a text field takes 2e-3 where a spin box would round it away.
    return QLineEdit(f"{info.default:g}")


def _make_spin(info: FieldInfo) -> QSpinBox:
    spin = QSpinBox()
    spin.lineEdit().setTextMargins(5, 0, 0, 0)
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
    return spin


def _limits_text(info: FieldInfo) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "multiple_of": "a multiple of"}
    parts = [
        f"{text} {getattr(limit, name)}"
        for limit in info.metadata
        for name, text in words.items()
        if hasattr(limit, name)
    ]
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
