"""A form made from the schema of the configuration: title, editor, what it means; problems at the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.look.theme import FAILED, SOFT_INK, THEME, Role
from xgeom_gui.training.form_fields import FieldEditor, editable
from xgeom_gui.training.form_values import fields

_TITLE_WIDTH = 148
_FIELDS = {path: info for path, info in fields() if editable(info)}


class Hint(QLabel):
    """A line of help that turns into a sentence on what is wrong."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._help, self._problem = text, ""
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        THEME.changed.connect(self._show)
        self._show()

    @property
    def problem(self) -> str:
        """What is wrong; "" when nothing is."""
        return self._problem

    def set_problem(self, text: str) -> None:
        """Say what is wrong in place of the help, or with "" the help again."""
        self._problem = text
        self._show()

    def set_help(self, text: str) -> None:
        """Another line of help."""
        self._help = text
        self._show()

    def _show(self) -> None:
        role: Role = FAILED if self._problem else SOFT_INK
        self.setText(self._problem or self._help)
        self.setStyleSheet(f"color: {role};")


class FormRows(QWidget):
    """Rows of fields under one another.

    Parameters
    ----------
    paths : sequence of str
        Fields with editors, such as ``"training.batch"``, in order.
    titles : dict of str to str
        Other titles than the usual ones.

    Signals
    -------
    edited
        Some field holds something else.
    """

    edited = Signal()

    def __init__(
        self, paths: Sequence[str], titles: dict[str, str] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.editors: dict[str, FieldEditor] = {}
        self.hints: dict[str, Hint] = {}
        self._labels: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(7)
        grid.setColumnMinimumWidth(0, _TITLE_WIDTH)
        grid.setColumnStretch(2, 1)
        for row, path in enumerate(paths):
            editor = FieldEditor(path, _FIELDS[path], self)
            editor.title = (titles or {}).get(path, editor.title)
            editor.edited.connect(self.edited)
            label, hint = QLabel(editor.title), Hint(editor.help)
            label.setBuddy(editor.widget)
            label.setToolTip(editor.widget.toolTip())
            for column, widget in enumerate((label, editor.widget, hint)):
                grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignVCenter)
            grid.setAlignment(hint, Qt.AlignmentFlag(0))
            self.editors[path], self.hints[path], self._labels[path] = editor, hint, label

    def values(self) -> dict[str, Any]:
        """What stands in the fields, by path."""
        return {path: editor.value() for path, editor in self.editors.items()}

    def set_values(self, values: dict[str, Any]) -> None:
        """Fill in those of the fields that are here."""
        for path, editor in self.editors.items():
            if path in values:
                editor.set_value(values[path])

    def set_problems(self, problems: dict[str, str]) -> None:
        """Mark the fields that will not do, and clear the others."""
        for path, hint in self.hints.items():
            text = problems.get(path, "")
            if text != hint.problem:
                hint.set_problem(text)
                mark(self.editors[path].widget, bool(text))

    def set_shown(self, path: str, shown: bool) -> None:
        """Show or hide a row that means nothing to the present choice."""
        for widget in (self._labels[path], self.editors[path].widget, self.hints[path]):
            widget.setVisible(shown)


class MoreRows(QWidget):
    """Rows that are seldom needed, behind a button.

    Parameters
    ----------
    title : str
        What is in there.
    rows : FormRows
    """

    def __init__(self, title: str, rows: FormRows, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = rows
        self.button = QToolButton()
        self.button.setText(title)
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setArrowType(Qt.ArrowType.RightArrow)
        self.button.setToolTip(f"Show or hide: {title.lower()}")
        self.button.toggled.connect(self._toggle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(7)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(rows)
        rows.hide()

    def set_problems(self, problems: dict[str, str]) -> None:
        """Mark fields; what is wrong is never hidden."""
        self.rows.set_problems(problems)
        if any(path in problems for path in self.rows.editors):
            self.button.setChecked(True)

    def _toggle(self, on: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self.rows.setVisible(on)


def button(text: str, tip: str) -> QPushButton:
    """A button that Enter does not press unless it has the focus."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setAccessibleName(text.rstrip("…"))
    made.setAutoDefault(False)
    return made


def mark(widget: QWidget, wrong: bool) -> None:
    """Give an editor the look of one whose entry will not do, or take it away."""
    widget.setProperty("invalid", wrong)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
