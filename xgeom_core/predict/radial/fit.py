"""The radial fit: coarse to fine, masks and model in turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xgeom_core.frame import Frame, pool
from xgeom_core.geometry import FloatArray, Pooling
from xgeom_core.predict.radial.cells import Cells, make_cells, spread_blocks
from xgeom_core.predict.radial.likelihood import (
    Equations,
    Model,
    amplitude,
    equations,
    smooth,
    step_all,
)
from xgeom_core.predict.radial.masks import (
    Mask,
    first_spots,
    inner_limit,
    model_spots,
    odd_regions,
)
from xgeom_core.predict.radial.noise import excess_of, misfit_of
from xgeom_core.predict.radial.optics import detector_of, radii
from xgeom_core.predict.radial.polar import (
    PolarGrid,
    has_sharp_rings,
    polar_cells,
    polar_pixels,
    polar_spot_mask,
)
from xgeom_core.predict.radial.spline import Knots, roughness
from xgeom_core.predict.radial.waves import (
    POLARIZATION,
    UNKNOWNS,
    USUAL_POLARIZATION,
    Strength,
    choose_strength,
    solve,
)

# The longer side of the frame whose pixels are told apart, in pooled px.
FINE_PX = 820
# Share of the longer side around the beam that is left out: stop, arm and air scatter are there.
INNER_SHARE = 0.05
_INNER_MOST = 0.25
_COARSE = 8
# Sides of fine cells, and the width of features in pooled px from which on the larger ones will do.
_FINE, _WIDE, _WIDE_FEATURE = 4, 6, 20.0
_COARSE_KNOT, _FINE_KNOT = 16.0, 6.0
# Width of a ring and distance of knots, pooled px.
_RING_WIDTHS = ((4.0, 5.0), (2.0, 2.5), (1.0, 1.5))
_WEAK = Strength((0.01, 0.01, 0.003), 0.25)
_LEAST_CELLS = 300
_LEAST_COUNTS = 300.0
_LONGEST_STEP = 8.0
_CLIP = 5.0
_ROUGHLY, _CLOSELY = 0.3, 0.02
_FIXED = 1e12


@dataclass(eq=False)
class RadialState:
    """Where a fit stands.

    Parameters
    ----------
    model : Model
    found : Equations
        At the model, over the cells used.
    cells : Cells
        Cells used.
    spots, dark, bright : ndarray of bool
        What was dropped: pixels of the pooled frame, and of the grid of all cells.
    inner_px : float
        Radius of the inner part left out.
    misfit : float
        Scatter of the residuals in units of their noise.
    steps : int
    converged : bool
    """

    model: Model
    cells: Cells
    spots: Mask
    found: Equations | None = None
    dark: Mask = field(default_factory=lambda: np.zeros((1, 1), dtype=bool))
    bright: Mask = field(default_factory=lambda: np.zeros((1, 1), dtype=bool))
    inner_px: float = 0.0
    misfit: float = 1.0
    dropped: float = 0.0
    block: int = _FINE
    steps: int = 0
    converged: bool = False
    sharp: bool = False
    grid: PolarGrid | None = None

    def on_pixels(self, where: Mask, shape: tuple[int, int], pooling: Pooling) -> Mask:
        """A mask of cells laid on the pixels of the pooled frame."""
        if self.grid is None:
            return np.asarray(spread_blocks(where, self.block, shape))
        factor, (x0, y0) = pooling.factor, pooling.offset
        x = ((np.arange(shape[1]) + 0.5) * factor + x0).astype(np.float32)
        y = ((np.arange(shape[0]) + 0.5) * factor + y0).astype(np.float32)[:, None]
        rho = radii(x, y, self.grid.theta, self.grid.detector)
        return np.asarray(where.ravel()[self.grid.index(rho, self.grid.angles(x, y))])


class RadialFitter:
    """Fits one frame.

    Parameters
    ----------
    frame : Frame
    start_px, start_tilt_deg : tuple of float
    base : ndarray, shape (4, 4)
        Prior precision of the geometry about the start (px, radians).
    """

    def __init__(
        self,
        frame: Frame,
        start_px: tuple[float, float],
        start_tilt_deg: tuple[float, float] = (0.0, 0.0),
        base: FloatArray | None = None,
        spot_mask: Mask | None = None,
    ) -> None:
        self.side = float(max(frame.shape))
        self.factor = max(1, round(self.side / FINE_PX))
        self.pooled = pool(frame, self.factor)
        self.usable = self.pooled.full
        self.detector = detector_of(frame.metadata, max(frame.shape))
        self.start = np.array([*start_px, *np.radians(start_tilt_deg)])
        self.base = np.zeros((4, 4)) if base is None else base
        self.known_spots = spot_mask
        self.least_inner = INNER_SHARE * self.side
        # What each parameter does to the image at the middle of an edge, in native px.
        turning = self.side**2 / 4.0 / self.detector.distance_px
        self.lever = np.array([1.0, 1.0, turning, turning])

    def run(self) -> RadialState | None:
        """All stages; None if there is too little to fit."""
        spots = first_spots(self.pooled, self.usable)
        if self.known_spots is not None:
            spots |= self.known_spots
        state = self._coarse(spots)
        if state is None:
            return None
        theta = state.model.theta
        state.sharp = has_sharp_rings(self.pooled, self.usable, theta, self.detector, 1.5 * self.least_inner)
        return self._rings(state) if state.sharp else self._fine(state)

    def _coarse(self, spots: Mask) -> RadialState | None:
        cells = make_cells(self.pooled, self.usable & ~spots, _COARSE)
        away = np.hypot(cells.x - self.start[0], cells.y - self.start[1])
        cells = cells.take(away > self.least_inner + _COARSE * self.factor)
        if not _enough(cells):
            return None
        theta = np.zeros(UNKNOWNS)
        theta[:4] = self.start
        theta[POLARIZATION] = USUAL_POLARIZATION
        model = self._model(cells, _COARSE_KNOT, theta, Strength(), 0.0)
        state = RadialState(model, cells, spots)
        self._iterate(state, 0, 1, robust=True, small=_ROUGHLY, smoothen=False)
        self._iterate(state, 2, 8, robust=True, small=_ROUGHLY)
        self._iterate(state, 4, 6, robust=True, small=_ROUGHLY)
        return state

    def _fine(self, state: RadialState) -> RadialState | None:
        state.block = _WIDE if _narrowest(state.model) > _WIDE_FEATURE * self.factor else _FINE
        cells = make_cells(self.pooled, self.usable & ~state.spots, state.block)
        self._choose(state, cells, first=True)
        if not _enough(state.cells):
            return None
        old = state.model
        state.model = self._model(state.cells, _FINE_KNOT, old.theta, old.strength, old.reach)
        state.model.excess = old.excess
        state.model.strength = _WEAK
        self._iterate(state, 0, 1, robust=True, small=_ROUGHLY)
        # Waves and rays stay weak until shadows are masked, lest they take up the shadows.
        self._iterate(state, 4, 2, robust=True, small=_ROUGHLY)
        for deep in (True, False):
            if deep:
                cells = self._without_spots(state, cells)
            self._choose(state, cells, deep=deep)
            if not _enough(state.cells):
                return None
            self._iterate(state, 4, 8, robust=False, small=_CLOSELY, tune=True)
        return state

    def _rings(self, state: RadialState) -> RadialState | None:
        """Narrow rings, narrower and narrower."""
        for width, knot in _RING_WIDTHS:
            theta, size = state.model.theta, width * self.factor
            pixels = polar_pixels(self.pooled, self.usable, theta, self.detector, size)
            state.spots = polar_spot_mask(pixels, self.usable.shape)
            if self.known_spots is not None and not state.model.strength.rays:
                state.spots |= self.known_spots
            use = self.usable & ~state.spots
            pixels = polar_pixels(self.pooled, use, theta, self.detector, size)
            cells = polar_cells(pixels)
            state.grid = pixels.grid
            self._choose(state, cells, first=True)
            if not _enough(state.cells):
                return None
            old = state.model
            state.model = self._model(state.cells, knot, old.theta, old.strength, old.reach)
            state.model.excess = old.excess
            self._iterate(state, 0, 1, robust=True, small=_ROUGHLY)
            self._iterate(state, 4, 5, robust=True, small=_ROUGHLY * width, tune=width == 1)
        for _ in range(2):
            self._choose(state, cells)
            if not _enough(state.cells):
                return None
            self._iterate(state, 4, 6, robust=False, small=_CLOSELY, tune=True)
        return state

    def _model(self, cells: Cells, knot: float, theta: FloatArray, strength: Strength, reach: float) -> Model:
        """A model on new knots, its profile from the cells' means."""
        model = Model(self.detector, reach or 1.0, theta.copy(), Knots.over(0.0, 1.0, 1.0), np.zeros(4))
        look = model.look(cells.x, cells.y)
        far, wide = float(look.rho.max()), float(look.bent.max())
        if not reach:
            model.reach = 1.02 * far
        model.knots = Knots.over(0.0, 1.05 * wide + 30.0 * self.factor, knot * self.factor)
        model.strength = strength
        pixels = cells.pixels * np.exp(amplitude(model, look))
        model.rough = roughness(model.knots.count)
        model.beta = model.knots.start(look.bent, cells.counts, pixels)
        return model

    def _without_spots(self, state: RadialState, cells: Cells) -> Cells:
        """Cells without the pixels that the model knows for spots."""
        wave = amplitude(state.model, state.model.look(cells.x, cells.y))
        spots = model_spots(self.pooled, self.usable, state.model, cells, wave, state.misfit)
        if self.known_spots is not None:
            spots |= self.known_spots
        state.spots = spots
        return make_cells(self.pooled, self.usable & ~spots, state.block)

    def _choose(self, state: RadialState, cells: Cells, first: bool = False, deep: bool = False) -> None:
        """Which cells are used: no inner part, no shadows, no patches, no single cells far off.

        At first, while the model is rough, the inner part alone is left out; then what is deep.
        """
        model = state.model
        look = model.look(cells.x, cells.y)
        expected = cells.pixels * np.exp(model.log_profile(look.rho) + amplitude(model, look))
        expected = np.maximum(expected, 1e-3)
        score = (cells.counts - expected) / np.sqrt(expected + model.excess * expected**2)
        most = _INNER_MOST * self.side
        state.inner_px = self.least_inner
        if not first:
            state.inner_px = inner_limit(look.rho, score, self.least_inner, most, 8.0 * self.factor)
        keep = look.rho > state.inner_px
        misfit = max(state.misfit, 1.0)
        if not first:
            dark, bright = odd_regions(cells, expected, misfit, model.excess, deep or state.sharp)
            state.dark = cells.image(1.0 * (dark & keep)) > 0
            state.bright = cells.image(1.0 * (bright & keep)) > 0
            state.dropped = float((dark | bright)[keep].mean()) if keep.any() else 1.0
            keep &= ~dark & ~bright & (np.abs(score) < _CLIP * misfit)
        state.cells = cells.take(keep)

    def _iterate(
        self,
        state: RadialState,
        free: int,
        most: int,
        *,
        robust: bool,
        small: float,
        tune: bool = False,
        smoothen: bool = True,
    ) -> None:
        """Steps until they are small.

        Parameters
        ----------
        state : RadialState
        free : int
            How many of the four parameters may move.
        most : int
            Steps at the most.
        robust : bool
            Whether cells far off count less.
        small : float
            Size of a small step beyond a tenth of the noise, pooled px.
        tune : bool
            Whether the strength of the nuisance is chosen anew, at the first step and the third.
        smoothen : bool
            Whether the roughness of the profile is chosen anew at the first step.
        """
        for number in range(most):
            found = equations(state.model, state.cells, robust=2.5 if robust else 0.0)
            state.misfit = misfit_of(state.cells.counts, found.expected, state.model.excess)
            if smoothen and number == 0:
                smooth(state.model, found, local=not robust)
            size = self._step(state.model, found, free, tune and number in (0, 2))
            state.model.excess = excess_of(state.cells.counts, found.expected)
            state.steps += 1
            state.converged = size < small
            if state.converged and (number > 0 or not tune):
                break

    def _step(self, model: Model, found: Equations, free: int, tune: bool) -> float:
        base = self.base.copy()
        for i in range(free, 4):
            base[i, i] = _FIXED
        present = model.from_prior()
        present[:4] = model.theta[:4] - self.start
        for i in range(free, 4):
            present[i] = 0.0
        if tune:
            model.strength = choose_strength(found.normal, found.right, present, model.strength, base)
        solution = solve(found.normal, found.right, present, model.strength, base)
        moved = np.abs(solution.change[:4]) * self.lever
        noise = 0.1 * np.sqrt(np.diag(solution.covariance(4))) * self.lever
        damp = min(1.0, _LONGEST_STEP * self.factor / max(float(moved.max()), 1e-12))
        step_all(model, found, damp * solution.change)
        return float(np.maximum(moved - noise, 0.0).max()) / self.factor


def _narrowest(model: Model) -> float:
    """Width of the narrowest feature of a profile in px, as the standard deviation of a Gaussian."""
    bend = np.abs(np.diff(model.beta, 2)) / model.knots.step**2
    first = int(0.05 * len(bend))
    return float(1.0 / np.sqrt(max(bend[first:].max(initial=0.0), 1e-12)))


def _enough(cells: Cells) -> bool:
    return len(cells.x) >= _LEAST_CELLS and float(cells.counts.sum()) >= _LEAST_COUNTS
