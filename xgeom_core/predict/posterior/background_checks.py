"""Why a radial fit is not to be believed, in words."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from xgeom_core.geometry import FloatArray

# Limits as shares of the longer side of the frame (a 2527-px frame: 3 and 8 px), and degrees.
_EVIDENCE_SHARE = 0.0013
_SIGMA_SHARE = 0.003
_EVIDENCE_DEG = 0.35
_SIGMA_DEG = 0.35
_STEEPEST_DEG = 15.0
# Counts of photons scatter at least as Poisson says; whatever scatters far less is no count.
_LEAST_MISFIT = 0.1
# Water, air and the solid angle make every real background vary more than this over a detector. On a
# flatter one the fit follows faint spots, and its solid-angle factor pins a tilt of zero.
_LEAST_CONTRAST = 0.3
# A detector that leans by more than this at a distance of its own side leans by far more at any usual one.
_LARGEST_LEAN_DEG = 3.0
# Relative error of a model that is no model of the frame.
_LARGEST_EXCESS = 0.15
_LARGEST_DROPPED = 0.4


class Judged(Protocol):
    """What is judged of a `xgeom_core.predict.background.radial_fit.RadialFit`."""

    @property
    def tilt_deg(self) -> tuple[float, float] | None: ...  # noqa: D102 - as in RadialFit
    @property
    def covariance(self) -> FloatArray: ...  # noqa: D102
    @property
    def misfit(self) -> float: ...  # noqa: D102
    @property
    def evidence_px(self) -> float: ...  # noqa: D102
    @property
    def evidence_deg(self) -> float: ...  # noqa: D102
    @property
    def contrast(self) -> float: ...  # noqa: D102
    @property
    def converged(self) -> bool: ...  # noqa: D102
    @property
    def sharp(self) -> bool: ...  # noqa: D102
    @property
    def lean_deg(self) -> float: ...  # noqa: D102
    @property
    def rings(self) -> int: ...  # noqa: D102
    @property
    def excess(self) -> float: ...  # noqa: D102
    @property
    def dropped(self) -> float: ...  # noqa: D102


def background_trouble(
    fit: Judged | None, side_px: float, start_tilt_deg: tuple[float, float] = (0.0, 0.0)
) -> str:
    """The reason why a fit's center is refused, or "" if it stands; for its tilt see `tilt_trouble`.

    Parameters
    ----------
    fit : RadialFit or None
        None where there was nothing to fit.
    side_px : float
        Longer side of the frame in native px.
    start_tilt_deg : tuple of float
        The tilt that the fit began with: that of a detector known to be swung.
    """
    if fit is None:
        return "there are too few usable pixels or counts for a fit to the background"
    sigma = np.sqrt(np.diag(fit.covariance))
    reasons = (
        (
            fit.misfit < _LEAST_MISFIT,
            "there is no background to fit (the values do not scatter as photon counts do)",
        ),
        (
            fit.contrast < _LEAST_CONTRAST and not fit.sharp,
            "the background is flat, so nothing in it points to the center",
        ),
        (
            fit.evidence_px > _EVIDENCE_SHARE * side_px,
            "the background has too few features to pin the center",
        ),
        (not fit.converged, "the fit to the background did not settle"),
        (
            sigma[:2].max() > _SIGMA_SHARE * side_px,
            f"the sides of the frame disagree by {sigma[:2].max():.0f} px about the center",
        ),
        (
            fit.lean_deg > _LARGEST_LEAN_DEG,
            "the rings are ellipses, as lenses or a strong tilt make them; with a distance and a pixel size "
            "the tilt can be tried",
        ),
        (
            fit.excess > _LARGEST_EXCESS and not fit.rings,
            "the background does not look like rings about a beam",
        ),
        (
            fit.dropped > _LARGEST_DROPPED and not fit.rings,
            f"{100 * fit.dropped:.0f}% of the background looks like shadows or patches",
        ),
    )
    for found, words in reasons:
        if found:
            return words
    tilt = fit.tilt_deg or start_tilt_deg
    if max(abs(a - b) for a, b in zip(tilt, start_tilt_deg, strict=True)) > _STEEPEST_DEG and not fit.sharp:
        return f"the fit claims a tilt beyond {_STEEPEST_DEG:.0f} degrees, which it cannot tell well"
    return ""


def tilt_trouble(fit: Judged) -> str:
    """The reason why a fit whose center stands does not know the tilt, or "" if it does."""
    if fit.tilt_deg is None:
        return ""
    sigma = np.sqrt(np.diag(fit.covariance))
    if fit.evidence_deg > _EVIDENCE_DEG or sigma[2:].max() > _SIGMA_DEG:
        return "the background does not tell a tilt from a shift"
    return ""
