"""The offset of the indices: which of a lattice's points is the direct beam?

A lattice fitted with a free origin says where its points lie, not which of them is the direct beam. Every
point near enough to the Ewald sphere is a candidate, however far from where the beam is thought to be: a
wrong one turns the beam and leaves the detector where it is, so that center and tilt are off together. What
the spots say of each is a likelihood; where the beam was expected plays no part here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry, from_vectors
from xgeom_core.predict.lattice.algebra import inverse, lengths
from xgeom_core.predict.lattice.equivalents import equivalent_evidence
from xgeom_core.predict.lattice.fit import Fit
from xgeom_core.predict.lattice.model import Model, positions
from xgeom_core.predict.lattice.near_ewald_sphere import near_sphere
from xgeom_core.predict.lattice.offset import HklOffset, OffsetEvidence
from xgeom_core.predict.lattice.parameterization import ray_changes
from xgeom_core.predict.lattice.visibility import SECTORS, Recorded

FloatArray = NDArray[np.float64]

# The beam meets the detector at no more than this angle to its normal, and within so many panel sizes.
_STEEPEST_DEG, _PANELS = 60.0, 3.0
# A point further from the sphere than this (1/Å) is not the beam, however poorly the lattice is known.
_FURTHEST = 0.006
_LEAST_SIGMA = 4e-5
# Shadows, absorption and an anisotropic crystal are lopsided too: what visibility and fall-off say counts for
# less, up to a limit. On simulated frames of three kinds these weights make the odds come true.
_WORTH, _AGREED, _LIMIT = np.array([0.8, 0.6]), 2.0, 10.0
# Another lattice whose points are this near (1/Å) to the beam confirms it.
_OTHER_SIGMA = 8e-4
_MOST_OTHER = 16.0
# The error of a lattice's distance from the sphere is itself uncertain: Student's t of so many degrees.
_FREEDOM = 4.0
# How often what intensities say of the offset is misleading altogether: it cannot count for more.
_MISLEADING = 0.003
# Offsets whose closeness alone is this far behind (logarithm) are not looked at.
_HOPELESS = 16.0
# Directions of the beam are looked at in steps of this size first, with so many points; the
# offsets in those this far behind the best are not looked at closely, nor more than so many others.
_STEP_DEG, _MOST_ROUGHLY, _MOST_CLOSELY = 5.0, 300, 1500
_FAR_BEHIND, _MOST_LOOKED_AT, _MOST_EXPECTED = 40.0, 300, 50
# That equivalents be alike, which takes longer to tell, is asked of those this near to the best.
_HARDLY_RUNNING, _MOST_COMPARED = 10.0, 30
# Behind the best by more than this an offset is not listed.
_DEAD, _MOST = 25.0, 300


class Beams(NamedTuple):
    """Indices, rays (n, 3) and centers (n, 2) of points that may be the beam, and what speaks for each."""

    hkl: FloatArray
    rays: FloatArray
    center: FloatArray
    closeness: FloatArray


def list_offsets(
    fit: Fit,
    others: list[Fit],
    recorded: list[Recorded],
    shape: tuple[int, int],
    expected: tuple[float, float],
) -> tuple[HklOffset, ...]:
    """All offsets of the indices that are possible, the likeliest first.

    Parameters
    ----------
    fit : Fit
        The first lattice, with a free origin.
    others : list of Fit
        Further lattices, with free origins, in the same geometry.
    recorded : list of Recorded
        What each lattice recorded, where that is known.
    shape : tuple of int
        Rows and columns of the frame.
    expected : tuple of float
        Where the center may be, ``(x, y)`` in px: offsets there are listed whatever the rough look says.
    """
    found = possible_beams(fit, shape)
    if not len(found.hkl):
        return ()
    found = _plausible(found, recorded, expected)
    others_say = np.zeros(len(found.hkl))
    for other in others:
        others_say -= 0.5 * np.minimum(_mismatch2(other.model, found.rays), _MOST_OTHER)
    visibility, falloff = _lopsided(recorded, found.rays)
    total = found.closeness + others_say + visibility + falloff
    equivalents = _equivalents(recorded, found.rays, total)
    intensities = np.stack([visibility, falloff, equivalents])
    counted = _bounded(intensities.sum(axis=0))
    intensities += (counted - intensities.sum(axis=0)) / len(intensities)
    visibility, falloff, equivalents = intensities
    total = found.closeness + others_say + counted
    first = np.argsort(-total, kind="stable")
    first = first[total[first] > total[first[0]] - _DEAD][:_MOST]
    tilt = tilts(fit.model.geometry, found.rays)
    parts = np.stack([found.closeness, others_say, visibility, falloff, equivalents], axis=1)
    parts = parts - parts[first[0]]
    return tuple(
        HklOffset(
            _three(found.hkl[i]),
            (float(found.center[i, 0]), float(found.center[i, 1])),
            (float(tilt[i, 0]), float(tilt[i, 1])),
            OffsetEvidence(*(float(part) for part in parts[i])),
        )
        for i in first
    )


def _bounded(log_likelihood: FloatArray) -> FloatArray:
    """Log likelihoods that may be misleading, relative to the largest."""
    behind = log_likelihood - log_likelihood.max()
    return np.asarray(np.logaddexp(np.log1p(-_MISLEADING) + behind, np.log(_MISLEADING)))


def _three(hkl: FloatArray) -> tuple[int, int, int]:
    h, k, l = (round(float(index)) for index in hkl)
    return h, k, l


def possible_beams(fit: Fit, shape: tuple[int, int]) -> Beams:
    """Points near the Ewald sphere from which the detector could be seen, those not hopeless.

    Notes
    -----
    That the true beam's point is as close to the sphere as it is has the density of a t distribution
    whose width is the error of the lattice there; that a wrong one is, the same density everywhere.
    """
    model = fit.model
    geometry = model.geometry
    normal = geometry.axes()[2]
    reach = 2.0 * model.radius * np.sin(np.radians(0.5 * _STEEPEST_DEG))
    hkl = near_sphere(model, normal * model.radius, reach, _FURTHEST)
    rays = model.rays(hkl)
    center = positions(geometry, rays)
    size = np.array([shape[1], shape[0]], dtype=np.float64)
    within = (np.abs(center - 0.5 * size) < _PANELS * size).all(axis=1)
    hkl, rays, center = hkl[within], rays[within], center[within]
    length = lengths(rays)
    sigma = _sphere_sigma(fit, hkl, rays / length[:, None])
    pulls2 = ((length - model.radius) / sigma) ** 2
    closeness = -0.5 * (_FREEDOM + 1.0) * np.log1p(pulls2 / _FREEDOM) - np.log(sigma)
    near = closeness > closeness.max(initial=-np.inf) - _HOPELESS
    return Beams(hkl[near], rays[near], center[near], closeness[near])


def _plausible(found: Beams, recorded: list[Recorded], expected: tuple[float, float]) -> Beams:
    """Those of many candidates towards which spots could fade, and those nearest to an expected center."""
    if len(found.hkl) <= _MOST_LOOKED_AT:
        return found
    radius = lengths(found.rays).mean()
    cell = np.round(found.rays / (radius * np.radians(_STEP_DEG))) @ np.array([1e6, 1e3, 1.0])
    number = np.unique(cell, return_inverse=True)[1]
    sums = np.stack([np.bincount(number, found.rays[:, i]) for i in range(3)], axis=1)
    middle = np.asarray(sums / np.bincount(number)[:, None], dtype=np.float64)
    rough = _likely(recorded, middle, _MOST_ROUGHLY).sum(axis=(0, 2))[number]
    score = np.where(rough > rough.max() - _FAR_BEHIND, found.closeness + rough, -np.inf)
    chosen = np.argsort(-score, kind="stable")[:_MOST_LOOKED_AT]
    chosen = chosen[np.isfinite(score[chosen])]
    nearest = np.argsort(lengths(found.center - np.array(expected)))[:_MOST_EXPECTED]
    chosen = np.union1d(chosen, nearest)
    return Beams(*(part[chosen] for part in found))


def tilts(geometry: Geometry, beams: FloatArray) -> FloatArray:
    """Pitch and yaw in degrees if each ray were the beam; see `from_vectors`."""
    fast, slow, _ = geometry.axes()
    unit = beams / lengths(beams)[:, None]
    yaw = np.arcsin(np.clip(-(unit @ fast), -1.0, 1.0))
    pitch = np.arcsin(np.clip(unit @ slow / np.cos(yaw), -1.0, 1.0))
    return np.degrees(np.stack([pitch, yaw], axis=1))


def _likely(recorded: list[Recorded], beams: FloatArray, most: int) -> FloatArray:
    """Sum over lattices; see `Recorded.log_likelihoods`."""
    if not recorded:
        return np.zeros((2, len(beams), SECTORS))
    return np.asarray(np.sum([one.log_likelihoods(beams, most) for one in recorded], axis=0))


def _lopsided(recorded: list[Recorded], beams: FloatArray) -> FloatArray:
    """What visibility and fall-off say of each beam, shape (2, n).

    Notes
    -----
    Whatever bends the counts otherwise (crowded spots that merge, a shadow, a slope) speaks for one beam
    on one side of the frame and for another on the other side. Odds count for no more than twice the square
    of their mean over sectors in units of its standard error, which is what chance alone makes of true odds.
    """
    likely = _likely(recorded, beams, _MOST_CLOSELY)
    behind = np.stack([part[part.sum(axis=1).argmax()] - part for part in likely])
    total = behind.sum(axis=2)
    error = np.sqrt(behind.shape[2]) * behind.std(axis=2, ddof=1)
    agreed = _AGREED * (total / np.maximum(error, 1e-9)) ** 2
    return np.asarray(-np.minimum(np.minimum(_WORTH[:, None] * total, agreed), _LIMIT))


def _equivalents(recorded: list[Recorded], beams: FloatArray, total: FloatArray) -> FloatArray:
    """What the likeness of equivalents adds to the beams that are still in the running."""
    added = np.zeros(len(beams))
    running = np.argsort(-total)[:_MOST_COMPARED]
    running = running[total[running] > total.max() - _HARDLY_RUNNING]
    if len(running) > 1 and recorded:
        added[:] = 0.0
        added[running] = equivalent_evidence(recorded, beams[running])
        rest = np.ones(len(beams), dtype=bool)
        rest[running] = False
        added[rest] = added[running].min()
    return added


def _sphere_sigma(fit: Fit, hkl: FloatArray, unit: FloatArray) -> FloatArray:
    """Standard error of points' distance from the sphere, from the covariance of the fit."""
    covariance = inverse(fit.normal)
    # Unknowns in order: origin (3), tilt (2 or none, does not move the point), turn (3), cell.
    at = 5 if fit.freedom.tilt else 3
    own = np.r_[0:3, at : at + 3 + len(fit.freedom.cell)]
    rows = np.concatenate(
        [unit, np.einsum("ni,nim->nm", unit, ray_changes(fit.model, fit.freedom.cell, hkl))], axis=1
    )
    variance = ((rows @ covariance[np.ix_(own, own)]) * rows).sum(axis=1)
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
    turn = np.stack(seen.axes(), axis=1) @ np.stack([fast, slow, normal])
    return replace(
        model, geometry=seen, origin=np.array([0.0, 0.0, model.radius]), reciprocal=turn @ model.reciprocal
    )
