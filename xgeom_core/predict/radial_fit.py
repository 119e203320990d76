"""Fit center and tilt to the background of a frame: Gauss-Newton with the profile projected out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import Frame, PooledFrame, pool
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.radial_model import Detector, Profile, radius, waves

# The longer side of the frame on which the last digits are found, in pooled px.
_FINE_PX = 410
# Share of the longer side around the beam that is left out: stop, arm and air scatter are there.
_INNER_SHARE = 0.05
# Relative model error that no count can beat; keeps bright parts of real frames from ruling.
_MODEL_ERROR = 0.01
_SECTORS = 12
_LEAST_PIXELS = 3000
_CLIP_SIGMA = 4.0
_ALL = (0, 1, 2, 3)


@dataclass(frozen=True, eq=False)
class RadialFit:
    """Outcome of a radial fit, in native pixels and degrees.

    Parameters
    ----------
    center_px : tuple of float
        Beam center ``(x, y)``.
    tilt_deg : tuple of float or None
        ``(pitch, yaw)``; None if the distance is unknown.
    covariance : ndarray, shape (4, 4) or (2, 2)
        Counting noise scaled by the misfit, or the scatter between azimuth sectors, whichever is
        larger.
    misfit : float
        Robust scatter of the residuals in units of counting noise; 1 if the model holds.
    evidence_px : float
        Standard deviation of the center if only the positions of features count, not brightness.
    evidence_deg : float
        Likewise for the tilt; NaN if the distance is unknown.
    lopsided : bool
        Whether the background needed a one-fold wave in azimuth.
    pixels : int
        Pooled pixels used.
    converged : bool
        Whether the last step was small.
    """

    center_px: tuple[float, float]
    tilt_deg: tuple[float, float] | None
    covariance: FloatArray
    misfit: float
    evidence_px: float
    evidence_deg: float
    lopsided: bool
    pixels: int
    converged: bool


def fit_radial(frame: Frame, start_px: tuple[float, float]) -> RadialFit | None:
    """Fit the geometry to a frame's background.

    Parameters
    ----------
    frame : Frame
        Distance and pixel size in its metadata decide whether the tilt can be fitted.
    start_px : tuple of float
        Rough center ``(x, y)`` in native px; within about 20 px of 820 will do.

    Returns
    -------
    RadialFit or None
        None if the frame has too few usable pixels or no background to fit.

    Notes
    -----
    Coarse to fine; center first, tilt later. The fit is done with and without a one-fold wave in
    the amplitude. The wave is kept only if the data demand it, since on a symmetric background it
    costs precision; but the evidence is always judged with it.
    """
    fine = max(1, round(max(frame.shape) / _FINE_PX))
    coarse = _Level(frame, pool(frame, 2 * fine))
    state = _State(np.array([*start_px, 0.0, 0.0]))
    tilts = coarse.detector.distance_px is not None
    free = _ALL if tilts else (0, 1)
    if not coarse.prepare(state, rounds=3):
        return None
    coarse.iterate(state, free=(0, 1), orders=(2,), passes=12)
    if tilts:
        coarse.iterate(state, free=free, orders=(2,), passes=8)
    level = _Level(frame, pool(frame, fine))
    if not level.prepare(state, rounds=1):
        return None
    plain = state.copy()
    level.iterate(plain, free=free, orders=(2,), passes=5)
    wavy = plain.copy()
    level.iterate(wavy, free=free, orders=(1, 2), passes=1)
    # Six parameters that are not needed lower chi-square by about 6.
    lopsided = wavy.gain > _WAVE_GAIN * max(wavy.misfit, 1.0) ** 2
    if lopsided:
        level.iterate(wavy, free=free, orders=(1, 2), passes=10)
    return _outcome(wavy if lopsided else plain, wavy, tilts, lopsided)


_WAVE_GAIN = 25.0


@dataclass
class _State:
    """Where a fit stands; parameters in native px and radians."""

    parameters: FloatArray
    nuisance: dict[int, FloatArray] = field(default_factory=dict)
    covariance: FloatArray = field(default_factory=lambda: np.zeros((4, 4)))
    scatter: FloatArray = field(default_factory=lambda: np.zeros((4, 4)))
    gain: float = 0.0
    misfit: float = np.inf
    pixels: int = 0
    converged: bool = False
    steps: int = 0

    def copy(self) -> _State:
        return _State(self.parameters.copy(), dict(self.nuisance))


class _Level:
    """One pooling of the frame, with its own pixels and outliers."""

    def __init__(self, frame: Frame, pooled: PooledFrame) -> None:
        self._pooled = pooled
        factor = pooled.pooling.factor
        meta = frame.metadata
        pixel = meta.pixel_mm
        aspect = pixel[1] / pixel[0] if pixel else 1.0
        known = meta.distance_mm is not None and pixel is not None
        distance = meta.distance_mm / pixel[0] / factor if known and pixel and meta.distance_mm else None
        self.detector = Detector(distance, aspect)
        self._factor = factor
        self._span = max(pooled.counts.shape) / 2.0
        self._usable = pooled.full.copy()
        self._use = self._usable
        # Found once per pooling: looking for it costs as much as a whole step.
        self._smoothness: float | None = None
        self._select()

    def _select(self) -> None:
        rows, columns = np.nonzero(self._use)
        self._x, self._y = columns + 0.5, rows + 0.5
        self._counts = self._pooled.counts[rows, columns].astype(np.float64)
        self._at = (rows, columns)

    def _pooled_parameters(self, state: _State) -> FloatArray:
        x, y = self._pooled.pooling.to_pooled((state.parameters[0], state.parameters[1]))
        return np.array([x, y, *state.parameters[2:]])

    def prepare(self, state: _State, rounds: int) -> bool:
        """Leave out the inner part and spots; False if too little is left."""
        center = self._pooled_parameters(state)[:2]
        height, width = self._usable.shape
        inner = _INNER_SHARE * 2.0 * self._span
        far = np.hypot(
            np.arange(width) + 0.5 - center[0], (np.arange(height) + 0.5 - center[1])[:, None]
        )
        self._use = self._usable & (far > inner)
        for _ in range(rounds):
            self._select()
            if len(self._counts) < _LEAST_PIXELS or not self._counts.any():
                return False
            self._drop_outliers(*self._residuals(state))
        self._select()
        return len(self._counts) >= _LEAST_PIXELS

    def _residuals(self, state: _State) -> tuple[FloatArray, FloatArray]:
        """Expected counts and residuals at the present state."""
        parameters = self._pooled_parameters(state)
        rho, log_g, _, _ = radius(self._x, self._y, parameters, self.detector)
        factor = np.exp(log_g + self._nuisance(state, parameters))
        profile = Profile(rho, self._counts, factor, 1.0 / factor, _BIN_PX, 0.0)
        expected = np.maximum(profile.at * factor, _LEAST_EXPECTED)
        return expected, self._counts - expected

    def _nuisance(self, state: _State, parameters: FloatArray) -> FloatArray:
        total = np.zeros_like(self._x)
        for order, values in state.nuisance.items():
            total += values @ waves(self._x, self._y, parameters[:2], self._span, (order,))
        return np.clip(total, -3.0, 3.0)

    def _drop_outliers(self, expected: FloatArray, residual: FloatArray) -> None:
        """Drop spots (single pixels and their rims) and shadows (whole blocks)."""
        z = clip_score(residual, expected)
        spread = max(1.0, robust_sigma(z))
        off = np.zeros(self._use.shape, dtype=bool)
        off[self._at] = np.abs(z) > _CLIP_SIGMA * spread
        off = ndimage.binary_dilation(off, np.ones((3, 3), dtype=bool))
        off |= self._shadowed(expected, residual)
        self._use = self._use & ~off

    def _shadowed(self, expected: FloatArray, residual: FloatArray) -> NDArray[np.bool_]:
        """Blocks whose mean residual stands out from the other blocks'."""
        rows, columns = self._at
        across = -(-self._use.shape[1] // _BLOCK_PX)
        block = rows // _BLOCK_PX * across + columns // _BLOCK_PX
        size = (-(-self._use.shape[0] // _BLOCK_PX)) * across
        total = np.bincount(block, weights=expected, minlength=size)
        excess = np.bincount(block, weights=residual, minlength=size)
        seen = total > 0
        relative = np.divide(excess, total, out=np.zeros(size), where=seen)
        noise = np.divide(1.0, np.sqrt(total), out=np.zeros(size), where=seen)
        limit = 5.0 * np.maximum(noise, robust_sigma(relative[seen]))
        bad = (seen & (np.abs(relative) > limit)).reshape(-1, across)
        bad = np.kron(bad, np.ones((_BLOCK_PX, _BLOCK_PX), dtype=bool))
        return np.asarray(bad[: self._use.shape[0], : self._use.shape[1]])

    def iterate(self, state: _State, free: tuple[int, ...], orders: tuple[int, ...], passes: int) -> None:
        """Gauss-Newton steps on the free parameters and the nuisance waves of the given orders."""
        for number in range(passes):
            step = self._step(state, free, orders)
            state.converged = bool(step < _CONVERGED_PX)
            if state.converged and number > 0:
                break

    def _step(self, state: _State, free: tuple[int, ...], orders: tuple[int, ...]) -> float:
        """One step; returns its size in pooled px (tilts as what they do at the rim)."""
        parameters = self._pooled_parameters(state)
        rho, log_g, d_rho, d_log_g = radius(self._x, self._y, parameters, self.detector)
        basis = waves(self._x, self._y, parameters[:2], self._span, orders)
        coefficients = np.concatenate(
            [state.nuisance.get(order, np.zeros(6)) for order in orders]
        )
        factor = np.exp(log_g + np.clip(coefficients @ basis, -3.0, 3.0))
        profile = Profile(rho, self._counts, factor, 1.0 / factor, _BIN_PX, 0.0)
        expected = np.maximum(profile.at * factor, _LEAST_EXPECTED)
        residual = self._counts - expected
        weight = 1.0 / (expected + (_MODEL_ERROR * expected) ** 2)
        state.misfit = max(robust_sigma(residual * np.sqrt(weight)), 1e-3)
        # What the masks missed must not pull: spots found by now weigh nothing.
        inlier = np.abs(clip_score(residual, expected)) < _CLIP_SIGMA * max(1.0, state.misfit)
        weight = np.where(inlier, weight, 0.0)
        profile = Profile(rho, self._counts, factor, weight, _BIN_PX, self._smoothness)
        self._smoothness = profile.smoothness
        rows = [factor * profile.slope_at * d_rho[i] + expected * d_log_g[i] for i in free]
        rows += [expected * wave for wave in basis]
        columns = np.array([profile.project_out(row, factor, weight) for row in rows])
        left = profile.project_out(residual, factor, weight)
        return self._solve(state, columns, left, weight, free, orders, parameters)

    def _solve(
        self,
        state: _State,
        columns: FloatArray,
        left: FloatArray,
        weight: FloatArray,
        free: tuple[int, ...],
        orders: tuple[int, ...],
        parameters: FloatArray,
    ) -> float:
        angle = np.arctan2(self._y - parameters[1], self._x - parameters[0])
        sector = np.minimum(((angle / (2 * np.pi) + 0.5) * _SECTORS).astype(int), _SECTORS - 1)
        normals, rights = [], []
        order = np.argsort(sector, kind="stable")
        ends = np.searchsorted(sector[order], np.arange(1, _SECTORS))
        for part in np.split(order, ends):
            weighted = columns[:, part] * weight[part]
            normals.append(weighted @ columns[:, part].T)
            rights.append(weighted @ left[part])
        normal, right = np.sum(normals, axis=0), np.sum(rights, axis=0)
        scale = np.sqrt(np.maximum(np.diag(normal), 1e-30))
        inverse = np.linalg.pinv(normal / np.outer(scale, scale), rcond=1e-10, hermitian=True)
        inverse = inverse / np.outer(scale, scale)
        step = inverse @ right
        if state.steps == 0:
            state.gain = float(right @ step)
        state.steps += 1
        state.pixels = int((weight > 0).sum())
        units = np.array([self._factor, self._factor, 1.0, 1.0])[list(free)]
        size = len(free)
        state.covariance = inverse[:size, :size] * np.outer(units, units)
        state.scatter = jackknife(normals, rights, step)[:size, :size] * np.outer(units, units)
        return self._apply(state, step, free, orders, units)

    def _apply(
        self, state: _State, step: FloatArray, free: tuple[int, ...], orders: tuple[int, ...], units: FloatArray
    ) -> float:
        reach = np.array([1.0, 1.0, *[self._span**2 / (self.detector.distance_px or np.inf)] * 2])
        moved = np.abs(step[: len(free)]) * reach[list(free)]
        damp = min(1.0, _LONGEST_STEP_PX / max(float(moved.max()), 1e-12))
        state.parameters[list(free)] += damp * step[: len(free)] * units
        state.parameters[2:] = np.clip(state.parameters[2:], -_STEEPEST, _STEEPEST)
        for i, order in enumerate(orders):
            now = state.nuisance.get(order, np.zeros(6))
            change = step[len(free) + 6 * i : len(free) + 6 * (i + 1)]
            state.nuisance[order] = now + np.clip(damp * change, -0.5, 0.5)
        # A step well inside the error bar is a small one: on faint frames pixels that come and go
        # as outliers keep the solution trembling.
        noise = 0.1 * np.sqrt(np.diag(state.covariance)) / units * reach[list(free)]
        return float(np.maximum(moved - noise, 0.0).max())


_BIN_PX = 2.0
_BLOCK_PX = 8
_LEAST_EXPECTED = 0.02
_CONVERGED_PX = 0.01
_LONGEST_STEP_PX = 8.0
_STEEPEST = np.radians(40.0)


def jackknife(normals: list[FloatArray], rights: list[FloatArray], step: FloatArray) -> FloatArray:
    """Covariance of a least-squares solution from leaving out each part of the data in turn.

    Parameters
    ----------
    normals, rights : list of ndarray
        Normal matrices (m, m) and right-hand sides (m,) of the parts.
    step : ndarray, shape (m,)
        The solution with all parts.

    Notes
    -----
    ``(S - 1) / S * sum (x_s - x)(x_s - x)^T`` over the S parts (Efron 1982). Parts here are
    azimuth sectors, so what makes one side of a frame disagree with the other counts as error.
    """
    normal, right = np.sum(normals, axis=0), np.sum(rights, axis=0)
    count = len(normals)
    deviations = []
    for part, part_right in zip(normals, rights, strict=True):
        rest = normal - part
        scale = np.sqrt(np.maximum(np.diag(rest), 1e-30))
        inverse = np.linalg.pinv(rest / np.outer(scale, scale), rcond=1e-10, hermitian=True)
        deviations.append(inverse / np.outer(scale, scale) @ (right - part_right) - step)
    spread = np.array(deviations)
    return np.asarray((count - 1) / count * spread.T @ spread)


def clip_score(residual: FloatArray, expected: FloatArray) -> FloatArray:
    """Residuals in units of their noise, for telling spots from background.

    One is added to the variance: where a hundredth of a photon is expected, one photon is no spot,
    and dropping it would empty the dark parts of a frame.
    """
    return np.asarray(residual / np.sqrt(expected + 1.0 + (_MODEL_ERROR * expected) ** 2))


def robust_sigma(values: FloatArray) -> float:
    """Standard deviation from the median absolute deviation; 0 for no values."""
    if values.size == 0:
        return 0.0
    middle = np.median(values)
    return float(1.4826 * np.median(np.abs(values - middle)))


def _outcome(best: _State, wavy: _State, tilts: bool, lopsided: bool) -> RadialFit:
    degrees = np.array([1.0, 1.0, *[np.degrees(1.0)] * 2])[: 4 if tilts else 2]
    turn = np.outer(degrees, degrees)
    counting = best.covariance * max(best.misfit, 1.0) ** 2
    larger = np.sqrt(np.maximum(np.diag(best.scatter) / np.maximum(np.diag(counting), 1e-30), 1.0))
    covariance = counting * np.outer(larger, larger) * turn
    if not lopsided:
        # A wave too weak to be kept may still be there: the more it would explain, the more of the
        # wider error it brings.
        doubt = np.clip((wavy.gain / max(wavy.misfit, 1.0) ** 2 - 6.0) / (_WAVE_GAIN - 6.0), 0.0, 1.0)
        covariance = covariance + doubt * wavy.covariance * turn
    evidence = np.sqrt(np.diag(wavy.covariance)) * max(wavy.misfit, 1.0) * degrees
    pitch, yaw = np.degrees(best.parameters[2:])
    return RadialFit(
        center_px=(float(best.parameters[0]), float(best.parameters[1])),
        tilt_deg=(float(pitch), float(yaw)) if tilts else None,
        covariance=covariance,
        misfit=best.misfit,
        evidence_px=float(evidence[:2].max()),
        evidence_deg=float(evidence[2:].max()) if tilts else float("nan"),
        lopsided=lopsided,
        pixels=best.pixels,
        converged=best.converged,
    )
