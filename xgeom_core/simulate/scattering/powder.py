"""Sharp rings: where they are, how wide, how bright, and how even along their circumference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.scattering.substances import lines

# Steps of the pseudo-azimuth around a ring: finer than a pixel at 300 px from the center.
TURNS = 4096
# Two-theta in radians that a beam stop usually hides.
_STOP = 0.03


@dataclass(frozen=True)
class Powder:
    """A crystalline powder in the beam.

    Parameters
    ----------
    substance : str
        One of `CALIBRANTS`, "ice" or "cubic ice".
    height : float
        Crest of its brightest ring in reach, 1.7 degrees or more from the beam, relative to
        ``counts_per_mm2`` of the background.
    crystallite_A : float
        Mean size of the crystallites in Å.
    strain : float
        Relative standard deviation of the cell edges.
    instrument_mrad : float
        Standard deviation of 2-theta that camera and sample add, in mrad.
    spottiness : float
        0 for even rings; the standard deviation over the mean of the brightness along a ring.
    grain_deg : float
        Angular width of a grain's contribution along the ring, in degrees.
    texture : float
        Relative amplitude of preferred orientation, a wave of four or two maxima per turn.
    texture_deg : float
        Azimuth of a maximum.
    seed : int
        Of the grains along the rings.
    """

    substance: str
    height: float
    crystallite_A: float = 1000.0
    strain: float = 0.0
    instrument_mrad: float = 0.3
    spottiness: float = 0.0
    grain_deg: float = 0.2
    texture: float = 0.0
    texture_deg: float = 0.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Rings:
    """Rings ready to be drawn; the arrays run over rings in order of rising s.

    Parameters
    ----------
    s, sigma : ndarray, shape (n,)
        Position and standard deviation in 1/Å, pixels not yet considered.
    content : ndarray, shape (n,)
        Crest times sigma times the root of 2 pi: what the integral over s holds.
    turn : ndarray of float32, shape (m, TURNS)
        Factors along the circumference; row 0 holds ones.
    row : ndarray of int64, shape (n,)
        Row of ``turn`` for each ring.
    """

    s: FloatArray
    sigma: FloatArray
    content: FloatArray
    turn: np.ndarray[tuple[int, int], np.dtype[np.float32]]
    row: np.ndarray[tuple[int], np.dtype[np.int64]]

    def split(self, width: float) -> tuple[Rings, Rings]:
        """Rings to be drawn one by one, and even rings wider than ``width`` (standard deviation)."""
        wide = (self.row == 0) & (self.sigma > width)
        return self._chosen(~wide), self._chosen(wide)

    def profile(self, s: FloatArray, span: float) -> FloatArray:
        """Sum of the rings at ``s`` (even steps from 0), seen by pixels that span so much of s."""
        total = np.zeros_like(s)
        step = s[1] - s[0]
        for place, sigma, content in zip(self.s, self.sigma, self.content, strict=True):
            # The diagonal squared over 24 is the mean variance of a pixel's extent along the gradient.
            seen = np.hypot(sigma, span / np.sqrt(24.0))
            low, high = (int((place + side * 5.0 * seen) / step) for side in (-1, 1))
            part = slice(max(low, 0), high + 1)
            bell = np.exp(-0.5 * ((s[part] - place) / seen) ** 2) / (np.sqrt(2.0 * np.pi) * seen)
            total[part] += content * bell
        return total

    def _chosen(self, use: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Rings:
        return Rings(self.s[use], self.sigma[use], self.content[use], self.turn, self.row[use])


def ring_sigma(powder: Powder, beam: Beam, s: FloatArray, distance_mm: float) -> FloatArray:
    """Standard deviation in 1/Å of lines at ``s``.

    Notes
    -----
    Scherrer's ``0.9 / L`` full width at half maximum (a factor 2.355 from the standard deviation),
    ``strain`` and bandwidth times s, and ``cos(theta) / wavelength`` times the spread of 2-theta:
    instrument, divergence, and the size of the beam over the distance.
    """
    cos_theta = np.sqrt(np.maximum(1.0 - (s * beam.wavelength_A / 2.0) ** 2, 0.01))
    divergence = 1e-3 * float(np.hypot(*beam.divergence_mrad)) / np.sqrt(2.0)
    angle2 = (1e-3 * powder.instrument_mrad) ** 2 + divergence**2 + (beam.size_mm / distance_mm) ** 2
    size = 0.9 / 2.355 / powder.crystallite_A
    relative2 = powder.strain**2 + beam.bandwidth**2
    return np.asarray(np.sqrt(size**2 + relative2 * s**2 + angle2 * (cos_theta / beam.wavelength_A) ** 2))


def rings(powders: tuple[Powder, ...], beam: Beam, reach: tuple[float, float], distance_mm: float) -> Rings:
    """All rings of some powders between ``reach[0]`` and ``reach[1]`` in 1/Å."""
    parts: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    tables: list[FloatArray] = [np.ones(TURNS)]
    rows: list[int] = []
    for powder in powders:
        found = lines(powder.substance, float(np.ceil(reach[1] * 20.0 + 0.5) / 20.0))
        near = (found.s > reach[0] - 0.02) & (found.s < reach[1] + 0.02)
        s, strength = found.s[near], found.strength[near]
        if not s.size:
            continue
        sigma = ring_sigma(powder, beam, s, distance_mm)
        crest = strength / sigma
        # Rings within a stop's reach of the beam do not set the scale if there are others.
        beyond = s * beam.wavelength_A > _STOP
        top = crest[beyond].max() if beyond.any() else crest.max()
        use = crest > 1e-3 * top
        s, sigma, strength, crest = s[use], sigma[use], strength[use], crest[use] / top
        parts.append((s, sigma, powder.height * crest * sigma * np.sqrt(2.0 * np.pi)))
        rng = np.random.default_rng(powder.seed)
        for bright in crest > 0.12:
            # Nobody sees grains in rings that can hardly be seen themselves.
            even = (powder.spottiness <= 0 and powder.texture <= 0) or not bright
            rows.append(0 if even else len(tables))
            if not even:
                tables.append(_around(powder, rng))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] or [np.zeros(0)] * 3
    order = np.argsort(columns[0])
    s, sigma, content = (column[order] for column in columns)
    return Rings(s, sigma, content, np.array(tables, np.float32), np.array(rows, np.int64)[order])


@cache
def turn_angle() -> FloatArray:
    """Azimuth in radians of the steps of the pseudo-azimuth, see `TURNS`.

    Notes
    -----
    The pseudo-azimuth grows from 0 to 4 along the square ``|x| + |y| = 1``, from +x through +y: it
    needs no arc tangent.
    """
    p = (np.arange(TURNS) + 0.5) * 4.0 / TURNS
    side, along = np.divmod(p, 1.0)
    return np.asarray((side + 2.0 / np.pi * np.arctan2(along, 1.0 - along)) * np.pi / 2.0)


def _around(powder: Powder, rng: np.random.Generator) -> FloatArray:
    """Brightness along one ring, 1 in the mean."""
    angle = turn_angle()
    wave = 1.0 + powder.texture * np.cos(2.0 * (angle - np.radians(powder.texture_deg)))
    if powder.spottiness <= 0:
        return np.asarray(wave)
    # Grains of gamma-distributed brightness on an even grid of azimuths as wide as a grain.
    cells = max(8, round(360.0 / powder.grain_deg))
    shape = 1.0 / powder.spottiness**2
    grains = rng.gamma(shape, 1.0 / shape, size=cells)
    place = angle / (2.0 * np.pi) * cells
    blend = np.interp(place, np.arange(cells + 1), np.append(grains, grains[0]))
    return np.asarray(wave * blend)
