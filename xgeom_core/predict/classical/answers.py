"""Turn what a classical method found into an Estimate, or into words."""

from __future__ import annotations

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray

# No classical method is better than this share of the longer side (a 2527-px frame: 0.25 px).
_FLOOR_SHARE = 1e-4
# An answer worse than this share of the longer side is no answer (50 px of 2527).
_WORST_SHARE = 0.02
# The center may lie off the panel, but not farther than this share of the side.
_OUTSIDE_SHARE = 0.75


def answer(
    name: str,
    frame: Frame,
    center_px: tuple[float, float],
    covariance: FloatArray,
    doubt: str = "",
    tilt_deg: tuple[float, float] | None = None,
) -> Estimate:
    """An estimate in native px; "uncertain" if there is a doubt or the error bar is too wide.

    Parameters
    ----------
    name : str
        The method.
    frame : Frame
    center_px : tuple of float
        Native ``(x, y)``.
    covariance : ndarray, shape (2, 2) or (4, 4)
        In px and degrees.
    doubt : str
        Why the answer may be worthless; "" if nothing speaks against it.
    tilt_deg : tuple of float, optional
    """
    side = max(frame.shape)
    if not (np.isfinite(center_px).all() and np.isfinite(covariance).all()):
        return nothing(name, frame, doubt or "The search ran away.")
    covariance = 0.5 * (covariance + covariance.T)
    covariance[0, 0] += (_FLOOR_SHARE * side) ** 2
    covariance[1, 1] += (_FLOOR_SHARE * side) ** 2
    height, width = frame.shape
    beyond = max(-center_px[0], center_px[0] - width, -center_px[1], center_px[1] - height)
    sigma = float(np.sqrt(np.diag(covariance)[:2].max()))
    if not doubt and beyond > _OUTSIDE_SHARE * side:
        doubt = "The center found lies far off the panel."
    if not doubt and sigma > _WORST_SHARE * side:
        doubt = f"Parts of the frame disagree by {sigma:.0f} px about the center."
    return Estimate(name, center_px, tilt_deg, covariance, "uncertain" if doubt else "ok", doubt)


def nothing(name: str, frame: Frame, reason: str) -> Estimate:
    """The middle of the frame with an error bar as wide as the frame: the method has nothing to say."""
    height, width = frame.shape
    # A uniform guess over the panel has this deviation.
    covariance = np.diag([width**2 / 12.0, height**2 / 12.0])
    return Estimate(name, (width / 2.0, height / 2.0), None, covariance, "uncertain", reason)


def scatter(points: FloatArray, around: FloatArray) -> FloatArray:
    """Covariance of one of several answers about the chosen one; shape (2, 2).

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Answers of variants of a method.
    around : ndarray, shape (2,)
        The answer that is given.
    """
    off = np.asarray(points, dtype=np.float64) - around
    return np.asarray(off.T @ off / max(len(off) - 1, 1))
