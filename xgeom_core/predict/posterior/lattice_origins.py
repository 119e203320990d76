"""Which of a lattice's points is the direct beam, in the light of the background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.posterior.evidence import LatticeEvidence, Opinion, opinion

# Systematic errors that a lattice does not see of itself, in native px and degrees.
LATTICE_FLOOR = (0.01, 0.004)
# The most that the background adds to the log odds of one origin against another.
_MOST_SAY = 6.0


@dataclass(frozen=True)
class Origin:
    """A lattice point that may be the direct beam, and its probability among all listed.

    Parameters
    ----------
    center_px : tuple of float
    tilt_deg : tuple of float or None
    probability : float
    """

    center_px: tuple[float, float]
    tilt_deg: tuple[float, float] | None
    probability: float


def judge_origins(lattice: LatticeEvidence, background: Opinion | None) -> tuple[Origin, ...]:
    """Probabilities of a lattice's origins in the light of the background, likeliest first.

    Notes
    -----
    The background's error is taken as Student's t with four degrees of freedom: shadows err by more
    than a Gaussian of its error bar would allow, and must not settle the matter alone.
    """
    candidates = [(lattice.center_px, lattice.tilt_deg, 0.0)]
    candidates += [(rival.center_px, rival.tilt_deg, float(rival.log_odds)) for rival in lattice.rivals]
    scores = np.array([score for _, _, score in candidates])
    own = opinion("lattice", lattice, *LATTICE_FLOOR)
    if background is not None and own is not None:
        spread = background.covariance(2) + own.covariance(2)
        off = np.array([center for center, _, _ in candidates]) - background.mean[:2]
        distance = np.einsum("ni,ij,nj->n", off, np.linalg.inv(spread), off)
        against = 3.0 * np.log1p(distance / 4.0)
        scores = scores - np.minimum(against - against.min(), _MOST_SAY)
    chance = np.exp(scores - scores.max())
    chance = chance / chance.sum()
    listed = [Origin(center, tilt, float(p)) for (center, tilt, _), p in zip(candidates, chance, strict=True)]
    return tuple(sorted(listed, key=lambda item: -item.probability))


def at_origin(lattice: LatticeEvidence, origin: Origin) -> Opinion | None:
    """The lattice's Gaussian about the chosen origin."""
    own = opinion("lattice", lattice, *LATTICE_FLOOR)
    if own is None:
        return None
    tilt = origin.tilt_deg if own.knows_tilt and origin.tilt_deg is not None else tuple(own.mean[2:])
    return Opinion("lattice", np.array([*origin.center_px, *tilt]), own.information)


def spacing_px(reciprocal: FloatArray, px_per_inverse_A: float) -> float:
    """Distance on the detector of the nearest lattice point near the Ewald sphere from the origin.

    Only points whose height above the sphere could pass unnoticed (0.004 per Å) count.
    """
    grid = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    points = grid[(grid != 0).any(axis=1)] @ np.asarray(reciprocal).T
    near = np.abs(points[:, 2]) < 0.004
    length = np.hypot(points[near, 0], points[near, 1]) if near.any() else np.linalg.norm(points, axis=1)
    return float(length.min() * px_per_inverse_A)
