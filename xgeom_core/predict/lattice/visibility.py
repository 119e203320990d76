"""Which reflections are recorded, and how strong, tells where the true beam is.

Reflections fade with the length of the scattering vector, and the range over which a point may miss the
Ewald sphere and still be seen grows with it: both are counted from the direct beam. Where another of the
lattice's points is taken for the beam the same spots look lopsided. With hundreds of spots this tells
origins apart that lie a few px from each other, and needs no start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.algebra import lengths, median
from xgeom_core.predict.lattice.assign_indices import Observed, assign
from xgeom_core.predict.lattice.fit import Fit
from xgeom_core.predict.lattice.lopsided import lopsided
from xgeom_core.predict.lattice.model import Model, positions
from xgeom_core.predict.lattice.near_ewald_sphere import near_sphere
from xgeom_core.predict.lattice.residual_model import Spread, residuals
from xgeom_core.predict.spots.find import Spots

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

_LEAST_SPOTS = 12
SECTORS = 12
# Points that miss the sphere by up to this many times the usual might have been seen.
_THICKNESS = 3.5
# They are looked for as far from the middle of the spots as these are, and a little farther.
_EXTENT, _MARGIN = 0.98, 1.15
_EDGE_PX = 2.0


@dataclass(frozen=True, eq=False)
class Recorded:
    """The points of one lattice that might have been recorded, and those that were.

    Parameters
    ----------
    rays, missed : ndarray, shape (m, 3) and (m,)
        Lattice points near the sphere on live pixels, in 1/Å, and their distance from the sphere.
    seen : ndarray of bool, shape (m,)
        Whether there is a spot.
    spot_rays, spot_missed, level : ndarray, shape (n, 3), (n,) and (n,)
        The same for the spots of the lattice, and the logarithm of their counts.
    hkl, spot_hkl : ndarray of int, shape (m, 3) and (n, 3)
        Indices of the points and of the spots, from the model's origin.
    model : Model
        The lattice.
    spread : Spread
        How the spots scatter.
    rotations : ndarray of int, shape (g, 3, 3)
        Those that map the lattice on itself, or nearly; see `symmetry.Symmetry`.
    """

    rays: FloatArray
    missed: FloatArray
    seen: BoolArray
    spot_rays: FloatArray
    spot_missed: FloatArray
    level: FloatArray
    hkl: IntArray
    spot_hkl: IntArray
    model: Model
    spread: Spread
    rotations: IntArray

    @property
    def radius(self) -> float:
        """Of the Ewald sphere, 1/Å."""
        return self.model.radius

    def index_of(self, ray: FloatArray) -> IntArray:
        """Indices of the lattice point nearest to a ray, shape (3,)."""
        return np.asarray(np.round(self.model.indices(ray[None])[0]).astype(np.int64))

    def log_likelihoods(self, beams: FloatArray, most: int) -> FloatArray:
        """Logarithm of the likelihood if each ray were the beam, up to a constant, sector by sector.

        Parameters
        ----------
        beams : ndarray, shape (n, 3)
            In 1/Å.
        most : int
            So many points with a spot, and so many without, are looked at for all.

        Returns
        -------
        ndarray, shape (2, n, 12)
            What each sector of the detector adds to it: by which points were recorded, and by how strong.
        """
        origins = beams * (self.radius / lengths(beams))[:, None]
        middle = self.spot_rays.mean(axis=0)
        points = self._sample(most)
        some = np.arange(0, len(self.level), max(len(self.level) // most, 1))
        likely = lopsided(
            origins,
            self.rays[points],
            self.missed[points],
            self.seen[points],
            _sectors(self.rays[points] - middle),
            self.spot_rays[some],
            self.spot_missed[some],
            self.level[some],
            _sectors(self.spot_rays[some] - middle),
            SECTORS,
        )
        scale = [self.seen.sum() / max(self.seen[points].sum(), 1), len(self.level) / len(self.level[some])]
        return np.asarray(likely * np.array(scale)[:, None, None])

    def _sample(self, most: int) -> IntArray:
        """Numbers of so many points with and so many without a spot, at random."""
        shuffled = np.random.default_rng(0).permutation(len(self.seen))
        seen = self.seen[shuffled]
        return np.concatenate([shuffled[seen][:most], shuffled[~seen][:most]])


def recorded_points(fit: Fit, observed: Observed, spots: Spots, rotations: IntArray) -> Recorded | None:
    """Points of a lattice that were recorded, and that might have been.

    Parameters
    ----------
    fit : Fit
        The lattice, with a free origin.
    observed : Observed
        All spots.
    spots : Spots
        The same, with their counts.
    rotations : ndarray of int, shape (g, 3, 3)
        See `Recorded`.

    Returns
    -------
    Recorded or None
        None where too few spots belong to it.
    """
    model = fit.model
    found = assign(model, observed, fit.spread)
    polar = residuals(model.geometry, observed.xy, found.rest, found.miss, observed.sigma)
    used = (found.off < fit.tolerance) & fit.spread.holds(polar)
    if used.sum() < _LEAST_SPOTS:
        return None
    hkl = found.hkl[used]
    spot_rays = model.rays(hkl)
    # About the middle of the spots, not about the beam, which nobody knows yet.
    middle = spot_rays.mean(axis=0)
    reach = _MARGIN * float(np.quantile(lengths(spot_rays - middle), _EXTENT))
    missed = found.miss[used]
    thickness = _THICKNESS * 1.4826 * median(np.abs(missed))
    points = near_sphere(model, middle, reach, thickness)
    rays = model.rays(points)
    live = _live(positions(model.geometry, rays), rays, spots)
    points, rays = points[live], rays[live]
    if len(points) < _LEAST_SPOTS:
        return None
    seen = _contained(points, hkl)
    counts = spots.counts[used]
    return Recorded(
        rays,
        lengths(rays) - model.radius,
        seen,
        spot_rays,
        missed,
        np.log(np.maximum(counts, 1e-3)),
        np.round(points).astype(np.int64),
        np.round(hkl).astype(np.int64),
        model,
        fit.spread,
        rotations,
    )


def _sectors(away: FloatArray) -> IntArray:
    """Number of the sector of the detector in which each ray lies, seen from the middle of all."""
    turn = np.arctan2(away[:, 1], away[:, 0]) / (2.0 * np.pi) + 0.5
    return np.minimum((turn * SECTORS).astype(np.int64), SECTORS - 1)


def _live(xy: FloatArray, rays: FloatArray, spots: Spots) -> BoolArray:
    """Points on the detector, on pixels that count."""
    height, width = spots.shape
    inside = (rays[:, 2] > 0) & (xy > _EDGE_PX).all(axis=1)
    inside &= (xy[:, 0] < width - _EDGE_PX) & (xy[:, 1] < height - _EDGE_PX)
    if spots.known is not None:
        column, row = xy[inside].astype(np.int64).T
        inside[inside] = spots.known[row, column]
    return np.asarray(inside)


def _contained(points: FloatArray, hkl: FloatArray) -> BoolArray:
    """Which points are among some indices."""
    low = np.minimum(points.min(axis=0), hkl.min(axis=0))
    size = np.maximum(points.max(axis=0), hkl.max(axis=0)) - low + 1
    weight = np.array([size[1] * size[2], size[2], 1.0])
    return np.isin(((points - low) @ weight).astype(np.int64), ((hkl - low) @ weight).astype(np.int64))
