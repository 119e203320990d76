"""Whether a radial fit may be believed, in words."""

from __future__ import annotations

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.predict.radial_fit import RadialFit

# Evidence, which counts positions of features only, is judged more strictly than the error bar.
# Limits as shares of the longer side of the frame (a 2527-px frame: 3, 8 and 230 px), and degrees.
_EVIDENCE_SHARE = 0.0013
_SIGMA_SHARE = 0.003
_JUMP_SHARE = 0.09
_EVIDENCE_DEG = 0.35
_SIGMA_DEG = 0.7
_STEEPEST_DEG = 15.0
# Counts of photons scatter at least as Poisson says; whatever scatters far less is no count.
_LEAST_MISFIT = 0.1
# Water, air and the solid angle make every real background vary more than this over a detector. On a
# flatter one the fit follows faint spots, and its solid-angle factor pins a tilt of zero.
_LEAST_CONTRAST = 0.3
_LARGEST_MISFIT = 6.0


def why_not(fit: RadialFit | None, network: Estimate, side_px: int) -> str:
    """The reason why a fit is refused, or "" if it stands.

    Parameters
    ----------
    fit : RadialFit or None
        None where there was nothing to fit.
    network : Estimate
        The start of the fit.
    side_px : int
        Longer side of the frame in native px.
    """
    if fit is None:
        return "there are too few usable pixels or counts for a fit to the background"
    sigma = np.sqrt(np.diag(fit.covariance))
    moved = float(np.hypot(*np.subtract(fit.center_px, network.center_px)))
    if fit.misfit < _LEAST_MISFIT:
        return "there is no background to fit (the values do not scatter as photon counts do)"
    if fit.contrast < _LEAST_CONTRAST:
        return "the background is flat, so nothing in it points to the center"
    if fit.evidence_px > _EVIDENCE_SHARE * side_px:
        return "the background has too few features to pin the center"
    if not fit.converged:
        return "the fit to the background did not settle"
    if sigma[:2].max() > _SIGMA_SHARE * side_px:
        return f"the sides of the frame disagree by {sigma[:2].max():.0f} px about the center"
    if fit.misfit > _LARGEST_MISFIT:
        return "the background does not look like rings about a beam"
    if moved > max(_JUMP_SHARE * side_px, 5.0 * _longest(network)):
        return f"the fit ran {moved:.0f} px away from the network's center"
    return _why_not_tilt(fit, sigma)


def _why_not_tilt(fit: RadialFit, sigma: np.ndarray) -> str:
    if fit.tilt_deg is None:
        return ""
    if max(abs(angle) for angle in fit.tilt_deg) > _STEEPEST_DEG:
        return f"the fit claims a tilt beyond {_STEEPEST_DEG:.0f} degrees, which it cannot tell well"
    if fit.evidence_deg > _EVIDENCE_DEG or sigma[2:].max() > _SIGMA_DEG:
        return "the background does not tell a tilt from a shift"
    return ""


def _longest(estimate: Estimate) -> float:
    sigma = estimate.center_sigma_px
    return max(sigma) if sigma else 0.0
