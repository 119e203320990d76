"""Where spots lie, against a calculation from scratch: matrices, a quadratic, a plane."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.crystals import Crystal, CrystalRecipe, bragg_spots, draw_crystals
from xgeom_core.simulate.detectors.sensor import Sensor

_SHARP = {"mosaic_deg": (1e-4, 1e-4), "block_A": (1e6, 1e6), "spot_counts": (1e4, 1e4), "d_min_A": (2.0, 2.0)}


def _own_axes(cell: tuple[float, ...]) -> np.ndarray:
    """Rows a*, b*, c* by the textbook: cross products over the volume."""
    a, b, c = cell[:3]
    al, be, ga = np.radians(cell[3:])
    va = np.array([a, 0, 0])
    vb = b * np.array([np.cos(ga), np.sin(ga), 0])
    x, y = np.cos(be), (np.cos(al) - np.cos(be) * np.cos(ga)) / np.sin(ga)
    vc = c * np.array([x, y, np.sqrt(1 - x * x - y * y)])
    volume = va @ np.cross(vb, vc)
    return np.array([np.cross(vb, vc), np.cross(vc, va), np.cross(va, vb)]) / volume


def _crossing(s: np.ndarray, k: float, half: float) -> np.ndarray | None:
    """s turned about x to where |s0 + s| = |s0|: 2 k s_z(phi) + s^2 = 0; None outside the oscillation."""
    length, phase = np.hypot(s[1], s[2]), np.arctan2(s[1], s[2])
    wanted = -(s @ s) / (2 * k)
    if length < abs(wanted):
        return None
    # s_z(phi) = s_y sin(phi) + s_z cos(phi) = length cos(phi - phase)
    turn = np.arccos(wanted / length)
    for angle in (phase + turn, phase - turn):
        phi = (angle + np.pi) % (2 * np.pi) - np.pi
        if abs(phi) < half:
            c, z = np.cos(phi), np.sin(phi)
            return np.array([s[0], c * s[1] - z * s[2], z * s[1] + c * s[2]])
    return None


def _own_pixel(ray: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Solve origin + x px f + y py s = t ray, the detector turned by matrices about the beam center."""
    p, y = np.radians(geometry.pitch_deg), np.radians(geometry.yaw_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    turned = about_y @ about_x
    fast, slow = turned[:, 0] * geometry.pixel_mm[0], turned[:, 1] * geometry.pixel_mm[1]
    center = np.array([0, 0, geometry.distance_mm])
    corner = center - geometry.center_px[0] * fast - geometry.center_px[1] * slow
    x, y, _ = np.linalg.solve(np.stack([fast, slow, -ray], axis=1), -corner)
    return np.array([x, y])


@pytest.mark.parametrize("seed", range(50))
def test_spots_lie_where_an_independent_calculation_puts_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pooled = seed % 2 == 0
    shape, pixel = ((820, 820), 0.516) if pooled else ((2527, 2463), 0.172)
    geometry = Geometry(
        (shape[1] * rng.uniform(0.3, 0.7), shape[0] * rng.uniform(0.3, 0.7)),
        rng.uniform(120, 600),
        (pixel, pixel),
        wavelength := rng.uniform(0.7, 1.6),
        rng.uniform(-6, 6),
        rng.uniform(-30, 30) if seed % 5 == 0 else rng.uniform(-6, 6),
    )
    beam = Beam(wavelength, oscillation_deg=rng.uniform(0.3, 1.0))
    (crystal,) = draw_crystals(CrystalRecipe(edge_A=(60, 120), lattices=(1, 1), **_SHARP), beam, 1.5, rng)
    spots = bragg_spots([crystal], beam, geometry, shape)
    turn = np.array(crystal.rotation).reshape(3, 3)
    half = np.radians(beam.oscillation_deg) / 2
    own = spots.hkl @ _own_axes(crystal.cell) @ turn.T
    crossing = [_crossing(s, 1 / wavelength, half) for s in own]
    checked = 0
    for i, s in enumerate(crossing):
        if s is None:  # at the very edge of the oscillation
            continue
        wanted = _own_pixel(s + np.array([0, 0, 1 / wavelength]), geometry)
        assert np.hypot(*(wanted - (spots.x[i], spots.y[i]))) < 0.01, spots.hkl[i]
        checked += 1
    assert checked > 0.95 * len(spots)
    assert checked >= 15


def test_a_flipped_detector_sees_flipped_spots(crystal: Crystal) -> None:
    """The same diffraction on a detector read from the other side: x -> -x."""
    beam = Beam(1.0, 3e-4, (0.3, 0.1), 0.05, oscillation_deg=0.2)
    shape = (500, 600)
    one = Geometry((310.0, 240.0), 200.0, (0.5, 0.5), 1.0, 2.0, -1.5)
    spots = bragg_spots([crystal], beam, one, shape)
    mirror = np.diag([-1.0, 1.0, 1.0])
    mirrored = mirror @ np.array(crystal.rotation).reshape(3, 3)
    # A mirrored rotation is none; the orthorhombic lattice looks the same with c reversed.
    mirrored[:, 2] *= -1
    other = replace(crystal, rotation=tuple(mirrored.ravel()))
    flipped = Geometry((290.0, 240.0), 200.0, (0.5, 0.5), 1.0, 2.0, 1.5)
    seen = bragg_spots([other], beam, flipped, shape)
    order, back = np.lexsort((spots.y, spots.x)), np.lexsort((seen.y, 600 - seen.x))
    assert len(spots) == len(seen) > 50
    assert 600 - seen.x[back] == pytest.approx(spots.x[order], abs=1e-6)
    assert seen.y[back] == pytest.approx(spots.y[order], abs=1e-6)
    assert seen.counts[back] == pytest.approx(spots.counts[order], rel=1e-6)
    assert seen.covariance[back] == pytest.approx(
        spots.covariance[order] * np.array([1, -1, 1]), rel=1e-6, abs=1e-9
    )


def test_the_sensor_shifts_spots_away_from_the_foot_and_not_the_beam(crystal: Crystal) -> None:
    beam = Beam(1.0, 1e-4, oscillation_deg=0.5)
    geometry = Geometry((250.0, 250.0), 100.0, (0.172, 0.172), 1.0, 0.0, 20.0)
    sensor = Sensor("Si", 1.0, beam.energy_keV)
    bare = bragg_spots([crystal], beam, geometry, (500, 500))
    seen = bragg_spots([crystal], beam, geometry, (500, 500), sensor)
    foot = np.array(geometry.foot_px())
    before, after = np.stack([bare.x, bare.y]).T - foot, np.stack([seen.x, seen.y]).T - foot
    radius = np.linalg.norm(before, axis=1)
    tangent = radius * 0.172 / geometry.normal_distance_mm()
    wanted = sensor.shift_mm(tangent, 1 / np.hypot(1, tangent)) / 0.172
    assert np.linalg.norm(after, axis=1) - radius == pytest.approx(wanted, abs=1e-9)
    turned = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    assert turned == pytest.approx(0.0, abs=1e-6)
    assert wanted.max() > 0.3
    assert (seen.counts >= bare.counts).all()
