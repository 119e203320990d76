"""What indexing answers: lattices, and the geometry they demand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.assign_indices import Observed
from xgeom_core.predict.lattice.diagnostics import LatticeDiagnostics
from xgeom_core.predict.lattice.indexing import Indexed
from xgeom_core.predict.lattice.offset import HklOffset
from xgeom_core.predict.lattice.symmetry import Cell
from xgeom_core.predict.lattice.visibility import Recorded
from xgeom_core.predict.spots.find import Spots

FloatArray = NDArray[np.float64]

# How far off the tilt of a start is, as a scale of Student's t.
_TILT_DEG = 3.0
# No spot is worth more than a tenth of a pixel to a lattice fit.
_LEAST_SIGMA_PX = 0.05


def spots_in_words(indexed: int, tried: int, found: int) -> str:
    """How many spots are indexed, of how many that took part, of how many found."""
    if 0 < tried < found:
        return f"{indexed} of the {tried} strongest of {found} spots"
    return f"{indexed} of {found} spots"


@dataclass(frozen=True, eq=False)
class Task:
    """What is given; see `indexer.solve_lattice`."""

    spots: Spots
    start: Geometry
    sigma_px: float
    cell: Cell | None

    @property
    def observed(self) -> Observed:
        """Positions of all spots and their errors."""
        sigma = np.hypot(self.spots.sigma_px, _LEAST_SIGMA_PX)
        return Observed(np.stack([self.spots.x, self.spots.y], axis=1), sigma)

    def log_prior(self, offset: HklOffset) -> float:
        """Logarithm of what the start makes an offset's probability, up to a constant.

        Notes
        -----
        Rough starts err by more than Gaussians of their error bars would: Student's t.
        """
        away2 = float(np.sum(np.subtract(offset.center_px, self.start.center_px) ** 2))
        turned2 = (offset.tilt_deg[0] - self.start.pitch_deg) ** 2
        turned2 += (offset.tilt_deg[1] - self.start.yaw_deg) ** 2
        terms = np.log1p(away2 / (4.0 * self.sigma_px**2)) + np.log1p(turned2 / (4.0 * _TILT_DEG**2))
        return -3.0 * float(terms)


@dataclass(frozen=True, eq=False)
class LatticeFit:
    """Lattices with a free origin and the offsets possible: what a fit at any of these starts from."""

    task: Task
    lattices: list[Indexed]
    offsets: tuple[HklOffset, ...]
    recorded: list[Recorded | None]


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
    axes : ndarray, shape (3, 3)
        Conventional axes as rows of primitive coordinates: ``hkl @ axes.T`` are conventional indices.
    """

    cell: Cell
    bravais: str
    reciprocal: FloatArray
    indexed: NDArray[np.bool_]
    hkl: NDArray[np.int64]
    axes: FloatArray = field(default_factory=lambda: np.eye(3))


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
    predicted : ndarray, shape (n, 2)
        Predicted ``(x, y)`` of the indexed spots; NaN elsewhere.
    distance_mm : float
        Distance with which the spots agree best, within what a header's distance may be off.
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
    other_cell : bool
        Whether a cell was given and the first lattice has another one.
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
    predicted: FloatArray
    distance_mm: float
    notes: tuple[str, ...] = field(default=())
    tried: int = 0
    offsets: tuple[HklOffset, ...] = ()
    offset: HklOffset | None = None
    diagnostics: LatticeDiagnostics | None = None
    other_cell: bool = False
    lattice_fit: LatticeFit | None = field(default=None, repr=False)
