"""Background or Bragg? The same frame without its spots, without its background, or as a map of spots.

Each variant is a frame like any other, so everything that can be done with a frame can be done with
it: predicted again, it shows which of the two the answer comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import Frame
from xgeom_core.predict.noise_scale import in_counts
from xgeom_core.predict.spots.local_background import measure_background

Variant = Literal["measured", "background", "spots", "binary"]
VARIANTS: tuple[Variant, ...] = ("measured", "background", "spots", "binary")
VARIANT_NAMES: dict[Variant, str] = {
    "measured": "As measured",
    "background": "Background only",
    "spots": "Bragg spots only",
    "binary": "Spots as 0 and 1",
}

# A pixel belongs to a spot where it stands out of its surroundings by so many standard deviations.
_SPOT_SIGMA = 5.0
# Spots have feet below that threshold: the mask is grown by so many pixels.
_GROWN_PX = 2
_NOTHING = "Nothing stands out of this frame's background, so it is shown as measured."


@dataclass(frozen=True, eq=False)
class SpotMap:
    """Where the spots of a frame are.

    Parameters
    ----------
    tips : ndarray of bool, shape (slow, fast)
        Pixels that stand out of the background.
    whole : ndarray of bool, shape (slow, fast)
        The same with the feet of the spots.
    """

    tips: NDArray[np.bool_]
    whole: NDArray[np.bool_]


def spot_map(frame: Frame) -> SpotMap | None:
    """Find the pixels of spots; None where the frame has no background to stand out of."""
    counts = in_counts(frame)
    image = np.where(counts.valid, counts.data, np.float32(0.0))
    background = measure_background(image, frame.valid)
    if background is None:
        return None
    if background.binary:
        tips = frame.valid & (image > image[frame.valid].min())
        return SpotMap(tips, tips)
    tips = frame.valid & background.exceeds(image, _SPOT_SIGMA)
    whole = ndimage.binary_dilation(tips, np.ones((3, 3), dtype=bool), iterations=_GROWN_PX)
    return SpotMap(tips, whole & frame.valid)


def vary(frame: Frame, variant: Variant) -> Frame:
    """A frame changed so that it holds only a part of what was measured.

    Parameters
    ----------
    frame : Frame
    variant : str
        ``"measured"`` leaves it as it is. ``"background"`` masks the spots. ``"spots"`` keeps the
        counts of the spots and sets every other pixel to 0 counts. ``"binary"`` is 1 where a pixel
        stands out and 0 elsewhere.

    Returns
    -------
    Frame
        A new frame; the given one is left alone.
    """
    if variant == "measured":
        return frame
    found = spot_map(frame)
    if found is None or not found.tips.any():
        return replace(frame, warnings=(*frame.warnings, _NOTHING))
    if variant == "background":
        data = np.where(found.whole, np.float32(0.0), frame.data)
        return replace(frame, data=data, valid=frame.valid & ~found.whole)
    if variant == "spots":
        return replace(frame, data=np.where(found.whole, frame.data, np.float32(0.0)))
    return replace(frame, data=found.tips.astype(np.float32))
