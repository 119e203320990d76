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

from xgeom_core.predict.lattice.algebra import lengths, median, solved
from xgeom_core.predict.lattice.assign_indices import Observed, assign
from xgeom_core.predict.lattice.fit import Fit
from xgeom_core.predict.lattice.logistic import fit_logistic
from xgeom_core.predict.lattice.model import Model, positions
from xgeom_core.predict.lattice.near_ewald_sphere import near_sphere
from xgeom_core.predict.lattice.residual_model import Spread, residuals
from xgeom_core.predict.spots.find import Spots

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

# Shadows, absorption and an anisotropic crystal are lopsided too: count the evidence for less, up to a limit.
_WORTH = 0.7
_LIMIT = 25.0
_AGREED = 2.0
_LEAST_SPOTS = 40
_SECTORS = 12
# Points that miss the sphere by up to this many times the usual might have been seen.
_THICKNESS = 3.5
_EXTENT = 0.98
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

    def log_likelihoods(self, beams: FloatArray) -> FloatArray:
        """Logarithm of the likelihood if each ray were the beam, up to a constant, sector by sector.

        Parameters
        ----------
        beams : ndarray, shape (n, 3)
            In 1/Å.

        Returns
        -------
        ndarray, shape (n, 12)
            What the points in each sector of the detector add to it.
        """
        sectors, spot_sectors = _sectors(self.rays), _sectors(self.spot_rays)
        likely = np.empty((len(beams), _SECTORS))
        weights: FloatArray | None = None
        for number, beam in enumerate(beams):
            origin = beam * (self.radius / np.linalg.norm(beam))
            away2, spot_away2 = _squares(self.rays - origin), _squares(self.spot_rays - origin)
            scale2 = median(spot_away2)
            points = self._features(away2, self.missed, scale2)
            score, weights = fit_logistic(points, self.seen, start=weights)
            seen = self.seen * score - np.logaddexp(0.0, score)
            strength = _strength_likelihood(self._features(spot_away2, self.spot_missed, scale2), self.level)
            likely[number] = np.bincount(sectors, seen, _SECTORS)
            likely[number] += np.bincount(spot_sectors, strength, _SECTORS)
        return likely

    def _features(self, length2: FloatArray, missed: FloatArray, scale2: float) -> FloatArray:
        """What visibility and strength depend on; shape (n, 4)."""
        wide2 = self.spread.block**2 + self.spread.mosaic**2 * length2
        fade = length2 / scale2
        return np.stack([np.ones(len(fade)), fade, fade * fade, np.log1p(0.5 * missed**2 / wide2)], axis=1)


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
    beam = np.array([0.0, 0.0, model.radius])
    reach = float(np.quantile(lengths(spot_rays - beam), _EXTENT))
    missed = found.miss[used]
    thickness = _THICKNESS * 1.4826 * median(np.abs(missed))
    points = near_sphere(model, beam, reach, thickness)
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


def recorded_evidence(lattices: list[Recorded], beams: FloatArray) -> FloatArray:
    """Logarithm of the odds of each beam by what its lattices recorded: 0 for the best, else negative.

    Parameters
    ----------
    lattices : list of Recorded
        Lattices of one frame, all in the same geometry.
    beams : ndarray, shape (n, 3)
        Rays in 1/Å.

    Notes
    -----
    Whatever bends the counts otherwise (crowded spots that merge, a shadow, a slope) speaks for one beam
    on one side of the frame and for another on the other side. Odds count for no more than twice the square
    of their mean over sectors in units of its standard error, which is what chance alone makes of true odds.
    """
    if not lattices or not len(beams):
        return np.zeros(len(beams))
    likely = np.sum([one.log_likelihoods(beams) for one in lattices], axis=0)
    behind = likely[likely.sum(axis=1).argmax()] - likely
    total = behind.sum(axis=1)
    error = np.sqrt(_SECTORS) * behind.std(axis=1, ddof=1)
    agreed = _AGREED * (total / np.maximum(error, 1e-9)) ** 2
    return np.asarray(-np.minimum(np.minimum(_WORTH * total, agreed), _LIMIT))


def _sectors(rays: FloatArray) -> NDArray[np.intp]:
    """Number of the sector of the detector in which each ray lies."""
    turn = np.arctan2(rays[:, 1], rays[:, 0]) / (2.0 * np.pi) + 0.5
    return np.minimum((turn * _SECTORS).astype(np.intp), _SECTORS - 1)


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


def _strength_likelihood(features: FloatArray, level: FloatArray) -> FloatArray:
    """Log likelihood of the level of each spot in a linear regression at its best."""
    normal, right = features.T @ features, features.T @ level
    rest = level - features @ solved(normal, right)
    variance = max(float((rest**2).mean()), 1e-6)
    return np.asarray(-0.5 * (np.log(variance) + rest**2 / variance))


def _squares(vectors: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ni,ni->n", vectors, vectors))
