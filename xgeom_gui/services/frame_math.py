"""Several frames as one: their sum, their largest counts or their mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from xgeom_core.frame import Frame

StackMode = Literal["sum", "max", "mean"]
STACK_MODES: tuple[StackMode, ...] = ("sum", "max", "mean")
STACK_NAMES: dict[StackMode, str] = {"sum": "Sum", "max": "Maximum", "mean": "Mean"}


@dataclass(frozen=True)
class Stack:
    """How many frames are shown as one, and how.

    Parameters
    ----------
    frames : int
        1 shows each frame as it is.
    mode : str
        One of `STACK_MODES`.
    """

    frames: int = 1
    mode: StackMode = "sum"


SINGLE = Stack()
"""Each frame by itself."""


class Superseded(Exception):  # noqa: N818 (it is no error)
    """The result is not wanted any more."""


def stacked(
    read: Callable[[int], Frame],
    index: int,
    available: int,
    stack: Stack,
    superseded: Callable[[], bool] = lambda: False,
) -> Frame:
    """The frame at an index, or several from there on as one.

    Parameters
    ----------
    read : callable
        Gives the frame of a number.
    index : int
        Number of the first frame.
    available : int
        Number of frames in the file; fewer are combined at its end.
    stack : Stack
    superseded : callable
        Whether to give up, asked between frames.

    Returns
    -------
    Frame
        A pixel is valid where it is so in every frame, and saturated where it is so in any.

    Raises
    ------
    Superseded
        If given up.
    """
    first = read(index)
    last = min(index + stack.frames, available)
    if last - index <= 1:
        return first
    data = first.data.copy()
    valid, saturated = first.valid.copy(), first.saturated.copy()
    for number in range(index + 1, last):
        if superseded():
            raise Superseded
        frame = read(number)
        if stack.mode == "max":
            np.maximum(data, frame.data, out=data)
        else:
            data += frame.data
        valid &= frame.valid
        saturated |= frame.saturated
    if stack.mode == "mean":
        data /= np.float32(last - index)
    data[~valid] = 0
    return replace(first, data=data, valid=valid, saturated=saturated)
