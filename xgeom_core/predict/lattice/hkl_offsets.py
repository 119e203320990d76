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
from xgeom_core.predict.lattice.algebra import inverse, lengths
from xgeom_core.predict.lattice.equivalents import equivalent_evidence
from xgeom_core.predict.lattice.fit import Fit
from xgeom_core.predict.lattice.model import Model, observed_rays, positions, wavelength
from xgeom_core.predict.lattice.near_ewald_sphere import near_sphere
from xgeom_core.predict.lattice.parameterization import ray_changes
from xgeom_core.predict.lattice.visibility import Recorded, recorded_evidence

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

    def log_odds(self, center: FloatArray, tilt: FloatArray) -> FloatArray:
        """Logarithm of the probability of centers and tilts, both of shape (n, 2), up to a constant."""
        away2 = ((center - np.array(self.start.center_px)) ** 2).sum(axis=1)
        tilt2 = ((tilt - np.array([self.start.pitch_deg, self.start.yaw_deg])) ** 2).sum(axis=1)
        # Rough starts err by more than Gaussians of their error bars would: Student's t.
        return np.asarray(
            -3.0 * np.log1p(away2 / (4.0 * self.sigma_px**2)) - 0.5 * tilt2 / _TILT_SIGMA_DEG**2
        )


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
    center = positions(model.geometry, rays)
    distance = lengths(center - np.array(prior.start.center_px))
    within = distance < prior.reach_px
    hkl, rays, center, distance = hkl[within], rays[within], center[within], distance[within]
    length = lengths(rays)
    sigma = _sphere_sigma(fit, hkl, rays / length[:, None])
    pulls2 = ((length - model.radius) / sigma) ** 2
    # The nearest to the sphere are worth a closer look; hundreds of others are not.
    near = np.argsort(pulls2)[:_MOST_LOOKED_AT]
    rays, pulls2 = rays[near], pulls2[near]
    for other in others:
        pulls2 = pulls2 + np.minimum(_mismatch2(other.model, rays), _MOST_OTHER)
    odds = prior.log_odds(center[near], _tilts(model.geometry, rays))
    odds -= 0.5 * np.minimum(pulls2, _MOST_PULLS**2) / _DOUBT**2
    odds += _by_recording(odds, rays, recorded, recorded_evidence, _OUT_OF_THE_RUNNING)
    odds += _by_recording(odds, rays, recorded, equivalent_evidence, _HARDLY_RUNNING)
    return [
        Origin(
            seen_from(model, rays[number]),
            tuple(seen_from(other.model, rays[number]) for other in others),
            float(distance[near[number]]),
            float(odds[number]),
        )
        for number in np.argsort(-odds, kind="stable")[:most]
    ]


def _tilts(geometry: Geometry, beams: FloatArray) -> FloatArray:
    """Pitch and yaw in degrees if each ray were the beam; see `from_vectors`."""
    fast, slow, _ = geometry.axes()
    unit = beams / lengths(beams)[:, None]
    yaw = np.arcsin(np.clip(-(unit @ fast), -1.0, 1.0))
    pitch = np.arcsin(np.clip(unit @ slow / np.cos(yaw), -1.0, 1.0))
    return np.degrees(np.stack([pitch, yaw], axis=1))


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
    variance = (rows @ covariance * rows).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0) + _LEAST_SIGMA**2))


def _mismatch2(model: Model, rays: FloatArray) -> FloatArray:
    """Squared distance of rays from the nearest points of a lattice, in standard deviations."""
    apart = rays - model.rays(np.round(model.indices(rays)))
    return np.asarray((apart**2).sum(axis=1) / _OTHER_SIGMA**2)


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
