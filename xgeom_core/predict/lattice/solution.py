"""What indexing answers: lattices, the geometry they demand, and its rivals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from xgeom_core.predict.lattice.diagnostics import LatticeDiagnostics
    from xgeom_core.predict.lattice.indexer import LatticeFit

FloatArray = NDArray[np.float64]
Cell = tuple[float, float, float, float, float, float]


def spots_in_words(indexed: int, tried: int, found: int) -> str:
    """How many spots are indexed, of how many that took part, of how many found."""
    if 0 < tried < found:
        return f"{indexed} of the {tried} strongest of {found} spots"
    return f"{indexed} of {found} spots"


class OffsetEvidence(NamedTuple):
    """What the spots say of an offset of the indices: logarithms of likelihoods, up to a constant.

    Parameters
    ----------
    closeness : float
        How close to the Ewald sphere the point taken for the beam is.
    other_lattices : float
        How close to it the further lattices of the frame have a point.
    visibility : float
        Which points near the sphere were recorded.
    falloff : float
        How intensities fall off with resolution.
    equivalents : float
        How alike equivalent reflections are.
    """

    closeness: float
    other_lattices: float
    visibility: float
    falloff: float
    equivalents: float


@dataclass(frozen=True)
class HklOffset:
    """A lattice point that may be the direct beam.

    Parameters
    ----------
    hkl : tuple of int
        Its indices in the primitive cell of the first lattice, counted from an origin that all offsets of a
        solution share.
    center_px, tilt_deg : tuple of float
        Center ``(x, y)`` in native px and ``(pitch, yaw)`` in degrees that it means, before refinement.
    evidence : OffsetEvidence
        What speaks for it; nothing of where the beam was expected.
    """

    hkl: tuple[int, int, int]
    center_px: tuple[float, float]
    tilt_deg: tuple[float, float]
    evidence: OffsetEvidence

    @property
    def log_likelihood(self) -> float:
        """Sum of the evidence: 0 for the likeliest of all directions of the beam, else negative."""
        return float(sum(self.evidence))


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
    offsets : tuple of HklOffset
        All offsets of the indices that are possible, the likeliest first, with what the spots say of each;
        where the beam was expected plays no part.
    offset : HklOffset or None
        The one that this solution is refined at; see `refined_at` for others.
    diagnostics : LatticeDiagnostics or None
        Numbers by which right lattices differ from wrong ones; `solve_lattice` always states them.
    lattice_fit : LatticeFit or None
        What `refined_at` starts from.
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
    offsets: tuple[HklOffset, ...] = ()
    offset: HklOffset | None = None
    diagnostics: LatticeDiagnostics | None = None
    lattice_fit: LatticeFit | None = field(default=None, repr=False)
