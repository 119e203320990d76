"""The noise-free image of everything that is not Bragg."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.scattering import kernel
from xgeom_core.simulate.scattering.air import attenuation_per_mm
from xgeom_core.simulate.scattering.background import Background
from xgeom_core.simulate.scattering.coarse import CoarseGrid, coarse_grid
from xgeom_core.simulate.scattering.factors import SensorLike, air_transmission, parallax_ratio
from xgeom_core.simulate.scattering.parasitic import Halo, Layers, Streak
from xgeom_core.simulate.scattering.plane import pixel_box, placement
from xgeom_core.simulate.scattering.powder import Rings, rings
from xgeom_core.simulate.scattering.radial import per_mm2, radial_sum

_BINS = 4096
_CREST_STEPS = 257


def expected_background(
    background: Background, beam: Beam, geometry: Geometry, shape: tuple[int, int], sensor: SensorLike
) -> NDArray[np.float32]:
    """Expected counts of a frame's scattering, before shadows.

    Parameters
    ----------
    background : Background
        What scatters.
    beam : Beam
        Wavelength, polarization, and what widens sharp rings.
    geometry : Geometry
        In pixels of this image; its wavelength is not used.
    shape : tuple of int
        ``(slow, fast)``.
    sensor : SensorLike
        Parallax and efficiency.

    Returns
    -------
    ndarray of float32, shape (slow, fast)
        ``((radial(s) + rings + layers) P + even) Omega x smooth factors + air columns + flat``, plus
        halo and streaks; radial terms at the pixel's center, rings averaged over its area.
    """
    image = np.empty(shape, np.float32)
    area = geometry.pixel_mm[0] * geometry.pixel_mm[1]
    grid = coarse_grid(geometry, shape)
    s_max = 1.001 * float(_reciprocal(grid, beam).max())
    bins = np.linspace(0.0, s_max, _BINS + 1)
    water = background.shape == "water"
    unit = area * (per_mm2(background, beam.wavelength_A) if water else background.counts_per_mm2)
    table = unit * radial_sum(background, bins) if water else np.zeros_like(bins)
    flat = unit if background.shape == "flat" else 0.0
    factor, extra = _smooth(background, beam, grid, sensor)
    ratio = parallax_ratio(sensor, grid.cos_psi, geometry.normal_distance_mm())
    found = _visible_rings(background, beam, geometry, grid, bins)
    # No pixel spans more of s than its diagonal over the smallest distance.
    span = float(np.hypot(*geometry.pixel_mm) / grid.r.min() / beam.wavelength_A)
    unit_rings = background.counts_per_mm2 * area
    found, wide = found.split(max(0.6 * span, 4.0 * bins[1]))
    table += unit_rings * wide.profile(bins, span)
    first, last = _reach(found, bins, span)
    kernel.expose(
        image, placement(geometry), beam.wavelength_A, beam.polarized, grid.step, factor, extra * unit,
        ratio, _BINS / s_max, np.append(table, table[-1]), unit * background.fluorescence if water else 0.0,
        flat, *_layers(background.layers if water else None, beam, bins, unit),
        first, last, found.s, found.sigma, found.content * unit_rings,
        found.turn, found.row,
    )  # fmt: skip
    if water:
        _parasitic(image, background, geometry, area)
    return image


def _reciprocal(grid: CoarseGrid, beam: Beam) -> FloatArray:
    """1/d in 1/Å at the nodes."""
    cosine = grid.lab[..., 2] / grid.r
    return np.asarray(np.sqrt(np.maximum(2.0 * (1.0 - cosine), 0.0)) / beam.wavelength_A)


def _smooth(
    background: Background, beam: Beam, grid: CoarseGrid, sensor: SensorLike
) -> tuple[FloatArray, FloatArray]:
    """Smooth factors, and smooth terms in units of the radial terms, at the nodes."""
    geometry, rays = grid.geometry, grid.rays
    per_mm = 0.0 if background.helium else attenuation_per_mm(beam.wavelength_A)
    received = sensor.efficiency(grid.cos_psi) * air_transmission(grid.r, geometry.distance_mm, per_mm)
    factor = np.asarray(received, dtype=np.float64)
    extra = np.zeros((0, 0))
    if background.shape != "water":
        return factor, extra
    for wave in background.waves:
        factor = factor * wave(rays)
    if background.gradient is not None:
        factor = factor * background.gradient(rays)
    for column in background.columns:
        seen = column(grid.lab, beam.wavelength_A, beam.polarized)
        seen *= received * geometry.distance_mm**2 * grid.cos_psi / rays[..., 2]
        extra = extra + seen if extra.size else seen
    return factor, extra


def _visible_rings(
    background: Background, beam: Beam, geometry: Geometry, grid: CoarseGrid, bins: FloatArray
) -> Rings:
    inside = float(_reciprocal(grid, beam).min())
    return rings(background.powders, beam, (inside, float(bins[-1])), geometry.distance_mm)


def _reach(found: Rings, bins: FloatArray, span: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For each bin of the table the first and last (exclusive) ring that matters in it."""
    reach = 4.2 * np.hypot(found.sigma, span / 3.5) + 0.5 * span
    first, last = np.zeros((2, bins.size), np.int32)
    low = np.clip(np.floor((found.s - reach) / bins[1]), 0, bins.size).astype(int)
    high = np.clip(np.ceil((found.s + reach) / bins[1]), 0, bins.size).astype(int)
    for ring in reversed(range(found.s.size)):
        first[low[ring] : high[ring]] = ring
    for ring in range(found.s.size):
        last[low[ring] : high[ring]] = ring + 1
    return first, last


def _layers(
    layers: Layers | None, beam: Beam, bins: FloatArray, unit: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Envelope against s, axis in wavelengths, and profile of the diffuse layers."""
    if layers is None:
        return np.zeros(0), np.zeros(3), np.zeros(1)
    envelope = unit * layers.height * np.exp(-((bins / layers.falloff) ** 2))
    away = np.linspace(0.0, 0.5, _CREST_STEPS)
    crest = np.exp(-0.5 * (away / layers.width) ** 2) * (away < 4.0 * layers.width)
    return np.append(envelope, 0.0), np.array(layers.axis_A) / beam.wavelength_A, crest


def _parasitic(image: NDArray[np.float32], background: Background, geometry: Geometry, area: float) -> None:
    """Add halo and streaks."""
    unit = background.counts_per_mm2 * area
    if background.halo is not None:
        _halo(image, background.halo, geometry, unit)
    for streak in background.streaks:
        _streak(image, streak, geometry, unit)


def _halo(image: NDArray[np.float32], halo: Halo, geometry: Geometry, unit: float) -> None:
    reach = halo.radius_mm + halo.edge_mm
    x, y = halo.offset_mm
    edge = max(halo.edge_mm, 1.5 * max(geometry.pixel_mm))
    box = pixel_box(geometry, image.shape, (x - reach, x + reach), (y - reach, y + reach))
    place = np.concatenate([placement(geometry)[:12], box])
    kernel.add_halo(image, place, unit * halo.height, halo.radius_mm, edge, x, y, halo.fall)


def _streak(image: NDArray[np.float32], streak: Streak, geometry: Geometry, unit: float) -> None:
    turn = float(np.radians(streak.direction_deg))
    cosine, sine = np.cos(turn), np.sin(turn)
    # A pixel wider than the streak spreads its light: the width grows, the height shrinks.
    width = float(np.hypot(streak.width_mm, geometry.pixel_mm[0] / np.sqrt(12.0)))
    height = unit * streak.height * streak.width_mm / width
    reach = 6.0 * streak.length_mm
    half_x = abs(cosine) * reach + 4.0 * width * abs(sine)
    half_y = abs(sine) * reach + 4.0 * width * abs(cosine)
    box = pixel_box(geometry, image.shape, (-half_x, half_x), (-half_y, half_y))
    place = np.concatenate([placement(geometry)[:12], box])
    kernel.add_streak(image, place, height, cosine, sine, streak.length_mm, width, streak.balance)
