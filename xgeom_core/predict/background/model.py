"""What is fitted, what it expects of cells, and its derivatives there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.azimuthal_gain import Rays
from xgeom_core.predict.background.azimuthal_harmonics import (
    AIR,
    COLUMNS,
    DARK,
    EVEN,
    EVEN_SPREAD,
    MODULES,
    OBLIQUITY,
    POLARIZATION,
    USUAL_AIR,
    USUAL_EVEN,
    USUAL_POLARIZATION,
    WAVES,
    Strength,
    fill_waves,
    turned,
)
from xgeom_core.predict.background.cells import Cells
from xgeom_core.predict.background.detector_model import Detector, Sight, bent, polarization_wave, sight
from xgeom_core.predict.background.losses import LARGEST_SHARE, Losses, even_share, losses
from xgeom_core.predict.background.spline import Knots, Places

_LARGEST_WAVE = 3.0
_LEAST_POLARIZED = 0.05
# Logarithm of the least light that the dark level is compared with.
_FAINTEST = -7.0
# Cells at a time: what is computed of so many stays in a processor's nearer memory.
_CHUNK = 4096


@dataclass(eq=False)
class Model:
    """Everything that is fitted.

    Parameters
    ----------
    detector : Detector
    reach : float
        Radius in native px at which the waves' polynomials end.
    theta : ndarray, shape (UNKNOWNS,)
        Center x, y in native px, pitch and yaw in radians, polarization, thickness of the sensor (logarithm,
        in standard deviations), air, even light, dark (in standard deviations), waves, rays, modules.
    knots : Knots
        Of the profile.
    beta : ndarray
        Coefficients of the logarithm of the profile, counts per pooled px.
    penalty : float
        Roughness penalty of the profile.
    rough : ndarray, shape (4, count)
        Roughness of the profile, banded.
    strength : Strength
        Prior of the nuisance.
    excess : float
        Variance of the model's relative error that counting noise does not explain.
    usual_dark, dark_sigma : float
        Counts of a pooled px that are no light and know of no geometry: the likely number and its standard
        deviation.
    """

    detector: Detector
    reach: float
    theta: FloatArray
    knots: Knots
    beta: FloatArray
    penalty: float = 1.0
    rough: FloatArray = field(default_factory=lambda: np.zeros((4, 4)))
    strength: Strength = field(default_factory=Strength)
    excess: float = 1e-5
    usual_dark: float = 0.0
    dark_sigma: float = 0.0

    @property
    def dark(self) -> float:
        """Counts of a pooled px that are no light."""
        return max(self.usual_dark + self.dark_sigma * float(self.theta[DARK]), 0.0)

    def from_prior(self) -> FloatArray:
        """The unknowns counted from the middle of their prior; 0 for the geometry."""
        present = self.theta.copy()
        present[:4] = 0.0
        present[POLARIZATION] -= USUAL_POLARIZATION
        present[OBLIQUITY] -= self.detector.obliquity
        return present

    def look(self, x: FloatArray, y: FloatArray) -> Sight:
        """What pixels see at the present geometry."""
        return sight(x, y, self.theta[:4], self.detector)

    @property
    def level(self) -> float:
        """Logarithm of the light in the middle of the profile, which even light is told beside."""
        quarter = len(self.beta) // 4
        return float(np.median(self.beta[quarter : len(self.beta) - quarter]))

    def losses(self, look: Sight) -> Losses:
        """What air and sensor leave at pixels."""
        thickness = self.detector.obliquity_doubt * float(self.theta[OBLIQUITY])
        return losses(look, self.theta, self.detector, USUAL_AIR + float(self.theta[AIR]), thickness)

    def even(self, look: Sight, profile: FloatArray, slope: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Share of the light that is not polarized; see `even_share`."""
        even = math.log(USUAL_EVEN) + EVEN_SPREAD * float(self.theta[EVEN])
        return even_share(look, self.detector.distance_px, self.level + even - profile, slope)

    def log_profile(self, rho: FloatArray) -> FloatArray:
        """Logarithm of the profile at radii."""
        places = self.knots.place(bent(rho, self.detector.distance_px)[0])
        return places.value(self.beta, places.basis())


@dataclass(frozen=True, eq=False)
class Part:
    """Derivatives of log intensity at some of the cells.

    Parameters
    ----------
    look : Sight
    places : Places
        On the knots of the profile.
    basis : ndarray, shape (4, n)
        Derivatives by the four coefficients of the profile.
    columns : ndarray, shape (COLUMNS, n)
        Those by geometry and waves.
    rays : Rays
    profile, slope : ndarray, shape (n,)
        Logarithm of the profile, and its derivative by rho.
    amplitude : ndarray, shape (n,)
        Logarithm of what multiplies the profile.
    """

    look: Sight
    places: Places
    basis: FloatArray
    columns: FloatArray
    rays: Rays
    profile: FloatArray
    slope: FloatArray
    amplitude: FloatArray


def amplitude(model: Model, look: Sight, gains: FloatArray | None = None) -> FloatArray:
    """Logarithm of what multiplies the profile at pixels, shape (n,).

    Parameters
    ----------
    model : Model
    look : Sight
    gains : ndarray, shape (n,), optional
        Logarithm of the gain of each pixel's module; see `gains_at`.
    """
    waves = np.empty((COLUMNS - WAVES, len(look.rho)))
    fill_waves(look, model.reach, waves)
    polar = polarization_wave(look, model.detector.distance_px)[0]
    # A model that is being made has no profile yet.
    if len(model.beta) == model.knots.count:
        profile = model.log_profile(look.rho)
        polar *= 1.0 - model.even(look, profile, profile)[0]
    lost = model.losses(look).log
    return _amplitude(model, look, waves, polar, lost, Rays.at(look, model.reach), gains)


def gains_at(model: Model, cells: Cells) -> FloatArray | None:
    """Logarithm of the gain of the modules under cells; None where all are alike."""
    gains = model.theta[MODULES:]
    return None if cells.panels is None or not gains.any() else cells.panels @ gains


def _amplitude(
    model: Model,
    look: Sight,
    waves: FloatArray,
    polar: FloatArray,
    lost: FloatArray,
    rays: Rays,
    gains: FloatArray | None,
) -> FloatArray:
    wave = model.theta[WAVES:COLUMNS] @ waves
    if model.theta[COLUMNS:MODULES].any():
        wave += rays.values(model.theta[COLUMNS:MODULES])
    found = np.clip(wave, -_LARGEST_WAVE, _LARGEST_WAVE)
    found += look.log_g + lost
    found += np.log(np.maximum(1.0 - model.theta[POLARIZATION] * polar, _LEAST_POLARIZED))
    if gains is not None:
        found += gains
    return found


def part_of(model: Model, cells: Cells, some: slice, gains: FloatArray | None) -> Part:
    """Derivatives at some of the cells; `gains`, shape (n,), are of all of them."""
    look = model.look(cells.x[some], cells.y[some])
    places = model.knots.place(look.bent)
    basis = places.basis()
    slope = places.slope(model.beta) * look.bending
    rays = Rays.at(look, model.reach)
    columns = np.empty((COLUMNS, len(look.rho)))
    waves = columns[WAVES:]
    fill_waves(look, model.reach, waves)
    polar, polar_by_radius, polar_by_angle = polarization_wave(look, model.detector.distance_px)
    profile = places.value(model.beta, basis)
    share, share_by_radius = model.even(look, profile, slope)
    polar_by_radius = (1.0 - share) * polar_by_radius - share_by_radius * polar
    polar_by_angle *= 1.0 - share
    by_even = EVEN_SPREAD * share * (share < LARGEST_SHARE) * polar
    polar = polar * (1.0 - share)
    left = np.maximum(1.0 - model.theta[POLARIZATION] * polar, _LEAST_POLARIZED)
    columns[POLARIZATION] = -polar / left
    columns[EVEN] = model.theta[POLARIZATION] / left * by_even
    lost = model.losses(look)
    columns[OBLIQUITY] = model.detector.obliquity_doubt * lost.by_sensor
    columns[AIR] = lost.by_air
    by_angle, by_radius = turned(model.theta[WAVES:COLUMNS], model.reach).T @ waves
    share = model.theta[POLARIZATION] / left
    by_angle -= share * polar_by_angle
    by_radius -= share * polar_by_radius
    by_radius += slope
    # Rays hardly move with the geometry: their derivatives are left out.
    np.multiply(by_radius, look.d_rho, out=columns[:4])
    columns[:4] += by_angle * look.d_angle
    columns[:4] += look.d_log_g + lost.d_log
    own = None if gains is None else gains[some]
    found = _amplitude(model, look, waves, polar, lost.log, rays, own)
    columns[DARK] = model.dark_sigma * np.exp(-np.maximum(profile + found, _FAINTEST))
    return Part(look, places, basis, columns, rays, profile, slope, found)


def chunks(count: int) -> list[slice]:
    """Cells in groups that are looked at at a time."""
    return [slice(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]


def expected_at(model: Model, cells: Cells) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Radii of cells, their log amplitudes, and the counts that a model expects of them."""
    rho, wave, expected = np.empty((3, len(cells.x)))
    gains = gains_at(model, cells)
    for some in chunks(len(cells.x)):
        look = model.look(cells.x[some], cells.y[some])
        places = model.knots.place(look.bent)
        rho[some] = look.rho
        wave[some] = amplitude(model, look, None if gains is None else gains[some])
        light = np.exp(places.value(model.beta, places.basis()) + wave[some])
        expected[some] = cells.pixels[some] * (light + model.dark)
    return rho, wave, expected
