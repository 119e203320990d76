"""Origins: which of the lattice's points is the direct beam?

A lattice fitted with a free origin says where its points lie, not which of them is the direct beam.
The beam's point lies exactly on the Ewald sphere, within reach of the start, and on every lattice of the
frame; few others do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry, from_vectors
from xgeom_core.predict.lattice.algebra import inverse
from xgeom_core.predict.lattice.equivalents import equivalent_evidence
from xgeom_core.predict.lattice.fit import Fit
from xgeom_core.predict.lattice.model import Model, observed_rays, project, wavelength
from xgeom_core.predict.lattice.nearby import near_sphere
from xgeom_core.predict.lattice.recorded import Recorded, recorded_evidence
from xgeom_core.predict.lattice.unknowns import ray_changes

FloatArray = NDArray[np.float64]

# A point further from the sphere than this (1/Å) is not the beam, however poorly the lattice is known.
_FURTHEST = 0.006
_LEAST_SIGMA = 4e-5
# Pulls are counted as if errors were this much larger: what bends a lattice is not all noise.
_DOUBT = 1.2
_TILT_SIGMA_DEG = 3.0
# Another lattice whose points are this near (1/Å) to the beam confirms it.
_OTHER_SIGMA = 6e-4
_MOST_PULLS = 40.0
_MOST_OTHER = 36.0
_MOST_LOOKED_AT = 60
# Origins less likely than the best by more than this (logarithm) are not asked for what they recorded.
_OUT_OF_THE_RUNNING = 30.0
# That their equivalents be alike, which takes longer to tell, is asked of fewer.
_HARDLY_RUNNING = 12.0


@dataclass(frozen=True, eq=False)
class Origin:
    """A lattice point that may be the direct beam.

    Parameters
    ----------
    model : Model
        The first lattice seen from it: the beam along z.
    others : tuple of Model
        The further lattices seen from it, the beam taken for a point of each.
    distance_px : float
        Distance of its center from the start.
    log_odds : float
        Logarithm of its probability, up to a constant: distance from the Ewald sphere, from the
        points of further lattices, from the start, size of the tilt, how evenly the spots fade, and how
        alike equivalent reflections are.
    """

    model: Model
    others: tuple[Model, ...]
    distance_px: float
    log_odds: float


@dataclass(frozen=True, eq=False)
class Prior:
    """Where the beam is thought to be.

    Parameters
    ----------
    start : Geometry
        Center and tilt.
    reach_px : float
        How far off the center may be at most.
    sigma_px : float
        How far off it is likely to be.
    """

    start: Geometry
    reach_px: float
    sigma_px: float

    def log_odds(self, seen: Geometry) -> float:
        """Logarithm of the probability of a geometry, up to a constant."""
        x, y = self.start.center_px
        away = (seen.center_px[0] - x) ** 2 + (seen.center_px[1] - y) ** 2
        tilt = (seen.pitch_deg - self.start.pitch_deg) ** 2 + (seen.yaw_deg - self.start.yaw_deg) ** 2
        # Rough starts err by more than Gaussians of their error bars would: Student's t.
        return float(-3.0 * np.log1p(away / (4.0 * self.sigma_px**2)) - 0.5 * tilt / _TILT_SIGMA_DEG**2)


def list_origins(
    fit: Fit, others: list[Fit], prior: Prior, recorded: list[Recorded], most: int = 12
) -> list[Origin]:
    """Lattice points near the Ewald sphere within reach of the start, the likeliest first.

    Parameters
    ----------
    fit : Fit
        The first lattice, with a free origin.
    others : list of Fit
        Further lattices, with free origins, in the same geometry.
    prior : Prior
        Where the beam is thought to be.
    recorded : list of Recorded
        What each lattice recorded, where that is known.
    most : int
        The most origins to return.
    """
    model = fit.model
    hkl = _near(model, prior)
    rays = model.rays(hkl)
    length = np.linalg.norm(rays, axis=1)
    center = project(model.geometry, rays).xy
    x, y = prior.start.center_px
    distance = np.hypot(center[:, 0] - x, center[:, 1] - y)
    near = np.flatnonzero(distance < prior.reach_px)
    sigma = _sphere_sigma(fit, hkl, rays / length[:, None])
    pulls2 = ((length - model.radius) / sigma) ** 2
    # The nearest to the sphere are worth a closer look; hundreds of others are not.
    near = near[np.argsort(pulls2[near])][:_MOST_LOOKED_AT]
    seen = [seen_from(model, rays[index]) for index in near]
    odds = np.empty(len(near))
    for number, index in enumerate(near):
        pulls = float(pulls2[index])
        pulls += sum(min(_mismatch2(other.model, rays[index]), _MOST_OTHER) for other in others)
        odds[number] = prior.log_odds(seen[number].geometry) - 0.5 * min(pulls, _MOST_PULLS**2) / _DOUBT**2
    odds += _by_recording(odds, rays[near], recorded, recorded_evidence, _OUT_OF_THE_RUNNING)
    odds += _by_recording(odds, rays[near], recorded, equivalent_evidence, _HARDLY_RUNNING)
    origins = [
        Origin(
            seen[number],
            tuple(seen_from(other.model, rays[index]) for other in others),
            float(distance[index]),
            float(odds[number]),
        )
        for number, index in enumerate(near)
    ]
    return sorted(origins, key=lambda origin: -origin.log_odds)[:most]


def _by_recording(
    odds: FloatArray,
    beams: FloatArray,
    recorded: list[Recorded],
    evidence: Callable[[list[Recorded], FloatArray], FloatArray],
    behind: float,
) -> FloatArray:
    """What recording adds to the odds of the beams that are still in the running."""
    added = np.zeros(len(odds))
    running = odds > odds.max(initial=-np.inf) - behind
    if running.sum() > 1 and recorded:
        added[running] = evidence(recorded, beams[running])
        added[~running] = added[running].min()
    return added


def _near(model: Model, prior: Prior) -> FloatArray:
    """Indices of the lattice points near the sphere around the start's direction."""
    geometry = model.geometry
    x, y = prior.start.center_px
    here = observed_rays(geometry, np.array([x]), np.array([y]))[0]
    pixel = max(geometry.pixel_mm)
    reach = 1.2 * prior.reach_px * pixel / geometry.distance_mm / wavelength(geometry) + _FURTHEST
    return near_sphere(model, here, reach, _FURTHEST)


def _sphere_sigma(fit: Fit, hkl: FloatArray, unit: FloatArray) -> FloatArray:
    """Standard error of points' distance from the sphere, from the covariance of the fit."""
    covariance = inverse(fit.normal)
    # Unknowns in order: origin (3), tilt (2 or none, does not move the point), turn (3), cell.
    at = 5 if fit.freedom.tilt else 3
    rows = np.zeros((len(hkl), len(covariance)))
    rows[:, :3] = unit
    rows[:, at : at + 3 + len(fit.freedom.cell)] = np.einsum(
        "ni,nim->nm", unit, ray_changes(fit.model, fit.freedom.cell, hkl)
    )
    variance = np.einsum("ni,ij,nj->n", rows, covariance, rows)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0) + _LEAST_SIGMA**2))


def _nearest(model: Model, ray: FloatArray) -> FloatArray:
    """The lattice point nearest to a ray."""
    return model.rays(np.round(model.indices(ray[None])))[0]


def _mismatch2(model: Model, ray: FloatArray) -> float:
    """Squared distance of a ray from the nearest point of a lattice, in standard deviations."""
    return float(((ray - _nearest(model, ray)) ** 2).sum() / _OTHER_SIGMA**2)


def seen_from(model: Model, beam: FloatArray) -> Model:
    """The same detector and lattice in a frame whose z is along a ray, which becomes the beam.

    Parameters
    ----------
    model : Model
        With any origin.
    beam : ndarray, shape (3,)
        The ray that becomes the beam.
    """
    geometry = model.geometry
    fast, slow, normal = geometry.axes()
    corner = geometry.to_lab(0.0, 0.0)
    seen = from_vectors(corner, fast, slow, beam, geometry.pixel_mm, geometry.wavelength_A)
    seen = replace(seen, distance_mm=geometry.distance_mm)
    turn = np.stack(seen.axes(), axis=1) @ np.stack([fast, slow, normal])
    return replace(
        model, geometry=seen, origin=np.array([0.0, 0.0, model.radius]), reciprocal=turn @ model.reciprocal
    )
