"""The radial fit: coarse to fine, masks and model in turn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame, PooledFrame, pool
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.azimuthal_harmonics import (
    OBLIQUITY,
    POLARIZATION,
    UNKNOWNS,
    USUAL_POLARIZATION,
    Strength,
)
from xgeom_core.predict.background.basin_score import BasinScore
from xgeom_core.predict.background.cells import Cells, coarser, make_cells
from xgeom_core.predict.background.detector_model import detector_of
from xgeom_core.predict.background.gauss_newton import Pace, iterate
from xgeom_core.predict.background.masks import (
    Mask,
    constant_blocks,
    first_spots,
    inner_limit,
    lone_pixels,
    model_spots,
    odd_regions,
)
from xgeom_core.predict.background.model import Model, amplitude, expected_at, gains_at
from xgeom_core.predict.background.panels import panel_numbers
from xgeom_core.predict.background.polar import polar_cells, polar_pixels, polar_spot_mask
from xgeom_core.predict.background.ring_positions import RingFit, fit_ring_positions
from xgeom_core.predict.background.ring_search import ring_points, search_rings
from xgeom_core.predict.background.spline import Knots, roughness
from xgeom_core.predict.background.state import FINE, RadialState

# The longer side of the frame whose pixels are told apart, in pooled px.
FINE_PX = 820
# Share of the longer side around the beam that is left out: stop, arm and air scatter are there.
INNER_SHARE = 0.05
_INNER_MOST = 0.25
# Side of coarse cells in pooled px, and on small frames.
_COARSE, _COARSE_SMALL, _SMALL_PX = 8, 4, 300
# Side of larger cells, and the width of features in pooled px from which on they will do.
_WIDE, _WIDE_FEATURE = 6, 20.0
_COARSE_KNOT, _FINE_KNOT = 16.0, 6.0
# Width of narrow rings and distance of their knots, pooled px.
_RING_WIDTH, _RING_KNOT = 1.0, 1.5
# Pixels of these many pooled px a side make rings sharp that are so much wider.
_SCALES = (1, 2, 4)
_LEAST_SIDE = 60
# By how much less likely than the coarse fit's the geometry of rings may be; see `basin_score`.
_NO_WORSE = 1.0
# How much pixels must crowd for rings to be believed of which no arc can be measured.
_CROWDED = 0.5
# Parts along the longer side that may be shifted, where gaps tell of fewer modules than these.
_PARTS, _MANY_MODULES = 7, 8
# Standard deviation of tilts about the one that is stated, degrees; a detector swung by an unknown angle is
# rare, and one ring alone does not tell a tilt.
_USUAL_TILT_DEG = 2.5
_WEAK = Strength((0.01, 0.01, 0.003), 0.25)
_LEAST_CELLS = 300
_LEAST_COUNTS = 300.0
_CLIP = 5.0
_ROUGHLY, _CLOSELY = 0.3, 0.02
# A coarse profile that varies less than this over the frame is not looked at closely (see `contrast`).
_FLAT = 0.15


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
        self.usable = self.pooled.full & ~constant_blocks(self.pooled)
        self.panel = _panels(self.usable)
        self.detector = detector_of(frame.metadata, max(frame.shape))
        self.start = np.array([*start_px, *np.radians(start_tilt_deg)])
        usual = np.radians(_USUAL_TILT_DEG) ** -2.0
        self.base = np.diag([0.0, 0.0, usual, usual]) + (0.0 if base is None else base)
        self.known_spots = spot_mask
        self.least_inner = INNER_SHARE * self.side
        # What each parameter does to the image at the middle of an edge, in native px.
        turning = self.side**2 / 4.0 / self.detector.distance_px
        self.lever = np.array([1.0, 1.0, turning, turning])
        self.pace = Pace(self.base, self.start, self.lever, self.factor)

    def run(self) -> RadialState | None:
        """All stages; None if there is too little to fit."""
        spots = first_spots(self.pooled, self.usable)
        if self.known_spots is not None:
            spots |= self.known_spots
        state = self._coarse(spots)
        if state is None:
            return None
        self.score = BasinScore(self.pooled, self.usable & ~spots, self.detector)
        if self._find_rings(state):
            found = self._rings(state) if state.sharp else self._fine(state)
            return None if found is None else self._settled_on_rings(found)
        # The rest takes most of the time, and would be refused in the end all the same.
        return state if contrast(_log_profile(state)) < _FLAT else self._fine(state)

    def _find_rings(self, state: RadialState) -> bool:
        """Look for rings, sharp ones first, and take the geometry from their positions."""
        usable = self.usable & ~lone_pixels(self.pooled.counts, self.usable)
        part, coarse, faint = _parts(self.panel, usable.shape), state.model.theta[:4].copy(), None

        def likely(theta: FloatArray) -> bool:
            # Spots at equal distances from some point are no rings: the frame as a whole must say so.
            return self.score.of(theta).score > self.score.of(coarse).score - _NO_WORSE

        for scale in _SCALES:
            pooled, use = (self.pooled, usable) if scale == 1 else coarser(self.pooled, usable, scale)
            if min(use.shape) < _LEAST_SIDE:
                break
            points = ring_points(pooled, use, self.start, self.detector, self.least_inner, self.lever)
            if points is None:
                continue
            rough, crowded = search_rings(points, [self.start, coarse], self.side)
            if not crowded:
                continue
            found = self._positions(pooled, use, part[::scale, ::scale], rough)
            state.sharp = scale == 1
            if found is not None and not state.sharp:
                # Once the geometry is known, what the pixels blurred may be seen.
                finer = self._positions(self.pooled, usable, part, found.theta)
                if finer is not None and surer(finer.covariance, found.covariance, self.lever):
                    state.sharp, found = True, finer
            if found is not None and likely(found.theta):
                state.rings = found
                state.model.theta[:4] = found.theta
                return True
            faint = rough if scale == 1 and crowded > _CROWDED else faint
        # Rings too faint for arcs of them to be measured are seen all the way round.
        state.sharp = faint is not None and likely(faint)
        if faint is not None and state.sharp:
            state.model.theta[:4] = faint
        return state.sharp

    def _positions(
        self, pooled: PooledFrame, usable: Mask, part: NDArray[np.int64], theta: FloatArray
    ) -> RingFit | None:
        """The positions of rings near a geometry; None without rings."""
        inner = self.least_inner
        found = fit_ring_positions(pooled, usable, theta, self.detector, inner, self.base, self.start, part)
        return found if found is not None and found.converged else None

    def _settled_on_rings(self, state: RadialState) -> RadialState:
        """The profile about what the positions of the rings say."""
        if state.rings is not None and state.rings.converged:
            state.model.theta[:4] = state.rings.theta
            iterate(self.pace, state, 0, 2, robust=False, small=_CLOSELY)
            state.converged = True
        return state

    def _coarse(self, spots: Mask) -> RadialState | None:
        block = _COARSE if max(self.usable.shape) > _SMALL_PX else _COARSE_SMALL
        for dropped in (spots, np.zeros_like(spots)):
            # Where nothing lies under thin rings they look like spots, all of them.
            cells = make_cells(self.pooled, self.usable & ~dropped, block)
            away = np.hypot(cells.x - self.start[0], cells.y - self.start[1])
            cells = cells.take(_sorted(away > self.least_inner + block * self.factor, away))
            if self._enough(cells):
                break
        else:
            return None
        theta = np.zeros(UNKNOWNS)
        theta[:4] = self.start
        theta[POLARIZATION] = USUAL_POLARIZATION
        theta[OBLIQUITY] = self.detector.obliquity
        model = self._model(cells, _COARSE_KNOT, theta, Strength(), 0.0)
        state = RadialState(model, cells, dropped, block=block, inner_px=self.least_inner)
        state.dark = state.bright = cells.image(np.zeros(len(cells.x))) > 0
        iterate(self.pace, state, 0, 1, robust=True, small=_ROUGHLY, smoothen=False)
        iterate(self.pace, state, 2, 8, robust=True, small=_ROUGHLY)
        iterate(self.pace, state, 4, 6, robust=True, small=_ROUGHLY)
        return state

    def _fine(self, state: RadialState) -> RadialState | None:
        state.block = _WIDE if _narrowest(state.model) > _WIDE_FEATURE * self.factor else FINE
        cells = make_cells(self.pooled, self.usable & ~state.spots, state.block, panel=self.panel)
        self._choose(state, cells, first=True)
        if not self._enough(state.cells):
            return None
        old = state.model
        state.model = self._model(state.cells, _FINE_KNOT, old.theta, old.strength, old.reach)
        state.model.excess = old.excess
        state.model.strength = _WEAK
        iterate(self.pace, state, 0, 1, robust=True, small=_ROUGHLY)
        # Waves and rays stay weak until shadows are masked, lest they take up the shadows.
        iterate(self.pace, state, 4, 2, robust=True, small=_ROUGHLY)
        for deep in (True, False):
            if deep:
                cells = self._without_spots(state, cells)
            self._choose(state, cells, deep=deep)
            if not self._enough(state.cells):
                return None
            iterate(self.pace, state, 4, 8, robust=False, small=_CLOSELY, tune=True)
        return state

    def _rings(self, state: RadialState) -> RadialState | None:
        """The profile of sharp rings, in narrow cells about what their positions say."""
        theta, size = state.model.theta, _RING_WIDTH * self.factor
        pixels = polar_pixels(self.pooled, self.usable, theta, self.detector, size)
        state.spots = polar_spot_mask(pixels, self.usable.shape)
        if self.known_spots is not None:
            state.spots |= self.known_spots
        pixels = polar_pixels(self.pooled, self.usable & ~state.spots, theta, self.detector, size)
        cells = polar_cells(pixels, self.panel)
        state.grid = pixels.grid
        self._choose(state, cells, first=True)
        if not self._enough(state.cells):
            return None
        old = state.model
        state.model = self._model(state.cells, _RING_KNOT, old.theta, old.strength, old.reach)
        state.model.excess = old.excess
        iterate(self.pace, state, 0, 1, robust=True, small=_ROUGHLY)
        iterate(self.pace, state, 4, 5, robust=True, small=_ROUGHLY, tune=True)
        for _ in range(2):
            self._choose(state, cells)
            if not self._enough(state.cells):
                return None
            iterate(self.pace, state, 4, 6, robust=False, small=_CLOSELY, tune=True)
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
        pixels = cells.pixels * np.exp(amplitude(model, look, gains_at(model, cells)))
        model.rough = roughness(model.knots.count)
        model.usual_dark, model.dark_sigma = self.pooled.dark, self.pooled.dark_sigma
        dark = model.dark * cells.pixels
        model.beta = model.knots.start(look.bent, cells.counts - dark, pixels, dark)
        return model

    def _without_spots(self, state: RadialState, cells: Cells) -> Cells:
        """Cells without the pixels that the model knows for spots."""
        wave = expected_at(state.model, cells)[1]
        spots = model_spots(self.pooled, self.usable, state.model, cells, wave, state.misfit)
        if self.known_spots is not None:
            spots |= self.known_spots
        state.spots = spots
        return make_cells(self.pooled, self.usable & ~spots, state.block, panel=self.panel)

    def _enough(self, cells: Cells) -> bool:
        # What the darkest pixels hold may be light or not; it is not all there is.
        light = float(cells.counts.sum() - self.pooled.dark * cells.pixels.sum())
        return len(cells.x) >= _LEAST_CELLS and light >= _LEAST_COUNTS

    def _choose(self, state: RadialState, cells: Cells, first: bool = False, deep: bool = False) -> None:
        """Which cells are used: no inner part, no shadows, no patches, no single cells far off.

        At first, while the model is rough, the inner part alone is left out; then what is deep.
        """
        model = state.model
        rho, _, expected = expected_at(model, cells)
        expected = np.maximum(expected, 1e-3)
        score = (cells.counts - expected) / np.sqrt(expected + model.excess * expected**2)
        most = _INNER_MOST * self.side
        state.inner_px = self.least_inner
        if not first:
            state.inner_px = inner_limit(rho, score, self.least_inner, most, 8.0 * self.factor)
        keep = rho > state.inner_px
        misfit = max(state.misfit, 1.0)
        if not first:
            dark, bright = odd_regions(cells, expected, misfit, model.excess, deep or state.sharp)
            state.dark = cells.image(1.0 * (dark & keep)) > 0
            state.bright = cells.image(1.0 * (bright & keep)) > 0
            state.dropped = float((dark | bright)[keep].mean()) if keep.any() else 1.0
            keep &= ~dark & ~bright & (np.abs(score) < _CLIP * misfit)
        state.cells = cells.take(_sorted(keep, rho))


def _sorted(keep: Mask, radius: FloatArray) -> NDArray[np.int64]:
    """Numbers of the cells that are kept, by radius."""
    which = np.flatnonzero(keep)
    return which[np.argsort(radius[which])]


def contrast(log_profile: FloatArray) -> float:
    """Spread of the middle 80% of a profile's values, taken at pixels, relative to their median."""
    low, middle, high = np.percentile(np.exp(log_profile), [10, 50, 90])
    return float((high - low) / max(abs(middle), 1e-9))


def _log_profile(state: RadialState) -> FloatArray:
    model = state.model
    return model.log_profile(model.look(state.cells.x, state.cells.y).rho)


def _narrowest(model: Model) -> float:
    """Width of the narrowest feature of a profile in px, as the standard deviation of a Gaussian."""
    bend = np.abs(np.diff(model.beta, 2)) / model.knots.step**2
    first = int(0.05 * len(bend))
    return float(1.0 / np.sqrt(max(bend[first:].max(initial=0.0), 1e-12)))


def _parts(panel: NDArray[np.int64] | None, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Number of the part of the detector under each pooled pixel: its module, or a square of it."""
    if panel is not None and panel.max() >= _MANY_MODULES:
        return np.asarray(panel + 1)
    rows, columns = (np.arange(size) * _PARTS // max(shape) for size in shape)
    squares = np.add.outer(rows * _PARTS, columns)
    return np.asarray(squares if panel is None else squares + _PARTS**2 * (panel + 1))


def surer(one: FloatArray, other: FloatArray, lever: FloatArray) -> bool:
    """Whether one covariance moves the image less than another."""
    return bool(lever**2 @ np.diag(one) < lever**2 @ np.diag(other))


def _panels(usable: Mask) -> NDArray[np.int64] | None:
    """Module of each pixel; None if gaps tell of one module only."""
    number = panel_numbers(usable)
    return number if number.max(initial=-1) > 0 else None
