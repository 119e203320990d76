"""One Newton step of the fit: Poisson counts, the profile projected out, the nuisance with its prior."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.radial.cells import Cells
from xgeom_core.predict.radial.optics import Detector, Sight, bent, polarization_wave, sight
from xgeom_core.predict.radial.spline import (
    Knots,
    banded_gram,
    choose_smoothness,
    local_roughness,
    roughness,
    times_banded,
)
from xgeom_core.predict.radial.waves import (
    COLUMNS,
    MODULES,
    OBLIQUITY,
    POLARIZATION,
    RAYS,
    UNKNOWNS,
    USUAL_POLARIZATION,
    WAVES,
    Strength,
    turned,
    wave_columns,
)
from xgeom_core.predict.statistics import robust_sigma

_LEAST_EXPECTED = 1e-3
_LARGEST_WAVE = 3.0
_LEAST_POLARIZED = 0.05
_STEEPEST = np.radians(40.0)


@dataclass(eq=False)
class Model:
    """Everything that is fitted.

    Parameters
    ----------
    detector : Detector
    reach : float
        Radius in native px at which the waves' polynomials end.
    theta : ndarray, shape (UNKNOWNS,)
        Center x, y in native px, pitch and yaw in radians, polarization, obliquity, waves, rays, modules.
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

    def log_profile(self, rho: FloatArray) -> FloatArray:
        """Logarithm of the profile at radii."""
        return np.asarray(self.knots.basis(bent(rho, self.detector.distance_px)[0])[0] @ self.beta)


@dataclass(frozen=True, eq=False)
class Rays:
    """Hat functions of the azimuth at pixels: between bin `first` and the next one.

    Parameters
    ----------
    first : ndarray of int, shape (n,)
        0 to RAYS - 1.
    share : ndarray, shape (n,)
        Of the next bin.
    course : ndarray, shape (n,)
        The linear course in r, -1 to 1.
    """

    first: NDArray[np.int64]
    share: FloatArray
    course: FloatArray

    @classmethod
    def at(cls, look: Sight, reach: float) -> Rays:
        """The hats at pixels."""
        place = (np.arctan2(look.sin, look.cos) / (2.0 * np.pi) + 0.5) * RAYS
        first = np.minimum(place.astype(np.int64), RAYS - 1)
        return cls(first, place - first, look.rho * (2.0 / reach) - 1.0)

    @property
    def next(self) -> NDArray[np.int64]:
        """The other bin of each pixel."""
        return np.where(self.first == RAYS - 1, 0, self.first + 1)

    def values(self, coefficients: FloatArray) -> FloatArray:
        """Log amplitude of rays, shape (n,), from 2 * RAYS coefficients."""
        plain, course = coefficients[:RAYS], coefficients[RAYS:]
        one = plain[self.first] + course[self.first] * self.course
        other = plain[self.next] + course[self.next] * self.course
        return np.asarray(one + self.share * (other - one))

    def matrix(self) -> sparse.csr_array:
        """All hats, shape (n, 2 * RAYS)."""
        n = len(self.first)
        other = self.next
        columns = np.column_stack([self.first, other, self.first + RAYS, other + RAYS])
        values = np.column_stack([1.0 - self.share, self.share, np.zeros(n), np.zeros(n)])
        values[:, 2:] = values[:, :2] * self.course[:, None]
        starts = np.arange(0, 4 * n + 1, 4, dtype=np.int32)
        return sparse.csr_array(
            (values.ravel(), columns.ravel().astype(np.int32), starts), shape=(n, 2 * RAYS)
        )


@dataclass(frozen=True, eq=False)
class Equations:
    """Normal equations at a model, in log intensity.

    Parameters
    ----------
    expected : ndarray, shape (n,)
        Expected counts of the cells.
    weight : ndarray, shape (n,)
        Inverse variance of the relative residuals.
    residual : ndarray, shape (n,)
        Relative residuals.
    look : Sight
    normal, right : ndarray
        (UNKNOWNS, UNKNOWNS) and (UNKNOWNS,), profile projected out, no prior of the nuisance.
    gram, factor, cross, right_beta : ndarray
        What is needed to step the profile.
    columns : ndarray, shape (n, COLUMNS)
        Derivatives of log intensity by geometry and waves.
    basis, hats : csr_array
        Those by profile, and by rays and modules.
    """

    expected: FloatArray
    weight: FloatArray
    residual: FloatArray
    look: Sight
    normal: FloatArray
    right: FloatArray
    gram: FloatArray
    factor: FloatArray
    cross: FloatArray
    right_beta: FloatArray
    columns: FloatArray
    basis: sparse.csr_array
    hats: sparse.csr_array


def amplitude(model: Model, look: Sight, panels: sparse.csr_array | None = None) -> FloatArray:
    """Logarithm of what multiplies the profile at pixels, shape (n,).

    Parameters
    ----------
    model : Model
    look : Sight
    panels : csr_array, shape (n, PANELS), optional
        Share of each pixel on each module.
    """
    columns = np.empty((len(look.rho), COLUMNS - WAVES))
    wave_columns(look, model.reach, columns)
    polar = polarization_wave(look, model.detector.distance_px)[0]
    found = _amplitude(model, look, columns, polar, Rays.at(look, model.reach))
    return found if panels is None else found + panels @ model.theta[MODULES:]


def _amplitude(model: Model, look: Sight, waves: FloatArray, polar: FloatArray, rays: Rays) -> FloatArray:
    wave = waves @ model.theta[WAVES:COLUMNS]
    if model.theta[COLUMNS:MODULES].any():
        wave += rays.values(model.theta[COLUMNS:MODULES])
    left = np.maximum(1.0 - model.theta[POLARIZATION] * polar, _LEAST_POLARIZED)
    fall = (1.0 + model.theta[OBLIQUITY] / 3.0) * look.log_g
    return np.asarray(fall + np.clip(wave, -_LARGEST_WAVE, _LARGEST_WAVE) + np.log(left))


def _columns(model: Model, look: Sight, slope: FloatArray, rays: Rays) -> tuple[FloatArray, FloatArray]:
    """Derivatives of log intensity (n, COLUMNS), and the log amplitude (n,)."""
    columns = np.empty((len(look.rho), COLUMNS))
    waves = columns[:, WAVES:]
    wave_columns(look, model.reach, waves)
    polar, polar_by_radius, polar_by_angle = polarization_wave(look, model.detector.distance_px)
    left = np.maximum(1.0 - model.theta[POLARIZATION] * polar, _LEAST_POLARIZED)
    columns[:, POLARIZATION] = -polar / left
    columns[:, OBLIQUITY] = look.log_g / 3.0
    by_angle, by_radius = (waves @ turned(model.theta[WAVES:COLUMNS], model.reach)).T
    share = model.theta[POLARIZATION] / left
    by_angle = by_angle - share * polar_by_angle
    by_radius = by_radius - share * polar_by_radius + slope
    fall = 1.0 + model.theta[OBLIQUITY] / 3.0
    # Rays hardly move with the geometry: their derivatives are left out.
    columns[:, :4] = (by_radius * look.d_rho + by_angle * look.d_angle + fall * look.d_log_g).T
    return columns, _amplitude(model, look, waves, polar, rays)


def equations(model: Model, cells: Cells, robust: float = 0.0) -> Equations:
    """Linearize the model at cells.

    Parameters
    ----------
    model : Model
    cells : Cells
    robust : float
        Number of standard deviations beyond which a cell counts less (0: all count alike).
    """
    look = model.look(cells.x, cells.y)
    basis, slopes = model.knots.basis(look.bent)
    rays = Rays.at(look, model.reach)
    columns, log_amplitude = _columns(model, look, (slopes @ model.beta) * look.bending, rays)
    if cells.panels is not None:
        log_amplitude = log_amplitude + cells.panels @ model.theta[MODULES:]
    expected = np.maximum(cells.pixels * np.exp(basis @ model.beta + log_amplitude), _LEAST_EXPECTED)
    weight = expected / (1.0 + model.excess * expected)
    residual = (cells.counts - expected) / expected
    if robust:
        score = residual * np.sqrt(weight)
        limit = robust * max(1.0, robust_sigma(score))
        weight *= np.minimum(1.0, (limit / np.maximum(np.abs(score), 1e-9)) ** 2)
    hats = _hats(rays, cells.panels)
    gram = banded_gram(basis, weight)
    rough = model.penalty * model.rough
    factor = linalg.cholesky_banded(gram + rough, check_finite=False)
    weighted = columns * weight[:, None]
    pull = weight * residual
    heavy = hats.data * np.repeat(weight, np.diff(hats.indptr))
    hats_weighted = sparse.csr_array((heavy, hats.indices, hats.indptr), shape=hats.shape)
    profile, ray = basis.T, hats.T
    cross = np.concatenate([profile @ weighted, (profile @ hats_weighted).toarray()], axis=1)
    right_beta = profile @ pull - times_banded(rough, model.beta)
    normal = np.empty((UNKNOWNS, UNKNOWNS))
    normal[:COLUMNS, :COLUMNS] = weighted.T @ columns
    normal[COLUMNS:, :COLUMNS] = ray @ weighted
    normal[:COLUMNS, COLUMNS:] = normal[COLUMNS:, :COLUMNS].T
    normal[COLUMNS:, COLUMNS:] = (ray @ hats_weighted).toarray()
    both = linalg.cho_solve_banded((factor, False), np.column_stack([cross, right_beta]), check_finite=False)
    normal -= cross.T @ both[:, :-1]
    right = np.concatenate([weighted.T @ residual, ray @ pull]) - cross.T @ both[:, -1]
    return Equations(
        expected, weight, residual, look, normal, right, gram, factor, cross, right_beta, columns, basis, hats
    )


def _hats(rays: Rays, panels: sparse.csr_array | None) -> sparse.csr_array:
    """Derivatives by rays and modules, shape (n, UNKNOWNS - COLUMNS)."""
    along = rays.matrix()
    if panels is None:
        panels = sparse.csr_array((along.shape[0], UNKNOWNS - MODULES))
    return sparse.csr_array(sparse.hstack([along, panels], format="csr"))


def step_all(model: Model, found: Equations, change: FloatArray) -> None:
    """Move the unknowns, and the profile that goes with them."""
    right = found.right_beta - found.cross @ change
    step = linalg.cho_solve_banded((found.factor, False), right, check_finite=False)
    model.beta = model.beta + np.clip(step, -2.0, 2.0)
    model.theta = model.theta + change
    model.theta[2:4] = np.clip(model.theta[2:4], -_STEEPEST, _STEEPEST)
    model.theta[POLARIZATION] = np.clip(model.theta[POLARIZATION], -1.0, 1.0)


def smooth(model: Model, found: Equations, local: bool = False) -> None:
    """Choose the profile's roughness penalty anew; locally where the profile is already a good one."""
    right = found.right_beta + times_banded(model.penalty * model.rough, model.beta)
    model.rough = roughness(model.knots.count, local_roughness(model.beta) if local else None)
    model.penalty = choose_smoothness(found.gram, right, model.beta, model.rough)
