"""The best single center where several places remain possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.posterior.evidence import Opinion
from xgeom_core.predict.posterior.lattice_origins import Origin

FloatArray = NDArray[np.float64]

# How often a lattice that is doubted for its share or its symmetry alone, or for its origin alone, has the
# truth among its origins: in 56 of 57 simulated frames, counted cautiously. (Doubted for both: in 1 of 4.)
_LATTICE_RIGHT = 0.95

_ROUNDS, _STILL_PX = 60, 1e-3


@dataclass(frozen=True, eq=False)
class Place:
    """Where the center may be.

    Parameters
    ----------
    center_px : tuple of float
        Native ``(x, y)``.
    covariance : ndarray, shape (2, 2)
        About it, px².
    weight : float
        Its probability; weights need not sum to 1.
    """

    center_px: tuple[float, float]
    covariance: FloatArray
    weight: float


@dataclass(frozen=True, eq=False)
class Placed:
    """The center that is off by least on average.

    Parameters
    ----------
    center_px : tuple of float
        Native ``(x, y)``.
    covariance : ndarray, shape (2, 2)
        Mean square about it over all places, px².
    """

    center_px: tuple[float, float]
    covariance: FloatArray


def rough_place(places: Sequence[Place]) -> Placed:
    """Geometric median of some places: one with more than half of the weight is taken as it is.

    Parameters
    ----------
    places : sequence of Place
        At least one.
    """
    points = np.array([item.center_px for item in places], dtype=np.float64)
    weight = np.array([item.weight for item in places], dtype=np.float64)
    weight = weight / weight.sum()
    center = points[weight.argmax()] if weight.max() > 0.5 else _median(points, weight)
    off = points - center
    spread = np.einsum("n,ni,nj->ij", weight, off, off)
    inner = np.einsum("n,nij->ij", weight, np.array([item.covariance[:2, :2] for item in places]))
    return Placed((float(center[0]), float(center[1])), spread + inner)


def likeliest_place(
    origins: Sequence[Origin],
    lattice: Opinion,
    rough_px: tuple[float, float],
    rough: Opinion,
) -> Placed:
    """The best single center where any of a lattice's origins may be the beam, or none.

    Parameters
    ----------
    origins : sequence of Origin
    lattice : Opinion
        How well the center is known at any of them.
    rough_px : tuple of float
        Where the center is roughly if the lattice is wrong, native ``(x, y)``.
    rough : Opinion
        How well that is known.
    """
    own = lattice.covariance(2)
    places = [Place(item.center_px, own, _LATTICE_RIGHT * item.probability) for item in origins]
    return rough_place([*places, Place(rough_px, rough.covariance(2), 1.0 - _LATTICE_RIGHT)])


def _median(points: FloatArray, weight: FloatArray) -> FloatArray:
    """Weiszfeld's iteration, from the mean."""
    center = np.asarray(weight @ points)
    for _ in range(_ROUNDS):
        pull = weight / np.maximum(np.hypot(*(points - center).T), _STILL_PX)
        moved = np.asarray(pull @ points / pull.sum())
        if np.hypot(*(moved - center)) < _STILL_PX:
            return moved
        center = moved
    return center
