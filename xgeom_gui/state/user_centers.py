"""What the user says of centers: moved by hand, accepted, or a place to start the fit from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate
from xgeom_gui.state.undo import History
from xgeom_gui.state.user_words import ACCEPTED, MANUAL, Correction, FrameId, Point, plain_words, words_of


class UserCenters(QObject):
    """Keeps what the user said of every frame, and which center is chosen on the one shown.

    Everything is changed by commands of the history; each takes the choice back with it.

    Signals
    -------
    changed
        What is said of the frame shown is something else, or another center is chosen.
    frame_wanted : int
        Something is taken back on a frame that is not shown: it should be.
    """

    changed = Signal()
    frame_wanted = Signal(int)

    def __init__(self, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._said: dict[FrameId, Correction] = {}
        self._shown: FrameId | None = None
        self._chosen = ""
        # What an undo chose on a frame that is on its way.
        self._chosen_there: tuple[FrameId, str] | None = None
        self._before_drag: tuple[FrameId, Correction, str] | None = None

    @property
    def current(self) -> Correction:
        """What is said of the frame shown."""
        return self.of(self._shown) if self._shown else Correction()

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """The user's centers of the frame shown: accepted, by hand."""
        said = self.current
        return tuple(one for one in (said.accepted, said.manual) if one is not None)

    @property
    def chosen(self) -> str:
        """Source of the center that the user chose on the frame shown; "" for the answer."""
        return self._chosen

    @property
    def dragging(self) -> bool:
        """Whether a center is in the user's hand."""
        return self._before_drag is not None

    @property
    def accepted(self) -> dict[FrameId, Estimate]:
        """Every center that was accepted, by frame."""
        return {frame: said.accepted for frame, said in self._said.items() if said.accepted is not None}

    def of(self, frame: FrameId) -> Correction:
        """What is said of a frame."""
        return self._said.get(frame, Correction())

    def show(self, frame: FrameId | None) -> None:
        """Another frame is shown: its answer is current again."""
        if frame == self._shown:
            return
        there, self._chosen_there = self._chosen_there, None
        self._chosen = there[1] if there is not None and there[0] == frame else ""
        self._shown, self._before_drag = frame, None

    def choose(self, source: str) -> None:
        """Choose the center of a source; "" for the answer."""
        if source != self._chosen:
            self._chosen = source
            self.changed.emit()

    def drag(self, origin: Estimate, center_px: Point) -> None:
        """A center is on its way: shown at once, undoable only when dropped.

        Parameters
        ----------
        origin : Estimate
            The center that was taken; it stays, and lends its tilt to the one by hand.
        center_px : tuple of float
            Native ``(x, y)``.
        """
        if self._shown is None:
            return
        if self._before_drag is None:
            self._before_drag = (self._shown, self.current, self._chosen)
        self._put(self._shown, replace(self.current, manual=by_hand(origin, center_px)), MANUAL)

    def drop(self) -> None:
        """The center that was dragged stays where it is."""
        if self._before_drag is None:
            return
        frame, before, chosen = self._before_drag
        self._before_drag = None
        after = self.of(frame)
        if after is not before:
            self._swap(frame, (before, chosen), (after, MANUAL), "move the center")

    def cancel_drag(self) -> None:
        """The center goes back to where it was taken."""
        if self._before_drag is not None:
            frame, before, chosen = self._before_drag
            self._before_drag = None
            self._put(frame, before, chosen)

    def nudge(self, origin: Estimate, step: Point) -> None:
        """Move a center by a step in native px; many steps are undone as one."""
        x, y = origin.center_px
        moved = by_hand(origin, (x + step[0], y + step[1]))
        self._change("nudge the center", MANUAL, f"nudge {self._shown}", manual=moved)

    def put(self, center_px: Point, tilt_deg: Point | None) -> None:
        """Put a center where the user says it is; None for a tilt that is not known."""
        self._change("put the center", MANUAL, manual=Estimate(MANUAL, center_px, tilt_deg))

    def accept(self, origin: Estimate) -> None:
        """Take a center for true; one moved by hand is then settled."""
        accepted = replace(
            origin,
            source=ACCEPTED,
            status="ok",
            reason="",
            convention=f"accepted from {origin.source}",
        )
        self._change("accept the center", "", manual=None, accepted=accepted)

    def start_from(self, center_px: Point | None) -> None:
        """Start the fit of this frame from a place; None for the network's center again."""
        self._change("fit from here", "", start_px=center_px)

    def reset(self) -> None:
        """Forget everything that was said of the frame shown."""
        if self._shown is not None and not self.current.empty:
            self._swap(self._shown, (self.current, self._chosen), (Correction(), ""), "reset the center")

    def state(self) -> list[dict[str, Any]]:
        """Everything that was said, as plain values for a session file."""
        return plain_words(self._said)

    def restore(self, state: Iterable[Mapping[str, Any]]) -> None:
        """Take over what `state` gave; entries that make no sense are left out."""
        self._said = words_of(state)
        # Its steps lead to what was said before.
        self._history.clear()
        self.changed.emit()

    def _change(self, text: str, chosen: str, merge: str = "", **fields: Any) -> None:
        if self._shown is not None:
            after = replace(self.current, **fields)
            self._swap(self._shown, (self.current, self._chosen), (after, chosen), text, merge)

    def _swap(
        self,
        frame: FrameId,
        before: tuple[Correction, str],
        after: tuple[Correction, str],
        text: str,
        merge: str = "",
    ) -> None:
        self._history.do(
            f"{text} (frame {frame.index})",
            partial(self._put, frame, *after),
            partial(self._put, frame, *before),
            merge,
        )

    def _put(self, frame: FrameId, said: Correction, chosen: str) -> None:
        if said.empty:
            self._said.pop(frame, None)
        else:
            self._said[frame] = said
        if frame == self._shown:
            self._chosen = chosen
            self.changed.emit()
        else:
            # Nothing is taken back unseen.
            self._chosen_there = frame, chosen
            self.frame_wanted.emit(frame.index)


def by_hand(origin: Estimate, center_px: Point) -> Estimate:
    """A center by hand, with the tilt of the one it was taken from."""
    return Estimate(MANUAL, (float(center_px[0]), float(center_px[1])), origin.tilt_deg)
