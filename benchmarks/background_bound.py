"""Smallest errors of center and tilt that a simulated frame's photons allow, from its noise-free truth.

Two bounds, both with a free radial profile projected out:

- plain: everything else about the frame is known: waves of brightness, polarization, gains of modules;
- blind: brightness may vary with azimuth as the fit allows it (smooth waves, rays, polarization) and so
  may the modules' gains, each with a prior as wide as what the truth itself shows. Where the truth has
  no waves and no steps of gain this is close to the plain bound.

Counted are pixels that are known, lit (a shadow's core is not), farther from the beam than the part that
the fit leaves out by rule, free of spots, halos and streaks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.detectors.coverage import windows
from xgeom_core.simulate.detectors.detector import Detector as SimulatedDetector
from xgeom_core.simulate.experiment import Experiment
from xgeom_core.simulate.render import expected
from xgeom_core.simulate.scattering import expected_background
from xgeom_core.simulate.shadows import transmission

Array = NDArray[np.float64]

INNER_SHARE = 0.05
STEPS = np.array([0.05, 0.05, 0.02, 0.02])
_BIN_PX = 2.0
_ZONE_PX = 10.0
_SECTORS = 72
_ORDERS, _DEGREES = (1, 2, 3), 4
_STEEPNESS = 0.7
_COURSE = 0.4
_POLARIZATION_SD, _OBLIQUITY_SD = 0.5, 0.25
_DEPTH_SD_MM = 0.07
# Relative variance of a photon's light in a phosphor.
_LIGHT_VARIANCE = 0.1


@dataclass(frozen=True, eq=False)
class Bounds:
    """Smallest covariances of (x, y, pitch, yaw) in px and degrees, and what they rest on.

    Parameters
    ----------
    plain, blind : ndarray, shape (4, 4)
    counts : float
        Mean expected photons of the pixels counted.
    pixels : int
        How many.
    waves : tuple of float
        Size of the truth's waves of one, two and three periods, and of its rays, in log intensity.
    """

    plain: Array
    blind: Array
    counts: float
    pixels: int
    waves: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Seen:
    """The pixels counted: where they are, what they expect, and how much each weighs."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    mean: Array
    weight: Array
    rho: Array
    turn: Array
    panel: NDArray[np.int64]


def bounds_of(experiment: Experiment, known: NDArray[np.bool_]) -> Bounds | None:
    """Both bounds of a simulated frame.

    Parameters
    ----------
    experiment : Experiment
        What was drawn.
    known : ndarray of bool, shape (slow, fast)
        Pixels that the frame knows.

    Returns
    -------
    Bounds or None
        None where hardly any light falls on pixels that count.
    """
    shape = (known.shape[0], known.shape[1])
    truth = experiment.geometry
    # Where the grains of a powder lie nobody knows: rings of the same mean brightness stand for them.
    smooth = tuple(replace(powder, spottiness=0.0, texture=0.0) for powder in experiment.background.powders)
    radial = replace(
        experiment, background=replace(experiment.background, halo=None, streaks=(), powders=smooth)
    )
    shade = transmission(experiment.shadows, truth, shape)
    lit: Any = np.ones(shape, np.float32) if shade is None else shade
    clean = _background(radial, truth, shape) * lit
    seen = _seen(experiment, known, clean, lit)
    if len(seen.rows) < 2000 or not seen.mean.sum() > 0:
        return None
    at = (seen.rows, seen.columns)
    slopes = []
    for i in range(4):
        step = np.zeros(4)
        step[i] = STEPS[i]
        up, down = (_background(radial, _moved(truth, sign * step), shape)[at] for sign in (1, -1))
        slopes.append((up - down) * lit[at] / (2.0 * STEPS[i]) / seen.mean)
    # Bins about the true radius, each with a level and a slope, are as good as a free profile.
    number = (seen.rho / _BIN_PX).astype(np.int64)
    inside = seen.rho / _BIN_PX - number - 0.5
    left = np.array([_without_profile(slope, seen.weight, number, inside) for slope in slopes])
    fisher = (left * seen.weight) @ left.T
    lost, sizes = _lost(experiment, truth, seen, left, clean[at])
    return Bounds(
        np.asarray(np.linalg.inv(fisher)),
        np.asarray(np.linalg.inv(fisher - lost)) + _depth_doubt(truth),
        float(seen.mean.mean()),
        len(seen.rows),
        sizes,
    )


def _depth_doubt(truth: Geometry) -> Array:
    """Covariance because nothing in a frame tells how deep in the sensor its photons stop (parallax)."""
    pitch, yaw = np.radians([truth.pitch_deg, truth.yaw_deg])
    move = np.array([-np.sin(yaw), np.sin(pitch) * np.cos(yaw), 0.0, 0.0]) / truth.pixel_mm[0]
    move[2:] = -np.array([truth.pitch_deg, truth.yaw_deg]) / truth.distance_mm
    return np.asarray(_DEPTH_SD_MM**2 * np.outer(move, move))


def _background(experiment: Experiment, geometry: Geometry, shape: tuple[int, int]) -> NDArray[np.float32]:
    return expected_background(
        experiment.background, experiment.beam, geometry, shape, experiment.detector.sensor
    )


def _moved(geometry: Geometry, change: Array) -> Geometry:
    """A geometry moved by (x, y) in px and (pitch, yaw) in degrees."""
    return replace(
        geometry,
        center_px=(geometry.center_px[0] + change[0], geometry.center_px[1] + change[1]),
        pitch_deg=geometry.pitch_deg + change[2],
        yaw_deg=geometry.yaw_deg + change[3],
    )


def _seen(
    experiment: Experiment, known: NDArray[np.bool_], clean: NDArray[np.float32], lit: NDArray[np.float32]
) -> _Seen:
    parasitic = replace(
        experiment.background,
        powders=tuple(replace(p, spottiness=0.0, texture=0.0) for p in experiment.background.powders),
    )
    radial = replace(experiment, background=parasitic)
    truth, shape = experiment.geometry, (known.shape[0], known.shape[1])
    full = expected(radial, shape).image
    x, y = np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5
    distance = truth.distance_mm / truth.pixel_mm[0]
    rho = distance * np.tan(truth.two_theta(x, y[:, None]))
    use = known & (lit > 0.5) & (rho > INNER_SHARE * max(shape)) & (clean > 0)
    use &= full - clean < 0.05 * clean + 1e-3
    rows, columns = np.nonzero(use)
    mean = clean[use].astype(np.float64)
    detector = experiment.detector
    excess = 0.0 if detector.layout.response.counting else _LIGHT_VARIANCE
    noise = (detector.read_noise / detector.adu_per_photon) ** 2 * detector.native_per_pixel
    turn = truth.azimuth(x, y[:, None])[use]
    variance = mean * (1.0 + excess) + noise
    return _Seen(rows, columns, mean, mean**2 / variance, rho[use], turn, _panels(detector)[use])


def _panels(detector: SimulatedDetector) -> NDArray[np.int64]:
    """Number of the module that each pixel belongs to."""
    number = np.zeros(detector.shape, dtype=np.int64)
    for count, window in enumerate(windows(detector.layout, detector.placing)):
        number[window] = count
    return number


def _without_profile(column: Array, weight: Array, number: NDArray[np.int64], inside: Array) -> Array:
    """A column of relative derivatives with level and slope of each radial bin projected out."""
    total = np.maximum(np.bincount(number, weights=weight), 1e-30)
    middle = np.bincount(number, weights=weight * inside) / total
    off = inside - middle[number]
    level = np.bincount(number, weights=weight * column) / total
    spread = np.maximum(np.bincount(number, weights=weight * off**2), 1e-12)
    slope = np.bincount(number, weights=weight * off * column) / spread
    return np.asarray(column - level[number] - slope[number] * off)


def _lost(
    experiment: Experiment, truth: Geometry, seen: _Seen, left: Array, clean: NDArray[np.float32]
) -> tuple[Array, tuple[float, ...]]:
    """Information that the unknown amplitudes take away, and the sizes of the truth's own."""
    zone = (seen.rho / _ZONE_PX).astype(np.int64)
    sector = np.minimum(((seen.turn / (2 * np.pi) + 0.5) * _SECTORS).astype(np.int64), _SECTORS - 1)
    _, cell = np.unique((seen.panel * 4096 + zone) * _SECTORS + sector, return_inverse=True)
    weight = np.bincount(cell, weights=seen.weight)

    def mean(values: Array) -> Array:
        return np.asarray(np.bincount(cell, weights=seen.weight * values) / weight)

    rho, panel = mean(seen.rho), np.rint(mean(1.0 * seen.panel)).astype(np.int64)
    turn = np.arctan2(mean(np.sin(seen.turn)), mean(np.cos(seen.turn)))
    zone, sector = (rho / _ZONE_PX).astype(np.int64), np.rint(mean(1.0 * sector)).astype(np.int64)
    distance, share = truth.distance_mm / truth.pixel_mm[0], 2.0 * experiment.beam.polarized - 1.0
    fall = np.log(truth.distance_mm / truth.to_lab(seen.columns + 0.5, seen.rows + 0.5)[:, 2])
    columns = _columns(rho, turn, sector, panel, mean(fall), distance, share)
    # What the amplitude is beside profile, solid angle and polarization, averaged over each cell.
    log_g = 3.0 * fall
    log_g += np.log(1.0 - share * _polarization(seen.rho, seen.turn, distance))
    number = (seen.rho / _BIN_PX).astype(np.int64)
    inside = seen.rho / _BIN_PX - number - 0.5
    shape = mean(_without_profile(np.log(clean) - log_g, seen.weight, number, inside))
    for i in range(columns.shape[1]):
        columns[:, i] -= (np.bincount(zone, weights=weight * columns[:, i]) / _heap(zone, weight))[zone]
    prior, sizes = _prior(shape, columns, weight, experiment.detector.faults.gain_sigma)
    normal = (columns * weight[:, None]).T @ columns + np.diag(prior)
    pull = np.array([np.bincount(cell, weights=seen.weight * column) for column in left]) @ columns
    return np.asarray(pull @ np.linalg.solve(normal, pull.T)), sizes


def _heap(zone: NDArray[np.int64], weight: Array) -> Array:
    return np.asarray(np.maximum(np.bincount(zone, weights=weight), 1e-30))


def _columns(
    rho: Array,
    turn: Array,
    sector: NDArray[np.int64],
    panel: NDArray[np.int64],
    fall: Array,
    distance_px: float,
    share: float,
) -> Array:
    """Polarization, obliquity, waves, rays, rays times radius, panels: log intensity, one column each."""
    t = 2.0 * rho / (1.02 * rho.max()) - 1.0
    polar = _polarization(rho, turn, distance_px)
    found = [-polar / (1.0 - share * polar), fall]
    radial = [np.ones_like(t), t, 1.5 * t * t - 0.5, t * (2.5 * t * t - 1.5)]
    for order in _ORDERS:
        found += [wave * part for wave in (np.cos(order * turn), np.sin(order * turn)) for part in radial]
    rays = (sector[:, None] == np.arange(_SECTORS)).astype(np.float64)
    panels = (panel[:, None] == np.unique(panel)).astype(np.float64)
    return np.concatenate([np.stack(found, axis=1), rays, rays * t[:, None], panels], axis=1)


def _polarization(rho: Array, turn: Array, distance_px: float) -> Array:
    """What one unit of polarization along x takes: cos(2 phi) sin^2 / (1 + cos^2), relative."""
    tan2 = (rho / distance_px) ** 2
    return np.asarray(np.cos(2.0 * turn) * tan2 / (tan2 + 2.0))


def _prior(shape: Array, columns: Array, weight: Array, gain: float) -> tuple[Array, tuple[float, ...]]:
    """Precision of every amplitude, as wide as the truth's own, and those widths."""
    waves = 2 + 2 * _DEGREES * len(_ORDERS)
    smooth = columns[:, :waves]
    normal = (smooth * weight[:, None]).T @ smooth
    normal += 1e-6 * np.diag(normal).mean() * np.eye(waves)
    at = np.linalg.solve(normal, smooth.T @ (weight * shape))
    decay = np.tile(_STEEPNESS ** np.arange(_DEGREES), 2)
    own = [np.sqrt(np.mean((at[2 + 8 * i : 10 + 8 * i] / decay) ** 2) + 1e-10) for i in range(len(_ORDERS))]
    rest = shape - smooth @ at
    rays = columns[:, waves : waves + _SECTORS] + 1.0 * (columns[:, waves : waves + _SECTORS] > 0)
    sector = rays.argmax(axis=1)
    along = np.bincount(sector, weights=weight * rest, minlength=_SECTORS)
    along /= np.maximum(np.bincount(sector, weights=weight, minlength=_SECTORS), 1e-30)
    ray = float(np.sqrt(np.mean(along**2)) + 1e-5)
    sd = np.full(columns.shape[1], gain + 1e-5)
    sd[0], sd[1] = _POLARIZATION_SD, _OBLIQUITY_SD
    for i, size in enumerate(own):
        sd[2 + 8 * i : 10 + 8 * i] = size * decay
    sd[waves : waves + _SECTORS] = ray
    sd[waves + _SECTORS : waves + 2 * _SECTORS] = _COURSE * ray
    return sd**-2.0, (*(float(size) for size in own), ray)
