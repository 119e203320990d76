"""One history for everything that can be undone: Ctrl+Z takes back the last thing, whatever it was."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

_KEPT = 500
_numbers = count(1)
_ids: dict[str, int] = {}


class History(QUndoStack):
    """A `QUndoStack` that also takes plain functions; panels push commands of their own as well."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setUndoLimit(_KEPT)

    def do(
        self,
        text: str,
        forward: Callable[[], None],
        backward: Callable[[], None],
        merge: str = "",
    ) -> None:
        """Do something that can be taken back.

        Parameters
        ----------
        text : str
            What is done, as it follows the word "Undo": ``"move the center"``.
        forward, backward : callable
            Do it and take it back. Neither may depend on what is shown at that time.
        merge : str
            Commands with the same word that follow each other are taken back together: the many
            small steps of one move. "" for a step of its own.
        """
        self.push(_Step(text, forward, backward, merge))


class _Step(QUndoCommand):
    """One function forward and one back."""

    def __init__(
        self, text: str, forward: Callable[[], None], backward: Callable[[], None], merge: str
    ) -> None:
        super().__init__(text)
        self._forward, self._backward = forward, backward
        self._id = _ids.setdefault(merge, next(_numbers)) if merge else -1

    def id(self) -> int:
        """Commands of the same id may be merged; -1 never."""
        return self._id

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 (Qt's name)
        """Take over where the later one leads."""
        if not isinstance(other, _Step):
            return False
        self._forward = other._forward
        return True

    def redo(self) -> None:
        """Do it."""
        self._forward()

    def undo(self) -> None:
        """Take it back."""
        self._backward()
