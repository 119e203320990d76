"""Scales of counts and the automatic contrast. Pure numpy."""

from __future__ import annotations

from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from xgeom_gui.services.picture import Histogram

Scale = Literal["linear", "sqrt", "log", "asinh"]
Levels = tuple[float, float]

SCALES = cast("tuple[Scale, ...]", get_args(Scale))
SCALE_NAMES: dict[Scale, str] = {
    "linear": "Linear",
    "sqrt": "Square root",
    "log": "Logarithmic",
    "asinh": "Asinh",
}

PERCENTILES: dict[Scale, Levels] = {
    "linear": (1.0, 99.7),
    "sqrt": (1.0, 99.9),
    "log": (1.0, 99.99),
    "asinh": (1.0, 99.95),
}
"""Percent of the pixels drawn at the ends of the color map unless the user wants others."""

_ASINH_KNEE = 0.05


def stretch(
    counts: NDArray[np.float64], levels: Levels, scale: Scale, unit: float = 1.0
) -> NDArray[np.float64]:
    """Place of counts in the color map, 0 to 1.

    Parameters
    ----------
    counts : ndarray
    levels : tuple of float
        Counts drawn with the first and the last color; the second is the larger.
    scale : str
        One of `SCALES`.
    unit : float
        Counts at which the logarithm begins to bend: ``log(1 + (counts - low) / unit)``.
    """
    low, high = levels
    place = np.clip((counts - low) / (high - low), 0.0, 1.0)
    if scale == "sqrt":
        return np.sqrt(place)
    if scale == "log":
        steps = (high - low) / unit
        return np.log1p(place * steps) / np.log1p(steps)
    if scale == "asinh":
        # Linear up to a twentieth of the range, logarithmic beyond.
        return np.arcsinh(place / _ASINH_KNEE) / np.arcsinh(1.0 / _ASINH_KNEE)
    return place


def automatic_levels(histogram: Histogram, percent: Levels) -> Levels:
    """Levels at two percentiles of the pixels that are neither masked nor saturated.

    Notes
    -----
    With few photons the upper percentile falls within the noise of counting, which would then be
    drawn as black as spots; but never beyond the brightest pixel, for frames of 0 and 1.
    """
    if histogram.counts.size == 0:
        return 0.0, 1.0
    low, middle, high = (histogram.percentile(p) for p in (percent[0], 50.0, percent[1]))
    noise_top = middle + 5.0 * np.sqrt(max(middle, 0.0)) + 4.0
    high = max(high, min(noise_top, float(histogram.counts[-1])))
    return (low, high) if high > low else (low, low + 1.0)


def resembles(mine: Levels, theirs: Levels, ratio: float = 1.6) -> bool:
    """Whether two contrasts are so close that changing between them would only flicker."""
    here, there = mine[1] - mine[0], theirs[1] - theirs[0]
    return there / ratio <= here <= there * ratio
