"""The masks that the user paints, one for each detector; every change can be undone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from xgeom_gui.services.painted_mask import PaintedMask

BoolImage = NDArray[np.bool_]
Detector = tuple[str, tuple[int, int]]


class MaskDesk(QObject):
    """Keeps the masks and changes them by commands.

    Signals
    -------
    changed
        The mask of the detector shown is another one.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._masks: dict[Detector, PaintedMask] = {}
        self._detector: Detector | None = None
        self.undo_stack = QUndoStack(self)

    @property
    def current(self) -> PaintedMask | None:
        """The mask of the detector shown; None if nothing is masked."""
        return self._masks.get(self._detector) if self._detector else None

    @property
    def shape(self) -> tuple[int, int] | None:
        """Pixels ``(slow, fast)`` of the detector shown."""
        return self._detector[1] if self._detector else None

    @property
    def pixels(self) -> BoolImage | None:
        """A copy of the mask of the detector shown; None before a frame is shown."""
        if self._detector is None:
            return None
        current = self.current
        return current.pixels.copy() if current else np.zeros(self._detector[1], dtype=bool)

    def show_detector(self, name: str, shape: tuple[int, int]) -> None:
        """Frames of this detector are shown; its mask is remembered by name and size."""
        before = self.current
        self._detector = (name, shape)
        if self.current is not before:
            self.changed.emit()

    def paint(self, region: BoolImage, corner: tuple[int, int], masked: bool, text: str) -> None:
        """Mask or unmask pixels.

        Parameters
        ----------
        region : ndarray of bool
            The pixels to change, as a part of the image.
        corner : tuple of int
            First ``(row, column)`` of that part; it may reach beyond the image.
        masked : bool
            Whether they become masked or unmasked.
        text : str
            What was done, for undo.
        """
        pixels = self.pixels
        if pixels is None:
            return
        (height, width), (top, left) = pixels.shape, corner
        y0, x0 = max(top, 0), max(left, 0)
        y1, x1 = min(top + region.shape[0], height), min(left + region.shape[1], width)
        if y1 > y0 and x1 > x0:
            pixels[y0:y1, x0:x1][region[y0 - top : y1 - top, x0 - left : x1 - left]] = masked
            self.replace(pixels, text)

    def replace(self, pixels: BoolImage, text: str) -> None:
        """Put another mask in place of the present one.

        Raises
        ------
        ValueError
            If it is of another size than the frames shown.
        """
        before = self.pixels
        if self._detector is None or before is None:
            return
        if pixels.shape != before.shape:
            raise ValueError(f"a mask of shape {pixels.shape} does not fit frames of {before.shape}")
        changed = pixels != before
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        if rows.size == 0:
            return
        part = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
        command = _MaskCommand(self, self._detector, part, before[part].copy(), pixels[part].copy(), text)
        self.undo_stack.push(command)

    def clear(self) -> None:
        """Unmask everything."""
        if self.shape is not None:
            self.replace(np.zeros(self.shape, dtype=bool), "clear the mask")

    def put(self, detector: Detector, part: tuple[slice, slice], pixels: BoolImage) -> None:
        """Set a part of a detector's mask, without undo: commands and session files do it."""
        old = self._masks.get(detector)
        whole = old.pixels.copy() if old else np.zeros(detector[1], dtype=bool)
        whole[part] = pixels
        mask = PaintedMask(whole)
        if mask.empty:
            self._masks.pop(detector, None)
        else:
            self._masks[detector] = mask
        if detector == self._detector:
            self.changed.emit()


class _MaskCommand(QUndoCommand):
    """Changes a rectangle of a mask; keeps only what lay there before and after."""

    def __init__(
        self,
        desk: MaskDesk,
        detector: Detector,
        part: tuple[slice, slice],
        before: BoolImage,
        after: BoolImage,
        text: str,
    ) -> None:
        super().__init__(text)
        self._desk, self._detector, self._part = desk, detector, part
        self._before, self._after = before, after

    def redo(self) -> None:
        """Make the change."""
        self._desk.put(self._detector, self._part, self._after)

    def undo(self) -> None:
        """Take it back."""
        self._desk.put(self._detector, self._part, self._before)
