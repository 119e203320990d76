"""What the window tells the user: what goes on, what was done, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True)
class Notice:
    """A sentence for the message bar."""

    text: str
    kind: Literal["error", "info"] = "error"


class Announcer(QObject):
    """Carries words to whoever shows them.

    Signals
    -------
    activity_changed
        What is going on off-thread, in words; "" when all is settled.
    noticed : Notice
        Something to tell the user.
    said : str
        Something that was done, to be mentioned in passing.
    """

    activity_changed = Signal()
    noticed = Signal(object)
    said = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._activities: dict[str, str] = {}

    @property
    def activity(self) -> str:
        """What is going on off-thread, in words; "" when all is settled."""
        return next(iter(self._activities.values()), "")

    def notice(self, text: str, kind: Literal["error", "info"] = "error") -> None:
        """Tell the user a sentence."""
        self.noticed.emit(Notice(text, kind))

    def say(self, text: str) -> None:
        """Mention something that was done."""
        self.said.emit(text)

    def set_activity(self, text: str, kind: Literal["frame", "files"] = "frame") -> None:
        """Something else goes on off-thread; "" when nothing of its kind does."""
        if text == self._activities.get(kind, ""):
            return
        if text:
            self._activities[kind] = text
        else:
            del self._activities[kind]
        self.activity_changed.emit()
