"""What indexing answers: lattices, the geometry they demand, and its rivals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Cell = tuple[float, float, float, float, float, float]


def spots_in_words(indexed: int, tried: int, found: int) -> str:
    """How many spots are indexed, of how many that took part, of how many found."""
    if 0 < tried < found:
        return f"{indexed} of the {tried} strongest of {found} spots"
    return f"{indexed} of {found} spots"


@dataclass(frozen=True, eq=False)
class Rival:
    """Another origin of the same lattice, which explains nearly as much.

    Parameters
    ----------
    center_px : tuple of float
        Center ``(x, y)`` it would mean, native px.
    tilt_deg : tuple of float
        ``(pitch, yaw)`` it would mean.
    share : float
        Share of the spots it explains; that of the chosen origin, since the lattice is the same.
    rms_px : float
        Residual of those.
    log_odds : float
        Logarithm of its odds against the chosen origin, prior included; negative.
    distance_px : float
        Distance from the chosen center.
    """

    center_px: tuple[float, float]
    tilt_deg: tuple[float, float]
    share: float
    rms_px: float
    log_odds: float
    distance_px: float


@dataclass(frozen=True, eq=False)
class FoundLattice:
    """One lattice of a frame.

    Parameters
    ----------
    cell : tuple of float
        Conventional cell ``(a, b, c, alpha, beta, gamma)`` in Å and degrees.
    bravais : str
        Bravais lattice that its metric shows: ``"aP"``, ``"mC"``, ``"tI"``, ...
    reciprocal : ndarray, shape (3, 3)
        Columns a*, b*, c* of the primitive cell, lab frame, 1/Å.
    indexed : ndarray of bool, shape (n,)
        Over the spots.
    hkl : ndarray of int, shape (n, 3)
        Indices in the primitive cell; 0 where not indexed.
    """

    cell: Cell
    bravais: str
    reciprocal: FloatArray
    indexed: NDArray[np.bool_]
    hkl: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LatticeSolution:
    """The geometry that the lattices of a frame demand.

    Parameters
    ----------
    center_px : tuple of float
        Beam center ``(x, y)`` in native px.
    tilt_deg : tuple of float or None
        ``(pitch, yaw)`` in degrees; None where it was not refined.
    covariance : ndarray, shape (4, 4) or (2, 2)
        Over ``(x, y, pitch, yaw)`` in px and degrees, systematic scatter included.
    cell, bravais, reciprocal
        Of the first lattice; see `FoundLattice`.
    indexed : ndarray of bool, shape (n,)
        Spots that any of the lattices explains.
    share : float
        Their share.
    rms_px : float
        Root mean square residual per coordinate of the indexed spots.
    lattices : tuple of FoundLattice
        All lattices found, the first one first.
    rivals : tuple of Rival
        Other origins within reach that cannot be excluded, likeliest first.
    predicted : ndarray, shape (n, 2)
        Predicted ``(x, y)`` of the indexed spots; NaN elsewhere.
    distance_mm : float
        Distance with which the spots agree best, within what a header's distance may be off.
    reason : str
        "" if the solution is to be trusted, else why not.
    notes : tuple of str
        What the user should know besides.
    tried : int
        How many spots, the strongest, took part; 0 for all. The others are not indexed whatever they are.
    """

    center_px: tuple[float, float]
    tilt_deg: tuple[float, float] | None
    covariance: FloatArray
    cell: Cell
    bravais: str
    reciprocal: FloatArray
    indexed: NDArray[np.bool_]
    share: float
    rms_px: float
    lattices: tuple[FoundLattice, ...]
    rivals: tuple[Rival, ...]
    predicted: FloatArray
    distance_mm: float
    reason: str = ""
    notes: tuple[str, ...] = field(default=())
    tried: int = 0
