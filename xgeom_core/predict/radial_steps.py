"""Gauss-Newton steps of the radial fit on one pooling of a frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xgeom_core.frame import Metadata, PooledFrame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.outliers import CLIP_SIGMA, MODEL_ERROR, clip_score, outliers
from xgeom_core.predict.radial_model import Detector, Profile, radius, waves
from xgeom_core.predict.statistics import jackknife, robust_sigma, solve_normal

# Share of the longer side around the beam that is left out: stop, arm and air scatter are there.
_INNER_SHARE = 0.05
_SECTORS = 12
_LEAST_PIXELS = 3000
_LEAST_EXPECTED = 0.02
_BIN_PX = 2.0
_CONVERGED_PX = 0.01
_LONGEST_STEP_PX = 8.0
_STEEPEST = np.radians(40.0)
_LARGEST_WAVE = 3.0


@dataclass
class FitState:
    """Where a fit stands.

    Parameters
    ----------
    parameters : ndarray, shape (4,)
        Center x, y in native px, pitch and yaw in radians.
    nuisance : dict
        Six coefficients for each azimuthal order; see `radial_model.waves`.
    covariance, scatter : ndarray
        Of the free parameters: from counting noise, and from leaving out sectors.
    gain : float
        What the first step promised to take off chi-square.
    misfit : float
        Robust scatter of the residuals in units of counting noise.
    contrast : float
        How much the profile varies over the frame, relative to its median.
    pixels, steps : int
        Pixels used and steps done.
    converged : bool
        Whether the last step was small.
    """

    parameters: FloatArray
    nuisance: dict[int, FloatArray] = field(default_factory=dict)
    covariance: FloatArray = field(default_factory=lambda: np.zeros((4, 4)))
    scatter: FloatArray = field(default_factory=lambda: np.zeros((4, 4)))
    gain: float = 0.0
    misfit: float = float("inf")
    contrast: float = 0.0
    pixels: int = 0
    steps: int = 0
    converged: bool = False

    def fresh(self) -> FitState:
        """A state with the same parameters and nothing else."""
        return FitState(self.parameters.copy(), dict(self.nuisance))


class RadialSteps:
    """One pooling of a frame: which pixels count, and the steps taken on them.

    Parameters
    ----------
    pooled : PooledFrame
        Only blocks without a masked native pixel are used: a half-masked one has its counts
        elsewhere than at its center.
    metadata : Metadata
        Distance and pixel size, if known.
    """

    def __init__(self, pooled: PooledFrame, metadata: Metadata) -> None:
        self._pooled = pooled
        self._factor = pooled.pooling.factor
        self._span = max(pooled.counts.shape) / 2.0
        self.detector = _detector(metadata, self._factor, self._span)
        self._use = pooled.full
        # Found once per pooling: looking for it costs as much as a whole step.
        self._smoothness: float | None = None
        self._select()

    def prepare(self, state: FitState, rounds: int) -> bool:
        """Leave out the inner part, spots and shadows; False if too little is left."""
        center = self._pooled_parameters(state)[:2]
        height, width = self._use.shape
        u = np.arange(width, dtype=np.float64) + 0.5 - center[0]
        v = (np.arange(height, dtype=np.float64) + 0.5 - center[1])[:, None]
        self._use = self._pooled.full & (np.hypot(u, v) > _INNER_SHARE * 2.0 * self._span)
        for _ in range(rounds):
            self._select()
            if len(self._counts) < _LEAST_PIXELS or not self._counts.any():
                return False
            expected, residual = self._residuals(state)
            self._use = self._use & ~outliers((height, width), self._at, expected, residual)
        self._select()
        return len(self._counts) >= _LEAST_PIXELS

    def iterate(self, state: FitState, free: tuple[int, ...], orders: tuple[int, ...], passes: int) -> None:
        """Take steps until they are small.

        Parameters
        ----------
        state : FitState
            Changed in place.
        free : tuple of int
            Which of the four parameters may move.
        orders : tuple of int
            Azimuthal orders of the nuisance.
        passes : int
            Steps at the most.
        """
        for number in range(passes):
            size = self._step(state, free, orders)
            state.converged = size < _CONVERGED_PX
            if state.converged and number > 0:
                break

    def _select(self) -> None:
        rows, columns = np.nonzero(self._use)
        self._at = (rows.astype(np.int64), columns.astype(np.int64))
        self._x, self._y = columns.astype(np.float64) + 0.5, rows.astype(np.float64) + 0.5
        self._counts = self._pooled.counts[self._at].astype(np.float64)

    def _pooled_parameters(self, state: FitState) -> FloatArray:
        x, y = self._pooled.pooling.to_pooled((state.parameters[0], state.parameters[1]))
        return np.array([x, y, *state.parameters[2:]])

    def _residuals(self, state: FitState) -> tuple[FloatArray, FloatArray]:
        """Expected counts and residuals at the present state."""
        parameters = self._pooled_parameters(state)
        rho, log_g, _, _ = radius(self._x, self._y, parameters, self.detector)
        wave: FloatArray = np.zeros_like(self._x)
        for order, values in state.nuisance.items():
            wave = wave + values @ waves(self._x, self._y, parameters[:2], self._span, (order,))
        factor = np.exp(log_g + np.clip(wave, -_LARGEST_WAVE, _LARGEST_WAVE))
        profile = Profile(rho, self._counts, factor, 1.0 / factor, _BIN_PX, 0.0)
        expected = np.maximum(profile.at * factor, _LEAST_EXPECTED)
        return expected, self._counts - expected

    def _step(self, state: FitState, free: tuple[int, ...], orders: tuple[int, ...]) -> float:
        """One step; its size in pooled px (tilts as what they do at the rim) beyond the noise."""
        parameters = self._pooled_parameters(state)
        rho, log_g, d_rho, d_log_g = radius(self._x, self._y, parameters, self.detector)
        basis = waves(self._x, self._y, parameters[:2], self._span, orders)
        strength = np.concatenate([state.nuisance.get(order, np.zeros(6)) for order in orders])
        factor = np.exp(log_g + np.clip(strength @ basis, -_LARGEST_WAVE, _LARGEST_WAVE))
        profile = Profile(rho, self._counts, factor, 1.0 / factor, _BIN_PX, 0.0)
        expected = np.maximum(profile.at * factor, _LEAST_EXPECTED)
        weight = self._weights(state, expected)
        profile = Profile(rho, self._counts, factor, weight, _BIN_PX, self._smoothness)
        self._smoothness = profile.smoothness
        state.contrast = _contrast(profile.at)
        rows = [factor * profile.slope_at * d_rho[i] + expected * d_log_g[i] for i in free]
        rows += [expected * wave for wave in basis]
        columns = np.array([profile.project_out(row, factor, weight) for row in rows])
        left = profile.project_out(self._counts - expected, factor, weight)
        normals, rights = self._by_sector(columns, left, weight, parameters)
        return self._solve(state, normals, rights, free, orders)

    def _weights(self, state: FitState, expected: FloatArray) -> FloatArray:
        """Inverse variances; spots found by now weigh nothing."""
        residual = self._counts - expected
        weight = 1.0 / (expected + (MODEL_ERROR * expected) ** 2)
        state.misfit = max(robust_sigma(residual * np.sqrt(weight)), 1e-3)
        inlier = np.abs(clip_score(residual, expected)) < CLIP_SIGMA * max(1.0, state.misfit)
        state.pixels = int(inlier.sum())
        return np.where(inlier, weight, 0.0)

    def _by_sector(
        self, columns: FloatArray, left: FloatArray, weight: FloatArray, parameters: FloatArray
    ) -> tuple[list[FloatArray], list[FloatArray]]:
        """Normal matrix and right-hand side of each azimuth sector."""
        angle = np.arctan2(self._y - parameters[1], self._x - parameters[0])
        sector = np.minimum(((angle / (2 * np.pi) + 0.5) * _SECTORS).astype(int), _SECTORS - 1)
        order = np.argsort(sector, kind="stable")
        normals, rights = [], []
        for part in np.split(order, np.searchsorted(sector[order], np.arange(1, _SECTORS))):
            weighted = columns[:, part] * weight[part]
            normals.append(weighted @ columns[:, part].T)
            rights.append(weighted @ left[part])
        return normals, rights

    def _solve(
        self,
        state: FitState,
        normals: list[FloatArray],
        rights: list[FloatArray],
        free: tuple[int, ...],
        orders: tuple[int, ...],
    ) -> float:
        right: FloatArray = np.sum(rights, axis=0)
        step, inverse = solve_normal(np.sum(normals, axis=0), right)
        if state.steps == 0:
            state.gain = float(right @ step)
        state.steps += 1
        size = len(free)
        units = np.array([self._factor, self._factor, 1.0, 1.0])[list(free)]
        outer = np.outer(units, units)
        state.covariance = inverse[:size, :size] * outer
        state.scatter = jackknife(normals, rights, step)[:size, :size] * outer
        # What each parameter does to the image, in pooled px.
        turning = self._span**2 / self.detector.distance_px
        reach = np.array([1.0, 1.0, turning, turning])[list(free)]
        moved = np.abs(step[:size]) * reach
        damp = min(1.0, _LONGEST_STEP_PX / max(float(moved.max()), 1e-12))
        state.parameters[list(free)] += damp * step[:size] * units
        state.parameters[2:] = np.clip(state.parameters[2:], -_STEEPEST, _STEEPEST)
        for i, order in enumerate(orders):
            change = damp * step[size + 6 * i : size + 6 * (i + 1)]
            state.nuisance[order] = state.nuisance.get(order, np.zeros(6)) + np.clip(change, -0.5, 0.5)
        # A step well inside the error bar is a small one: on faint frames pixels that come and go
        # as outliers keep the solution trembling.
        noise = 0.1 * np.sqrt(np.diag(inverse)[:size]) * reach
        return float(np.maximum(moved - noise, 0.0).max())


def _contrast(values: FloatArray) -> float:
    """Spread of the middle 80% of values relative to their median; every 50th value will do."""
    low, middle, high = np.percentile(values[::50], [10, 50, 90])
    return float((high - low) / max(abs(middle), 1e-9))


def _detector(metadata: Metadata, factor: int, span: float) -> Detector:
    """Distance in pooled pixels and the pixels' aspect; a middling distance where it is unknown."""
    fast, slow = metadata.pixel_mm or (1.0, 1.0)
    if metadata.pixel_mm is None or metadata.distance_mm is None:
        return Detector(2.0 * span, slow / fast, assumed=True)
    return Detector(metadata.distance_mm / fast / factor, slow / fast)
